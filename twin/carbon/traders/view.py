"""What a group of traders is shown, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.carbon.engine.codes import Kind

COLUMNS = ("kind", "side", "level", "lots", "ref", "account", "value_idr", "time")


@dataclass(frozen=True, eq=False)
class View:
    """A round of a day as everybody sees it: levels are ticks, `position` (accounts,) is what is held free, in lots."""

    month: int
    round: int
    rounds: int
    tick_idr: int
    last: int
    reference: int
    trend: float
    position: np.ndarray
    best_bid: int | None
    best_ask: int | None
    rng: np.random.Generator


def commands(
    kind: int, side: np.ndarray | int, level: np.ndarray | int, lots: np.ndarray, account: np.ndarray,
    value_idr: np.ndarray | float, time: np.ndarray, ref: np.ndarray | int = -1,
) -> np.ndarray:  # fmt: skip
    """A block of commands, shape (n, 8): the columns above. `time` in [0, 1) is when in the round they arrive."""
    block = np.empty((len(account), len(COLUMNS)))
    for i, column in enumerate((kind, side, level, lots, ref, account, value_idr, time)):
        block[:, i] = column
    return block


def cancels(orders: np.ndarray, accounts: np.ndarray, time: float) -> np.ndarray:
    """Withdraw orders (by number) of these accounts."""
    n = len(orders)
    return commands(Kind.CANCEL, 0, 0, np.zeros(n), accounts, 0.0, np.full(n, time), orders)


def none() -> np.ndarray:
    """No commands."""
    return np.empty((0, len(COLUMNS)))
