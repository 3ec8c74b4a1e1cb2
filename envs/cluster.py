"""Streets on other machines: each is an actor of a Ray cluster, and is asked as if it lived here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.street import Frame, Scene, Street
from twin.errors import NetworkError


class ClusterStreet(Street):
    """A street whose episodes are simulated on some node of a cluster; `ray` is what `on_ray.connected` gives.

    Every node needs the twin installed. An actor asks for no core of its own, because streets wait for each other:
    more of them than the cluster has cores do no harm. They are spread over the nodes.
    """

    def __init__(self, scene: Scene, ray: Any) -> None:
        super().__init__(scene)
        self._ray = ray
        self._actor = ray.remote(num_cpus=0, scheduling_strategy="SPREAD")(Street).remote(scene)

    def begin(self, scene: Scene, seed: int) -> Frame:
        """Begin an episode there. Raises NetworkError as a street of this machine, or where its node was lost."""
        self._move(scene)
        frame: Frame = self._got(self._actor.begin.remote(scene, seed))
        return frame

    def ask(self, wanted: np.ndarray) -> None:
        """Let the street live on; returns at once."""
        self._asked = self._actor.step.remote(wanted)

    def answer(self) -> Frame:
        """Wait for what it then looks like."""
        frame: Frame = self._got(self._asked)
        return frame

    def end(self) -> Mapping[str, Any]:
        """End the episode; the measures of the hour where the scene asked for them."""
        measures: Mapping[str, Any] = self._got(self._actor.end.remote())
        return measures

    def close(self) -> None:
        """End the actor, and with it the process of its street."""
        self._ray.get(self._actor.close.remote())
        self._ray.kill(self._actor)

    def _got(self, answer: Any) -> Any:
        try:
            return self._ray.get(answer)
        except self._ray.exceptions.RayActorError as error:
            raise NetworkError(
                "Ray: the node of a street was lost; the same command goes on from what is kept"
            ) from error
