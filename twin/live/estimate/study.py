"""How good the estimate of queues is: a simulated city that differs from what the twin believes, and its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from twin.files import read_rows
from twin.live.demo import BEGIN_S, messages
from twin.live.estimate import scores
from twin.live.estimate.queues import estimate, fit, lamps_of
from twin.live.estimate.seen import held, series
from twin.live.intake import Intake
from twin.live.street import Lived, live_hour
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation.detectors import DetectorOptions, Faults
from twin.traffic.studies.evaluate import detectors_for

LEAST_SD_VEH = 0.03
BELIEVED_SEED = 5000  # added to a city's seed for the twin's own hour: other vehicles, and the demand of scale 1


def parameters() -> dict[str, float]:
    """`data/estimate.csv`."""
    table = Path(__file__).parents[1] / "data" / "estimate.csv"
    return {row["parameter"]: float(row["value"]) for row in read_rows(table)}


def score(
    network: str, seed: int, duration_s: int, scale: float, detectors_percent: Sequence[float],
    progress: Callable[..., None] = lambda *_: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """RMSE, coverage and CRPS of the halting vehicles by approach, a row a share of working detectors and a method.

    The model is fitted to an hour as the twin believes it (demand of scale 1, another seed); the city's hour has
    `scale` times that demand, cameras that overlook more than is believed, and the demo's line.
    """
    believed = live_hour(network, seed + BELIEVED_SEED, duration_s, 1.0)
    progress(1, 2 + len(detectors_percent))
    city = live_hour(network, seed, duration_s, scale)
    progress(2, 2 + len(detectors_percent))
    green = signals_of(locate(network).net_file, detectors_for(network).camera_range_m).junctions.green
    rows: list[dict[str, Any]] = []
    for i, percent in enumerate(detectors_percent, 3):
        rows += compared(believed, city, green, percent, seed)
        progress(i, 2 + len(detectors_percent))
    return rows


def compared(believed: Lived, city: Lived, green: np.ndarray, percent: float, seed: int) -> list[dict[str, Any]]:
    """A row for the Kalman filter and one for persistence, at a share of working detectors."""
    p = parameters()
    model = fit(believed.halting, believed.vehicles, lamps_of(believed.phase, green), p["pooled_readings"])
    halting, vehicles, phase = told(city, percent, seed, p)
    miss = p["believed_miss_percent"] / 100
    mean, sd = estimate(model, halting, vehicles, lamps_of(held(phase, 0.0), green), miss, p["reading_variance_veh2"])
    by_method = {"kalman": (mean[..., 0], sd[..., 0]), "persistence": persistence(believed, halting, miss)}
    return [
        {
            "detectors_percent": percent,
            "method": method,
            "rmse_veh": scores.rmse(mean, city.halting),
            "crps_veh": scores.crps(mean, sd, city.halting),
            "covered_90_percent": 100 * scores.coverage(mean, sd, city.halting),
            "mean_sd_veh": float(sd.mean()),
        }
        for method, (mean, sd) in by_method.items()
    ]


def told(city: Lived, percent: float, seed: int, p: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Halting, vehicles (n, Z) and phases (n, J) as they came in, NaN where not; `percent` of the detectors work."""
    zones = city.halting.shape[1]
    options = DetectorOptions(
        miss_percent=p["city_miss_percent"], dropout_percent=p["city_dropout_percent"],
        ghost_veh=p["city_ghost_veh"], dead_percent=100 - percent,
    )  # fmt: skip
    rng = np.random.default_rng([seed, 15])
    faults = Faults(options, zones, rng)
    # exactly this share, and whoever works at a lower share works at a higher one
    faults.dead = np.argsort(np.argsort(rng.random(zones))) >= round(zones * percent / 100)
    pairs = [faults.seen(v, h) for v, h in zip(city.vehicles, city.halting, strict=True)]
    noisy = replace(city, vehicles=np.array([v for v, _ in pairs]), halting=np.array([h for _, h in pairs]))
    intake, rows = Intake(), []
    for arrived_s, topic, payload in messages(noisy, seed):
        if intake.admits(topic, arrived_s):
            rows += intake.take(topic, payload, arrived_s)[0]
    at_s = BEGIN_S + city.at_s
    sources = {f"zone-{z}": z for z in range(zones)}
    signals = {f"signal-{j}": j for j in range(city.phase.shape[1])}
    halting, vehicles = (
        series(rows, "detectors", name, sources, at_s, p["grace_s"]) for name in ("halting", "vehicles")
    )
    return halting, vehicles, series(rows, "lamps", "phase", signals, at_s, p["grace_s"])


def persistence(believed: Lived, halting: np.ndarray, miss: float) -> tuple[np.ndarray, np.ndarray]:
    """The last reading over what a camera is believed to see, and an approach's mean where there was none (n, Z).

    Its standard deviation is a reading's own; of one that is k steps old also that of k steps' changes in the twin's
    hour; and an approach's own where there was none, which it never exceeds.
    """
    mean, spread = believed.halting.mean(axis=0), np.maximum(believed.halting.std(axis=0), LEAST_SD_VEH)
    step = np.mean(np.diff(believed.halting, axis=0) ** 2, axis=0)
    last = held(halting / (1 - miss), np.nan)
    age = np.zeros_like(last)
    for k in range(1, len(age)):
        age[k] = np.where(np.isnan(halting[k]), age[k - 1] + 1, 0)
    own = np.sqrt(np.nan_to_num(last) * miss / (1 - miss) + parameters()["reading_variance_veh2"] + age * step)
    unseen = np.isnan(last)
    return np.where(unseen, mean, last), np.where(unseen, spread, np.minimum(own, np.maximum(spread, own.min())))
