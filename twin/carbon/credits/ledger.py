"""The credit ledger: what is issued is registry units, tokens, retired or cancelled, at every moment.

This is the plain twin of the contracts: whatever they do, their totals must be these. A tonne is in exactly one place:
tokenising locks the registry unit (it leaves `spe_grk`) and mints a token; burning does the reverse. Nothing comes back
from `retired` or `cancelled`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from twin.errors import LedgerError

Place = Literal["spe_grk", "token"]
ISSUER = "registry"
PLACES = (ISSUER, "retired", "cancelled")  # where an entry comes from or goes to that is nobody's account


@dataclass(frozen=True)
class Entry:
    """One event: what happened to how many tonnes of a batch, out of whose hands and into whose."""

    number: int
    action: str
    batch: str
    tco2e: int
    source: str
    target: str


@dataclass(frozen=True)
class Certificate:
    """Proof of an offset: who retired how much of which batch; `digest` names it and covers its content."""

    number: int
    holder: str
    batch: str
    tco2e: int
    digest: str


class Ledger:
    """Balances by (place, account, batch) in whole tonnes, and every event in order.

    Every method raises LedgerError, and changes nothing, where an amount is no positive whole number or a holder has
    less than that.
    """

    def __init__(self) -> None:
        self.balances: dict[tuple[Place, str, str], int] = defaultdict(int)
        self.issued: dict[str, int] = {}
        self.retired: dict[str, int] = defaultdict(int)
        self.cancelled: dict[str, int] = defaultdict(int)
        self.events = 0
        self.entries: list[Entry] = []
        self.certificates: list[Certificate] = []

    def issue(self, holder: str, batch: str, tco2e: int) -> None:
        """Credit verified reductions as registry units (SPE-GRK). A batch is issued once: no tonne counts twice."""
        if batch in self.issued:
            raise LedgerError(f"{batch}: was issued before ({self.issued[batch]} t)")
        self._whole(tco2e)
        self.issued[batch] = tco2e
        self.balances["spe_grk", holder, batch] += tco2e
        self._note("issue", batch, tco2e, ISSUER, holder)

    def tokenise(self, holder: str, batch: str, tco2e: int) -> None:
        """Lock registry units and mint as many tokens; a tokenised unit cannot trade on IDXCarbon."""
        self._move("tokenise", ("spe_grk", holder, batch), ("token", holder, batch), tco2e)

    def remint(self, holder: str, batch: str, tco2e: int) -> None:
        """Burn tokens and unlock the registry units behind them."""
        self._move("remint", ("token", holder, batch), ("spe_grk", holder, batch), tco2e)

    def transfer(self, place: Place, seller: str, buyer: str, batch: str, tco2e: int) -> None:
        """Hand registry units or tokens over."""
        if seller == buyer:
            raise LedgerError(f"{seller}: seller and buyer are the same")
        self._move("transfer", (place, seller, batch), (place, buyer, batch), tco2e)

    def retire(self, place: Place, holder: str, batch: str, tco2e: int) -> Certificate:
        """Use tonnes up for good and give the certificate of the offset."""
        self._take((place, holder, batch), tco2e)
        self.retired[batch] += tco2e
        entry = self._note("retire", batch, tco2e, holder, "retired")
        digest = hashlib.sha256(f"{entry.number}|{holder}|{batch}|{tco2e}".encode()).hexdigest()
        self.certificates.append(Certificate(entry.number, holder, batch, tco2e, digest))
        return self.certificates[-1]

    def cancel(self, place: Place, holder: str, batch: str, tco2e: int) -> None:
        """Void tonnes that turned out not to exist (a reversal, a withdrawn verification)."""
        self._take((place, holder, batch), tco2e)
        self.cancelled[batch] += tco2e
        self._note("cancel", batch, tco2e, holder, "cancelled")

    def held(self, place: Place, account: str | None = None) -> int:
        """Tonnes in a place, of one account or of all."""
        return sum(t for (p, a, _), t in self.balances.items() if p == place and account in (None, a))

    def batches(self, place: Place, account: str) -> list[tuple[str, int]]:
        """What an account holds in a place, in the order in which the batches were issued."""
        held = {b: t for (p, a, b), t in self.balances.items() if (p, a) == (place, account) and t > 0}
        return [(batch, held[batch]) for batch in self.issued if batch in held]

    def totals(self) -> dict[str, int | bool]:
        """The five totals and whether they conserve: issued = SPE-GRK + tokens + retired + cancelled."""
        issued, retired, cancelled = (sum(x.values()) for x in (self.issued, self.retired, self.cancelled))
        spe_grk, tokens = self.held("spe_grk"), self.held("token")
        conserved = issued == spe_grk + tokens + retired + cancelled and min(self.balances.values(), default=0) >= 0
        return {
            "conserved": conserved, "issued": issued, "tokens": tokens, "spe_grk": spe_grk, "retired": retired,
            "cancelled": cancelled,
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Balances, totals and the number of events, as JSON values; events and certificates are a run's rows."""
        return {
            "balances": [[*key, tco2e] for key, tco2e in self.balances.items() if tco2e],
            "issued": list(self.issued.items()),
            "retired": dict(self.retired), "cancelled": dict(self.cancelled), "events": self.events,
        }  # fmt: skip

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Ledger:
        """The ledger of a `state`, without the events that led to it."""
        ledger = cls()
        ledger.balances.update({(place, account, batch): t for place, account, batch, t in state["balances"]})
        ledger.issued = dict(state["issued"])
        ledger.retired.update(state["retired"])
        ledger.cancelled.update(state["cancelled"])
        ledger.events = state["events"]
        return ledger

    def _move(self, action: str, source: tuple[Place, str, str], target: tuple[Place, str, str], tco2e: int) -> None:
        self._take(source, tco2e)
        self.balances[target] += tco2e
        self._note(action, source[2], tco2e, source[1], target[1])

    def _take(self, source: tuple[Place, str, str], tco2e: int) -> None:
        self._whole(tco2e)
        have = self.balances.get(source, 0)
        if have < tco2e:
            place, account, batch = source
            raise LedgerError(f"{account} holds {have} t of {batch} as {place}, not {tco2e}")
        self.balances[source] = have - tco2e

    def _note(self, action: str, batch: str, tco2e: int, source: str, target: str) -> Entry:
        self.entries.append(Entry(self.events, action, batch, tco2e, source, target))
        self.events += 1
        return self.entries[-1]

    @staticmethod
    def _whole(tco2e: int) -> None:
        if not isinstance(tco2e, int) or isinstance(tco2e, bool) or tco2e <= 0:
            raise LedgerError(f"{tco2e!r} is no positive whole number of tonnes")
