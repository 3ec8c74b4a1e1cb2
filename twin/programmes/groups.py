"""Groups of people among whom something spreads: how many, whose use each sees, what reaches it. All are priors."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from twin.programmes.facts import read

SOURCES = ("podcast", "school", "laras")


@dataclass(frozen=True)
class Groups:
    """`names` (n,); `people` (n,); `threshold_factor` (n,): of the mean threshold.

    `mixing` (n, n): whose use each group sees, rows sum to 1. `hears` (sources, n): how much of a nudge arrives, 0..1.
    """

    names: tuple[str, ...]
    people: np.ndarray
    threshold_factor: np.ndarray
    mixing: np.ndarray
    hears: np.ndarray

    @property
    def all_people(self) -> float:
        """Everybody."""
        return float(self.people.sum())


@functools.cache
def groups() -> Groups:
    """The groups of `data/groups.csv`."""
    rows = read("groups.csv")
    names = tuple(row["name"] for row in rows)

    def columns(wanted: tuple[str, ...]) -> np.ndarray:
        return np.array([[float(row[column]) for column in wanted] for row in rows])

    return Groups(
        names, columns(("people",))[:, 0], columns(("threshold_factor",))[:, 0],
        columns(tuple(f"sees_{name}" for name in names)), columns(SOURCES).T,
    )  # fmt: skip
