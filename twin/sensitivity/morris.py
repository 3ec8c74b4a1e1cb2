"""Morris's elementary effects (SALib): how far each figure moves when one assumption goes over its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from twin.errors import MissingExtraError
from twin.sensitivity.assumptions import Assumption
from twin.sweep.design import Point
from twin.sweep.plan import at_kind

LEVELS = 4
RESAMPLES = 200


@dataclass(frozen=True)
class Effect:
    """Of one assumption on one figure, in the figure's unit over the whole range (Morris 1991; Campolongo 2007).

    `mu` is the mean effect, `mu_star` of its size, `half_width` of the 95 % interval of that (bootstrap over the
    trajectories), `sigma` the spread: an effect that hangs on the others, or is not straight.
    """

    assumption: Assumption
    mu: float
    mu_star: float
    half_width: float
    sigma: float

    def direction(self, walks: int) -> str:
        """Whether the figure rises or falls with it; "unclear" where the mean is within its own 95 % interval of 0."""
        if abs(self.mu) <= 1.96 * self.sigma / math.sqrt(walks):
            return "unclear"
        return "up" if self.mu > 0 else "down"


def salib(method: str) -> tuple[Any, Any]:
    """SALib's sampling and analysis of a method. Raises MissingExtraError without SALib."""
    try:
        return import_module(f"SALib.sample.{method}"), import_module(f"SALib.analyze.{method}")
    except ImportError as error:
        raise MissingExtraError("sensitivity needs: pip install 'trenggalek-twin[sweep]'") from error


def problem(varied: Sequence[Assumption]) -> dict[str, Any]:
    """The assumptions as SALib takes them: each evenly over its range, and independent of the others."""
    bounds = [[one.low, one.high] for one in varied]
    return {"num_vars": len(varied), "names": [one.path for one in varied], "bounds": bounds}


def trajectories(varied: Sequence[Assumption], count: int, seed: int) -> np.ndarray:
    """Points of `count` random walks, each of which moves every assumption once, shape (count × (n + 1), n)."""
    walks: np.ndarray = salib("morris")[0].sample(problem(varied), count, LEVELS, seed=seed)
    return walks


def as_points(varied: Sequence[Assumption], walks: np.ndarray, whole: Sequence[bool]) -> list[Point]:
    """Points as a sweep takes them; whole numbers are rounded."""
    return [
        {one.path: at_kind(value, w) for one, value, w in zip(varied, row, whole, strict=True)}
        for row in walks.tolist()
    ]


def effects(
    varied: Sequence[Assumption], walks: np.ndarray, values: Sequence[float | None], seed: int
) -> tuple[list[Effect], int]:
    """Effects on one figure, the greatest first, and how many walks had the figure at all points."""
    length = len(varied) + 1
    y = np.array([np.nan if value is None else value for value in values], dtype=float).reshape(-1, length)
    known = np.isfinite(y).all(axis=1)
    if known.sum() == 0:
        return [], 0
    x = walks.reshape(-1, length, len(varied))[known].reshape(-1, len(varied))
    found = salib("morris")[1].analyze(
        problem(varied), x, y[known].reshape(-1), num_resamples=RESAMPLES, num_levels=LEVELS, seed=seed
    )
    columns = zip(varied, found["mu"], found["mu_star"], found["mu_star_conf"], found["sigma"], strict=True)
    every = [Effect(one, *(float(np.nan_to_num(number)) for number in numbers)) for one, *numbers in columns]
    return sorted(every, key=lambda one: -one.mu_star), int(known.sum())
