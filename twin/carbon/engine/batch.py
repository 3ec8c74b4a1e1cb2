"""Matching a whole stream of orders that is known beforehand: arrays in, fills out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.carbon.engine import layout
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Stp

WIDEST = 1 << 20  # a ladder of more ticks is replaced by one of the prices that occur


@dataclass(frozen=True, eq=False)
class Orders:
    """A stream of commands, arrays of shape (n,): kind, side, price [ticks], quantity [lots], reference, account.

    A reference is the position of an earlier order in the stream, -1 where there is none.
    """

    kind: np.ndarray
    side: np.ndarray
    price: np.ndarray
    lots: np.ndarray
    ref: np.ndarray
    account: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Matched:
    """What became of a stream: reason codes (n,), fills (m, 4) of taker, maker, price [ticks], lots; the final book."""

    reasons: np.ndarray
    fills: np.ndarray
    book: Book

    @property
    def volume(self) -> int:
        """Lots traded."""
        return int(self.book.state[layout.TRADED])


def match(orders: Orders, stp: Stp = Stp.OFF) -> Matched:
    """Match a stream without accounts' limits; any positive int32 prices will do: the ladder holds those that occur."""
    kind, side, price, lots, ref, account = (
        _int32(column) for column in (orders.kind, orders.side, orders.price, orders.lots, orders.ref, orders.account)
    )
    low, high = max(1, int(price.min(initial=1))), min(int(price.max(initial=1)), layout.MAX_LOTS)
    if high - low < WIDEST:
        ticks, level = None, price - np.int32(low - 1)  # a price below 1 falls below the ladder and is refused there
        ladder = high - low + 3
    else:
        priced = (kind != Kind.MARKET) & (kind != Kind.CANCEL) & (price > 0) & (price <= layout.MAX_LOTS)
        ticks = np.unique(price[priced])
        level = np.where(priced, np.searchsorted(ticks, price) + 1, 0).astype(np.int32)
        ladder = len(ticks) + 2
    book = Book(Setup(max(3, ladder), 0, stp, owners=False), capacity=len(orders))
    reasons, fills = book.submit_many(kind, side, level, lots, ref, account)
    fills[:, 2] = fills[:, 2] + np.int32(low - 1) if ticks is None else ticks[fills[:, 2] - 1]
    return Matched(reasons, fills, book)


def _int32(column: np.ndarray) -> np.ndarray:
    """A column as int32; what does not fit becomes a number that is refused."""
    return column if column.dtype == np.int32 else np.clip(column, -1, layout.MAX_LOTS + 1).astype(np.int32)
