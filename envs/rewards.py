"""Rewards by name. Each is a function of a simulation just after a decision: float (junctions,).

All but `served` and `people` count what is bad: 0 at best, else below.
They see the street as it is, not as the detectors report it: a policy is judged by what people live through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from twin.traffic.simulation.sim import TrafficSim

EMERGENCY_VEH = 10.0  # an emergency vehicle that has to ask for green weighs as much as so many others; prior
HORIZON = 25.0  # decisions that a discount of 0.96 looks ahead: so long a vehicle served is one fewer that waits
WALKER_VEH = 1.0  # so does a crossing where somebody waits; prior


@dataclass(frozen=True)
class Reward:
    """What it counts, in which unit; its function is called once a decision."""

    name: str
    unit: str
    meaning: str
    of: Callable[[TrafficSim], np.ndarray]


def _queue(sim: TrafficSim) -> np.ndarray:
    return -sim.signals.approaches @ sim.present[1]


def _presence(sim: TrafficSim) -> np.ndarray:
    return -sim.signals.approaches @ sim.present[0]


def _pressure(sim: TrafficSim) -> np.ndarray:
    return -np.abs((sim.signals.approaches - sim.signals.exits) @ sim.present[0])


def _waiting(sim: TrafficSim) -> np.ndarray:
    return -sim.signals.approaches @ sim.waiting_s()


def _time(sim: TrafficSim) -> np.ndarray:
    return -sim.travelling()


def _served(sim: TrafficSim) -> np.ndarray:
    return sim.served()


def _people(sim: TrafficSim) -> np.ndarray:
    waiting = np.array([len(calls) for calls in sim.readings.walk_calls] or [0] * len(sim.guards), dtype=float)
    urgent = np.array([phase is not None for phase in sim.priority], dtype=float)
    return _served(sim) - (WALKER_VEH * waiting + EMERGENCY_VEH * urgent) / HORIZON


REWARDS = {
    one.name: one
    for one in (
        Reward("queue", "veh", "vehicles that stand in the junction's approaches, negative", _queue),
        Reward(
            "presence", "veh", "vehicles in its approaches, negative: by Little's law the time they take", _presence
        ),
        Reward(
            "pressure", "veh", "vehicles in its approaches against those in its exits, negative difference", _pressure
        ),
        Reward("waiting", "s", "time that those who stand in its approaches have stood, summed, negative", _waiting),
        Reward(
            "time",
            "veh",
            "vehicles on the roads from which the junction is the next signal, those not yet let in"
            " counted, negative: summed over junctions the time that everybody takes (Little's law)",
            _time,
        ),
        Reward(
            "served",
            "veh",
            "vehicles that left the roads to the junction; discounted it ranks decisions as `time` does where the"
            " junction has no say in who arrives, without the noise of their arrival",
            _served,
        ),
        Reward(
            "people",
            "veh",
            "served, less 1 for a crossing where somebody waits and 10 for blue light, over a horizon"
            f" of {HORIZON:g} decisions",
            _people,
        ),
    )
}
