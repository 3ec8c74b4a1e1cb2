"""Read the tables of facts beside this package."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

DATA = Path(__file__).parent / "data"


@functools.cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `data/NAME.csv`."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@functools.cache
def values(name: str) -> dict[str, float]:
    """Columns `name` and `value` of `data/NAME.csv`."""
    return {row["name"]: float(row["value"]) for row in rows(name)}


@functools.cache
def chemistry(name: str) -> dict[str, float]:
    """Limits of a kind of battery (`data/batteries.csv`)."""
    row = next(row for row in rows("batteries") if row["chemistry"] == name)
    return {key: float(value) for key, value in row.items() if key not in ("chemistry", "source", "confidence")}
