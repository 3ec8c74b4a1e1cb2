"""What surveillance sees of a day: every command, what became of it, and who traded with whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class DayLog:
    """Arrays of shape (n,) over commands and (m,) over trades; lots are tonnes, levels are ticks.

    Commands: kind, side, level, lots, ref, account, reason. Trades: taker and maker command, buyer, seller,
    traded_level, traded_lots. Deals outside the book: (k, 4) buyer, seller, price [Rp], lots.
    """

    day: str
    kind: np.ndarray
    side: np.ndarray
    level: np.ndarray
    lots: np.ndarray
    ref: np.ndarray
    account: np.ndarray
    reason: np.ndarray
    taker: np.ndarray
    maker: np.ndarray
    traded_level: np.ndarray
    traded_lots: np.ndarray
    deals: np.ndarray

    @cached_property
    def buyer(self) -> np.ndarray:
        """Account that bought, for every trade."""
        return np.where(self.side[self.taker] == 0, self.account[self.taker], self.account[self.maker])

    @cached_property
    def seller(self) -> np.ndarray:
        """Account that sold, for every trade."""
        return np.where(self.side[self.taker] == 0, self.account[self.maker], self.account[self.taker])
