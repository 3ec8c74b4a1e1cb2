"""The instant answer: figures fitted on runs of a design of levers, each with its error on runs left out.

A ridge regression on the levers of the figure's own programme (and of the money, for all), their squares and products.
Its penalty is the one with the smallest error when each run is left out in turn (Allen 1974, PRESS: the residual over
one less its leverage); that error is what is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from dashboards.levers import DATA, OFF, levers, offices
from twin.kpi import catalogue

DESIGN = DATA / "design.csv"  # made by `python -m dashboards.design`
PENALTIES = np.logspace(-3, 3, 13)
LEAST_RUNS = 12
MOST_ERROR = 0.7  # of the spread over the design: an estimate with a larger error tells next to nothing


@dataclass(frozen=True)
class Answer:
    """A figure's estimate, the root mean square of its errors on runs left out, and whether that is worth telling."""

    value: float
    error: float
    useful: bool


@dataclass(frozen=True)
class Fit:
    """One figure's regression on standardised features."""

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    mean: float
    error: float
    spread: float


def features(values: Mapping[str, Any], horizon_months: int) -> dict[str, float]:
    """Levers as numbers: a choice as one of several zeros and ones, a start as the months that a programme runs."""
    found: dict[str, float] = {}
    for name, lever in levers().items():
        value = values.get(name)
        if name == "horizon_months" or value is None:
            continue
        if lever.choices:
            found |= {f"{name}={choice}": float(value == choice) for choice in lever.choices[1:]}
        elif lever.kind == "start":
            found[name] = 0.0 if value == OFF else float(max(0, horizon_months - int(value)))
        elif lever.kind == "places":
            found[name] = float(sum(len(offices()[place]) for place in value))
        else:
            found[name] = float(value)
    return found


def own_features(programme: str, names: Sequence[str]) -> list[str]:
    """Features that a programme's figures are fitted on: its own levers', and the city's."""
    of = {name: levers()[name.split("=")[0]].programme for name in names}
    return [name for name in names if programme == "city" or of[name] in (programme, "city")]


def expanded(x: np.ndarray) -> np.ndarray:
    """Columns (n, k) with their squares and products (n, k + k(k + 1)/2); products only of ten columns or fewer."""
    k = x.shape[1]
    pairs = [x[:, [i]] * x[:, [j]] for i, j in combinations(range(k), 2)] if k <= 10 else []
    return np.hstack([x, x**2, *pairs])


def fit(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> Fit:
    """The ridge regression of y (n,) on x (n, k) whose left-out error is smallest."""
    centre, scale = x.mean(0), np.where(np.ptp(x, axis=0) > 0, x.std(0), 1.0)
    z = expanded((x - centre) / scale)
    mean = float(y.mean())
    u, s, vt = np.linalg.svd(z - z.mean(0), full_matrices=False)
    best: tuple[float, np.ndarray] | None = None
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty * len(y))
        leverage = 1 / len(y) + (u**2 @ shrink)
        residual = (y - mean - u @ (shrink * (u.T @ (y - mean)))) / np.maximum(1 - leverage, 1e-6)
        error = float(np.sqrt(np.mean(residual**2)))
        if best is None or error < best[0]:
            best = error, vt.T @ (s / (s**2 + penalty * len(y)) * (u.T @ (y - mean)))
    assert best is not None  # noqa: S101 (there are penalties)
    return Fit(tuple(names), centre, scale, best[1], mean - float(z.mean(0) @ best[1]), best[0], float(y.std()))


@functools.cache
def design() -> pd.DataFrame | None:
    """The runs it is fitted on: `base`, `horizon_months`, `code`, features, and figures as `kpi:NAME`."""
    return pd.read_csv(DESIGN) if DESIGN.is_file() else None


@functools.cache
def fits(base: str, horizon_months: int) -> Mapping[str, Fit]:
    """Every figure's regression for a base scenario and horizon; none where too few runs were made."""
    table = design()
    if table is None:
        return {}
    table = table[(table.base == base) & (table.horizon_months == horizon_months)]
    if len(table) < LEAST_RUNS:
        return {}
    every = [name for name in table.columns if name.split("=")[0] in levers() and name != "horizon_months"]
    found = {}
    for column in (name for name in table.columns if name.startswith("kpi:")):
        kpi = catalogue().get(column.removeprefix("kpi:"))
        known = table[table[column].notna()]
        if kpi is None or len(known) < LEAST_RUNS:
            continue
        names = own_features(kpi.programme, every)
        found[kpi.name] = fit(known[names].to_numpy(float), known[column].to_numpy(float), names)
    return found


def unknown(base: str, values: Mapping[str, Any], horizon_months: int) -> list[str]:
    """Levers that stand where the design never had them moved: the surrogate knows nothing of their effect."""
    table = design()
    if table is None:
        return []
    table = table[(table.base == base) & (table.horizon_months == horizon_months)]
    x = features(values, horizon_months)
    still = [
        name
        for name, value in x.items()
        if name not in table or ((table[name] == table[name].iloc[0]).all() and table[name].iloc[0] != value)
    ]
    return list(dict.fromkeys(name.split("=")[0] for name in still))


def answers(base: str, values: Mapping[str, Any], horizon_months: int) -> dict[str, Answer]:
    """Every figure's estimate for the levers' values."""
    x = features(values, horizon_months)
    found = {}
    for name, one in fits(base, horizon_months).items():
        row = (np.array([[x.get(feature, 0.0) for feature in one.names]]) - one.centre) / one.scale
        value = one.mean + float((expanded(row) @ one.weights)[0])
        found[name] = Answer(value, one.error, one.error <= MOST_ERROR * one.spread)
    return found
