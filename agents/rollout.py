"""Policies on the street: hours lived under them, several at a time, on this machine's cores or on a Ray cluster."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
import typer

from agents.network import PhaseNetwork
from controllers.session import Session
from envs.cluster import ClusterStreet
from envs.street import Frame, Scene, Street
from twin.errors import TrainingError
from twin.sweep.on_ray import connected

CORES = os.cpu_count() or 1
Network = PhaseNetwork | Session  # as it was trained, or as it was exported
Hour = tuple[Scene, int]  # what is lived, with its seed
Measures = list[list[dict[str, Any]]]  # of every policy's hours
Engine = Callable[[Sequence[PhaseNetwork], Sequence[Hour]], Measures]
Build = Callable[[Scene], Street]  # makes a street here, or on a cluster


def wanted(network: Network, street: Street, frame: Frame) -> np.ndarray:
    """The phase of the highest score at every junction, int (J,)."""
    if isinstance(network, Session):
        told = {"movements": frame.movements, "phases": frame.phases, "serves": street.serves}
        best: np.ndarray = network.run(told).argmax(axis=1)
        return best
    with torch.inference_mode():
        seen = (torch.from_numpy(np.array(part)) for part in (frame.movements, frame.phases, street.serves))
        found: np.ndarray = network.scores(*seen).argmax(dim=1).numpy()
    return found


def live(network: Network, scene: Scene, seed: int, street: Street | None = None) -> dict[str, Any]:
    """The measures of an hour under the policy, on a street of its own or a given one; the scene must be measured."""
    if street is None:
        with closing(Street(scene)) as own:
            return live(network, scene, seed, own)
    frame = street.begin(scene, seed)
    while not frame.over:
        frame = street.step(wanted(network, street, frame))
    return dict(street.end())


@contextmanager
def crew() -> Iterator[tuple[Executor, Callable[[Network, Scene, int], dict[str, Any]]]]:
    """A pool of as many threads as there are cores, and `live` for them; a thread's hours share a street's process.

    Interrupted, it begins no further hour.
    """
    own = threading.local()
    with ExitStack() as streets, ThreadPoolExecutor(CORES) as pool:

        def lived(network: Network, scene: Scene, seed: int) -> dict[str, Any]:
            if not hasattr(own, "street"):
                own.street = streets.enter_context(closing(Street(scene)))
            return live(network, scene, seed, own.street)

        try:
            yield pool, lived
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def on_cores(networks: Sequence[PhaseNetwork], hours: Sequence[Hour]) -> Measures:
    """The measures of the hours under each policy, as many at a time as there are cores."""
    every = product([one.eval() for one in networks], hours)
    with crew() as (pool, lived):
        return _by_policy(pool.map(lambda one: lived(one[0], *one[1]), every), len(hours))


def on_cluster(address: str | None, workers: int | None = None) -> Engine:
    """An engine whose hours are tasks of a Ray cluster, or of one of this machine. Raises as `connected` does.

    The engine itself raises TrainingError where an hour was lost for good.
    """
    ray = connected(address, workers)
    remote = ray.remote(num_cpus=1)(live)

    def lived(networks: Sequence[PhaseNetwork], hours: Sequence[Hour]) -> Measures:
        shared = [ray.put(one.eval()) for one in networks]
        try:
            found = ray.get([remote.remote(one, *hour) for one, hour in product(shared, hours)])
        except ray.exceptions.RayError as error:
            told = str(error).strip().splitlines()[-1]
            raise TrainingError(f"Ray: {told}; the same command goes on from what is kept") from error
        return _by_policy(found, len(hours))

    return lived


class Workplace(NamedTuple):
    """Where a training's streets and a policy's hours live; it changes no result."""

    build: Build
    engine: Engine


HERE = Workplace(Street, on_cores)


def workplace(engine: str, address: str | None) -> Workplace:
    """This machine, or for `ray` a cluster. Raises as `connected` does, BadParameter for an address without Ray."""
    if engine == "ray":
        return Workplace(functools.partial(ClusterStreet, ray=connected(address)), on_cluster(address))
    if address is not None:
        raise typer.BadParameter("belongs to --engine ray", param_hint="--address")
    return HERE


def _by_policy(found: Iterable[dict[str, Any]], hours: int) -> Measures:
    flat = list(found)
    return [flat[first : first + hours] for first in range(0, len(flat), hours)]


def delays(
    network: PhaseNetwork, networks: Sequence[str], seeds: Sequence[int], engine: Engine = on_cores
) -> dict[str, float]:
    """Mean delay of a vehicle on each network over the seeds [s], those never let in counted."""
    hours = [(Scene(name, measured=True, decision_s=network.decision_s), seed) for name in networks for seed in seeds]
    found = [measures["delay_s"] for measures in engine([network], hours)[0]]
    means = np.array(found).reshape(len(networks), len(seeds)).mean(axis=1)
    return dict(zip(networks, means.tolist(), strict=True))
