"""The points of a sweep: grids, Latin hypercubes and Sobol sequences (scipy.stats.qmc)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import qmc

from twin.sweep.plan import Parameter, Sweep, at_kind

Point = dict[str, Any]  # value by path, as `solar.panels`


def points(sweep: Sweep) -> Iterator[Point]:
    """The points of a design that does not depend on results, in their order."""
    design, names = sweep.design, list(sweep.parameters)
    if design.method == "grid":
        for combination in itertools.product(*(grid(one, sweep.whole(name)) for name, one in sweep.parameters.items())):
            yield dict(zip(names, combination, strict=True))
        return
    assert design.points is not None  # noqa: S101 (validated)
    engine = (qmc.Sobol if design.method == "sobol" else qmc.LatinHypercube)(len(names), rng=design.seed)
    for row in engine.random(design.points):
        yield at(sweep, row)


def at(sweep: Sweep, row: np.ndarray) -> Point:
    """The point at shares of [0, 1) of each parameter's values or range, shape (parameters,)."""
    pairs = zip(sweep.parameters.items(), row.tolist(), strict=True)
    return {name: _scaled(one, share, sweep.whole(name)) for (name, one), share in pairs}


def grid(one: Parameter, whole: bool) -> list[Any]:
    """A parameter's values on a grid, each once."""
    if one.values is not None:
        return list(one.values)
    spaced = (np.geomspace if one.log else np.linspace)(*one.bounds, one.steps or 2).tolist()
    return list(dict.fromkeys(at_kind(value, whole) for value in spaced))


def _scaled(one: Parameter, share: float, whole: bool) -> Any:
    if one.values is not None:
        return one.values[min(int(share * len(one.values)), len(one.values) - 1)]
    low, high = one.bounds
    if whole and not one.log:
        return min(int(low) + int(share * (int(high) - int(low) + 1)), int(high))
    value = low * (high / low) ** share if one.log else low + share * (high - low)
    return at_kind(value, whole)
