"""One junction as a Gymnasium environment: `Trenggalek/Signal-v0`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from envs.spaces import Seen, action_space, observation, observation_space
from envs.street import Scene, Street
from twin.errors import NetworkError
from twin.scenario import nearest


class SignalEnv(gymnasium.Env[Any, np.int64]):
    """A junction of a network under a policy; the network's other junctions run max-pressure beside it.

    An action is the phase wanted; the guard of the street cabinet stands between it and the lamps. An episode ends
    (truncated) after the scene's hour. Keyword arguments are those of `Scene`. Raises NetworkError for an unknown
    junction, with the nearest name.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(self, junction: str | None = None, render_mode: str | None = None, **scene: Any) -> None:
        self.scene = Scene(**{"network": "cologne1", **scene})
        self.render_mode = render_mode
        self.street = Street(self.scene)
        names = [plan.name for plan in self.street.signals.plans]
        if junction is not None and junction not in names:
            raise NetworkError(f"{self.scene.network}: no signal {junction!r}, {nearest(junction, names)}")
        self.j = names.index(junction) if junction is not None else 0
        self.observation_space = observation_space()
        self.action_space = action_space(len(self.street.signals.plans[self.j].phases))
        self._wanted = np.full(len(names), -1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Begin an hour; the seed draws its traffic."""
        super().reset(seed=seed)
        frame = self.street.begin(self.scene, int(self.np_random.integers(1, 2**31 - 1)))
        return observation(self.street, frame, self.j), {"time_s": frame.time_s}

    def step(self, action: np.int64) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Live until the next decision."""
        self._wanted[self.j] = action
        frame = self.street.step(self._wanted)
        info: dict[str, Any] = {"time_s": frame.time_s}
        if frame.over:
            info["measures"] = dict(self.street.end())
        return observation(self.street, frame, self.j), float(frame.rewards[self.j]), False, frame.over, info

    def close(self) -> None:
        """End the street's process."""
        self.street.close()
