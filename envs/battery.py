"""`Trenggalek/VillageBattery-v0`: how much charge a village office keeps for outages, hour by hour, for four weeks."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from twin.solar.facts import values
from twin.solar.options import SolarOptions
from twin.solar.storage.battery import step
from twin.solar.storage.episode import HOURS, Episode, draw_episode, mountain
from twin.solar.storage.foresight import least_cost_idr
from twin.solar.system import battery_of

NOTICE_H = 24
REWARD_IDR = 1000.0
FEATURES = (
    "charge", "panels", "load", "out", "hours_to_announced", "announced_in_a_day", "rain", "gust", "open_today",
    "open_tomorrow", "sin_hour", "cos_hour", "sin_month", "cos_month", "panels_yesterday",
)  # fmt: skip


class VillageBattery(gymnasium.Env[np.ndarray, np.ndarray]):
    """One office with the source book's system on a feeder that fails often (a prior).

    Action, shape (1,): the reserve for the coming hour, 0 = the battery's least charge … 1 = full; while PLN is there
    the battery gives down to it, in an outage down to its least charge.
    Observation, shape (15,), each in −1 … 1: FEATURES; panels and load are those of the coming hour.
    Reward: what the hour cost the rule "no reserve" less what it cost here, in thousand Rp: PLN's energy at its tariff
    and unmet load at its worth, with the charge of both batteries valued. A return is money saved over the rule.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self,
        options: SolarOptions | None = None,
        saifi_per_year: float | None = None,
        saidi_min_per_year: float | None = None,
    ) -> None:
        self.options = options or SolarOptions()
        saifi, saidi = mountain()
        self.saifi = saifi if saifi_per_year is None else saifi_per_year
        self.saidi_min = saidi if saidi_min_per_year is None else saidi_min_per_year
        self.battery = battery_of(self.options)
        self.limits = self.battery.array()
        self.tariff, self.lost_load = self.options.tariff, values("office")["lost_load_idr_per_kwh"]
        self.stored = self.tariff * self.battery.discharge_efficiency * self.battery.inverter_efficiency
        self.observation_space = spaces.Box(-1.0, 1.0, (len(FEATURES),), np.float32)
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Draw four weeks of a month, a place and their weather and outages."""
        super().reset(seed=seed)
        self.episode: Episode = draw_episode(self.options, self.saifi, self.saidi_min, self.np_random)
        b = self.battery
        self.first_soc_kwh = b.soc_min_kwh + self.episode.soc_share * (b.soc_max_kwh - b.soc_min_kwh)
        self.soc_kwh = self.rule_soc_kwh = self.first_soc_kwh
        self.hour, self.cost_idr, self.rule_cost_idr = 0, 0.0, 0.0
        self.known = known(self.episode, self.options)
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Live through an hour; ends (truncated: the office goes on) after four weeks."""
        share = float(np.clip(np.asarray(action, dtype=np.float64).reshape(-1)[0], 0.0, 1.0))
        b = self.battery
        reserve_kwh = b.soc_min_kwh + share * (b.soc_max_kwh - b.soc_min_kwh)
        cost, self.soc_kwh, unmet = self._hour(reserve_kwh, self.soc_kwh)
        rule_cost, self.rule_soc_kwh, _ = self._hour(b.soc_min_kwh, self.rule_soc_kwh)
        self.cost_idr += cost
        self.rule_cost_idr += rule_cost
        self.hour += 1
        done = self.hour >= HOURS
        info = {"cost_idr": self.cost_idr, "rule_cost_idr": self.rule_cost_idr} if done else {"unmet_kwh": unmet}
        return self._observation(), (rule_cost - cost) / REWARD_IDR, False, done, info

    def _hour(self, reserve_kwh: float, soc_kwh: float) -> tuple[float, float, float]:
        """Cost [Rp], with a change of charge counted at its worth; charge after; unmet energy."""
        e, h = self.episode, self.hour
        flows = step(e.pv_kwh[h], e.load_kwh[h], e.out_min[h] / 60.0, reserve_kwh, soc_kwh, self.limits)
        cost = flows[5] * self.tariff + flows[6] * self.lost_load - (flows[8] - soc_kwh) * self.stored
        return cost, flows[8], flows[6]

    def _observation(self) -> np.ndarray:
        found = self.known[min(self.hour, HOURS - 1)].copy()
        b = self.battery
        found[0] = (self.soc_kwh - b.soc_min_kwh) / max(b.soc_max_kwh - b.soc_min_kwh, 1e-9)
        return np.clip(found, -1.0, 1.0).astype(np.float32)

    def bound_idr(self) -> float:
        """Cost of the episode under perfect foresight [Rp], on the scale of `cost_idr`."""
        worth = self.first_soc_kwh * self.stored
        return worth + least_cost_idr(
            self.episode, self.battery, self.first_soc_kwh, self.tariff, self.lost_load, self.stored
        )


def known(episode: Episode, options: SolarOptions) -> np.ndarray:
    """FEATURES of every hour, shape (HOURS, 15); the charge is filled in later. Work is known a day before."""
    hour = np.arange(HOURS)
    padded = np.concatenate([episode.announced_min, np.zeros(NOTICE_H)])
    ahead = np.lib.stride_tricks.sliding_window_view(padded, NOTICE_H)[:HOURS]
    first = np.where(ahead.any(axis=1), (ahead > 0).argmax(axis=1), NOTICE_H)
    watt_peak = max(options.panels * options.panel_wp, 1.0)
    days = episode.pv_kwh.reshape(-1, 24).sum(axis=1) / (watt_peak / 1000) / 8
    columns = [
        np.zeros(HOURS), episode.pv_kwh / (watt_peak / 1000), episode.load_kwh, episode.out_min / 60,
        first / NOTICE_H, ahead.sum(axis=1) / (60 * 6), episode.rain, episode.gust,
        episode.working[:-1][hour // 24], episode.working[1:][hour // 24],
        np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
        np.full(HOURS, np.sin(2 * np.pi * episode.month / 12)), np.full(HOURS, np.cos(2 * np.pi * episode.month / 12)),
        np.concatenate([days[:1], days[:-1]])[hour // 24],
    ]  # fmt: skip
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
