"""What a controller sees of the street: camera and loop counts, with noise, missing readings and dead detectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from twin.module import Options

STICKS_WITHIN = 120  # readings, at a random one of which a detector sticks (at the first, roads are empty); prior


class DetectorOptions(Options):
    """How good the detectors are; by default they are perfect. All chances are per reading and zone."""

    camera_range_m: float = Field(200.0, gt=0, le=1000, description="how far a camera sees from the stop line [m]")
    loops: bool = Field(False, description="a loop at every stop line counts passing vehicles")
    miss_percent: float = Field(0.0, ge=0, le=100, description="vehicles that a camera overlooks [%]")
    ghost_veh: float = Field(0.0, ge=0, le=10, description="vehicles that a camera invents, mean of a reading [veh]")
    dropout_percent: float = Field(0.0, ge=0, le=100, description="readings that do not arrive [%]")
    dead_percent: float = Field(0.0, ge=0, le=100, description="zones whose detectors are dead from the start [%]")
    stuck_percent: float = Field(
        0.0, ge=0, le=100, description="zones whose detectors soon repeat one reading for ever [%]"
    )


@dataclass
class Faults:
    """The detector model at work on arrays of counts; `rng` is its only source of chance."""

    options: DetectorOptions
    zones: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        o = self.options
        kinds = self.rng.random(self.zones)
        self.dead = kinds < o.dead_percent / 100
        self.stuck = ~self.dead & (kinds < (o.dead_percent + o.stuck_percent) / 100)
        self.told, self.readings = np.zeros((2, self.zones)), 0
        self.sticks_at = np.full(self.zones, np.inf)
        if self.stuck.any():
            self.sticks_at[self.stuck] = self.rng.integers(STICKS_WITHIN, size=self.zones)[self.stuck]
        self.perfect = not any((o.miss_percent, o.ghost_veh, o.dropout_percent, o.dead_percent, o.stuck_percent))

    def seen(self, vehicles: np.ndarray, halting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Counts (zones,) as the cameras report them; NaN where nothing is reported."""
        if self.perfect:
            return vehicles, halting
        o, rng = self.options, self.rng
        share = 1 - o.miss_percent / 100
        standing = rng.binomial(np.rint(halting).astype(int), share).astype(float)
        moving = rng.binomial(np.rint(np.maximum(vehicles - halting, 0)).astype(int), share).astype(float)
        counted = np.array([standing + moving + rng.poisson(o.ghost_veh, self.zones), standing])
        self.told = np.where(self.readings <= self.sticks_at, counted, self.told)
        self.readings += 1
        missing = self.dead | (rng.random(self.zones) < o.dropout_percent / 100)
        reported = np.where(missing, np.nan, self.told)
        return reported[0], reported[1]
