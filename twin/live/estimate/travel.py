"""Travel times of roads from detectors: Little's law on what is estimated to be there and what was counted to leave.

Vehicles that were on average within a camera's view, over the vehicles a second that left it, are the mean time within
(Little 1961, Operations Research 9, 383); what the camera does not see is driven freely. That is joined with what is
usual by its precision, both as logarithms: where detectors are missing their part grows uncertain and the usual counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.live.counters import MINUTE_S, Crossings
from twin.traffic.forecast.days import INTERVAL_S
from twin.traffic.networks.roads import Road, mean_of
from twin.traffic.signals.plans import Signals

MINUTES = INTERVAL_S // MINUTE_S
FEW_VEH = 1.0  # a count's variance is its own, and of an empty road that of so many
LEAST_LOG_VARIANCE = 1e-4


@dataclass(frozen=True)
class Views:
    """How roads are seen: `zones` bool (R, Z) of each, `entry` (R,) its counter, `unseen_s` (R,) at free flow."""

    zones: np.ndarray
    entry: np.ndarray
    unseen_s: np.ndarray
    free_flow_s: np.ndarray


@dataclass(frozen=True)
class UsualTimes:
    """Of the twin's own hour: logarithms' `mean` and `variance` (R,), `flow` (R,) veh in 5 minutes and its variance.

    `offset` (R,) is added to the logarithm that Little's law gives, as nobody drives freely where nobody looks, and
    `scale` multiplies its variance: both are what the own hour needs. On top comes what detectors may be worse than
    believed: `doubt_share` [-] of what is stored, and `doubt_veh` a zone.
    """

    mean: np.ndarray
    variance: np.ndarray
    flow: np.ndarray
    flow_variance: np.ndarray
    doubt_share: float
    doubt_veh: float
    offset: np.ndarray
    scale: float = 1.0


def views_of(roads: Sequence[Road], signals: Signals, crossings: Crossings) -> Views:
    """The watched roads as cameras and counters see them."""
    watched = [road for road in roads if road.watched]
    zones = np.zeros((len(watched), len(signals.zones)), dtype=bool)
    unseen_s = np.zeros(len(watched))
    for r, road in enumerate(watched):
        seen: set[str] = set()
        for z, lanes in enumerate(signals.zones):
            edges = [lane.rsplit("_", 1)[0] for lane, _ in lanes]
            if edges[0] == road.edges[-1]:
                zones[r, z] = True
                seen |= set(edges)
        free_s = zip(road.edges, road.edge_free_flow_s, strict=True)
        unseen_s[r] = sum(time_s for edge, time_s in free_s if edge not in seen)
    entry = np.array([crossings.approaches.index(road.edges[-1]) for road in watched], dtype=int)
    return Views(zones, entry, unseen_s, np.array([road.free_flow_s for road in watched]))


def by_interval(values: np.ndarray, parts: int) -> np.ndarray:
    """Means (intervals, …) of `parts` consecutive entries; NaN is left out, and remains where there is nothing else."""
    whole = len(values) // parts
    return mean_of(values[: whole * parts].reshape(whole, parts, *values.shape[1:]), axis=1)


def usual(
    travel_s: np.ndarray, entered: np.ndarray, free_flow_s: np.ndarray, doubt_share: float, doubt_veh: float
) -> UsualTimes:
    """From true times (5 minutes, R) and counts (minutes, R) of the twin's own hour; roads' spreads are pooled."""
    logs = np.log(np.where(np.isnan(travel_s), free_flow_s, travel_s))
    mean = logs.mean(axis=0)
    variance = np.full(len(mean), _another(len(logs)) * np.mean((logs - mean) ** 2) + LEAST_LOG_VARIANCE)
    flow = MINUTES * entered.mean(axis=0)
    flow_variance = MINUTES * entered.var(axis=0) + FEW_VEH
    return UsualTimes(mean, variance, flow, flow_variance, doubt_share, doubt_veh, np.zeros_like(mean))


def held_against(known: UsualTimes, log: np.ndarray, variance: np.ndarray, travel_s: np.ndarray) -> UsualTimes:
    """`offset` and `scale` so that Little's law (intervals, R) is right for the true times of the twin's own hour."""
    off = np.log(travel_s) - log
    offset = np.nan_to_num(mean_of(off, axis=0))
    scale = _another(len(off)) * float(np.nanmean((off - offset) ** 2 / variance))
    return replace(known, offset=offset, scale=scale)


def _another(n: int) -> float:
    """Mean square by which another value lies off the mean of n, over that of these n themselves: (n + 1) / (n − 1)."""
    return (n + 1) / (n - 1)


def little(
    views: Views, known: UsualTimes, there: np.ndarray, there_variance: np.ndarray, read: np.ndarray,
    entered: np.ndarray, steps: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Log travel time and its variance (intervals, R) by Little's law alone.

    `there` (n, Z) are vehicles in each zone with their variance, `read` whether a camera told them, so many `steps` an
    interval, `entered` (minutes, R) counts at the stop lines. Errors of readings average out, as `scale` says; those of
    what nobody saw do not.
    """
    stored = by_interval(there @ views.zones.T, steps)
    stored_variance = by_interval(there_variance @ views.zones.T, steps)
    counted = MINUTES * by_interval(entered, MINUTES)
    flow = np.where(np.isnan(counted), known.flow, counted)
    flow_variance = np.where(np.isnan(counted), known.flow_variance, flow + FEW_VEH)
    flow = np.maximum(flow, FEW_VEH)
    within_s = INTERVAL_S * stored / flow
    total_s = np.maximum(views.unseen_s + within_s, views.free_flow_s / 2)
    variance_s2 = (INTERVAL_S / flow) ** 2 * stored_variance + (within_s / flow) ** 2 * flow_variance
    doubt_veh = np.hypot(known.doubt_share * stored, known.doubt_veh * views.zones.sum(axis=1))
    blind = by_interval(read.astype(float), steps) <= 0
    scale = np.where((blind @ views.zones.T > 0) | np.isnan(counted), max(known.scale, 1.0), known.scale)
    doubt = (INTERVAL_S / flow * doubt_veh / total_s) ** 2
    return np.log(total_s) + known.offset, scale * (variance_s2 / total_s**2 + LEAST_LOG_VARIANCE) + doubt


def joined(known: UsualTimes, seen: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [s] (intervals, R) of what Little's law says (`little`) joined with what is usual."""
    weight = known.variance / (known.variance + variance)
    return in_seconds(weight * seen + (1 - weight) * known.mean, weight * variance)


def in_seconds(log: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [s] of a log-normal time."""
    mean_s = np.exp(log + variance / 2)
    return mean_s, mean_s * np.sqrt(np.expm1(variance))
