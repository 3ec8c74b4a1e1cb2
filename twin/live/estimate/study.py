"""How good the estimates are: a simulated city that differs from what the twin believes, and its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from twin.live.estimate import roads
from twin.live.estimate.city import Told, parameters, told
from twin.live.estimate.judged import Judged
from twin.live.estimate.queues import believed_queues
from twin.live.estimate.seen import held
from twin.live.street import Lived, live_hour
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for

LEAST_SD_VEH = 0.03
BELIEVED_SEED = 5000  # added to a city's seed for the twin's own hour: other vehicles, and the demand of scale 1


def score(
    network: str, seed: int, duration_s: int, scale: float, detectors_percent: Sequence[float],
    progress: Callable[..., None] = lambda *_: None, day_type: str = "weekday",
) -> list[Judged]:  # fmt: skip
    """Queues beside the truth, by share of working detectors and method; turning rates and travel times too.

    Both are left out below 10 minutes.
    The models are fitted to an hour as the twin believes it (demand of scale 1, a weekday, another seed); the city's
    hour has `scale` times the demand of its day type, detectors that overlook more than is believed, and the demo's
    line.
    """
    believed = live_hour(network, seed + BELIEVED_SEED, duration_s, 1.0)
    progress(1, 2 + len(detectors_percent))
    city = live_hour(network, seed, duration_s, scale, day_type=day_type)
    progress(2, 2 + len(detectors_percent))
    signals = signals_of(locate(network).net_file, detectors_for(network).camera_range_m)
    green, p = signals.junctions.green, parameters()
    layout = roads.layout_of(locate(network).net_file, signals)
    known = roads.learned(layout, believed, green, p) if duration_s >= roads.LEAST_S else None
    judged: list[Judged] = []
    for i, percent in enumerate(detectors_percent, 3):
        came = told(city, percent, seed, p)
        x, sd = believed_queues(believed, came, green, p)
        judged += halting(believed, city, came, x, sd, percent)
        if known is not None:
            judged += roads.turning_rates(layout, known, city, came, percent, p)
            judged += roads.travel_times(layout, known, believed, city, came, x, sd, percent, p)
        progress(i, 2 + len(detectors_percent))
    return judged


def halting(believed: Lived, city: Lived, came: Told, x: np.ndarray, sd: np.ndarray, percent: float) -> list[Judged]:
    """The halting vehicles by approach: the Kalman filter's x (n, Z, 2) and persistence."""
    last, last_sd = persistence(believed, came.halting, parameters()["believed_miss_percent"] / 100)
    return [
        Judged("halting", "veh", percent, method, mean, spread, city.halting)
        for method, mean, spread in (("kalman", x[..., 0], sd[..., 0]), ("persistence", last, last_sd))
    ]


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
