"""What a series is expected to be, learned from reference days, and how far a day is from it in standard deviations.

Counts are taken as square roots, whose variance hardly hangs on the mean. A bin is expected to be what it was at this
time of day, and a linear function of covariates (neighbours, demand). What is left depends on the bin before, which is
taken out; its spread is that of reference days that were left out of the fit in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_SD = 0.01  # of a series that hardly moved in the reference


@dataclass(frozen=True)
class Expected:
    """Mean by bin of the day (B, S), weights of the covariates (S, F), and of what is left: lag and spread (S,).

    `n` is the number of reference values behind the spread, the least of the sources'. `memory` is how a
    source's values hang on those of the bin before (median correlation), covariates or not.
    """

    profile: np.ndarray
    covariate_profile: np.ndarray
    weights: np.ndarray
    lag: np.ndarray
    sd: np.ndarray
    n: int
    memory: float


def fit(
    values: np.ndarray, covariates: np.ndarray, ridge: float, least_days: int, least_sd: float = LEAST_SD
) -> Expected:
    """From reference days: values (D, B, S), covariates (D, B, S, F); NaN where nothing is known.

    No spread is taken to be below `least_sd`.

    Raises ValueError for fewer days than `least_days`.
    """
    days = len(values)
    if days < least_days:
        raise ValueError(f"{days} reference days; {least_days} are needed")
    each = []
    for d, (one, other) in enumerate(zip(values, covariates, strict=True)):
        rest = _learned(np.delete(values, d, axis=0), np.delete(covariates, d, axis=0), ridge)
        each.append(_left(*rest, one, other))
    left_out = np.array(each)
    few = (~np.isnan(values)).sum(axis=0) < least_days
    profile, covariate_profile, weights = _learned(values, covariates, ridge)
    profile[few] = np.nan
    left_out[:, few] = np.nan
    lag = _lag(left_out)
    new = np.array([innovations(day, lag) for day in left_out])
    n = (~np.isnan(new)).sum(axis=(0, 1))
    sd = np.sqrt(np.nansum(new**2, axis=(0, 1)) / np.maximum(n, 1))
    memory = float(np.median(_lag(values - profile)))
    least = int(n[n > 0].min()) if n.any() else 0
    return Expected(profile, covariate_profile, weights, lag, np.maximum(sd, least_sd), least, memory)


def standardised(expected: Expected, values: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """How far a day's values (B, S) are from what is expected, in standard deviations; NaN where nothing is known."""
    left = _left(expected.profile, expected.covariate_profile, expected.weights, values, covariates)
    return innovations(left, expected.lag) / expected.sd


def swing(
    expected: Expected, values: np.ndarray, covariates: np.ndarray, told: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What of a day's values (B, S) is not expected, and by how much more `told` should be then than over the day."""
    left = _left(expected.profile, expected.covariate_profile, expected.weights, values, covariates)
    should = told - left
    return left, should - mean_known(should)


def _learned(values: np.ndarray, covariates: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    covariates = np.where(np.isnan(values)[..., None], np.nan, covariates)  # both profiles are of the same days
    profile, covariate_profile = mean_known(values), mean_known(covariates)
    y, x = values - profile, covariates - covariate_profile
    sources, features = x.shape[2:]
    weights = np.zeros((sources, features))
    for s in range(sources if features else 0):
        known = ~np.isnan(y[:, :, s])
        a, b = np.nan_to_num(x[:, :, s][known]), y[:, :, s][known]
        weights[s] = np.linalg.solve(a.T @ a + (ridge * len(b) + 1e-9) * np.eye(features), a.T @ b)
    return profile, covariate_profile, weights


def _left(
    profile: np.ndarray, covariate_profile: np.ndarray, weights: np.ndarray, values: np.ndarray, covariates: np.ndarray
) -> np.ndarray:
    explained = np.einsum("bsf,sf->bs", np.nan_to_num(covariates - covariate_profile), weights)
    found: np.ndarray = values - profile - explained
    return found


def _lag(left: np.ndarray) -> np.ndarray:
    """Correlation of each value with the one before (S,), between 0 and 0.95."""
    before, after = left[:, :-1], left[:, 1:]
    both = ~np.isnan(before) & ~np.isnan(after)
    product = np.where(both, before * after, 0.0).sum(axis=(0, 1))
    square = np.where(both, before**2, 0.0).sum(axis=(0, 1))
    return np.clip(product / np.maximum(square, 1e-12), 0.0, 0.95)


def innovations(left: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """What of each value (B, S) the one before does not say; one without a known one before is scaled to the same."""
    before = np.vstack([np.full((1, left.shape[1]), np.nan), left[:-1]])
    return np.where(np.isnan(before), left * np.sqrt(1 - lag**2), left - lag * before)


def mean_known(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Mean over an axis (days, unless another is named), NaN where nothing is known."""
    n = (~np.isnan(values)).sum(axis=axis)
    return np.where(n > 0, np.nansum(values, axis=axis) / np.maximum(n, 1), np.nan)
