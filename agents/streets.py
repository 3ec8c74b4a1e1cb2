"""What a policy is trained, chosen and tested on. Test networks are looked at once, at the end.

Training: generated junctions and towns, the Trenggalek sketch on all its day types, and cologne1, every episode with
another demand and other detector faults. Validation: grid4x4 and cologne3. Test: all other RESCO networks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from envs.street import Scene, Street
from envs.vector import Draw, SignalVecEnv
from twin.traffic.networks.generated import generated
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.events import EventOptions
from twin.traffic.studies.evaluate import detectors_for

VALIDATION = ("grid4x4", "cologne3")
TEST = ("cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "arterial4x4")
DAY_TYPES = ("weekday", "market_day", "school_peak", "lebaran", "night")
JUNCTIONS, TOWNS = range(1000), range(200)  # numbers that are trained on; tests may draw others
TOWN_SIGNALS = 5
FAULTY_SHARE = 0.3  # of episodes with faulty detectors; prior
FAULTS_PERCENT = 40.0  # at most so many detectors dead, stuck, or readings lost in those; prior


def faults(rng: np.random.Generator, network: str) -> DetectorOptions:
    """Perfect detectors mostly; in a share of the episodes some are dead or stuck and some readings do not arrive."""
    perfect = detectors_for(network)
    if rng.random() >= FAULTY_SHARE:
        return perfect
    dead, stuck, dropout = (rng.dirichlet(np.ones(3)) * rng.uniform(0, FAULTS_PERCENT)).tolist()
    return perfect.model_copy(update={"dead_percent": dead, "stuck_percent": stuck, "dropout_percent": dropout})


def junction(reward: str) -> Draw:
    """Another generated junction each episode."""
    return lambda rng: _scene(f"junction-{rng.choice(JUNCTIONS)}", rng, (0.3, 1.3), reward)


def town(reward: str) -> Draw:
    """Another generated town of five signals each episode."""
    return lambda rng: _scene(f"town-{rng.choice(towns())}", rng, (0.3, 1.1), reward)


def trenggalek(reward: str, days: tuple[str, ...] = DAY_TYPES) -> Draw:
    """The sketch on any day type."""

    def draw(rng: np.random.Generator) -> Scene:
        scene = _scene("trenggalek", rng, (0.7, 1.15), reward)
        share = float(rng.uniform(0.5, 0.9))
        return Scene(**{**vars(scene), "day_type": str(rng.choice(days)), "motorcycle_share": share})

    return draw


def cologne1(reward: str) -> Draw:
    """The one RESCO network that is trained on."""
    return lambda rng: _scene("cologne1", rng, (0.5, 1.2), reward)


def streets(reward: str, with_trenggalek: bool = True) -> list[Draw]:
    """The streets that a policy is trained on side by side."""
    drawn = [junction(reward)] * 4 + [town(reward)] * 3 + [cologne1(reward)]
    return [*drawn, trenggalek(reward)] if with_trenggalek else drawn


def training_environment(
    reward: str, with_trenggalek: bool, seed: int, shared: float, build: Callable[[Scene], Street] = Street
) -> SignalVecEnv:
    """The training streets as one environment; `build` makes a street of a scene."""
    return SignalVecEnv(streets(reward, with_trenggalek), seed, shared, build)


@functools.cache
def towns() -> tuple[int, ...]:
    """Numbers of the training towns that have five signals."""
    found = []
    for number in TOWNS:
        network = generated(f"town-{number}")
        assert network is not None  # noqa: S101 (it is such a name)
        if len(signals_of(network.net_file, 200.0).plans) == TOWN_SIGNALS:
            found.append(number)
        if len(found) == len(TOWNS) // 10:
            break
    return tuple(found)


def _scene(network: str, rng: np.random.Generator, scale: tuple[float, float], reward: str) -> Scene:
    return Scene(
        network, scale=float(rng.uniform(*scale)), reward=reward, detectors=faults(rng, network),
        events=EventOptions(emergency_priority=network == "trenggalek"),
    )  # fmt: skip
