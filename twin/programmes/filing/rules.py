"""What may be filed with which documents by when: `data/request_kinds.csv` and its deadlines as dates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from twin.programmes.facts import read


@dataclass(frozen=True)
class RequestKind:
    """A kind of request; `needs` is the kind of an earlier signed request of the same applicant."""

    name: str
    title_id: str
    documents: tuple[str, ...]
    needs: str
    deadline: str
    confidence: str


@functools.cache
def kinds() -> Mapping[str, RequestKind]:
    """All kinds by name."""
    return {
        row["kind"]: RequestKind(
            row["kind"], row["title_id"], tuple(row["documents"].split(";")), row["needs"], row["deadline"],
            row["confidence"],
        )
        for row in read("request_kinds.csv")
    }  # fmt: skip


def third_of_next_month(day: date) -> date:
    """The last day on which a leave that begins on `day` may be filed."""
    return (pd.Timestamp(day) + pd.offsets.MonthBegin(1)).date().replace(day=3)


def month_before(day: date) -> date:
    """The last day on which a pay rise due on `day` may be filed; the month's end where it is shorter."""
    return (pd.Timestamp(day) - pd.DateOffset(months=1)).date()


def day_before(day: date) -> date:
    """The day before."""
    return (pd.Timestamp(day) - pd.Timedelta(days=1)).date()


LAST_DAY: Mapping[str, Callable[[date], date]] = {
    "by the 3rd of the month after it begins": third_of_next_month,
    "at least one month before its date": month_before,
    "before it begins": day_before,
}


def last_day(kind: str, effective: date) -> date | None:
    """The last day on which a request that takes effect on `effective` may be filed; None where any day will do."""
    deadline = kinds()[kind].deadline
    return LAST_DAY[deadline](effective) if deadline else None


def faults(kind: str, effective: date, filed: date, documents: Mapping[str, str], signed: set[str]) -> list[str]:
    """What keeps a request from being submitted; `signed` are the kinds that the applicant already has signed."""
    if kind not in kinds():
        return [f"kind {kind!r} is none of {', '.join(kinds())}"]
    rule, found = kinds()[kind], []
    missing = [name for name in rule.documents if name not in documents]
    if missing:
        found.append(f"{kind}: missing {', '.join(missing)}")
    if rule.needs and rule.needs not in signed:
        found.append(f"{kind}: needs a signed {rule.needs} first")
    until = last_day(kind, effective)
    if until is not None and filed > until:
        found.append(f"{kind}: filed on {filed}, and it had to be {rule.deadline}: {until} at the latest")
    return found
