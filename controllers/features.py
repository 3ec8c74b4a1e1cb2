"""What a policy sees: numbers for every movement and phase that mean the same whatever the junction's shape.

A movement is a detector zone before a stop line (an approach lane). A junction has at most `MOVEMENTS` of them and
`PHASES` phases; what it lacks is zero. The same code runs in training and in the street cabinet, on the same readings.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controllers.errors import PlanError
from controllers.plan import GREEN
from controllers.rules import Junctions, Readings

MOVEMENTS, PHASES = 16, 8
PERMITTED = 0.5  # how much of a green it is to be let through gaps only
TABLE = Path(__file__).parent / "features.csv"
Links = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Feature:
    """One number of a movement or a phase; a policy gets `value / scale`, cut off at `most`."""

    name: str
    unit: str
    scale: float
    most: float
    meaning: str


@functools.cache
def features(of: str) -> tuple[Feature, ...]:
    """The features of a `movement` or of a `phase`, in the order of the arrays: `features.csv`."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(
            Feature(row["name"], row["unit"], float(row["scale"]), float(row["most"]), row["meaning"])
            for row in csv.DictReader(file)
            if row["of"] == of
        )


@dataclass(frozen=True)
class Observation:
    """What the policy of each of J junctions sees, float32, scaled: about 0 … 1, cut off at each feature's `most`.

    `movements` (J, MOVEMENTS, features of a movement), `phases` (J, PHASES, features of a phase), `serves`
    (J, PHASES, MOVEMENTS): 1 where a phase gives a movement green with right of way, 0.5 where it must yield.
    """

    movements: np.ndarray
    phases: np.ndarray
    serves: np.ndarray


class Features:
    """Turns readings into observations; it remembers when each phase and movement last had green.

    `zone_of[j][link]` and `exit_of[j][link]` are the zones that a link comes from and leads into, −1 for none. Raises
    PlanError for a junction with too many phases or movements.
    """

    def __init__(self, junctions: Junctions, zone_of: Links, exit_of: Links, begin_s: float = 0.0) -> None:
        self.junctions = junctions
        n, most = junctions.exists.shape
        self._slots, self.serves = _slots(junctions, zone_of)
        self._exists = np.zeros((n, PHASES), dtype=bool)
        self._exists[:, :most] = junctions.exists
        self._rows = np.arange(n)
        self._green = np.zeros((n, PHASES, junctions.green.shape[1]))
        self._fed = np.zeros_like(self._green)
        self._green[:, :most] = junctions.green.reshape(n, most, -1)
        fed = junctions.exit_green.reshape(n, most, -1)
        self._fed[:, :most] = fed / np.maximum(fed.sum(axis=2, keepdims=True), 1.0)
        self._exits = _exits(zone_of, exit_of, junctions.green.shape[1])
        self._min_green_s = np.array([plan.min_green_s for plan in junctions.plans])
        self._walks = [plan.crossings_of for plan in junctions.plans]
        self._max_green_s = np.array([plan.max_green_s for plan in junctions.plans])
        scale, self._movement_most = _limits("movement")
        self._movement_factor = (self._slots >= 0)[:, :, None] / scale
        scale, self._phase_most = _limits("phase")
        self._phase_factor = self._exists[:, :, None] / scale
        self._phase_served_s = np.full((n, PHASES), begin_s)
        self._movement_served_s = np.full((n, MOVEMENTS), begin_s)

    def see(self, readings: Readings, priority: list[int | None] | None = None) -> Observation:
        """The observations of all junctions; `priority[j]` is the phase that an emergency vehicle asks for."""
        return Observation(self._movements(readings), self._phases(readings, priority), self.serves)

    def _movements(self, readings: Readings) -> np.ndarray:
        now_s, phase, shown = readings.time_s, readings.phase, readings.green_s > 0
        lit = self.serves[self._rows, phase] * shown[:, None]
        np.copyto(self._movement_served_s, now_s, where=lit > 0)
        vehicles, halting = readings.vehicles, readings.halting
        by_zone = np.ones((5, len(vehicles)))
        if not np.isfinite(vehicles.sum()):
            seen = by_zone[4] = np.isfinite(vehicles)
            vehicles, halting = np.where(seen, vehicles, 0.0), np.where(seen, halting, 0.0)
        released = (self._green[self._rows, phase] @ vehicles) * shown
        by_zone[0], by_zone[1] = vehicles, halting
        by_zone[2] = released @ self._fed[self._rows, phase]
        by_zone[3] = self._exits @ vehicles
        found = np.empty(self._movement_factor.shape, dtype=np.float32)  # features in the order of the table
        by_slot = by_zone[:, self._slots]  # a missing movement reads the last zone and is blanked by its factor
        found[:, :, :4] = by_slot[:4].transpose(1, 2, 0)
        found[:, :, 4] = lit
        found[:, :, 5] = now_s - self._movement_served_s
        found[:, :, 6] = by_slot[4]
        found[:, :, 7] = 1.0
        return _scaled(found, self._movement_factor, self._movement_most)

    def _phases(self, readings: Readings, priority: list[int | None] | None) -> np.ndarray:
        phase, green_s = readings.phase, readings.green_s
        shown = green_s > 0
        self._phase_served_s[self._rows[shown], phase[shown]] = readings.time_s
        found = np.zeros(self._phase_factor.shape, dtype=np.float32)  # features in the order of the table
        here = found[self._rows, phase]
        here[:, 0], here[:, 1], here[:, 2] = 1.0, green_s, self._max_green_s - green_s
        found[self._rows, phase] = here
        found[:, :, 3] = readings.time_s - self._phase_served_s
        found[:, :, 4] = (green_s >= self._min_green_s)[:, None]
        for j, pressed in enumerate(readings.walk_calls):
            if pressed:  # crossings that somebody waits for, by the phase in which they walk
                found[j, : len(self._walks[j]), 5] = [len(walking & pressed) for walking in self._walks[j]]
        for j, asked in enumerate(priority or ()):
            if asked is not None:
                found[j, asked, 6] = 1.0
        found[:, :, 7] = 1.0
        return _scaled(found, self._phase_factor, self._phase_most)


def _scaled(found: np.ndarray, factor: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The features in place, blanked where there is nothing, scaled, and cut off."""
    found *= factor
    np.maximum(found, 0.0, out=found)
    return np.minimum(found, most, out=found)


def _slots(junctions: Junctions, zone_of: Links) -> tuple[np.ndarray, np.ndarray]:
    """Zone of each junction's movements (J, MOVEMENTS), −1 for none, and what each phase serves (see Observation)."""
    slots = np.full((len(zone_of), MOVEMENTS), -1)
    serves = np.zeros((len(zone_of), PHASES, MOVEMENTS), dtype=np.float32)
    for j, (plan, zones) in enumerate(zip(junctions.plans, zone_of, strict=True)):
        own = sorted({zone for zone in zones if zone >= 0})
        if len(own) > MOVEMENTS or len(plan.phases) > PHASES:
            told = f"has {len(plan.phases)} phases and {len(own)} detector zones; a policy takes {PHASES}, {MOVEMENTS}"
            raise PlanError(plan.name, [told])
        slots[j, : len(own)] = own
        for p, state in enumerate(plan.phases):
            for zone, letter in zip(zones, state, strict=True):
                if zone >= 0 and letter in GREEN:
                    slot = own.index(zone)
                    serves[j, p, slot] = max(serves[j, p, slot], 1.0 if letter == "G" else PERMITTED)
    return slots, serves


def _exits(zone_of: Links, exit_of: Links, zones: int) -> np.ndarray:
    """For each zone the shares of the zones that its links lead into (zones, zones)."""
    links = np.zeros((zones, zones))
    for froms, tos in zip(zone_of, exit_of, strict=True):
        for zone, leads in zip(froms, tos, strict=True):
            if zone >= 0 and leads >= 0:
                links[zone, leads] += 1.0
    shares: np.ndarray = links / np.maximum(links.sum(axis=1, keepdims=True), 1.0)
    return shares


def _limits(of: str) -> tuple[np.ndarray, np.ndarray]:
    chosen = features(of)
    scale, most = zip(*((one.scale, one.most) for one in chosen), strict=True)
    return np.array(scale, dtype=np.float32), np.array(most, dtype=np.float32)
