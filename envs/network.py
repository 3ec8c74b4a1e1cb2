"""Every signal of a network as an agent: a PettingZoo parallel environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from envs.spaces import HOLD, Seen, action_space, observation, observation_space
from envs.street import Frame, Scene, Street


class SignalsEnv(ParallelEnv[str, Seen, int]):
    """All signals of a network, each an agent by its name; all are there from the first to the last decision.

    `shared` is the part of each reward that is the network's mean instead of the junction's own [0 … 1]. Keyword
    arguments are those of `Scene`.
    """

    metadata = {"name": "signals_v0", "render_modes": []}  # noqa: RUF012 (PettingZoo's own convention)

    def __init__(self, shared: float = 0.0, render_mode: str | None = None, **scene: Any) -> None:
        self.scene, self.shared, self.render_mode = Scene(**scene), shared, render_mode
        self.street = Street(self.scene)
        self.possible_agents = [plan.name for plan in self.street.signals.plans]
        self.agents: list[str] = []
        self._phases = dict(
            zip(self.possible_agents, (len(plan.phases) for plan in self.street.signals.plans), strict=True)
        )
        self._observation_spaces = {name: observation_space() for name in self.possible_agents}
        self._action_spaces = {name: action_space(phases) for name, phases in self._phases.items()}
        self._random, _ = seeding.np_random()

    def observation_space(self, agent: str) -> spaces.Dict:
        """Of one signal; the same object every time."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """Of one signal: its phases; the same object every time."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
        """Begin an hour; the seed draws its traffic."""
        if seed is not None:
            self._random, _ = seeding.np_random(seed)
        self.agents = list(self.possible_agents)
        frame = self.street.begin(self.scene, int(self._random.integers(1, 2**31 - 1)))
        return self._seen(frame), {name: {"time_s": frame.time_s} for name in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        """Live until the next decision; who gives no action holds."""
        wanted = np.array([actions.get(name, HOLD) for name in self.possible_agents])
        frame = self.street.step(wanted)
        own = frame.rewards * (1 - self.shared) + frame.rewards.mean() * self.shared
        rewards = dict(zip(self.possible_agents, own.tolist(), strict=True))
        measures = dict(self.street.end()) if frame.over else {}
        infos = {
            name: {"time_s": frame.time_s, **({"measures": measures} if frame.over else {})} for name in self.agents
        }
        ended = dict.fromkeys(self.agents, False)
        truncated = dict.fromkeys(self.agents, frame.over)
        seen = self._seen(frame)
        if frame.over:
            self.agents = []
        return seen, rewards, ended, truncated, infos

    def _seen(self, frame: Frame) -> dict[str, Seen]:
        return {name: observation(self.street, frame, j) for j, name in enumerate(self.possible_agents)}

    def close(self) -> None:
        """End the street's process."""
        self.street.close()
