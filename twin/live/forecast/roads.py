"""Flow and travel time of the next hour from what a live day's detectors told, by the models of `traffic.forecast`.

Both are learned from days lived beforehand: travel times as they are, flows as 1 + vehicles that pass in 5 minutes, so
that an empty road has a logarithm too. What is unseen counts as usual at the time of day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import LiveError
from twin.live.day import STEP_S, heard
from twin.live.estimate.city import Told, parameters
from twin.live.estimate.roads import layout_of
from twin.live.estimate.travel import MINUTES, Views, by_interval
from twin.live.store import ZONE
from twin.live.street import Lived
from twin.traffic.forecast.days import HOUR_S, INTERVAL_S, Day
from twin.traffic.forecast.feed import FIRST_SEED, TYPICAL
from twin.traffic.forecast.models import LAGS, Forecast, Model, fit, forecast
from twin.traffic.networks.roads import SIGNS, Road, mean_of, upstream
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for, network_for

if TYPE_CHECKING:
    import pandas as pd

HORIZONS_MIN = (15, 30, 60)
COVERAGE = 0.9
PASSED = SIGNS.index("passed")
PER_H = HOUR_S // INTERVAL_S
PLAN = replace(TYPICAL, controller="max_pressure")  # as the demo's street is controlled


@dataclass(frozen=True)
class Forecaster:
    """What days on a network taught: models of travel time and of 1 + flow [veh in 5 minutes] of its watched roads.

    `blind` are the same of days of which nothing was seen: what is usual, and how far off that is.
    """

    roads: tuple[Road, ...]
    travel: Model
    flow: Model
    blind: tuple[Model, Model]
    begin_h: int


def flows(days: Sequence[Day]) -> np.ndarray:
    """1 + vehicles that passed each road's stop lines (D, intervals, R)."""
    return 1 + np.stack([day.seen[:, :, PASSED] for day in days])


def learned(roads: Sequence[Road], past: Sequence[Day], begin_h: int = PLAN.begin_h) -> Forecaster:
    """Both models, from days of which all was seen."""
    watched = tuple(road for road in roads if road.watched)
    seen, leads = np.stack([day.seen for day in past]), upstream(watched)
    free_flow_s = np.array([road.free_flow_s for road in watched])
    travel, flow, blind_travel, blind_flow = (
        fit(signs, values, leads, instead, COVERAGE)
        for signs in (seen, np.full_like(seen, np.nan))
        for values, instead in (
            (np.stack([day.travel_s for day in past]), free_flow_s),
            (flows(past), 0 * free_flow_s + 1),
        )
    )
    return Forecaster(watched, travel, flow, (blind_travel, blind_flow), begin_h)


def told_by(model: Model, blind: Model, seen: np.ndarray) -> Forecast:
    """Forecasts of a day so far (`traffic.forecast.models.forecast`); silent roads' intervals as of blind days."""
    sighted, usual = forecast(model, seen), forecast(blind, np.full_like(seen, np.nan))
    silent = ~heard_lately(seen)[:, None]
    low, high = (np.where(silent, getattr(usual, side), getattr(sighted, side)) for side in ("low_s", "high_s"))
    return replace(sighted, low_s=low, high_s=high)


def heard_lately(seen: np.ndarray) -> np.ndarray:
    """Whether a detector of each road reported in the last LAGS intervals, bool (n, R)."""
    there = np.isfinite(seen).any(axis=2)
    return np.array([there[max(0, k - LAGS + 1) : k + 1].any(axis=0) for k in range(len(seen))])


def seen_of(came: Told, views: Views, miss: float) -> np.ndarray:
    """What a live day tells of roads (intervals, R, signs), as `traffic.networks.roads.RoadWatch` gathers it.

    A camera is believed to overlook the share `miss`; a road's silent cameras are taken to be like its others.
    """
    steps = int(INTERVAL_S / STEP_S)
    seen = np.full((len(came.counted) // MINUTES, len(views.entry), len(SIGNS)), np.nan)
    for sign, values in enumerate((came.vehicles, came.halting)):
        by_zone = by_interval(values, steps) / (1 - miss)
        for r, own in enumerate(views.zones):
            seen[:, r, sign] = mean_of(by_zone[:, own], axis=1) * own.sum()
    seen[:, :, PASSED] = MINUTES * by_interval(came.counted[:, views.entry], MINUTES)
    return seen


def intervals_until(at_s: float, forecaster: Forecaster) -> int:
    """Whole intervals of the learned day until a moment. Raises LiveError for one that the day does not have."""
    now, most = datetime.fromtimestamp(at_s, ZONE), len(forecaster.travel.time_of_day)
    begin = now.replace(hour=forecaster.begin_h, minute=0, second=0, microsecond=0)
    n = int((now - begin).total_seconds() // INTERVAL_S)
    if not 1 <= n < most:
        last_h = forecaster.begin_h + most * INTERVAL_S / HOUR_S
        raise LiveError(f"{now:%H:%M}: days are learned from {forecaster.begin_h:02d}:05 to {last_h:g} h alone")
    return n


def told_now(forecaster: Forecaster, table: pd.DataFrame, network: str, at_s: float) -> list[dict[str, Any]]:
    """Rows of the forecast at a moment of a live day of a network (`rows`)."""
    located, _ = network_for(network, FIRST_SEED)
    signals = signals_of(located.net_file, detectors_for(network).camera_range_m)
    layout = layout_of(located.net_file, signals)
    n, nothing = intervals_until(at_s, forecaster), np.zeros((0, len(signals.zones)))
    street = Lived(np.zeros(0), nothing, nothing, np.zeros((0, len(signals.plans))), counters=layout.crossings.sources)
    came = heard(table, street, at_s, float(n * INTERVAL_S))
    return rows(forecaster, seen_of(came, layout.views, parameters()["believed_miss_percent"] / 100), at_s)


def rows(forecaster: Forecaster, seen: np.ndarray, at_s: float) -> list[dict[str, Any]]:
    """One row for every road and horizon, from what was seen until now (intervals, R, signs), with 90 % intervals.

    `live`: a detector of the road reported in the last quarter hour; else what is usual is told. Horizons beyond the
    learned day are left out.
    """
    travel, flow = (
        told_by(model, blind, seen)
        for model, blind in zip((forecaster.travel, forecaster.flow), forecaster.blind, strict=True)
    )
    live = heard_lately(seen)[-1]
    at = datetime.fromtimestamp(at_s, ZONE).isoformat()
    return [
        {
            "at": at, "road": road.name, "name": road.title, "live": bool(live[r]), "in_min": minutes,
            **_told(flow, minutes, r, ("flow_veh_per_h", "flow_low", "flow_high"), 1.0, PER_H),
            **_told(travel, minutes, r, ("travel_s", "low_s", "high_s"), 0.0, 1.0),
        }
        for r, road in enumerate(forecaster.roads)
        for minutes in HORIZONS_MIN
        if np.isfinite(travel.travel_s[-1, minutes * 60 // INTERVAL_S, r])
    ]  # fmt: skip


def _told(
    one: Forecast, minutes: int, r: int, names: tuple[str, str, str], shift: float, factor: float
) -> dict[str, float]:
    h = minutes * 60 // INTERVAL_S
    values = (one.travel_s[-1, h, r], one.low_s[-1, h, r], one.high_s[-1, h, r])
    return {name: factor * max(float(value) - shift, 0.0) for name, value in zip(names, values, strict=True)}
