"""What the moving programmes' parameters are: `data/dynamics.csv`, the book's claims in a book scenario."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from twin.programmes.appraisal import triangular
from twin.programmes.facts import Input, read

Parameters = Mapping[str, float]


@functools.cache
def ranges(assumptions: str, programme: str) -> Mapping[str, Input]:
    """Ranges of a programme's parameters by name: the twin's own, with the book's claims in its set."""
    found: dict[str, Input] = {}
    for wanted in ("twin",) if assumptions == "twin" else ("twin", "book"):
        for row in read("dynamics.csv"):
            if row["programme"] == programme and row["set"] == wanted:
                low, value, high = (Fraction(row[name]) for name in ("low", "value", "high"))
                found[row["name"]] = Input(
                    programme, row["name"], low, value, high, row["unit"], row["source"], row["confidence"]
                )
    return found


def drawn(
    assumptions: str, programme: str, rng: np.random.Generator, held: Parameters = MappingProxyType({})
) -> Parameters:
    """One draw of every parameter from its triangular range; those `held` at a value change no draw of the others."""
    draws = {name: float(triangular(one, 1, rng)[0]) for name, one in ranges(assumptions, programme).items()}
    return draws | dict(held)


def typical(assumptions: str, programme: str, **changed: float) -> Parameters:
    """Every parameter at its most likely value, some changed."""
    return {name: float(one.value) for name, one in ranges(assumptions, programme).items()} | changed
