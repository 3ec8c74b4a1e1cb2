"""Negotiated and fixed-price trades: two sides report the same terms; a seller's listing is taken as it stands.

Both pass the same gate: the floor, the tick, and the 50 % breaker, which remembers its halt (a gate that only refuses
the trade would forget it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from twin.carbon.mechanisms.rules import Rules


class Refusal(StrEnum):
    """Why a trade does not happen."""

    BAD_QUANTITY = "bad quantity"
    BAD_PRICE = "below the floor or off tick"
    OUTSIDE_BAND = "outside the band"
    TERMS_DIFFER = "the two reports differ"
    SAME_ACCOUNT = "both sides are one account"
    HALTED = "halted"
    SOLD_OUT = "listing has not so much left"


@dataclass(frozen=True)
class Terms:
    """One side's report of a deal; money in rupiah for a tonne."""

    buyer: int
    seller: int
    price_idr: int
    lots: int


@dataclass(frozen=True)
class Deal:
    """A trade outside the book, with the fee that each side pays."""

    buyer: int
    seller: int
    price_idr: int
    lots: int
    fee_idr: int


@dataclass
class Gate:
    """A mechanism's day: its reference price, and until which minute it is halted."""

    rules: Rules
    reference_idr: int
    halted_until_min: int = 0
    halts: list[tuple[int, int]] = field(default_factory=list)  # minute, price that tripped it

    def refusal(self, price_idr: int, lots: int, minute: int) -> Refusal | None:
        """Why a trade at this price and minute of the day may not happen; a price beyond the breaker starts a halt."""
        r = self.rules
        if lots <= 0:
            return Refusal.BAD_QUANTITY
        if price_idr < r.floor_idr or price_idr % r.tick_idr:
            return Refusal.BAD_PRICE
        if minute < self.halted_until_min:
            return Refusal.HALTED
        moved = abs(price_idr - self.reference_idr) * 100
        if r.band_percent is not None and moved > r.band_percent * self.reference_idr:
            return Refusal.OUTSIDE_BAND
        if moved > r.breaker_percent * self.reference_idr:
            self.halted_until_min = minute + r.halt_minutes
            self.halts.append((minute, price_idr))
            return Refusal.HALTED
        return None


def report(gate: Gate, buyers: Terms, sellers: Terms, minute: int) -> Deal | Refusal:
    """A negotiated deal, reported by both sides.

    The source book's worked case is one: A offers 100 t at 120,000, B bids 110,000, they agree on 115,000. A plain
    order book would not trade it: a bid below the ask does not cross, and whoever set a price between the two would
    sell A's tonnes below A's limit. Only the two of them can give way, and so they report a negotiated deal.
    """
    if buyers != sellers:
        return Refusal.TERMS_DIFFER
    if buyers.buyer == buyers.seller:
        return Refusal.SAME_ACCOUNT
    return gate.refusal(buyers.price_idr, buyers.lots, minute) or Deal(
        buyers.buyer, buyers.seller, buyers.price_idr, buyers.lots, gate.rules.fee_idr(buyers.price_idr, buyers.lots)
    )


@dataclass
class Listing:
    """A seller's offer on the marketplace: a fixed price, and what is left of it."""

    seller: int
    price_idr: int
    lots: int

    def take(self, gate: Gate, buyer: int, lots: int, minute: int) -> Deal | Refusal:
        """Buy from the listing."""
        if buyer == self.seller:
            return Refusal.SAME_ACCOUNT
        if refusal := gate.refusal(self.price_idr, lots, minute):
            return refusal
        if lots > self.lots:
            return Refusal.SOLD_OUT
        self.lots -= lots
        return Deal(buyer, self.seller, self.price_idr, lots, gate.rules.fee_idr(self.price_idr, lots))
