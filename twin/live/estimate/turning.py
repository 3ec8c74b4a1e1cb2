"""Turning rates of a junction from what its counters tell: how many came in by each approach and left by each exit.

Exits are y = Σ q_i b_i + noise, with q_i vehicles of approach i and b_i its shares, which wander. A Kalman filter over
all shares of a junction, after Cremer and Keller (1987), Transportation Research B 21, pages 117 to 132. A vehicle
chooses by chance, so y varies as a multinomial does. Covariances keep each approach's shares adding up to 1; shares
below 0 are mended by projection to the nearest point of the simplex (Duchi and others 2008, ICML, figure 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class UsualTurns:
    """What the twin's own hour tells: `share` (A, X), 0 where no turn is; `entered` (A,) veh a minute and its variance.

    `concentration` says how sure it is: as after having seen so many vehicles of each approach.
    """

    share: np.ndarray
    entered: np.ndarray
    entered_variance: np.ndarray
    concentration: float


def usual(turned: np.ndarray, allowed: np.ndarray, concentration: float) -> UsualTurns:
    """From true turns (minutes, A, X): shares with one vehicle spread over each approach's `allowed` turns."""
    spread = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
    total = turned.sum(axis=0) + spread
    entered = turned.sum(axis=2)
    share = total / np.maximum(total.sum(axis=1, keepdims=True), LEAST_VARIANCE)
    return UsualTurns(share, entered.mean(axis=0), entered.var(axis=0) + LEAST_VARIANCE, concentration)


def estimate(
    known: UsualTurns, junction: np.ndarray, entered: np.ndarray, left: np.ndarray, drift: float, variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (minutes, A, X) of the shares after each minute, from counts (minutes, A), (minutes, X).

    NaN is no count: an approach's is then as usual and as uncertain, an exit's tells nothing. `junction` (A,) says
    which junction an approach is of, `drift` by how much of its own spread a share wanders in a minute, `variance`
    [veh²] is that of a count beside what chance turns explain: whoever is within the junction at the full minute.
    """
    means = np.repeat(known.share[None], len(entered), axis=0)
    variances = np.zeros_like(means)
    for at in np.unique(junction):
        own = np.flatnonzero(junction == at)
        exits = np.flatnonzero(known.share[own].sum(axis=0) > 0)
        share = known.share[np.ix_(own, exits)]
        cov = _choices(share, np.full(len(own), 1 / (known.concentration + 1)))
        for minute in range(len(entered)):
            counted = entered[minute, own]
            n = np.where(np.isnan(counted), known.entered[own], counted)
            unsure = np.where(np.isnan(counted), known.entered_variance[own], 0.0)
            cov = cov + _choices(share, np.full(len(own), drift**2))
            share, cov = _corrected(share, cov, n, unsure, left[minute, exits], variance)
            means[minute][np.ix_(own, exits)] = share
            variances[minute][np.ix_(own, exits)] = np.maximum(np.diag(cov).reshape(share.shape), 0.0)
    return means, variances


def _choices(share: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Covariance (A·X, A·X) of approaches' shares: weight (diag b − b bᵀ), as a Dirichlet's and a multinomial's."""
    approaches, exits = share.shape
    cov = np.zeros((approaches, exits, approaches, exits))
    for i, b in enumerate(share):
        cov[i, :, i] = weight[i] * (np.diag(b) - np.outer(b, b))
    return cov.reshape(approaches * exits, -1)


def _corrected(
    share: np.ndarray, cov: np.ndarray, n: np.ndarray, unsure: np.ndarray, left: np.ndarray, variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Kalman's correction by a minute's exits (X,), with n (A,) entered, of variance `unsure`."""
    exits = share.shape[1]
    seen = np.kron(n, np.eye(exits))  # (X, A·X): an exit's count is Σ n_i b_i
    chance = sum(
        n_i * (np.diag(b) - np.outer(b, b)) + u_i * np.outer(b, b) for n_i, u_i, b in zip(n, unsure, share, strict=True)
    )
    there = ~np.isnan(left)
    seen, noise = seen[there], (chance + (variance + LEAST_VARIANCE) * np.eye(exits))[np.ix_(there, there)]
    gain = np.linalg.solve(seen @ cov @ seen.T + noise, seen @ cov).T
    mean = share.ravel() + gain @ (left[there] - seen @ share.ravel())
    cov = cov - gain @ seen @ cov
    return np.array([onto_simplex(b, s > 0) for b, s in zip(mean.reshape(share.shape), share, strict=True)]), cov


def onto_simplex(values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The nearest shares (X,) ≥ 0 adding up to 1, 0 where not allowed."""
    found = np.zeros_like(values)
    inside = np.sort(values[allowed])[::-1]
    over = (np.cumsum(inside) - 1) / (np.arange(len(inside)) + 1)
    found[allowed] = np.maximum(values[allowed] - over[np.flatnonzero(inside > over)[-1]], 0.0)
    return found
