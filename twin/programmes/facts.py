"""The programmes' tables: who they are, and the inputs of their benefits in the book's and in the twin's own set."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from twin.files import read_rows

DATA = Path(__file__).parent / "data"
PROGRAMMES = ("signals", "crypto", "podcast", "aipreneur", "solar", "ecobalance", "laras", "personnel", "jobtren")
CASES = {"conservative": "low", "moderate": "value", "optimistic": "high"}


@dataclass(frozen=True)
class Input:
    """One input with its range; exact, so that money comes out to the rupiah."""

    programme: str
    name: str
    low: Fraction
    value: Fraction
    high: Fraction
    unit: str
    source: str
    confidence: str

    def at(self, case: str) -> Fraction:
        """Its value in the conservative, moderate or optimistic case."""
        return {"low": self.low, "value": self.value, "high": self.high}[CASES[case]]


@dataclass(frozen=True)
class Programme:
    """How long a programme's capital is spent over, and how long its effect lasts."""

    key: str
    title: str
    spend_months: int
    life_years: int
    source: str


def read(name: str) -> list[dict[str, str]]:
    """Rows of one of the tables beside this module."""
    return read_rows(DATA / name)


@functools.cache
def programmes() -> Mapping[str, Programme]:
    """The nine programmes by key."""
    return {
        row["programme"]: Programme(
            row["programme"], row["title"], int(row["spend_months"]), int(row["life_years"]), row["source"]
        )
        for row in read("programmes.csv")
    }


@functools.cache
def inputs(which: str, programme: str) -> Mapping[str, Input]:
    """Inputs of one programme in the `book` or the `twin` set, by name."""
    return {
        row["name"]: Input(
            programme,
            row["name"],
            Fraction(row["low"]),
            Fraction(row["value"]),
            Fraction(row["high"]),
            row["unit"],
            row["source"],
            row["confidence"],
        )
        for row in read("inputs.csv")
        if row["set"] == which and row["programme"] == programme
    }


def holding(table: Mapping[str, Input], held: Mapping[str, float]) -> Mapping[str, Input]:
    """A table of inputs with some held at a value instead of their range."""
    points = {name: Fraction(str(value)) for name, value in held.items()}
    return {
        name: replace(one, low=points[name], value=points[name], high=points[name]) if name in points else one
        for name, one in table.items()
    }


def stands_on_prior(which: str, programme: str) -> bool:
    """Whether any input of the programme is somebody's estimate."""
    return any(one.confidence == "prior" for one in inputs(which, programme).values())
