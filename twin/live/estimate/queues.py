"""Queues by approach: a Kalman filter over a linear store-and-forward model that the lamps switch.

An approach stores vehicles, some of them standing: x = (halting, moving). In a step a share of them stays and others
arrive, x' = A x + b + noise, with A and b by what the approach's lamps do. Store and forward after Gazis and Potts
(1963); outflow in proportion to what is stored, which keeps it linear. The noise's covariance is Q times the vehicles
stored (and a few more), as counts of what comes and goes by chance vary. Approaches are estimated each on its own:
nothing is known of an approach without a detector but its lamps and the twin's own hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.live.estimate.seen import held

if TYPE_CHECKING:
    from twin.live.estimate.city import Told
    from twin.live.street import Lived

LAMPS = 4  # red for longer, red from now on, green for longer, green from now on
BLIND = 6  # steps without a reading after which the lamps alone tell
STUCK_STEPS = 36  # three minutes, more than a cycle, in which a noisy count of somebody never changes
FEW_VEH = 0.2  # the noise of an empty approach is that of so many vehicles
LEAST_VARIANCE = 1e-3  # of the noise [veh²]: an hour in which nothing moved is no proof that nothing can


@dataclass(frozen=True)
class QueueModel:
    """By zone and lamps: `stay` A (Z, 4, 2, 2), `arrive` b (Z, 4, 2), `noise` Q (Z, 4, 2, 2) for a vehicle stored.

    `mean` (Z, 4, 2) and `spread` (Z, 4, 2, 2) are of x under these lamps in the hour that it was fitted to.
    """

    stay: np.ndarray
    arrive: np.ndarray
    noise: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def lamps_of(phase: np.ndarray, green: np.ndarray) -> np.ndarray:
    """What the lamps of each zone do, int (n, Z), from phases (n, J) and `Junctions.green` (J·P, Z)."""
    junctions = phase.shape[1]
    rows = phase.astype(int) + np.arange(junctions) * (len(green) // junctions)
    open_ = (green[rows] > 0).any(axis=1)
    changed = np.vstack([np.zeros((1, open_.shape[1]), dtype=bool), open_[1:] != open_[:-1]])
    return 2 * open_ + changed


def believed_queues(
    believed: Lived, came: Told, green: np.ndarray, p: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of x (n, Z, 2) from what came in, by the model of the twin's own hour.

    What a stuck camera says is left out.
    """
    return filtered(fitted(believed, green, p), came, green, p)


def fitted(believed: Lived, green: np.ndarray, p: Mapping[str, float]) -> QueueModel:
    """The model of the twin's own hour."""
    return fit(believed.halting, believed.vehicles, lamps_of(believed.phase, green), p["pooled_readings"])


def filtered(
    model: QueueModel, came: Told, green: np.ndarray, p: Mapping[str, float], unlit: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of x (n, Z, 2) from what came in; `unlit` as in `estimate`."""
    lies = stuck(came.halting, came.vehicles)
    halting, vehicles = (np.where(lies, np.nan, values) for values in (came.halting, came.vehicles))
    lamps, miss = lamps_of(held(came.phase, 0.0), green), p["believed_miss_percent"] / 100
    return estimate(model, halting, vehicles, lamps, miss, p["reading_variance_veh2"], unlit)


def stuck(halting: np.ndarray, vehicles: np.ndarray) -> np.ndarray:
    """Which readings (n, Z) repeat the last one for the STUCK_STEPS-th time or more, whatever the lamps do.

    An empty approach may stay so, and is believed; no reading in between changes nothing.
    """
    same, before = np.zeros(halting.shape[1:], dtype=int), np.full((2, *halting.shape[1:]), np.nan)
    found = np.zeros(halting.shape, dtype=bool)
    for k, reading in enumerate(np.stack([halting, vehicles], axis=1)):
        there = ~np.isnan(reading).any(axis=0)
        again = (reading == before).all(axis=0) & (reading[1] > 0)
        same = np.where(there, np.where(again, same + 1, 0), same)
        before = np.where(there, reading, before)
        found[k] = same >= STUCK_STEPS
    return found


def fit(halting: np.ndarray, vehicles: np.ndarray, lamps: np.ndarray, pooled: float) -> QueueModel:
    """Least squares by zone and lamps over an hour (n, Z), weighed by the noise's variance.

    All zones' common model weighs as much as `pooled` readings.
    """
    x = np.stack([halting, vehicles - halting], axis=-1)
    zones = x.shape[1]
    weight = 1 / np.sqrt(x[:-1].sum(axis=-1, keepdims=True) + FEW_VEH)
    known = np.concatenate([np.ones((*x[:-1].shape[:2], 1)), x[:-1]], axis=-1) * weight
    then = x[1:] * weight
    stay, noise = np.zeros((zones, LAMPS, 2, 2)), np.zeros((zones, LAMPS, 2, 2))
    arrive = np.zeros((zones, LAMPS, 2))
    for lamp in range(LAMPS):
        here = lamps[1:] == lamp
        a_all, b_all = known[here], then[here]
        if not len(a_all):  # never seen: as it was
            stay[:, lamp], noise[:, lamp] = np.eye(2), np.eye(2)
            continue
        gram, cross, square = (u.T @ w / len(a_all) for u, w in ((a_all, a_all), (a_all, b_all), (b_all, b_all)))
        for z in range(zones):
            a, b = known[here[:, z], z], then[here[:, z], z]
            n = len(a) + pooled
            moment = a.T @ a + pooled * gram + 1e-9 * np.eye(3)
            theta = np.linalg.solve(moment, a.T @ b + pooled * cross)
            left = b.T @ b + pooled * square - theta.T @ (a.T @ b + pooled * cross)
            arrive[z, lamp], stay[z, lamp] = theta[0], theta[1:].T
            noise[z, lamp] = (left + left.T) / 2 / n + LEAST_VARIANCE * np.eye(2)
    mean, spread = under_lamps(x, lamps, pooled)
    return QueueModel(stay, arrive, noise, mean, spread)


def under_lamps(x: np.ndarray, lamps: np.ndarray, pooled: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean (Z, 4, 2) and covariance (Z, 4, 2, 2) of x (n, Z, 2) by lamps; a zone's own over all weighs as `pooled`."""
    shown = (lamps[..., None] == np.arange(LAMPS)).astype(float)
    weight = shown + pooled / len(x)
    weight /= weight.sum(axis=0)
    mean = np.einsum("nzl,nzi->zli", weight, x)
    centred = x[:, :, None] - mean
    spread = np.einsum("nzl,nzli,nzlj->zlij", weight, centred, centred)
    return mean, spread + LEAST_VARIANCE * np.eye(2)


def estimate(
    model: QueueModel, halting: np.ndarray, vehicles: np.ndarray, lamps: np.ndarray, miss: float, variance: float,
    unlit: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Mean and standard deviation of x (n, Z, 2) at each moment, from readings up to it (n, Z), NaN for none.

    A camera overlooks each vehicle with chance `miss`: a reading y is (1 − miss) x with variance miss (1 − miss) x at
    the x expected, and `variance` [veh²] on top. Means are not below zero. After `BLIND` steps without a reading x is
    what it was on average under the same lamps: lamps that answer queues stay red because nobody waits, which the model
    of a step does not know. Where `unlit` (n, Z) nobody knows the lamps: a step may bring whatever is usual.
    """
    seen = np.stack([halting, vehicles - halting], axis=-1)
    zone = np.arange(seen.shape[1])
    mean, cov = model.mean[zone, lamps[0]], model.spread[zone, lamps[0]]
    age = np.full(len(zone), BLIND)
    means, sds = np.zeros_like(seen), np.zeros_like(seen)
    for k, reading in enumerate(seen):
        if k:
            stored = np.maximum(mean.sum(axis=1), 0.0)[:, None, None] + FEW_VEH
            a = model.stay[zone, lamps[k]]
            mean = np.einsum("zij,zj->zi", a, mean) + model.arrive[zone, lamps[k]]
            cov = a @ cov @ a.transpose(0, 2, 1) + model.noise[zone, lamps[k]] * stored
        age = np.where(np.isnan(reading[:, 0]), age + 1, 0)
        if unlit is not None:
            cov = cov + unlit[k][:, None, None] * model.spread[zone, lamps[k]]
        blind = (age > BLIND)[:, None]
        mean = np.where(blind, model.mean[zone, lamps[k]], mean)
        cov = np.where(blind[:, None], model.spread[zone, lamps[k]], cov)
        for i in range(2):
            expected = np.maximum(mean[:, i], 0.0)
            own = variance + miss * (1 - miss) * expected
            mean, cov = correct(mean, cov, i, reading[:, i], 1 - miss, own)
        means[k], sds[k] = np.maximum(mean, 0.0), np.sqrt(np.maximum(np.einsum("zii->zi", cov), LEAST_VARIANCE))
    return means, sds


def correct(
    mean: np.ndarray, cov: np.ndarray, i: int, reading: np.ndarray, share: float, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kalman's correction of (Z, 2) and (Z, 2, 2) by a reading (Z,) of `share` times component i; NaN: not."""
    there = ~np.isnan(reading)
    total = share**2 * cov[:, i, i] + variance
    gain = np.where(there[:, None], share * cov[:, :, i] / total[:, None], 0.0)
    surprise = np.where(there, reading - share * mean[:, i], 0.0)
    return mean + gain * surprise[:, None], cov - gain[:, :, None] * share * cov[:, None, i, :]
