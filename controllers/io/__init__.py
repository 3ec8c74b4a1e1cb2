"""Ways to a street: what is seen there comes in, what its lamps shall show goes out. One interface, several drivers.

The twin as a street (SUMO) speaks the same MQTT as a real one: `python -m twin hil`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass
class Seen:
    """What a street tells at a moment. `vehicles`, `halting` (zones,); the others by junction.

    `flashing`: the lamps of a junction flash, whatever was last asked of them. `lamp_a`: current through each
    junction's lamps [A]; `supply`: voltage_v, battery_percent, temperature_c, as far as they are measured.
    """

    vehicles: np.ndarray
    halting: np.ndarray
    walk_calls: tuple[frozenset[int], ...] = ()
    priority: tuple[int | None, ...] = ()
    flashing: tuple[bool, ...] = ()
    lamp_a: tuple[float | None, ...] = ()
    supply: dict[str, float] = field(default_factory=dict)
    clock_s: float | None = None  # the street's own clock


@dataclass(frozen=True)
class Tick:
    """A turn of the loop: so long after the last one [s, monotonic], with what was seen (None: nothing arrived)."""

    dt_s: float
    seen: Seen | None
    last: bool = False


@dataclass(frozen=True)
class Shown:
    """What the controller tells: lamps and control of each junction, and alarms."""

    lamps: Sequence[str]
    modes: Sequence[str]
    phases: Sequence[int]
    alarms: Sequence[str] = ()


class Driver(Protocol):
    """A street behind wires or a network."""

    def wait(self) -> Tick:
        """Wait for the next turn."""
        ...

    def show(self, shown: Shown) -> None:
        """Let the lamps show this from now on, and tell whoever listens."""
        ...

    def close(self) -> None:
        """Let the street go: its lamps do what they do without a controller."""
        ...
