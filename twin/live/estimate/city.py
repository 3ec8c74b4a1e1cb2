"""What a simulated city tells where a part of its detectors and counters work, over the demo's line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.live.counters import MINUTE_S
from twin.live.demo import BEGIN_S, messages
from twin.live.estimate.seen import columns_of, series
from twin.live.intake import Intake
from twin.live.parameters import parameters_of
from twin.live.street import Lived
from twin.module import Row
from twin.traffic.simulation.detectors import DetectorOptions, Faults


@dataclass(frozen=True)
class Told:
    """What came in, NaN where not: halting and vehicles (n, Z), phases (n, J), counts (minutes, counters)."""

    halting: np.ndarray
    vehicles: np.ndarray
    phase: np.ndarray
    counted: np.ndarray


def parameters() -> Mapping[str, float]:
    """`data/estimate.csv`."""
    return parameters_of("estimate")


def told(city: Lived, percent: float, seed: int, p: Mapping[str, float]) -> Told:
    """What a city tells over the demo's line where exactly `percent` of its detectors and of its counters work."""
    zones = city.halting.shape[1]
    options = DetectorOptions(
        miss_percent=p["city_miss_percent"], dropout_percent=p["city_dropout_percent"],
        ghost_veh=p["city_ghost_veh"], dead_percent=100 - percent,
    )  # fmt: skip
    rng = np.random.default_rng([seed, 15])
    faults = Faults(options, zones, rng)
    faults.dead = dead_ones(rng, zones, percent)
    pairs = [faults.seen(v, h) for v, h in zip(city.vehicles, city.halting, strict=True)]
    noisy = replace(
        city, vehicles=np.array([v for v, _ in pairs]), halting=np.array([h for _, h in pairs]),
        counted=_counted(city.counted, percent, seed, p),
    )  # fmt: skip
    return as_told(received(noisy, seed), noisy, BEGIN_S, p["grace_s"])


def dead_ones(rng: np.random.Generator, n: int, percent: float) -> np.ndarray:
    """Who does not work, bool (n,): exactly this share, and whoever works at a lower share works at a higher one."""
    return np.argsort(np.argsort(rng.random(n))) >= round(n * percent / 100)


def _counted(counted: np.ndarray, percent: float, seed: int, p: Mapping[str, float]) -> np.ndarray:
    """What counters say of the vehicles that passed (minutes, counters): some overlooked, NaN where nothing."""
    rng = np.random.default_rng([seed, 16])
    dead = dead_ones(rng, counted.shape[1], percent)
    seen = rng.binomial(counted.astype(int), 1 - p["city_counter_miss_percent"] / 100).astype(float)
    silent = rng.random(counted.shape) < p["city_dropout_percent"] / 100
    return np.where(dead | silent, np.nan, seen)


def received(street: Lived, seed: int) -> list[Row]:
    """The readings of what a street sends over the demo's line."""
    intake, rows = Intake(), []
    for arrived_s, topic, payload in messages(street, seed):
        if intake.admits(topic, arrived_s):
            rows += intake.take(topic, payload, arrived_s)[0]
    return rows


def as_told(rows: Sequence[Row], street: Lived, begin_s: float, grace_s: float) -> Told:
    """Readings as arrays over the moments of a street; `begin_s` is when it began [s UTC]."""
    at_s = begin_s + street.at_s
    zones, signals = columns_of(street.halting.shape[1], street.phase.shape[1])
    counters = {source: c for c, source in enumerate(street.counters)}
    minutes_s = begin_s + MINUTE_S * (np.arange(len(street.counted)) + 1)
    halting, vehicles = (series(rows, "detectors", name, zones, at_s, grace_s) for name in ("halting", "vehicles"))
    return Told(
        halting, vehicles, series(rows, "lamps", "phase", signals, at_s, grace_s),
        series(rows, "counters", "passed", counters, minutes_s, grace_s),
    )  # fmt: skip
