"""Rules that choose phases from detector readings: what a learned policy has to beat.

Each is one function: it takes the junctions and its settings and gives `decide(readings) -> wanted`, the phase wanted
at every junction, int array (J,). They see detectors alone, and what they want goes through the guard like everybody's.
`J` junctions, `P` the largest number of phases, `Z` detector zones (approach lanes) in all.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from controllers.plan import GREEN, SignalPlan


@dataclass(frozen=True)
class Junctions:
    """Junctions as arrays. `zone_of[j]` gives for each link of junction j its detector zone, or −1 for none.

    `phases`: number of phases (J,). `exists`: whether junction j has phase p (J, P). `green`: 1 where zone z has green
    in phase p of junction j, (J·P, Z). `exit_green`: the same for the zones that the phase's links lead into.
    """

    plans: tuple[SignalPlan, ...]
    phases: np.ndarray
    exists: np.ndarray
    green: np.ndarray
    exit_green: np.ndarray

    @classmethod
    def of(
        cls, plans: Sequence[SignalPlan], zone_of: Sequence[Sequence[int]], exit_of: Sequence[Sequence[int]], zones: int
    ) -> Junctions:
        """From plans and, for each link, the zones it comes from and leads into."""
        most = max(len(plan.phases) for plan in plans)
        exists = np.zeros((len(plans), most), dtype=bool)
        green, exit_green = np.zeros((2, len(plans) * most, zones))
        for j, plan in enumerate(plans):
            for p, state in enumerate(plan.phases):
                exists[j, p] = True
                for link, letter in enumerate(state):
                    if letter in GREEN:
                        for matrix, zone in ((green, zone_of[j][link]), (exit_green, exit_of[j][link])):
                            if zone >= 0:
                                matrix[j * most + p, zone] = 1.0
        return cls(tuple(plans), exists.sum(axis=1), exists, green, exit_green)


@dataclass
class Readings:
    """What a controller sees at a decision: detectors by zone (Z,) and its own lamps by junction (J,).

    `vehicles` and `halting` are a camera's counts [veh], `passed` a stop-line loop's count since the last decision
    [veh]; a dead detector reads NaN. `walk_calls` are pressed buttons of each junction's crossings (link numbers).
    `phase` is shown or being changed to, `green_s` how long it has been green (0 while changing).
    """

    time_s: float
    vehicles: np.ndarray
    halting: np.ndarray
    passed: np.ndarray
    phase: np.ndarray
    green_s: np.ndarray
    walk_calls: tuple[frozenset[int], ...] = ()


Decide = Callable[[Readings], np.ndarray]


def _reported(counts: np.ndarray) -> np.ndarray:
    """The counts, 0 where a detector says nothing."""
    return counts if np.isfinite(counts.sum()) else np.nan_to_num(counts)


def fixed_time(junctions: Junctions) -> Decide:
    """The plans' own programmes by the clock: no detectors. Greens are separated by the plan's yellow and all-red."""
    steps = [plan.programme or tuple((p, 30.0) for p in range(len(plan.phases))) for plan in junctions.plans]
    phases = [[phase for phase, _ in own] for own in steps]
    ends_s = [
        list(itertools.accumulate(green_s + plan.lost_s for _, green_s in own))
        for plan, own in zip(junctions.plans, steps, strict=True)
    ]

    def decide(readings: Readings) -> np.ndarray:
        at_s = [
            (readings.time_s - plan.offset_s) % ends[-1] for plan, ends in zip(junctions.plans, ends_s, strict=True)
        ]
        return np.array([own[bisect_right(ends, s)] for own, ends, s in zip(phases, ends_s, at_s, strict=True)])

    return decide


def max_pressure(
    junctions: Junctions,
    min_green_s: float = 10.0,
    halting_weight: float = 0.0,
    exit_weight: float = 0.0,
    switch_bonus_veh: float = 0.0,
) -> Decide:
    """The phase with the largest pressure (Varaiya 2013), reconsidered after every `min_green_s`.

    Pressure of a phase = vehicles waiting or arriving in the zones it serves, less `exit_weight` times those in the
    zones it feeds. `halting_weight` 0 counts all vehicles, 1 only halting ones. The present phase is kept while no
    other exceeds it by more than `switch_bonus_veh`.
    """
    zones = junctions.green - exit_weight * junctions.exit_green
    rows = np.arange(len(junctions.plans))
    absent = np.where(junctions.exists, 0.0, -np.inf)

    def decide(readings: Readings) -> np.ndarray:
        present = (1 - halting_weight) * readings.vehicles + halting_weight * readings.halting
        pressure = (zones @ _reported(present)).reshape(absent.shape) + absent
        pressure[rows, readings.phase] += switch_bonus_veh + 1e-9
        return np.where(readings.green_s >= min_green_s, pressure.argmax(axis=1), readings.phase)

    return decide


def self_organising(
    junctions: Junctions,
    threshold_veh_s: float = 50.0,
    min_green_s: float = 10.0,
    platoon_veh: float = 3.0,
    halting_weight: float = 0.0,
) -> Decide:
    """Self-organising traffic lights (Gershenson 2005, SOTL): a red asks for green when its integral is full.

    Each phase gathers vehicles × seconds on the zones that have red in the present phase; above `threshold_veh_s` it
    may take over, unless 1 … `platoon_veh` vehicles are passing on the present green (a small platoon is not cut).
    """
    asked = np.zeros(junctions.exists.shape)
    green = junctions.green.reshape(*asked.shape, -1)
    rows = np.arange(len(junctions.plans))
    last_s: list[float] = []

    def decide(readings: Readings) -> np.ndarray:
        present = _reported((1 - halting_weight) * readings.vehicles + halting_weight * readings.halting)
        served = green[rows, readings.phase]
        waiting = (green @ ((1 - served) * present)[:, :, None])[:, :, 0]
        asked[:] = (asked + waiting * (readings.time_s - (last_s[-1] if last_s else readings.time_s))) * (waiting > 0)
        last_s[:] = [readings.time_s]
        asked[rows, readings.phase] = 0.0
        passing = served @ present
        free = (readings.green_s >= min_green_s) & ((passing < 1) | (passing > platoon_veh))
        best = asked.argmax(axis=1)
        take = free & (asked[rows, best] > threshold_veh_s)
        return np.where(take, best, readings.phase)

    return decide


RULES: dict[str, Callable[..., Decide]] = {
    "fixed_time": fixed_time,
    "max_pressure": max_pressure,
    "sotl": self_organising,
}
