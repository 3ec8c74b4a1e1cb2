"""A market maker's environment: quote both sides of the carbon market's order book, earn the spread, bear the risk.

    >>> env = MarketMakerEnv()
    >>> observation, info = env.reset(seed=1)
    >>> observation, reward, terminated, truncated, info = env.step([0.2, 0.2])

Observation (4,): inventory over its limit, share of time left, last move of the fair price in standard deviations,
spread of one's quotes. Action (2,): distance of bid and ask from the fair price, −1 … 1 of the widest. Reward: gain of
wealth less a charge for inventory, in ticks a quoted lot.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from twin.carbon.traders.quoting import QuotingOptions, QuotingSession, avellaneda_stoikov

GAMMA = 0.001  # aversion to risk: best mean reward of 0.0001, 0.0003, … 0.01 on seeds 101 to 108


class MarketMakerEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """One session an episode; no physics here: see `twin.carbon.traders.quoting`."""

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(self, options: QuotingOptions | None = None) -> None:
        self.options = options or QuotingOptions()
        self.observation_space = spaces.Box(-10.0, 10.0, (4,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.session: QuotingSession | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a session."""
        super().reset(seed=seed)
        self.session = QuotingSession(self.options, self.np_random)
        return self.session.observation(), self._info()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Quote for a step. Raises gymnasium.error.ResetNeeded before the first `reset`."""
        if self.session is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        bid, ask = np.asarray(action, float) * self.options.widest_ticks
        reward = self.session.step(float(bid), float(ask)) / self.options.lots
        return self.session.observation(), reward, self.session.finished, False, self._info()

    def _info(self) -> dict[str, Any]:
        session = self.session
        assert session is not None  # noqa: S101 (told to the type checker)
        return {"inventory_lots": session.inventory, "wealth": session.wealth, "traded_lots": session.traded}


def baseline(env: MarketMakerEnv, gamma: float = GAMMA) -> np.ndarray:
    """What Avellaneda and Stoikov would quote now, as an action."""
    session, o = env.session, env.options
    if session is None:
        raise gymnasium.error.ResetNeeded("call reset() before asking for a quote")
    quotes = avellaneda_stoikov(
        session.inventory / o.lots, o.steps - session.step_number, o.sigma_ticks, gamma, o.decay_per_tick
    )
    return np.clip(np.array(quotes, np.float32) / o.widest_ticks, -1, 1)
