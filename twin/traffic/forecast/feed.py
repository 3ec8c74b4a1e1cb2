"""Public information: travel time and congestion of every watched road, now and in the next hour, as an app shows."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twin.errors import NetworkError
from twin.files import read_rows
from twin.traffic.folders import DATA
from twin.traffic.forecast.days import HOUR_S, INTERVAL_S, Day, DayPlan, place_of, simulated_days
from twin.traffic.forecast.models import HORIZONS, LAGS, Model, fit, forecast, scores
from twin.traffic.networks.files import Network
from twin.traffic.networks.roads import Road, roads_of, upstream, way_around
from twin.traffic.simulation.batch import Progress
from twin.traffic.studies.evaluate import detectors_for, network_for

LEVELS = DATA / "congestion_levels.csv"
SHOWN_MIN = (0, 15, 30, 45, 60)
DAYS = 6  # that the forecast learns from
FIRST_SEED = 1_000_001  # of those days, far from the seeds of days that are shown or judged
TYPICAL = DayPlan(seed=0, begin_h=5, hours=4)


@functools.cache
def _levels() -> list[tuple[str, str, float]]:
    return [(row["level"], row["name"], float(row["speed_above_percent"])) for row in read_rows(LEVELS)]


def congestion_level(travel_time_index: float) -> tuple[str, str]:
    """Level A … F and its word for a travel-time index [-], travel time over free-flow time.

    Levels of service of urban streets by travel speed as a share of base free-flow speed, which is 1 / index (Highway
    Capacity Manual 2010; `data/congestion_levels.csv`). Free flow is here the speed limit. Raises ValueError for an
    index that is not above 0.
    """
    if not travel_time_index > 0:
        raise ValueError(f"a travel-time index is above 0, not {travel_time_index}")
    percent = 100 / travel_time_index
    return next((level, name) for level, name, above in _levels() if percent > above)


def public_feed(
    name: str,
    seed: int = 1,
    at_h: float | None = None,
    *,
    day_type: str = "weekday",
    plan: DayPlan = TYPICAL,
    days: int = DAYS,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """The feed of a simulated day on this network at this hour (`rows` says what a row holds), learned from `days`.

    Every day follows `plan` with a seed, and so a demand, of its own; days are simulated on first use (some seconds of
    computing for every hour of every day) and kept. `at_h` is the hour of the day, an hour before the day's end if it
    is None. Raises NetworkError if no road ends at a signal or `at_h` is not within the day.
    """
    last_h = plan.begin_h + plan.hours
    at_h = last_h - 1.0 if at_h is None else at_h
    until = round((at_h - plan.begin_h) * HOUR_S / INTERVAL_S)
    if not 1 <= until <= plan.hours * HOUR_S // INTERVAL_S:
        raise NetworkError(f"{name}: the day is known from {plan.begin_h} to {last_h} h, not at {at_h:g} h")
    roads, past, today = lived_days(name, [seed], day_type, plan, days, progress)
    return rows(roads, learned(roads, past), today[0].seen[:until], plan.begin_h)


def forecast_scores(
    name: str,
    seeds: Sequence[int],
    *,
    day_type: str = "weekday",
    plan: DayPlan = TYPICAL,
    days: int = DAYS,
    progress: Progress | None = None,
) -> list[dict[str, float | str]]:
    """How the methods do on days that they have not seen, one a seed (`forecast.scores` says what a row holds)."""
    roads, past, unseen = lived_days(name, seeds, day_type, plan, days, progress)
    return scores(learned(roads, past), np.stack([d.seen for d in unseen]), np.stack([d.travel_s for d in unseen]))


def learned(roads: Sequence[Road], past: Sequence[Day]) -> Model:
    """What the forecast learns from days on these roads."""
    watched = [road for road in roads if road.watched]
    free_flow_s = np.array([road.free_flow_s for road in watched])
    return fit(np.stack([d.seen for d in past]), np.stack([d.travel_s for d in past]), upstream(watched), free_flow_s)


def lived_days(
    name: str, seeds: Sequence[int], day_type: str = "weekday", plan: DayPlan = TYPICAL, days: int = DAYS,
    progress: Progress | None = None,
) -> tuple[tuple[Road, ...], list[Day], list[Day]]:  # fmt: skip
    """Roads, days to learn from, and the days of these seeds. The hour that a day repeats is the same for all."""
    network, plans = _plans(name, seeds, day_type, plan, days)
    lived = simulated_days(network, plans, progress)
    return roads_of(network.net_file), lived[:days], lived[days:]


def at_hand(name: str, plan: DayPlan = TYPICAL) -> bool:
    """Whether the days that a forecast on this network learns from have been lived already."""
    network, plans = _plans(name, [], "weekday", plan, DAYS)
    return all(place_of(network, plan).is_file() for plan in plans)


def _plans(
    name: str, seeds: Sequence[int], day_type: str, plan: DayPlan, days: int
) -> tuple[Network, list[DayPlan]]:  # fmt: skip
    network, _ = network_for(name, FIRST_SEED, day_type=day_type)
    camera_range_m = detectors_for(name).camera_range_m
    plan = replace(plan, detectors=plan.detectors.model_copy(update={"camera_range_m": camera_range_m}))
    all_seeds = [*(FIRST_SEED + d for d in range(days)), *seeds]
    return network, [replace(plan, seed=seed) for seed in all_seeds]


def rows(roads: Sequence[Road], model: Model, seen: np.ndarray, begin_h: float) -> list[dict[str, Any]]:
    """One JSON row for every watched road of `roads`, from what its detectors saw since `begin_h`, (n, R, signs).

    `times` tells for 0, 15 … 60 minutes ahead the expected time, the interval that holds it with the model's chance
    (`likely_s`), the travel-time index, the congestion level, and the fastest way round with what it saves, where
    there is a faster one (roads without detectors count at free flow). What lies beyond the day that was learned is
    left out. `live`: a detector reported in the last quarter hour; else the road's usual time is shown.
    """
    told = forecast(model, seen)
    watched = [r for r, road in enumerate(roads) if road.watched]
    at_h = begin_h + len(seen) * INTERVAL_S / HOUR_S
    live = np.isfinite(seen[-LAGS:]).any(axis=(0, 2))
    found = [_row(roads[r], at_h, bool(live[w]), model.coverage) for w, r in enumerate(watched)]
    for minutes in SHOWN_MIN:
        h = minutes * 60 // INTERVAL_S
        if h >= HORIZONS or not np.isfinite(told.travel_s[-1, h]).all():
            break
        all_s = np.array([road.free_flow_s for road in roads])
        all_s[watched] = told.travel_s[-1, h]
        for w, r in enumerate(watched):
            likely_s = (told.low_s[-1, h, w], told.high_s[-1, h, w])
            found[w]["times"].append({"in_min": minutes, **_time(roads, all_s, r, likely_s)})
    return found


def _row(road: Road, at_h: float, live: bool, coverage: float) -> dict[str, Any]:
    minutes = round(60 * at_h)
    return {
        "road": road.name,
        "name": road.title,
        "from": road.start,
        "to": road.end,
        "at": f"{minutes // 60 % 24:02d}:{minutes % 60:02d}",
        "length_m": road.length_m,
        "free_flow_s": _shown(road.free_flow_s),
        "live": live,
        "interval_percent": round(100 * coverage),
        "times": [],
    }


def _time(roads: Sequence[Road], all_s: np.ndarray, r: int, likely_s: tuple[float, float]) -> dict[str, Any]:
    index = float(all_s[r]) / roads[r].free_flow_s
    level, word = congestion_level(index)
    other = way_around(roads, all_s, r)
    faster = other is not None and other[1] < all_s[r]
    return {
        "travel_s": _shown(all_s[r]),
        "likely_s": [_shown(side) for side in likely_s],
        "travel_time_index": round(index, 2),
        "level": level,
        "congestion": word,
        "alternative": {"roads": other[0], "travel_s": _shown(other[1]), "saves_s": _shown(all_s[r] - other[1])}
        if other is not None and faster
        else None,
    }


def _shown(seconds: float) -> float | None:
    return round(float(seconds), 1) if math.isfinite(seconds) else None
