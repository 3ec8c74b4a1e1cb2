"""The present state of a street, estimated from what a live day's detectors told until a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.live.counters import IN, MINUTE_S
from twin.live.day import STEP_S
from twin.live.estimate.city import Told, parameters
from twin.live.estimate.queues import believed_queues
from twin.live.estimate.seen import held
from twin.live.street import Lived
from twin.traffic.signals.plans import Signals

LEAST_SCALE, MOST_SCALE = 0.3, 3.0


@dataclass(frozen=True)
class Present:
    """At a moment [s UTC]: halting and moving vehicles of each zone, mean and standard deviation (Z, 2).

    `phase` (J,) as last told, 0 where never. `demand_scale` [-]: vehicles that came in where traffic begins, over the
    twin's usual ones; 1 where no counter told any. `silent_percent` of the cameras told nothing in the last minute.
    """

    at_s: float
    mean: np.ndarray
    sd: np.ndarray
    phase: np.ndarray
    demand_scale: float
    silent_percent: float


def present(believed: Lived, came: Told, signals: Signals, entries: np.ndarray, at_s: float) -> Present:
    """The state at the end of what came in. `entries` bool (A,): approaches where traffic comes into the network."""
    p = parameters()
    x, sd = believed_queues(believed, came, signals.junctions.green, p)
    usual = believed.counted[:, : len(entries)][:, entries].mean(axis=0)
    counted = came.counted[:, : len(entries)][:, entries]
    there = ~np.isnan(counted)
    expected = (there * usual).sum()
    scale = float(np.clip(np.nansum(counted) / expected, LEAST_SCALE, MOST_SCALE)) if expected > 0 else 1.0
    silent = np.isnan(came.vehicles[-int(MINUTE_S / STEP_S) :]).all(axis=0)
    return Present(at_s, x[-1], sd[-1], held(came.phase, 0.0)[-1], scale, 100 * float(silent.mean()))


def rim(counters: tuple[str, ...], starts: set[str]) -> np.ndarray:
    """Which approaches lie on roads where traffic comes into the network, bool (A,), by the roads' last edges."""
    return np.array([source.removeprefix(IN) in starts for source in counters if source.startswith(IN)], dtype=bool)
