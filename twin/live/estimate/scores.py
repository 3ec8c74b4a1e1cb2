"""Scores of a normal forecast (mean, standard deviation) against what was true; all lower is better but coverage."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri


def rmse(mean: np.ndarray, true: np.ndarray) -> float:
    """Root mean square error, in the unit of what is estimated."""
    return float(np.sqrt(np.mean((mean - true) ** 2)))


def coverage(mean: np.ndarray, sd: np.ndarray, true: np.ndarray, level: float = 0.9) -> float:
    """Share of truths inside the central interval of this level."""
    return float(np.mean(np.abs(true - mean) <= ndtri(0.5 + level / 2) * sd))


def crps(mean: np.ndarray, sd: np.ndarray, true: np.ndarray) -> float:
    """Mean continuous ranked probability score of normal forecasts with sd > 0, in the unit of what is estimated.

    Gneiting and Raftery (2007), Journal of the American Statistical Association 102, equation 21.
    """
    z = (true - mean) / sd
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return float(np.mean(sd * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))))
