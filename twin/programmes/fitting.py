"""Bass's curve fitted to adopters counted month by month, with intervals.

What is fitted is the adopters of each month, not their running sum, whose errors hang together. Counts vary like
Poisson's, or more: the square roots of a count and of its expectation differ by about 1/2 (Anscombe 1948), and what
they differ beyond that widens the intervals (overdispersion).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, least_squares
from scipy.stats import t as student

from twin.csv_input import numbers, read_csv, row_faults
from twin.errors import AdoptionError
from twin.programmes.adoption import Bass, published

LEAST_MONTHS = 6  # three parameters, and something left to judge the fit by
NAMES = ("p", "q", "m")
UNSAID = 2.0  # standard error of a logarithm beyond which the data leave a parameter open: a factor of 50 either way


@dataclass(frozen=True)
class Adopted:
    """`years` since the start at each month's end (n,), and the adopters until then (n,)."""

    years: np.ndarray
    adopters: np.ndarray


@dataclass(frozen=True)
class Fit:
    """p, q [1/year] and m [adopters in the end] with 95 % intervals; an interval is None where the data leave it open.

    `overdispersion` is the variance of the monthly counts over Poisson's.
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float] | None]
    overdispersion: float


def read_adopted(path: Path, since: str | None = None) -> Adopted:
    """A CSV of `month` ("2025-01") and `adopters` (all so far, at the month's end); it began in `since`, or the first.

    Raises:
        AdoptionError: every fault of the file.
    """
    table = read_csv(path, AdoptionError, ("month", "adopters"))
    count = numbers(table.adopters)
    known = table.month.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")
    faults = row_faults(table, ~known, lambda row: f"month {row.month!r} is not written like 2025-01")
    whole = count.ge(0) & count.mod(1).eq(0)
    faults += row_faults(table, ~whole, lambda row: f"adopters {row.adopters!r} is no whole number from 0 on")
    if known.all():
        month = pd.PeriodIndex(table.month, freq="M")
        number = pd.Series(month.year * 12 + month.month, index=table.index)
        faults += row_faults(table, number.diff().le(0), lambda row: f"month {row.month} does not come after the last")
    faults += row_faults(table, count.diff().lt(0), lambda row: f"{row.adopters} adopters so far are fewer than before")
    if len(table) < LEAST_MONTHS:
        faults.append(f"{len(table)} months: at least {LEAST_MONTHS} are needed")
    if whole.all() and count.max() == 0:
        faults.append("nobody adopted: there is nothing to fit")
    begun = pd.Period(table.month.iloc[0] if since is None else since, freq="M") if known.all() else None
    if begun is not None and begun > pd.Period(table.month.iloc[0], freq="M"):
        faults.append(f"it began in {since}, and the first line is of {table.month.iloc[0]}, before that")
    if faults or begun is None:
        raise AdoptionError(str(path), faults)
    return Adopted((number.to_numpy() - (begun.year * 12 + begun.month) + 1) / 12, count.to_numpy())


def fit(data: Adopted) -> Fit:
    """The most likely p, q and m with their intervals, from the best of several starts."""
    counts = np.diff(data.adopters, prepend=0.0)
    last = float(data.adopters[-1])

    def off(logs: np.ndarray) -> np.ndarray:
        p, q, m = np.exp(logs)
        expected = m * np.diff(Bass(p, q).share(data.years), prepend=0.0)
        return 2 * (np.sqrt(counts + 3 / 8) - np.sqrt(np.maximum(expected, 0.0) + 3 / 8))

    low, high = np.log((1e-6, 1e-4, last)), np.log((5.0, 20.0, 1e4 * last))
    ranges = published()
    starts = [
        (ranges["bass_p"].value, q, factor * last)
        for q in (ranges["bass_q"].low, ranges["bass_q"].value)
        for factor in (1.1, 3.0, 20.0)
    ]
    found = [least_squares(off, np.log(start), bounds=(low, high), x_scale="jac") for start in starts]
    best = min(found, key=lambda one: one.cost)
    freedom = len(counts) - len(NAMES)
    overdispersion = 2 * float(best.cost) / freedom
    error = _standard_errors(best) * max(1.0, overdispersion) ** 0.5
    reach = float(student.ppf(0.975, freedom))
    return Fit(
        dict(zip(NAMES, np.exp(best.x).tolist(), strict=True)),
        {
            name: (float(np.exp(log - reach * se)), float(np.exp(log + reach * se))) if se < UNSAID else None
            for name, log, se in zip(NAMES, best.x, error, strict=True)
        },
        overdispersion,
    )


def _standard_errors(found: OptimizeResult) -> np.ndarray:
    """Of the logarithms (3,): from the curvature at the best fit, infinite along a direction that changes nothing."""
    _, size, directions = np.linalg.svd(found.jac, full_matrices=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.nan_to_num((directions**2 / size[:, None] ** 2), nan=np.inf, posinf=np.inf).sum(axis=0))
