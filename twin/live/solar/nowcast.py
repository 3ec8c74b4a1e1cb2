"""Irradiance of the next hour: the clear-sky index as it was last seen, drawn to its mean as it was in the days before.

The index is irradiance over that of a clear sky (Haurwitz 1945, by pvlib). Persistence of the index is the nowcast to
beat (Inman, Pedro and Coimbra, Progress in Energy and Combustion Science 39, 2013); for each lead it is damped by least
squares over days that were, whose residuals give the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Nowcast:
    """By lead in steps (L,): index then = offset + damping × index now, and the standard deviation about it."""

    offset: np.ndarray
    damping: np.ndarray
    sd: np.ndarray


def index_of(ghi: np.ndarray, clear: np.ndarray, least_clear: float) -> np.ndarray:
    """Irradiance over a clear sky's, NaN while the sun is not well up."""
    return np.where(clear >= least_clear, ghi / np.maximum(clear, least_clear), np.nan)


def fit(index: np.ndarray, leads: int) -> Nowcast:
    """Least squares over days that were (n, offices), NaN where there is no sun, for leads of 0 … `leads` − 1."""
    offset, damping, sd = np.zeros(leads), np.ones(leads), np.full(leads, 1e-3)
    for lead in range(1, leads):
        now, then = index[:-lead].ravel(), index[lead:].ravel()
        both = ~np.isnan(now) & ~np.isnan(then)
        damping[lead], offset[lead] = np.polyfit(now[both], then[both], 1)
        sd[lead] = np.std(then[both] - offset[lead] - damping[lead] * now[both])
    return Nowcast(offset, damping, sd)


def changes(ghi: np.ndarray, leads: int, up: np.ndarray) -> np.ndarray:
    """Standard deviation of irradiance's change by lead in steps (L,), while the sun is up: plain persistence's own."""
    return np.array([1e-3] + [np.sqrt(np.mean((ghi[lead:] - ghi[:-lead])[up[lead:]] ** 2)) for lead in range(1, leads)])


def last_seen(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Each column's last value (n, offices), NaN before any, and its age in steps, `most` at most."""
    last, age = values.copy(), np.zeros(values.shape, dtype=int)
    for k in range(1, len(values)):
        there = ~np.isnan(values[k])
        last[k] = np.where(there, values[k], last[k - 1])
        age[k] = np.where(there, 0, np.minimum(age[k - 1] + 1, most))
    return last, age


def forecast(model: Nowcast, index: np.ndarray, clear: np.ndarray, lead: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [W/m²] (n − lead, offices) for `lead` steps after each, from the last index seen.

    Before any was seen the index's mean is told, as it is for a lead that nothing is known of any more.
    """
    most = len(model.sd) - 1
    last, age = last_seen(index, most)
    steps = np.minimum(age + lead, most)
    far = np.isnan(last)
    steps = np.where(far, most, steps)
    known = np.where(far, model.offset[most] / max(1 - model.damping[most], 1e-6), last)
    ahead = (model.offset[steps] + model.damping[steps] * known)[: len(clear) - lead]
    return np.maximum(ahead, 0.0) * clear[lead:], model.sd[steps][: len(clear) - lead] * clear[lead:]


def widened(mean: np.ndarray, sd: np.ndarray, seen: np.ndarray, lead: int, memory: float, up: np.ndarray) -> np.ndarray:
    """Standard deviations (n − lead, offices) by how wrong forecasts of this lead were, where it was seen by then.

    `seen` (n, offices) are readings, `up` says where the sun was up in the hour told; the last `memory` steps weigh
    most, and as much as an hour of them speaks for the days before.
    """
    wrong = np.where(up & ~np.isnan(seen[lead:]), ((seen[lead:] - mean) / np.maximum(sd, 1e-9)) ** 2, 0.0).sum(axis=1)
    count = (up & ~np.isnan(seen[lead:])).sum(axis=1).astype(float)
    keep, factor = 1 - 1 / memory, np.ones(len(mean))
    total, weight = float(12 * mean.shape[1]), float(12 * mean.shape[1])
    for k in range(len(mean)):
        if k >= lead:
            total, weight = keep * total + wrong[k - lead], keep * weight + count[k - lead]
        factor[k] = np.sqrt(total / weight)
    return sd * factor[:, None]
