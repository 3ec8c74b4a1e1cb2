"""How good the forecasts are on days nobody has learned from, at shares of working detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.live.estimate.city import dead_ones, parameters
from twin.live.forecast.roads import HORIZONS_MIN, PASSED, PER_H, PLAN, Forecaster, flows, learned, told_by
from twin.traffic.forecast.days import INTERVAL_S, Day
from twin.traffic.forecast.feed import lived_days
from twin.traffic.forecast.models import Forecast, scores
from twin.traffic.simulation.batch import Progress

METHODS = {
    "combined": "forecast",
    "persistence": "persistence",
    "profile": "historical average",
    "last_true": "last true value",
}


def score(
    network: str, seeds: Sequence[int], detectors_percent: Sequence[float], progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Mean absolute errors of flow and travel time by share of working detectors, horizon and method (`judged`)."""
    roads, past, unseen = lived_days(network, seeds, plan=PLAN, progress=progress)
    forecaster = learned(roads, past)
    return [row for percent in detectors_percent for row in judged(forecaster, unseen, percent, parameters())]


def judged(
    forecaster: Forecaster, unseen: Sequence[Day], percent: float, p: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Rows of scores on whole days, where exactly this share of the roads has detectors, which overlook too much.

    `against_persistence` is the mean difference of a day's error from persistence's (below 0 is better), with half of
    its Student 95 % interval over days. Persistence holds what detectors tell of now; the last true value is what no
    detector tells and the simulator knows.
    """
    seen = heard(np.stack([day.seen for day in unseen]), percent, p)
    found: list[dict[str, Any]] = []
    blind_travel, blind_flow = forecaster.blind
    for what, unit, model, blind, true, factor in (
        ("flow", "veh/h", forecaster.flow, blind_flow, flows(unseen), PER_H),
        ("travel time", "s", forecaster.travel, blind_travel, np.stack([day.travel_s for day in unseen]), 1.0),
    ):
        told = [told_by(model, blind, day) for day in seen]
        for row in scores(model, seen, true):
            in_min = int(row["horizon"]) * INTERVAL_S // 60
            if in_min not in HORIZONS_MIN or row["method"] not in METHODS:
                continue
            found.append({
                "what": what, "unit": unit, "detectors_percent": percent, "in_min": in_min,
                "method": METHODS[str(row["method"])], "mae": factor * float(row["mae_s"]),
                "against_persistence": factor * float(row["against_persistence_s"]),
                "half_width": factor * float(row["against_persistence_half_s"]),
                "inside_90_percent": inside(told, true, int(row["horizon"])) if row["method"] == "combined" else None,
            })  # fmt: skip
    return found


def inside(told: Sequence[Forecast], true: np.ndarray, horizon: int) -> float:
    """Share [%] of true values (D, n, R) that the intervals of a horizon hold."""
    ahead = true[:, horizon:]
    low, high = (
        np.stack([getattr(one, side)[: ahead.shape[1], horizon] for one in told]) for side in ("low_s", "high_s")
    )
    known = np.isfinite(ahead)
    return 100 * float(((ahead >= low) & (ahead <= high))[known].mean())


def heard(seen: np.ndarray, percent: float, p: Mapping[str, float]) -> np.ndarray:
    """What the city's detectors tell of days (D, intervals, R, signs): nothing of some roads, too little of others."""
    shares = np.full(seen.shape[-1], (1 - p["city_miss_percent"] / 100) / (1 - p["believed_miss_percent"] / 100))
    shares[PASSED] = 1 - p["city_counter_miss_percent"] / 100
    dead = dead_ones(np.random.default_rng([0, 17]), seen.shape[2], percent)
    return np.where(dead[:, None], np.nan, seen * shares)
