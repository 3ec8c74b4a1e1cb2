"""Candles: first, highest, lowest and last price and the volume of every stretch of time in which there were trades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Candle:
    """Trades from `start` on; prices in the unit of the trades, `lots` traded."""

    start: int
    open: int
    high: int
    low: int
    close: int
    lots: int


def candles(time: np.ndarray, price: np.ndarray, lots: np.ndarray, every: int) -> list[Candle]:
    """Candles of trades in order of execution, arrays (n,); `time` and `every` are in one unit (seconds, minutes)."""
    if not len(time):
        return []
    start = (np.asarray(time) // every).astype(np.int64) * every
    first = np.flatnonzero(np.diff(start, prepend=start[0] - every))
    last = np.append(first[1:], len(start)) - 1
    columns = (
        start[first], price[first], np.maximum.reduceat(price, first), np.minimum.reduceat(price, first),
        price[last], np.add.reduceat(lots, first),
    )  # fmt: skip
    return [Candle(*map(int, row)) for row in zip(*columns, strict=True)]
