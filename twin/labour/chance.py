"""Chance by counter: the same (key, week, purpose, who) has the same draw, in whatever order and whatever else happens.

Two worlds with one key are then twins: each person meets the same luck in both, and their difference is the effect of
what differs between them (common random numbers). The mixing is SplitMix64's (Steele, Lea, Flood 2014).
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

FLOW, COUNT, LOOK, WHERE, TASTE, REGISTER, POST, OFFER, LUCK = range(9)


@njit(cache=True, inline="always")
def mixed(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: every bit of the answer depends on every bit of `x`."""
    x = (x ^ (x >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> uint64(27))) * uint64(0x94D049BB133111EB)
    return x ^ (x >> uint64(31))


@njit(cache=True, inline="always")
def uniform(key: np.uint64, week: int, purpose: int, who: int) -> float:
    """A draw from [0, 1)."""
    at = mixed(key + uint64(0x9E3779B97F4A7C15) * uint64(week * 16 + purpose + 1))
    return (mixed(at + uint64(0x9E3779B97F4A7C15) * uint64(who + 1)) >> uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def uniforms(key: np.uint64, week: int, purpose: int, who: np.ndarray) -> np.ndarray:
    """A draw from [0, 1) for each of `who`."""
    found = np.empty(len(who))
    for i in range(len(who)):
        found[i] = uniform(key, week, purpose, who[i])
    return found


def generator(key: int, *what: int) -> np.random.Generator:
    """A numpy generator of its own for (key, what): for draws of which there are few."""
    return np.random.default_rng([key, *what])
