"""A policy on the street: hours lived under it, several at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from agents.network import PhaseNetwork
from controllers.session import Session
from envs.street import Frame, Scene, Street

CORES = os.cpu_count() or 1
Network = PhaseNetwork | Session  # as it was trained, or as it was exported


def wanted(network: Network, street: Street, frame: Frame) -> np.ndarray:
    """The phase of the highest score at every junction, int (J,)."""
    if isinstance(network, Session):
        told = {"movements": frame.movements, "phases": frame.phases, "serves": street.serves}
        best: np.ndarray = network.run(told).argmax(axis=1)
        return best
    with torch.no_grad():
        seen = (torch.from_numpy(np.array(part)) for part in (frame.movements, frame.phases, street.serves))
        found: np.ndarray = network(*seen)[0].argmax(dim=1).numpy()
    return found


def live(network: Network, scene: Scene, seed: int) -> dict[str, Any]:
    """The measures of an hour under the policy; the scene must be measured."""
    street = Street(scene)
    try:
        frame = street.begin(scene, seed)
        while not frame.over:
            frame = street.step(wanted(network, street, frame))
        return dict(street.end())
    finally:
        street.close()


def live_all(network: PhaseNetwork, scenes: Sequence[tuple[Scene, int]]) -> list[dict[str, Any]]:
    """The measures of many hours, as many at a time as there are cores."""
    network.eval()
    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(lambda one: live(network, *one), scenes))


def delays(network: PhaseNetwork, networks: Sequence[str], seeds: Sequence[int]) -> dict[str, float]:
    """Mean delay of a vehicle on each network over the seeds [s], those never let in counted."""
    scenes = [(Scene(name, measured=True, decision_s=network.decision_s), seed) for name in networks for seed in seeds]
    found = [measures["delay_s"] for measures in live_all(network, scenes)]
    means = np.array(found).reshape(len(networks), len(seeds)).mean(axis=1)
    return dict(zip(networks, means.tolist(), strict=True))
