"""The regional ledger: double entry in whole rupiah."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

CASH = "cash"


@dataclass(frozen=True)
class Posting:
    """One amount that leaves the credited account and enters the debited one [Rp, whole, not negative]."""

    debit: str
    credit: str
    programme: str
    amount_idr: int
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount_idr, int) or self.amount_idr < 0:
            raise ValueError(f"{self.text}: {self.amount_idr!r} is no whole, non-negative amount of rupiah")


def income(programme: str, amount_idr: int, text: str) -> Posting:
    """Regional income received: cash is debited."""
    return Posting(CASH, "income", programme, amount_idr, text)


def spending(programme: str, amount_idr: int, text: str) -> Posting:
    """A programme's cost paid: cash is credited."""
    return Posting("spending", CASH, programme, amount_idr, text)


def spared(programme: str, amount_idr: int, text: str) -> Posting:
    """Regional spending that a programme made needless: the reverse of `spending`."""
    return Posting(CASH, "spending", programme, amount_idr, text)


def balances(postings: Iterable[Posting]) -> dict[str, int]:
    """Debits minus credits of every account; they add up to zero."""
    found: dict[str, int] = defaultdict(int)
    for posting in postings:
        found[posting.debit] += posting.amount_idr
        found[posting.credit] -= posting.amount_idr
    return dict(found)


def split(amount_idr: int, parts: int) -> list[int]:
    """An amount in equal parts that add up to it to the rupiah: the first parts carry the remainder."""
    whole, rest = divmod(amount_idr, parts)
    return [whole + (1 if i < rest else 0) for i in range(parts)]
