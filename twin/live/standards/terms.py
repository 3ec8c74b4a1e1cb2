"""What the standards call our values, in which units, and how they write a time.

`data/terms.csv` has an NGSI-LD type and attribute for every value (Smart Data Models where one has it, else ours),
`data/units.csv` what a unit's number is multiplied by to be in ours.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controllers.errors import MessageError
from controllers.io.messages import is_number
from twin.files import read_rows
from twin.live.messages import Message, kinds

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Term:
    """A value's name in NGSI-LD. `unit_code` is meant where none is told, empty where one must be."""

    kind: str
    value: str
    type: str
    attribute: str
    unit_code: str
    ours: bool


@dataclass(frozen=True)
class Unit:
    """A way to write a unit of ours: UN/CEFACT code, UCUM symbol, and the factor from there to ours."""

    code: str
    symbol: str
    factor: float


@functools.cache
def terms() -> tuple[Term, ...]:
    """Every value's term."""
    return tuple(
        Term(row["kind"], row["value"], row["type"], row["attribute"], row["unit_code"], row["source"][:4] == "ours")
        for row in read_rows(DATA / "terms.csv")
    )


@functools.cache
def units(unit: str) -> tuple[Unit, ...]:
    """How one of our units may be written; the first is how we write it."""
    return tuple(
        Unit(row["unit_code"], row["symbol"], float(row["factor"]))
        for row in read_rows(DATA / "units.csv")
        if row["unit"] == unit
    )


def unit_of(kind: str, value: str, code: str = "") -> Unit:
    """How we write the unit of a value, or how it is written by a UN/CEFACT code of `data/units.csv`."""
    return next(one for one in units(kinds()[kind][value].unit) if code in ("", one.code))


def in_ours(kind: str, value: str, number: float, code: str = "", symbol: str = "") -> float:
    """A number of another unit, by its UN/CEFACT code or its UCUM symbol, in ours. Raises MessageError."""
    known = units(kinds()[kind][value].unit)
    for unit in known:
        if unit.code == code or (symbol and unit.symbol == symbol):
            return number * unit.factor
    listed = ", ".join(unit.code if code or not symbol else unit.symbol for unit in known)
    raise MessageError(f"{kind}.{value}: unit {code or symbol or 'not told'}; one of {listed}")


def reading(kind: str, source: str, name: str, at_s: float, value: float | None) -> Message:
    """A message of a source that numbers nothing."""
    return Message(kind, source, "http", None, at_s, {name: value})


def number_of(value: object, what: str) -> float | None:
    """A number that a reading can have, or None. Raises MessageError."""
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise MessageError(f"{what}: {str(value)[:60]!r} is no number")
    return None if value is None else float(value)  # type: ignore[arg-type]


def at_of(text: object, what: str) -> float:
    """Seconds since 1970 of an ISO 8601 time with its offset; of an interval, its end. Raises MessageError."""
    if not isinstance(text, str):
        raise MessageError(f"{what}: a time such as 2026-01-05T00:00:00Z")
    try:
        moment = datetime.fromisoformat(text.rpartition("/")[2])
    except ValueError as error:
        raise MessageError(f"{what}: {text[:60]!r} is no time such as 2026-01-05T00:00:00Z") from error
    if moment.tzinfo is None:
        raise MessageError(f"{what}: {text[:60]!r} has no offset; write 2026-01-05T00:00:00Z")
    return moment.timestamp()


def time_of(at_s: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
