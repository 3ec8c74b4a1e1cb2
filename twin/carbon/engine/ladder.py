"""The ladder of ticks: which have orders, who stands in which queue. Compiled loops over the arrays of `layout`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.cpython.unsafe.numbers import leading_zeros, trailing_zeros

from twin.carbon.engine.layout import (
    BEST_ASK,
    BEST_BID,
    BITS_AT,
    BUY,
    LADDER,
    NEXT,
    PREV,
    RESTING,
    STATUS,
    SUMMARY_AT,
    WIDTH,
)

_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True)
def _lowest(bits: np.uint64) -> int:
    """Position of the lowest bit that is set."""
    return np.int64(trailing_zeros(bits))  # type: ignore[return-value, call-arg]


@njit(cache=True)
def _highest(bits: np.uint64) -> int:
    """Position of the highest bit that is set."""
    return 63 - np.int64(leading_zeros(bits))  # type: ignore[return-value, call-arg]


@njit(cache=True)
def above(state: np.ndarray, level: int) -> int:
    """The lowest tick above `level` that has orders; the last tick if none has."""
    start = level + 1
    word = start >> 6
    left = np.uint64(state[BITS_AT + word]) & (_ALL << np.uint64(start & 63))
    if left != 0:
        return (word << 6) + _lowest(left)
    at, last = state[SUMMARY_AT], state[LADDER] - 1
    group = (word + 1) >> 6
    left = np.uint64(state[at + group]) & (_ALL << np.uint64((word + 1) & 63))
    while left == 0:
        group += 1
        if group << 12 > last:
            return last
        left = np.uint64(state[at + group])
    word = (group << 6) + _lowest(left)
    return (word << 6) + _lowest(np.uint64(state[BITS_AT + word]))


@njit(cache=True)
def below(state: np.ndarray, level: int) -> int:
    """The highest tick below `level` that has orders; 0 if none has."""
    start = level - 1
    word = start >> 6
    left = np.uint64(state[BITS_AT + word]) & (_ALL >> np.uint64(63 - (start & 63)))
    if left != 0:
        return (word << 6) + _highest(left)
    if word == 0:
        return 0
    at = state[SUMMARY_AT]
    group = (word - 1) >> 6
    left = np.uint64(state[at + group]) & (_ALL >> np.uint64(63 - ((word - 1) & 63)))
    while left == 0:
        if group == 0:
            return 0
        group -= 1
        left = np.uint64(state[at + group])
    word = (group << 6) + _highest(left)
    return (word << 6) + _highest(np.uint64(state[BITS_AT + word]))


@njit(cache=True)
def mark(state: np.ndarray, level: int) -> None:
    """A tick has its first order."""
    word = level >> 6
    state[BITS_AT + word] = np.int64(np.uint64(state[BITS_AT + word]) | (_ONE << np.uint64(level & 63)))
    at = state[SUMMARY_AT] + (word >> 6)
    state[at] = np.int64(np.uint64(state[at]) | (_ONE << np.uint64(word & 63)))


@njit(cache=True)
def unmark(state: np.ndarray, level: int) -> None:
    """A tick has lost its last order."""
    word = level >> 6
    left = np.uint64(state[BITS_AT + word]) & ~(_ONE << np.uint64(level & 63))
    state[BITS_AT + word] = np.int64(left)
    if left == 0:
        at = state[SUMMARY_AT] + (word >> 6)
        state[at] = np.int64(np.uint64(state[at]) & ~(_ONE << np.uint64(word & 63)))


@njit(cache=True)
def _emptied(state: np.ndarray, level: int) -> None:
    """Unmark a tick, and find the next best where it was the best."""
    unmark(state, level)
    if level == state[BEST_ASK]:
        state[BEST_ASK] = above(state, level)
    elif level == state[BEST_BID]:
        state[BEST_BID] = below(state, level)


@njit(cache=True)
def join(state: np.ndarray, rows: np.ndarray, node: int, side: int, level: int) -> None:
    """Stand at the end of a tick's queue."""
    tail = rows[level * WIDTH + PREV]
    rows[node * WIDTH + NEXT], rows[node * WIDTH + PREV] = level, tail
    rows[tail * WIDTH + NEXT] = node
    rows[level * WIDTH + PREV] = node
    if tail == level:
        mark(state, level)
        if side == BUY:
            state[BEST_BID] = max(state[BEST_BID], level)
        else:
            state[BEST_ASK] = min(state[BEST_ASK], level)
    state[RESTING] += 1


@njit(cache=True)
def leave(state: np.ndarray, rows: np.ndarray, node: int, level: int, status: int) -> None:
    """Leave the queue with a final status."""
    before, after = rows[node * WIDTH + PREV], rows[node * WIDTH + NEXT]
    rows[before * WIDTH + NEXT] = after
    rows[after * WIDTH + PREV] = before
    rows[node * WIDTH + STATUS] = status
    state[RESTING] -= 1
    if before == after:
        _emptied(state, level)
