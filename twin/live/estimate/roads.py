"""Turning rates and travel times of a simulated city beside the truth, and what knows less beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twin.live.counters import Crossings, crossings_of
from twin.live.estimate import travel, turning
from twin.live.estimate.city import Told, told
from twin.live.estimate.judged import Judged
from twin.live.estimate.queues import believed_queues
from twin.live.estimate.seen import held
from twin.live.estimate.travel import UsualTimes, Views
from twin.live.estimate.turning import UsualTurns
from twin.live.street import Lived
from twin.traffic.forecast.days import INTERVAL_S
from twin.traffic.networks.roads import mean_of, roads_of
from twin.traffic.signals.plans import Signals

LEAST_S = 600  # of an hour that turning rates and travel times are learned from
RECENT_MIN = 10  # turning rates are judged by who turned in so many last minutes
LEAST_SD = 1e-3


@dataclass(frozen=True)
class Layout:
    """The counters of a network, its roads as detectors see them, and which junction each approach is of (A,)."""

    crossings: Crossings
    views: Views
    junction: np.ndarray


@dataclass(frozen=True)
class Learned:
    """What the twin's own hour teaches. `turning_scale` multiplies the variance of shares, as demand made from counts

    chooses less by chance than a multinomial does; `proportional_sd` [-] is the plain method's error there,

    `last_offset` (R,) and `last_sd` those of the logarithm by the last readings.
    """

    turns: UsualTurns
    times: UsualTimes
    turning_scale: float
    proportional_sd: float
    last_offset: np.ndarray
    last_sd: float


def layout_of(net_file: Path, signals: Signals) -> Layout:
    """Counters and views of a network."""
    crossings = crossings_of(net_file)
    _, junction = np.unique(crossings.junction, return_inverse=True)
    return Layout(crossings, travel.views_of(roads_of(net_file), signals, crossings), junction)


def learned(layout: Layout, believed: Lived, green: np.ndarray, p: Mapping[str, float]) -> Learned:
    """Usual turns and times, and how far the methods are off, on the twin's own hour with detectors as believed."""
    seen = {**p, "city_miss_percent": p["believed_miss_percent"], "city_ghost_veh": 0, "city_counter_miss_percent": 0}
    came = told(believed, 100.0, 0, seen)
    views, approaches = layout.views, len(layout.junction)
    turns = turning.usual(believed.turned, layout.crossings.allowed, p["turning_concentration_veh"])
    doubt = p["miss_doubt_percent"] / 100, p["ghost_doubt_veh"]
    times = travel.usual(believed.travel_s, believed.counted[:, views.entry], views.free_flow_s, *doubt)
    x, sd = believed_queues(believed, came, green, p)
    law = travel.little(
        views, replace(times, doubt_share=0.0, doubt_veh=0.0), x.sum(axis=-1), (sd**2).sum(axis=-1),
        ~np.isnan(came.vehicles), came.counted[:, views.entry],
        steps_of(believed),
    )  # fmt: skip
    times = travel.held_against(times, *law, believed.travel_s)
    plain = by_last_readings(layout, times, believed, came, p)
    off = plain - np.log(believed.travel_s)
    offset = np.nan_to_num(mean_of(off, axis=0))
    share, _ = proportional(layout, turns, came.counted[:, approaches:])
    true = recent_shares(layout, believed.turned)
    return Learned(
        turns, times, turning_scale(layout, turns, believed, came, p),
        float(np.sqrt(np.nanmean((share - true) ** 2))), offset, float(np.sqrt(np.nanmean((off - offset) ** 2))),
    )  # fmt: skip


def steps_of(lived: Lived) -> int:
    """Moments of a street in 5 minutes."""
    return round(INTERVAL_S / float(lived.at_s[0]))


def turning_scale(layout: Layout, known: UsualTurns, believed: Lived, came: Told, p: Mapping[str, float]) -> float:
    """By what the variance of shares is to be multiplied for the twin's own hour, at most 1.

    A window of w minutes lies off the mean of the n minutes that it is of by σ²(1/w − 1/n), off that of others by
    σ²(1/w + 1/n).
    """
    minutes = len(believed.turned)
    if minutes <= RECENT_MIN:
        return 1.0
    true = recent_shares(layout, believed.turned)
    mean, variance = by_filter(layout, known, came.counted, p)
    own = np.nanmean((mean - true) ** 2) / np.nanmean(np.where(np.isnan(true), np.nan, variance))
    return min(1.0, float(own) * (minutes + RECENT_MIN) / (minutes - RECENT_MIN))


def recent(counts: np.ndarray) -> np.ndarray:
    """Sums of the last RECENT_MIN minutes, from the first full ones on: (minutes − RECENT_MIN + 1, …).

    A minute without a count (NaN) is taken to be as the others; NaN where there is none.
    """
    windows = np.lib.stride_tricks.sliding_window_view(counts, RECENT_MIN, axis=0)
    return RECENT_MIN * mean_of(windows, axis=-1)


def recent_shares(layout: Layout, turned: np.ndarray) -> np.ndarray:
    """True shares (minutes − RECENT_MIN + 1, A, X); NaN where nobody came, no turn is, or there is no choice."""
    allowed = layout.crossings.allowed
    total = recent(turned)
    n = total.sum(axis=2, keepdims=True)
    judged = allowed & (allowed.sum(axis=1, keepdims=True) > 1) & (n > 0)
    return np.where(judged, total / np.maximum(n, 1), np.nan)


def proportional(layout: Layout, known: UsualTurns, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares as the exits' (minutes, X), wherever one comes from; as usual where one's counter is silent; and where."""
    weight = np.where(layout.crossings.allowed, recent(left)[:, None, :], 0.0)
    total = weight.sum(axis=2, keepdims=True)
    silent = np.isnan(total) | (total <= 0)
    return np.where(silent, known.share, weight / np.where(silent, 1.0, total)), silent


def by_filter(
    layout: Layout, known: UsualTurns, counted: np.ndarray, p: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The filter's shares of the last minutes (minutes − RECENT_MIN + 1, A, X) and their variance.

    To that of the rates comes that of so many vehicles that choose by chance.
    """
    approaches = len(layout.junction)
    entered, left = counted[:, :approaches], counted[:, approaches:]
    mean, variance = turning.estimate(
        known, layout.junction, entered, left, p["turning_drift"], p["counter_variance_veh2"]
    )
    n = recent(np.where(np.isnan(entered), known.entered, entered))[..., None]
    mean = mean[RECENT_MIN - 1 :]
    return mean, variance[RECENT_MIN - 1 :] + mean * (1 - mean) / np.maximum(n, 1.0)


def turning_rates(
    layout: Layout, known: Learned, city: Lived, came: Told, percent: float, p: Mapping[str, float]
) -> list[Judged]:
    """The Kalman filter, the exits' own shares, and what is usual, against who turned in the last minutes [%]."""
    mean, variance = by_filter(layout, known.turns, came.counted, p)
    plain, silent = proportional(layout, known.turns, came.counted[:, len(layout.junction) :])
    nothing, wide = by_filter(layout, known.turns, np.full_like(came.counted, np.nan), {**p, "turning_drift": 0.0})
    usual_sd = np.sqrt(known.turning_scale * wide)
    methods = (
        ("kalman", mean, np.sqrt(known.turning_scale * variance)),
        ("proportional", plain, np.where(silent, usual_sd, known.proportional_sd)),
        ("usual", nothing, usual_sd),
    )
    true = recent_shares(layout, city.turned)
    return [
        Judged("turning", "%", percent, method, 100 * share, 100 * np.maximum(sd, LEAST_SD), 100 * true)
        for method, share, sd in methods
    ]


def by_last_readings(
    layout: Layout, known: UsualTimes, believed: Lived, came: Told, p: Mapping[str, float]
) -> np.ndarray:
    """Logarithms of times by Little's law on the last readings alone (intervals, R), as usual where there are none."""
    last = held(came.vehicles / (1 - p["believed_miss_percent"] / 100), np.nan)
    counted = came.counted[:, layout.views.entry]
    seen = np.where(np.isnan(last), believed.vehicles.mean(axis=0), last)
    plain = replace(known, offset=np.zeros_like(known.offset))
    log, _ = travel.little(layout.views, plain, seen, np.zeros_like(last), ~np.isnan(last), counted, steps_of(believed))
    blind = layout.views.zones @ np.isnan(last[-1]) | np.isnan(counted).all(axis=0)
    return np.where(blind, np.nan, log)


def travel_times(
    layout: Layout, known: Learned, believed: Lived, city: Lived, came: Told, x: np.ndarray, sd: np.ndarray,
    percent: float, p: Mapping[str, float],
) -> list[Judged]:  # fmt: skip
    """Little's law on the filter's x (n, Z, 2), on the last readings, and what is usual, by road and 5 minutes [s]."""
    usual, counted = known.times, came.counted[:, layout.views.entry]
    shape = city.travel_s.shape
    usual_log, usual_variance = np.broadcast_to(usual.mean, shape), np.broadcast_to(usual.variance, shape)
    last = by_last_readings(layout, usual, believed, came, p) + known.last_offset
    blind = np.isnan(last)
    read = ~np.isnan(came.vehicles)
    law = travel.little(layout.views, usual, x.sum(axis=-1), (sd**2).sum(axis=-1), read, counted, steps_of(city))
    methods = (
        ("kalman", travel.joined(usual, *law)),
        ("last readings", travel.in_seconds(
            np.where(blind, usual_log, last), np.where(blind, usual_variance, known.last_sd**2)
        )),
        ("usual", travel.in_seconds(usual_log, usual_variance)),
    )  # fmt: skip
    return [
        Judged("travel time", "s", percent, method, mean_s, sd_s, city.travel_s) for method, (mean_s, sd_s) in methods
    ]
