"""Read the tables of facts beside this package."""

from __future__ import annotations

import functools
from pathlib import Path

from twin.files import read_rows

DATA = Path(__file__).parent / "data"


@functools.cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `data/NAME.csv`."""
    return tuple(read_rows(DATA / f"{name}.csv"))


@functools.cache
def values(name: str) -> dict[str, float]:
    """Columns `name` and `value` of `data/NAME.csv`."""
    return {row["name"]: float(row["value"]) for row in rows(name)}


@functools.cache
def _row(name: str, key: str, value: str) -> dict[str, float]:
    """The numbers of the row of `data/NAME.csv` whose column `key` has this value."""
    row = next(row for row in rows(name) if row[key] == value)
    return {column: float(text) for column, text in row.items() if column not in (key, "source", "confidence")}


def chemistry(name: str) -> dict[str, float]:
    """Limits of a kind of battery (`data/batteries.csv`)."""
    return _row("batteries", "chemistry", name)


def published(name: str) -> dict[str, float]:
    """SAIDI and SAIFI that PLN published (`data/saidi.csv`)."""
    return _row("saidi", "name", name)
