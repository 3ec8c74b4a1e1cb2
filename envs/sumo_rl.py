"""sumo-rl's environment over ours: code written for `sumo_rl.SumoEnvironment` runs with this import instead.

    from envs.sumo_rl import SumoEnvironment

What differs: seconds of green, yellow and red are the signal plan's, kept by the guard (`min_green`, `max_green` and
`yellow_time` only warn where the plan has others); densities and queues are those of the camera zones; the waiting
time is that of the vehicles that stand now, so `diff-waiting-time` counts a vehicle that moves on as helped; nothing
is shown on a screen; rewards are chosen by name and observations are the default ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pandas as pd
from gymnasium import spaces

from controllers.features import features
from controllers.plan import SignalPlan
from envs.spaces import HOLD
from envs.street import Frame, Scene, Street
from twin.errors import NetworkError
from twin.scenario import nearest
from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate

REWARDS = {"diff-waiting-time": "waiting", "queue": "queue", "pressure": "pressure"}  # sumo-rl's name -> ours
WAITING_SCALE_S = 100.0  # sumo-rl's own
VEHICLE_M = 7.5  # a standing vehicle with its gap
LEVELS = 10  # of a density in a Q-table's key
PRESENT, FREE = (next(i for i, one in enumerate(features("phase")) if one.name == name) for name in ("present", "free"))


class SumoEnvironment(gymnasium.Env[Any, Any]):
    """sumo-rl's environment: `net_file` and `route_file`, or the name of a network that `locate` knows as `net_file`.

    With `single_agent` it is a Gymnasium environment; else `step` takes and gives dictionaries by signal, and a fourth
    value of infos, as sumo-rl does. Raises NetworkError for a reward that there is not.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(
        self,
        net_file: str,
        route_file: str | None = None,
        out_csv_name: str | None = None,
        use_gui: bool = False,
        begin_time: int | None = None,
        num_seconds: int = 20000,
        delta_time: int = 5,
        yellow_time: int | None = None,
        min_green: int | None = None,
        max_green: int | None = None,
        single_agent: bool = False,
        reward_fn: str = "diff-waiting-time",
        add_system_info: bool = True,
        add_per_agent_info: bool = True,
        sumo_seed: int | str = "random",
        **ignored: Any,
    ) -> None:
        if reward_fn not in REWARDS:
            raise NetworkError(f"no reward {reward_fn!r}, {nearest(str(reward_fn), sorted(REWARDS))}")
        if use_gui or ignored:
            told = ", ".join(["use_gui"] * use_gui + sorted(ignored))
            warnings.warn(f"not used here: {told}", stacklevel=2)
        self.reward_fn, self.delta_time, self.single_agent = reward_fn, delta_time, single_agent
        self.out_csv_name, self._infos = out_csv_name, (add_system_info, add_per_agent_info)
        self._seed = None if sumo_seed == "random" else int(sumo_seed)
        self.scene = Scene(
            net_file if route_file is None else f"{net_file}+{route_file}",
            begin_s=begin_time, duration_s=num_seconds, decision_s=float(delta_time), reward=REWARDS[reward_fn],
        )  # fmt: skip
        self.street = Street(self.scene, raw=True)
        self.plans: Mapping[str, SignalPlan] = {plan.name: plan for plan in self.street.signals.plans}
        self.ts_ids = list(self.plans)
        self._warn_of_times(min_green, max_green, yellow_time)
        self._zones = {
            ts: sorted({z for z in own if z >= 0})
            for ts, own in zip(self.ts_ids, self.street.signals.zone_of, strict=True)
        }
        self._fits_veh = self._room_veh()
        self._observation_spaces = {ts: self._space(ts) for ts in self.ts_ids}
        self._action_spaces = {ts: spaces.Discrete(len(plan.phases)) for ts, plan in self.plans.items()}
        self.episode, self.metrics = 0, list[dict[str, float]]()
        self.measures: Mapping[str, Any] = {}  # of the last hour, where the scene is measured
        if single_agent:
            self.observation_space = self._observation_spaces[self.ts_ids[0]]
            self.action_space = self._action_spaces[self.ts_ids[0]]

    def _warn_of_times(self, min_green: int | None, max_green: int | None, yellow_time: int | None) -> None:
        asked = {"min_green_s": min_green, "max_green_s": max_green, "yellow_s": yellow_time}
        for name, value in asked.items():
            if others := {getattr(plan, name) for plan in self.plans.values()} - {value} if value is not None else ():
                told = ", ".join(f"{other:g}" for other in sorted(others))
                warnings.warn(f"{name} {value} is not used: the signal plans have {told}", stacklevel=3)

    def _room_veh(self) -> np.ndarray:
        """How many standing vehicles fit into each zone [veh]."""
        net = read_net(locate(self.scene.network).net_file)
        reach_m = [
            sum(share * net.getLane(lane).getLength() for lane, share in zone) for zone in self.street.signals.zones
        ]
        return np.maximum(np.array(reach_m) / VEHICLE_M, 1.0)

    def _space(self, ts: str) -> spaces.Box:
        width = len(self.plans[ts].phases) + 1 + 2 * len(self._zones[ts])
        return spaces.Box(np.zeros(width, dtype=np.float32), np.ones(width, dtype=np.float32))

    def observation_spaces(self, ts_id: str) -> spaces.Box:
        """Of one signal: its phase (one-hot), whether its minimum green has passed, densities, queues."""
        return self._observation_spaces[ts_id]

    def action_spaces(self, ts_id: str) -> spaces.Discrete:
        """Of one signal: its phases."""
        return self._action_spaces[ts_id]

    @property
    def sim_step(self) -> float:
        """Simulated time [s]."""
        return self._frame.time_s

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode; as sumo-rl does, a given seed stays for the ones to come."""
        super().reset(seed=seed)
        if self.episode:
            self.save_csv(self.out_csv_name, self.episode)
        self.episode, self.metrics = self.episode + 1, []
        self._seed = seed if seed is not None else self._seed
        drawn = self._seed if self._seed is not None else int(self.np_random.integers(1, 2**31 - 1))
        self._frame = self.street.begin(self.scene, drawn)
        self._measure = -self._frame.rewards / WAITING_SCALE_S
        seen = self._observations()
        return (seen[self.ts_ids[0]], self._info()) if self.single_agent else seen

    def step(self, action: Any) -> Any:
        """Live on for `delta_time` seconds under one action, or one for each signal; none holds."""
        wanted = np.full(len(self.ts_ids), HOLD)
        if self.single_agent and action is not None:
            wanted[0] = action
        for ts, phase in (action or {}).items() if not self.single_agent else ():
            wanted[self.ts_ids.index(ts)] = phase
        self._frame = self.street.step(wanted)
        seen, rewards, info = self._observations(), self._rewards(self._frame), self._info()
        over = self._frame.over
        if over:
            self.measures = self.street.end()
        if self.single_agent:
            return seen[self.ts_ids[0]], rewards[self.ts_ids[0]], False, over, info
        return seen, rewards, {**dict.fromkeys(self.ts_ids, False), "__all__": over}, info

    def _observations(self) -> dict[str, np.ndarray]:
        frame, found = self._frame, {}
        for j, (ts, plan) in enumerate(self.plans.items()):
            phase = frame.phases[j, : len(plan.phases)]
            zones, fits = self._zones[ts], self._fits_veh[self._zones[ts]]
            filled = [np.clip(np.nan_to_num(counts[zones]) / fits, 0, 1) for counts in (frame.vehicles, frame.halting)]
            found[ts] = np.concatenate([phase[:, PRESENT], phase[:1, FREE], *filled]).astype(np.float32)
        return found

    def _rewards(self, frame: Frame) -> dict[str, float]:
        own = frame.rewards
        if self.reward_fn == "diff-waiting-time":
            measure = -own / WAITING_SCALE_S
            own, self._measure = self._measure - measure, measure
        return dict(zip(self.ts_ids, own.tolist(), strict=True))

    def _info(self) -> dict[str, float]:
        info = {"step": self.sim_step}
        halting = np.nan_to_num(self._frame.halting)
        stopped = {ts: float(halting[zones].sum()) for ts, zones in self._zones.items()}
        if self._infos[0]:
            info["system_total_stopped"] = float(halting.sum())
        if self._infos[1]:
            info |= {f"{ts}_stopped": count for ts, count in stopped.items()}
            info["agents_total_stopped"] = sum(stopped.values())
        self.metrics.append(dict(info))
        return info

    def save_csv(self, out_csv_name: str | None, episode: int) -> None:
        """Write the infos of the episode to `<out_csv_name>_conn0_ep<episode>.csv`; nothing without a name."""
        if out_csv_name is not None:
            Path(out_csv_name).parent.mkdir(parents=True, exist_ok=True)
            pd.DataFrame(self.metrics).to_csv(f"{out_csv_name}_conn0_ep{episode}.csv", index=False)

    def encode(self, state: np.ndarray, ts_id: str) -> tuple[float, ...]:
        """A state as the key of a Q-table: phase, minimum green, and the densities and queues in ten levels."""
        phases = len(self.plans[ts_id].phases)
        levels = np.minimum((state[phases + 1 :] * LEVELS).astype(int), LEVELS - 1)
        return (int(np.argmax(state[:phases])), float(state[phases]), *levels.tolist())

    def close(self) -> None:
        """End the street's process."""
        self.street.close()
