"""The rules of the four mechanisms, read from `data/rules.csv`, which tells each value's source and confidence."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from twin.carbon.facts import Fact, fact_of, rows

MECHANISMS = ("regular", "auction", "negotiated", "marketplace")


@dataclass(frozen=True)
class Rules:
    """Money in whole rupiah; a fee is taken from each side, in 1/10000 of the value."""

    mechanism: str
    fee_bp: int
    tick_idr: int
    lot_tco2e: int
    floor_idr: int
    open_hour: int
    close_hour: int
    breaker_percent: int
    halt_minutes: int
    auto_reject_percent: int | None = None
    band_percent: int | None = None

    def fee_idr(self, price_idr: int, tco2e: int) -> int:
        """One side's fee on a trade, rounded half up to the rupiah."""
        return (price_idr * tco2e * self.fee_bp + 5000) // 10_000

    def widest_move_percent(self) -> int | None:
        """How far a price can be from the day's reference under the mechanism's own rules; None: without limit."""
        return self.auto_reject_percent or self.band_percent

    def breaker_can_bite(self) -> bool:
        """Whether a price that trips the breaker can come up at all.

        On the regular market it cannot: an order more than 20 % from the reference is refused, so the book's 50 % halt
        has nothing to halt there. It bites in auctions, negotiated reports, the marketplace, and in price sync.
        """
        widest = self.widest_move_percent()
        return widest is None or widest > self.breaker_percent


@functools.cache
def table() -> dict[tuple[str, str], Fact]:
    """Every rule by mechanism and name, with source and confidence."""
    return {(row["mechanism"], row["name"]): fact_of(row) for row in rows("rules.csv")}


@functools.cache
def rules(mechanism: str) -> Rules:
    """The rules in force for a mechanism."""
    values = {name: int(fact.value) for (who, name), fact in table().items() if who in ("all", mechanism)}
    return Rules(mechanism, **values)
