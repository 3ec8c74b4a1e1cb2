"""What would have happened: the candidate's delay less that of who is in charge, given what the detectors saw.

The twin lives the window under both, with the same demand, once for every draw of its belief (demand, motorcycles,
drivers, cameras). The logarithms of both delays are regressed on what its own detectors saw under who is in charge, and
read off at what the city's detectors saw: regression adjustment of simulations (Beaumont, Zhang and Balding 2002,
Genetics 162), with the predictive covariance of ordinary least squares, to first order. What a draw has of its own is
as much its city's as its window's, so several windows of one city do not narrow the interval. Where the city looks like
no draw, the mean stays that of the rim of the draws, and what a straight line would add is standard deviation. A model
error on top is a prior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import qmc

from twin.live.parameters import parameters_of
from twin.traffic.demand.vehicles import parameters as demand_parameters
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.studies.evaluate import detectors_for

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"
FEATURES = ("vehicles", "halting", "passed")
DRIVERS = ("Krauss", "ACC", "W99")  # SUMO's names of the car-following models that may be a city's; a prior
Seen = Mapping[str, Sequence[float | None]]  # by name, a mean of the readings a zone (see `street.lived`)
LEAST_VEH, LEAST_DELAY_S = 0.05, 0.1  # a street where less was seen, or waited, counts as one with so much
LEAST_DRAWS = len(FEATURES) + 3


@dataclass(frozen=True)
class Draw:
    """One city that the twin holds possible."""

    seed: int
    scale: float
    motorcycle_share: float
    drivers: str
    detectors: DetectorOptions


@dataclass(frozen=True)
class Estimate:
    """A difference of mean delay, candidate less in charge [s]: below 0 is better."""

    mean_s: float
    sd_s: float
    low_s: float
    high_s: float

    @property
    def verdict(self) -> str:
        """better or worse where the interval has no 0 in it, else undecided."""
        return verdict(self.low_s, self.high_s)

    def heard(self, percent: float) -> Estimate:
        """The same where so much of the readings came: as of a mean of fewer, all deviations by the root of it."""
        wider = (percent / 100) ** -0.5
        low_s, high_s = (self.mean_s + wider * (end_s - self.mean_s) for end_s in (self.low_s, self.high_s))
        return Estimate(self.mean_s, wider * self.sd_s, low_s, high_s)


def verdict(low_s: float, high_s: float) -> str:
    """What an interval of a difference of delay says of the candidate."""
    return BETTER if high_s < 0 else WORSE if low_s > 0 else UNDECIDED


def parameters() -> Mapping[str, float]:
    """`data/shadow.csv`."""
    return parameters_of("shadow")


def belief(network: str, draws: int, seed: int) -> list[Draw]:
    """Draws of what the twin believes of a city, evenly spread (a Latin hypercube); the same seed, the same draws."""
    p = parameters()
    shares = qmc.LatinHypercube(3, rng=np.random.default_rng([seed, 16])).random(draws)
    scales = np.exp(p["scale_sd_percent"] / 100 * ndtri(shares[:, 0]))
    motorcycles = demand_parameters()["motorcycle_share"] + p["motorcycle_share_sd"] * ndtri(shares[:, 1])
    misses = p["least_miss_percent"] + (p["most_miss_percent"] - p["least_miss_percent"]) * shares[:, 2]
    cameras = detectors_for(network)
    return [
        Draw(
            seed + i, round(float(scale), 4), round(float(np.clip(motorcycle, 0, 1)), 4), DRIVERS[i % len(DRIVERS)],
            cameras.model_copy(update={"miss_percent": round(float(miss), 2)}),
        )
        for i, (scale, motorcycle, miss) in enumerate(zip(scales, motorcycles, misses, strict=True))
    ]  # fmt: skip


def features(seen: Seen, zones: np.ndarray) -> np.ndarray:
    """Logarithms of the `FEATURES` that there are, over these zones in all, shape (p,); a cabinet has no loops."""
    sums = [np.nansum(np.array(seen[name], dtype=float)[zones]) for name in FEATURES if name in seen]
    return np.log(np.maximum(sums, LEAST_VEH))


def reported(seen: Seen) -> np.ndarray:
    """Which zones ever reported, bool (zones,)."""
    return ~np.isnan(np.array(seen["vehicles"], dtype=float))


def counterfactual(
    observed: Sequence[Seen], in_charge: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]]
) -> Estimate:
    """The mean difference in the windows in which `observed` was seen, from the twin's windows: one pair a draw.

    Raises ValueError for fewer than `LEAST_DRAWS` draws.
    """
    return estimate(*looked_at(observed, in_charge, candidate))


def looked_at(
    observed: Sequence[Seen], in_charge: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `estimate` takes: features of the draws (n, p), delays of both [s] (n, 2), the city's features (w, p)."""
    zones = np.all([reported(seen) for seen in observed], axis=0)
    delay_s = np.array([[one["measures"]["delay_s"] for one in arm] for arm in (in_charge, candidate)]).T
    names = [name for name in FEATURES if name in observed[0]]
    x = np.array([features({name: one["seen"][name] for name in names}, zones) for one in in_charge])
    return x, delay_s, np.array([features(seen, zones) for seen in observed])


def estimate(x: np.ndarray, delay_s: np.ndarray, at: np.ndarray) -> Estimate:
    """The mean difference [s] over windows with features `at` (w, p), from draws with x (n, p) and delays (n, 2)."""
    p = parameters()
    lived = np.log(np.maximum(delay_s, LEAST_DELAY_S))
    beyond, covariance, leverage, free = regressed(x, lived, at)
    logs = regressed(x, lived, within(x, at))[0]
    own_s, other_s = np.exp(logs).T
    mean = float(np.mean(other_s - own_s))
    slopes = np.column_stack([-own_s, other_s])  # of the difference, by the logarithms
    between = slopes @ covariance @ slopes.T
    variance = float(np.mean(between * (leverage + 1)))
    extrapolated_s = float(np.mean(np.sum(slopes * (beyond - logs), axis=1)))
    sd = float(np.hypot.reduce([np.sqrt(variance), extrapolated_s, p["model_error_percent"] / 100 * own_s.mean()]))
    half = float(stdtrit(free, 0.5 + p["level_percent"] / 200)) * sd
    return Estimate(mean, sd, mean - half, mean + half)


def within(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points (w, p) no farther from the middle of x (n, p) than its own farthest, by Mahalanobis's distance."""
    middle = x.mean(axis=0)
    inverse = np.linalg.pinv(np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]))

    def distance(points: np.ndarray) -> np.ndarray:
        off = points - middle
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", off, inverse, off), 1e-12))

    shrink = np.minimum(1.0, distance(x).max() / distance(at))
    return middle + (at - middle) * shrink[:, None]


def regressed(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Least squares of y (n, q) on x (n, p), read off at `at` (w, p).

    Gives the means (w, q), the residuals' covariance (q, q), the leverage of each two of `at` (w, w), and the freedom:
    a new y has this covariance times 1 plus its leverage. Raises ValueError where n is less than p + 3.
    """
    if len(y) < x.shape[1] + 3:
        raise ValueError(f"{len(y)} draws are too few for {x.shape[1]} features")
    told = np.ptp(x, axis=0) > 1e-9  # what says the same in all draws says nothing
    terms, here = (np.column_stack([np.ones(len(rows)), rows[:, told]]) for rows in (x, at))
    beta, _, rank, _ = np.linalg.lstsq(terms, y, rcond=None)
    left, free = y - terms @ beta, len(y) - int(rank)
    return here @ beta, left.T @ left / free, here @ np.linalg.pinv(terms.T @ terms) @ here.T, free
