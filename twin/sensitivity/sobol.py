"""Sobol's indices (SALib): how much of a figure's variance each of a few assumptions is behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.sensitivity.assumptions import Assumption
from twin.sensitivity.morris import RESAMPLES, problem, salib


@dataclass(frozen=True)
class Share:
    """Of one assumption in the variance of one figure over the ranges (Sobol 2001; Saltelli et al. 2010).

    `first` is its own share, `total` with all that it does together with others; half-widths of the 95 % intervals are
    by bootstrap over the samples. Estimates may lie a little outside 0 to 1.
    """

    first: float
    first_half_width: float
    total: float
    total_half_width: float


def samples(varied: Sequence[Assumption], base: int, seed: int) -> np.ndarray:
    """Points of a Saltelli design on `base` (a power of two) Sobol points, shape (base × (n + 2), n)."""
    points: np.ndarray = salib("sobol")[0].sample(problem(varied), base, calc_second_order=False, seed=seed)
    return points


def shares(varied: Sequence[Assumption], values: Sequence[float | None], seed: int) -> tuple[list[Share], int]:
    """Shares of one figure by assumption, and on how many base points; a base point with a missing value is left out.

    Empty where fewer than two base points are left, or the figure is the same everywhere.
    """
    y = np.array([np.nan if value is None else value for value in values], dtype=float).reshape(-1, len(varied) + 2)
    y = y[np.isfinite(y).all(axis=1)]
    if len(y) < 2 or np.ptp(y) == 0:
        return [], len(y)
    found = salib("sobol")[1].analyze(
        problem(varied), y.reshape(-1), calc_second_order=False, num_resamples=RESAMPLES, seed=seed
    )
    columns = zip(found["S1"], found["S1_conf"], found["ST"], found["ST_conf"], strict=True)
    return [Share(*(float(number) for number in numbers)) for numbers in columns], len(y)
