"""The twin's picture of a moment, from what came in by then: queues, turning rates, travel times, the next hour.

Plain functions of a day's readings: the sealed day gives the same rows again. The truth comes in with `scored` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from twin.live.city.feed import Heard
from twin.live.counters import MINUTE_S
from twin.live.estimate import roads, travel
from twin.live.estimate.believed import believed_hour
from twin.live.estimate.city import Told, parameters
from twin.live.estimate.judged import Judged
from twin.live.estimate.queues import BLIND, QueueModel, filtered, fitted
from twin.live.estimate.seen import columns_of, series
from twin.live.estimate.study import persistence
from twin.live.street import Lived
from twin.live.trust import Doubt, left_out
from twin.module import Row
from twin.traffic.forecast.days import INTERVAL_S
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.studies.evaluate import detectors_for, network_for

BACK_S, COUNTS_BACK_S = 600, 3600  # how far back cameras and counters are listened to
SHORT = travel.MINUTES  # minutes that travel times are told of
Z_90 = float(ndtri(0.95))


@dataclass(frozen=True)
class Known:
    """What the twin believes of a city before it hears of it: its own hour of the network, and what that taught.

    `places` names what is estimated of each sort; `choice` (A, X) are the turns of approaches that have several.
    """

    network: str
    signals: Signals
    believed: Lived
    layout: roads.Layout
    model: QueueModel
    learned: roads.Learned
    places: Mapping[str, tuple[str, ...]]
    choice: np.ndarray
    usual_turning_sd: np.ndarray
    p: Mapping[str, float] = field(default_factory=parameters)

    @property
    def step_s(self) -> int:
        """Between the moments of the believed hour, and so of the feed [s]."""
        return round(float(self.believed.at_s[0]))


def known_of(network: str) -> Known:
    """What the twin's own hour of a network teaches; it is lived on first use. Raises NetworkError."""
    located, _ = network_for(network, 1)
    signals = signals_of(located.net_file, detectors_for(network).camera_range_m)
    p, believed, green = parameters(), believed_hour(network), signals.junctions.green
    layout = roads.layout_of(located.net_file, signals)
    learned = roads.learned(layout, believed, green, p)
    allowed = layout.crossings.allowed
    choice = allowed & (allowed.sum(axis=1, keepdims=True) > 1)
    nothing = np.full((roads.RECENT_MIN, len(believed.counters)), np.nan)
    _, usual = roads.by_filter(layout, learned.turns, nothing, {**p, "turning_drift": 0.0})
    turns = np.argwhere(choice)
    places = {
        "halting": tuple(zone[0][0] for zone in signals.zones),
        "turning": tuple(f"{layout.crossings.approaches[a]} → {layout.crossings.exits[x]}" for a, x in turns),
        "travel time": tuple(layout.crossings.approaches[a] for a in layout.views.entry),
    }
    return Known(
        network, signals, believed, layout, fitted(believed, green, p), learned, places, choice,
        np.sqrt(learned.turning_scale * usual[-1]), p,
    )  # fmt: skip


def came_in(known: Known, heard: Heard, at_s: float, doubts: Sequence[Doubt] = ()) -> Told:
    """What was heard until a moment: of cameras and lamps in the last 10 minutes, of counters in the last hour.

    Without what sensors told that are not believed.
    """
    step_s, signals = known.step_s, known.signals
    moments = at_s - step_s * np.arange(BACK_S // step_s)[::-1]
    minutes = at_s - MINUTE_S * np.arange(COUNTS_BACK_S // MINUTE_S)[::-1]

    def told(kind: str, name: str, columns: Mapping[str, int], at: np.ndarray) -> np.ndarray:
        begin_s = at[0] - (at[1] - at[0])
        own = [row for row in heard.get((kind, name), ()) if begin_s < float(row["at_s"] or 0.0) <= at_s]
        return series(left_out(own, doubts), kind, name, columns, at, known.p["grace_s"])

    zones, lamps = columns_of(len(signals.zones), len(signals.plans))
    counters = {source: c for c, source in enumerate(known.believed.counters)}
    return Told(
        told("detectors", "halting", zones, moments), told("detectors", "vehicles", zones, moments),
        told("lamps", "phase", lamps, moments), told("counters", "passed", counters, minutes),
    )  # fmt: skip


def estimated(known: Known, came: Told, lived_s: float, percent: float = 100.0) -> list[Judged]:
    """Every estimate of the moment to which `came` leads, by the twin's method and by one that knows less.

    Queues at any moment, travel times and turning rates at full minutes alone, once the city has been heard for 5 and
    10 of them (`lived_s`). A junction whose lamps have not been told for a while is believed by its cameras alone.
    `true` is unknown: NaN.
    """
    whole = lived_s % MINUTE_S == 0
    believed, p = known.believed, known.p
    x, sd = filtered(known.model, came, known.signals.junctions.green, p, unlit(came.phase, known.signals))
    last, last_sd = persistence(believed, came.halting, p["believed_miss_percent"] / 100)
    found = [("halting", "veh", "kalman", x[-1, :, 0], sd[-1, :, 0])]
    found.append(("halting", "veh", "persistence", last[-1], last_sd[-1]))
    if whole and lived_s >= INTERVAL_S:
        found += travel_times(known, came, x, sd)
    if whole and lived_s >= roads.RECENT_MIN * MINUTE_S:
        minutes = min(int(lived_s // MINUTE_S), len(came.counted))
        found += turning_rates(known, replace(came, counted=came.counted[-minutes:]))
    return [
        Judged(what, unit, percent, method, mean, spread, np.full(len(mean), np.nan))
        for what, unit, method, mean, spread in found
    ]


Said = tuple[str, str, str, np.ndarray, np.ndarray]


def unlit(phase: np.ndarray, signals: Signals) -> np.ndarray:
    """Of which zones the lamps have not been told for more than BLIND steps, bool (n, Z), from phases (n, J)."""
    age, found = np.full(phase.shape[1], BLIND), np.zeros(phase.shape, dtype=bool)
    for k, told in enumerate(phase):
        age = np.where(np.isnan(told), age + 1, 0)
        found[k] = age > BLIND
    return (found @ signals.approaches) > 0


def travel_times(known: Known, came: Told, x: np.ndarray, sd: np.ndarray) -> list[Said]:
    """Roads' mean travel times of the last 5 minutes: Little's law on the filter's x (n, Z, 2) and on last readings."""
    learned, views, steps = known.learned, known.layout.views, INTERVAL_S // known.step_s
    short = Told(came.halting[-steps:], came.vehicles[-steps:], came.phase[-steps:], came.counted[-SHORT:])
    read, counted = ~np.isnan(short.vehicles), short.counted[:, views.entry]
    there, spread = x[-steps:].sum(axis=-1), (sd[-steps:] ** 2).sum(axis=-1)
    law = travel.little(views, learned.times, there, spread, read, counted, steps)
    plain = roads.by_last_readings(known.layout, learned.times, known.believed, short, known.p) + learned.last_offset
    silent, usual = np.isnan(plain), learned.times
    times = {
        "kalman": travel.joined(usual, *law),
        "last readings": travel.in_seconds(
            np.where(silent, usual.mean, plain), np.where(silent, usual.variance, learned.last_sd**2)
        ),
    }
    return [("travel time", "s", method, mean_s[-1], sd_s[-1]) for method, (mean_s, sd_s) in times.items()]


def turning_rates(known: Known, came: Told) -> list[Said]:
    """Shares of who turned in the last 10 minutes: by the filter, and as the exits' own shares are."""
    layout, learned, choice = known.layout, known.learned, known.choice
    mean, variance = roads.by_filter(layout, learned.turns, came.counted, known.p)
    plain, silent = roads.proportional(layout, learned.turns, came.counted[:, len(layout.junction) :])
    plain_sd = np.where(silent[-1], known.usual_turning_sd, learned.proportional_sd)
    shares = {
        "kalman": (mean[-1], np.sqrt(learned.turning_scale * variance[-1])),
        "proportional": (plain[-1], plain_sd),
    }
    return [
        ("turning", "%", method, 100 * share[choice], 100 * np.maximum(sd[choice], roads.LEAST_SD))
        for method, (share, sd) in shares.items()
    ]


def true_values(known: Known, told: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What the street says was true at a moment, by sort of estimate; NaN where nobody was, or there is no saying."""
    turned = np.array(told["turned"] or np.zeros(known.choice.shape), dtype=float)
    n = turned.sum(axis=1, keepdims=True)
    shares = np.where(n > 0, 100 * turned / np.maximum(n, 1), np.nan)
    times_s = told["travel_s"] or [None] * len(known.places["travel time"])
    return {
        "halting": np.array(told["halting"], dtype=float),
        "turning": shares[known.choice],
        "travel time": np.array([np.nan if one is None else one for one in times_s], dtype=float),
    }


def rows(known: Known, at_s: float, judged: Sequence[Judged]) -> list[Row]:
    """Rows of `live_estimate`, with 90 % intervals; nothing is below 0, no share above 100."""
    found: list[Row] = []
    for one in judged:
        most = 100.0 if one.unit == "%" else np.inf
        low, high = (np.clip(one.mean + side * Z_90 * one.sd, 0.0, most) for side in (-1, 1))
        columns = (known.places[one.what], one.mean, one.sd, low, high, one.true)
        found += [
            {
                "at_s": at_s, "what": one.what, "unit": one.unit, "method": one.method, "place": place,
                "mean": float(mean), "sd": float(sd), "low": float(lo), "high": float(hi),
                "true": None if np.isnan(true) else float(true),
            }
            for place, mean, sd, lo, hi, true in zip(*columns, strict=True)
        ]  # fmt: skip
    return found
