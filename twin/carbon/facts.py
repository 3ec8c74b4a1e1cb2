"""The sector's facts: published volumes and prices, priors of reductions; tables beside this module."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twin.files import read_rows

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Fact:
    """A value with its unit, since when it holds, where it is from, and how far to trust it."""

    value: float
    unit: str
    valid_from: str
    source: str
    confidence: str


def rows(name: str) -> list[dict[str, str]]:
    """Rows of one of the tables."""
    return read_rows(DATA / name)


def fact_of(row: Mapping[str, str]) -> Fact:
    """The fact in a row."""
    return Fact(float(row["value"]), row["unit"], row["valid_from"], row["source"], row["confidence"])


@functools.cache
def market() -> Mapping[str, Fact]:
    """Volumes, prices and reductions by name."""
    return {row["name"]: fact_of(row) for row in rows("market.csv")}


def value(name: str) -> float:
    """One of them."""
    return market()[name].value
