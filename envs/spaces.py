"""The spaces that all signal environments share: one junction's observation and action."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from controllers.features import MOVEMENTS, PHASES, features
from envs.street import Frame, Street

Seen = dict[str, np.ndarray]
HOLD = -2  # no phase at all: the guard holds the present one


def observation_space() -> spaces.Dict:
    """Observation of a junction: `movements`, `phases` and `serves`, as `controllers.features` tells them."""

    def box(of: str, most: int) -> spaces.Box:
        high = np.tile(np.array([one.most for one in features(of)], dtype=np.float32), (most, 1))
        return spaces.Box(np.zeros_like(high), high, dtype=np.float32)

    return spaces.Dict(
        {
            "movements": box("movement", MOVEMENTS),
            "phases": box("phase", PHASES),
            "serves": spaces.Box(0.0, 1.0, (PHASES, MOVEMENTS), dtype=np.float32),
        }
    )


def observation(street: Street, frame: Frame, j: int) -> Seen:
    """What junction j sees."""
    return {"movements": frame.movements[j].copy(), "phases": frame.phases[j].copy(), "serves": street.serves[j].copy()}


def action_space(phases: int = PHASES) -> spaces.Discrete:
    """The phase wanted next; the present one holds. What a junction has not holds too."""
    return spaces.Discrete(phases)
