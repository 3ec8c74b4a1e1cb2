"""Cumulative sums (Page 1954, Biometrika 41) of standardised values, and how often they alarm when nothing changed.

Both sides are summed: up = max(0, up + z - k), down = max(0, down - z - k); an alarm is a sum above h, and both begin
again at 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2

STATES = 40
DELTAS, DELTA_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
QUANTILES, QUANTILE_WEIGHTS = np.polynomial.legendre.leggauss(5)


@dataclass(frozen=True)
class Alarm:
    """Of a series: where it was raised, where the change seems to have begun, and its size in standard deviations."""

    at: int
    since: int
    size: float


def alarms(z: np.ndarray, k: float, h: float) -> list[Alarm]:
    """Every alarm of a series (n,); NaN is passed over. The change began after a sum was last 0 (Page's estimate).

    Its size is the mean of the values since then.
    """
    found, sums, since = list[Alarm](), [0.0, 0.0], [0, 0]
    for i, value in enumerate(z):
        if np.isnan(value):
            continue
        for side, sign in enumerate((1.0, -1.0)):
            if sums[side] == 0.0:
                since[side] = i
            sums[side] = max(0.0, sums[side] + sign * float(value) - k)
        if max(sums) > h:
            side = int(sums[1] > sums[0])
            size = k + sums[side] / np.count_nonzero(~np.isnan(z[since[side] : i + 1]))
            found.append(Alarm(i, since[side], float((1 - 2 * side) * size)))
            sums = [0.0, 0.0]
    return found


def run_length(k: float, h: float, mean: ArrayLike = 0.0, sd: ArrayLike = 1.0) -> np.ndarray:
    """Mean number of normal values until the upper sum alarms, from 0, by mean and spread of the values (…).

    Brook and Evans (1972), Biometrika 59.
    """
    mean, sd = (np.asarray(one, dtype=float)[..., None, None] for one in (mean, sd))
    width = 2 * h / (2 * STATES - 1)
    middle = width * np.arange(STATES)
    upper = middle[None, :] + width / 2 - middle[:, None]  # of the state moved to, less the state left
    stays = np.diff(ndtr((upper + k - mean) / sd), axis=-1, prepend=0.0)  # what is below the first state is in it
    lengths: np.ndarray = np.linalg.solve(np.eye(STATES) - stays, np.ones((STATES, 1)))[..., 0, 0]
    return lengths


def alarm_rate(k: float, h: float, n: int) -> float:
    """Expected alarms a value of both sides when nothing changed, mean and spread known from `n` normal values."""
    ratio = np.sqrt((n - 1) / chi2.ppf(0.5 + QUANTILES / 2, n - 1))  # true over estimated standard deviation
    off = DELTAS[:, None] * ratio / np.sqrt(n)
    both = 1 / run_length(k, h, off, ratio[None, :]) + 1 / run_length(k, h, -off, ratio[None, :])
    return float(DELTA_WEIGHTS @ both @ QUANTILE_WEIGHTS / DELTA_WEIGHTS.sum() / 2)


@functools.lru_cache(maxsize=512)
def threshold(k: float, rate: float, n: int) -> float:
    """The h at which `rate` false alarms a value are expected, with mean and spread from `n` values.

    Raises ValueError for a rate that is not between 0 and 0.2, or fewer than 8 values.
    """
    if not 0 < rate < 0.2 or n < 8:
        raise ValueError(f"{rate} alarms a value after {n} values: a rate above 0 and below 0.2, and 8 values or more")
    most = 4.0
    while alarm_rate(k, most, n) > rate:
        most *= 2
    return float(brentq(lambda h: np.log(alarm_rate(k, h, n) / rate), 0.01, most, xtol=1e-3))
