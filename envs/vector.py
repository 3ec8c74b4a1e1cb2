"""Many signals of many streets as one vectorised environment of stable-baselines3, sharing one policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvObs, VecEnvStepReturn

from envs.spaces import action_space, observation_space
from envs.street import Frame, Scene, Street
from twin.errors import NetworkError

Draw = Callable[[np.random.Generator], Scene]


class SignalVecEnv(VecEnv):
    """Every signal of every street is a sub-environment; the streets live side by side, each in its own process.

        >>> env = SignalVecEnv(["grid4x4", "cologne3"], seed=1)  # 19 sub-environments

    A street is the name of a network, a Scene, or a function that draws the next episode's scene from a generator (its
    scenes must have equally many signals). `shared` is the part of each reward that is the street's mean. What a
    junction has not as a phase holds. The hour's measures are in the last step's infos under `measures`. `build` makes
    a street of a scene, elsewhere than on this machine if need be (`envs.cluster`).
    """

    def __init__(
        self, streets: Sequence[str | Scene | Draw], seed: int = 0, shared: float = 0.0,
        build: Callable[[Scene], Street] = Street,
    ) -> None:  # fmt: skip
        self._draws = [_draw(street) for street in streets]
        self._shared = shared
        self._random = [np.random.default_rng([seed, i]) for i in range(len(streets))]
        self.streets = [build(draw(np.random.default_rng(0))) for draw in self._draws]
        ends = np.cumsum([len(street.signals.plans) for street in self.streets])
        self._slices = [
            slice(end - len(s.signals.plans), end) for end, s in zip(ends.tolist(), self.streets, strict=True)
        ]
        self.render_mode = None
        super().__init__(int(ends[-1]), observation_space(), action_space())

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the streets' generators: they draw scenes and traffic of the episodes to come."""
        self._random = [np.random.default_rng([seed or 0, i]) for i in range(len(self.streets))]
        return [seed] * self.num_envs

    def reset(self) -> VecEnvObs:
        """Begin an episode on every street."""
        self._frames = [self._begin(i) for i in range(len(self.streets))]
        self._serves = np.concatenate([street.serves for street in self.streets])
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self._observed()

    def step_async(self, actions: np.ndarray) -> None:
        """Tell every street what is wanted; they live on at the same time."""
        for street, where in zip(self.streets, self._slices, strict=True):
            street.ask(actions[where])

    def step_wait(self) -> VecEnvStepReturn:
        """What all streets look like at their next decision; a street that is over begins anew."""
        rewards, dones = np.zeros(self.num_envs, dtype=np.float32), np.zeros(self.num_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i, (street, where) in enumerate(zip(self.streets, self._slices, strict=True)):
            frame = street.answer()
            own = frame.rewards
            if self._shared:
                own = own * (1 - self._shared) + own.mean() * self._shared
            rewards[where] = own
            if frame.over:
                dones[where] = True
                measures = dict(street.end())
                for j in range(where.start, where.stop):
                    last = self._of(frame, street, j - where.start)
                    infos[j] = {"TimeLimit.truncated": True, "terminal_observation": last, "measures": measures}
                frame = self._begin(i)
                self._serves[where] = street.serves
            self._frames[i] = frame
        return self._observed(), rewards, dones, infos

    def close(self) -> None:
        """End the streets' processes."""
        for street in self.streets:
            street.close()

    def _begin(self, i: int) -> Frame:
        scene = self._draws[i](self._random[i])
        frame = self.streets[i].begin(scene, int(self._random[i].integers(1, 2**31 - 1)))
        signals, where = len(frame.rewards), self._slices[i]
        if signals != where.stop - where.start:
            told = f"{scene.network} has {signals} signals; this street began with {where.stop - where.start}"
            raise NetworkError(told)
        return frame

    def _observed(self) -> dict[str, np.ndarray]:
        return {
            "movements": np.concatenate([frame.movements for frame in self._frames]),
            "phases": np.concatenate([frame.phases for frame in self._frames]),
            "serves": self._serves.copy(),
        }

    @staticmethod
    def _of(frame: Frame, street: Street, j: int) -> dict[str, np.ndarray]:
        return {"movements": frame.movements[j], "phases": frame.phases[j], "serves": street.serves[j]}

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of this environment, once for every index asked for."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sub-environments have no attributes of their own."""
        raise NotImplementedError("signals of a street share everything; set it on the environment itself")

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Sub-environments have no methods of their own."""
        raise NotImplementedError("signals of a street share everything; call the environment itself")

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """They never are."""
        return [False for _ in self._get_indices(indices)]


def _draw(street: str | Scene | Draw) -> Draw:
    if callable(street):
        return street
    scene = Scene(street) if isinstance(street, str) else street
    return lambda _: scene
