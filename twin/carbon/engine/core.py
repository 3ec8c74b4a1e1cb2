"""The core: price-time priority over a ladder of integer ticks, compiled once, for single orders and for batches.

`layout` says what the arrays hold. Whether a command is acceptable is decided before anything is written, so a rejected
one leaves the book as it was.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from twin.carbon.engine.ladder import above, below, join, leave
from twin.carbon.engine.layout import (
    ACCOUNT,
    ACCOUNT_CAP,
    ACCOUNT_WIDTH,
    ACCOUNTS,
    ACCOUNTS_AT,
    AMEND,
    BEST_ASK,
    BEST_BID,
    BREAKER_HIGH,
    BREAKER_LOW,
    BUY,
    CANCEL,
    CANCELLED,
    CLOSED,
    COLLAR_HIGH,
    COLLAR_LOW,
    FILLED,
    FILLS,
    FLAGS,
    FOK,
    HALTED,
    KNOWN,
    LADDER,
    LAST,
    LEVEL,
    LIMIT,
    LOTS,
    MARKET,
    MARKET_CAP,
    MAX_LOTS,
    NEXT,
    OPEN,
    OPEN_BUY,
    OPEN_SELL,
    OWNERS,
    POSITION,
    POSITION_LIMIT,
    POST_ONLY,
    REJECTED,
    RESTS,
    SELF_TRADE,
    SENT,
    SESSION,
    SIDE,
    STATUS,
    STOPPED,
    STP,
    TRADED,
    USED,
    VERIFIED,
    WIDTH,
)  # fmt: skip


@njit(cache=True)
def _account(state: np.ndarray, account: int) -> int:
    """Where an account's row begins in `state`."""
    return state[ACCOUNTS_AT] + account * ACCOUNT_WIDTH


@njit(cache=True)
def _reserve(state: np.ndarray, account: int, side: int, lots: int) -> None:
    """Count lots of a resting order (negative: no longer) against its account's caps and holdings."""
    at = _account(state, account)
    state[at + OPEN_BUY + side] += lots
    state[at + USED] += lots


@njit(cache=True)
def _drop(state: np.ndarray, rows: np.ndarray, node: int, status: int) -> None:
    """Take a resting order out of the book, whatever is left of it."""
    if state[ACCOUNTS] > 0:
        _reserve(state, rows[node * WIDTH + ACCOUNT], rows[node * WIDTH + SIDE], -rows[node * WIDTH + LOTS])
    leave(state, rows, node, rows[node * WIDTH + LEVEL], status)


@njit(cache=True)
def _settle(state: np.ndarray, taker: int, maker: int, side: int, lots: int) -> None:
    """Book a fill on both accounts; `side` is the taker's."""
    gain = lots if side == BUY else -lots
    at = _account(state, taker)
    state[at + POSITION] += gain
    state[at + USED] += lots
    at = _account(state, maker)
    state[at + POSITION] -= gain
    state[at + OPEN_BUY + (1 - side)] -= lots


@njit(cache=True)
def _own(state: np.ndarray, rows: np.ndarray, node: int, lots: int) -> int:
    """The best order opposite is the taker's own: prevent the trade; returns what is left of the taker."""
    mode, resting = state[STP], rows[node * WIDTH + LOTS]
    if mode == 4 and resting > lots:  # decrement: the taker is used up, the resting order shrinks
        if state[ACCOUNTS] > 0:
            _reserve(state, rows[node * WIDTH + ACCOUNT], rows[node * WIDTH + SIDE], -lots)
        rows[node * WIDTH + LOTS] = resting - lots
        state[STOPPED] = 1
        return lots
    if mode != 2:
        _drop(state, rows, node, SELF_TRADE)
    if mode in (2, 3):
        state[STOPPED] = 1
    return lots - resting if mode == 4 else lots


@njit(cache=True)
def _take(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, seq: int, side: int, limit: int, lots: int, account: int
) -> int:
    """Trade against the other side up to tick `limit`, best price first, oldest first; returns what is left."""
    ladder, ruled = state[LADDER], state[ACCOUNTS] > 0
    stp = state[STP] if account >= 0 else 0  # orders of nobody in particular are nobody's own
    n = state[FILLS]
    while lots > 0:
        level = state[BEST_ASK] if side == BUY else state[BEST_BID]
        if (level > limit if side == BUY else level < limit) or level == 0 or level == ladder - 1:
            break
        if level > state[BREAKER_HIGH] or level < state[BREAKER_LOW]:
            state[SESSION], state[STOPPED] = HALTED, 1
            break
        node = rows[level * WIDTH + NEXT]
        maker = rows[node * WIDTH + ACCOUNT]
        if stp != 0 and maker == account:
            lots = _own(state, rows, node, lots)
            if state[STOPPED] != 0:
                break
            continue
        resting = rows[node * WIDTH + LOTS]
        traded = min(lots, resting)
        at = 4 * n
        fills[at], fills[at + 1], fills[at + 2], fills[at + 3] = seq, node - ladder, level, traded
        n += 1
        lots -= traded
        state[LAST] = level
        state[TRADED] += traded
        if ruled:
            _settle(state, account, maker, side, traded)
        rows[node * WIDTH + LOTS] = resting - traded
        if traded == resting:
            leave(state, rows, node, level, FILLED)
    state[FILLS] = n
    return lots


@njit(cache=True)
def _fillable(state: np.ndarray, rows: np.ndarray, side: int, limit: int, lots: int, account: int) -> bool:
    """Whether the book holds `lots` of others up to tick `limit` and within the breaker."""
    last, stp = state[LADDER] - 1, state[STP] if account >= 0 else 0
    level = state[BEST_ASK] if side == BUY else state[BEST_BID]
    while 0 < level < last and state[BREAKER_LOW] <= level <= state[BREAKER_HIGH]:
        if level > limit if side == BUY else level < limit:
            return False
        node = rows[level * WIDTH + NEXT]
        while node != level:
            if stp == 0 or rows[node * WIDTH + ACCOUNT] != account:
                lots -= rows[node * WIDTH + LOTS]
            elif stp != 1:
                return False  # an own order stops, or shrinks, the taker before it is filled
            if lots <= 0:
                return True
            node = rows[node * WIDTH + NEXT]
        level = above(state, level) if side == BUY else below(state, level)
    return False


@njit(cache=True)
def _refused(state: np.ndarray, kind: int, side: int, level: int, lots: int, account: int) -> int:
    """The reason why an order cannot be taken, or 0: form, session, collar, then what the account may do."""
    if side != 0 and side != 1:
        return 2
    if lots <= 0 or lots > MAX_LOTS:
        return 3
    if kind != MARKET and (level <= 0 or level >= state[LADDER] - 1):
        return 4
    if state[SESSION] != OPEN:
        return 8 if state[SESSION] == CLOSED else 9
    if kind != MARKET and (level < state[COLLAR_LOW] or level > state[COLLAR_HIGH]):
        return 6
    if state[ACCOUNTS] == 0:
        return 0
    if account < 0 or account >= state[ACCOUNTS]:
        return 7
    at = _account(state, account)
    if state[at + FLAGS] & KNOWN == 0:
        return 7
    if side != BUY and state[at + POSITION] - state[at + OPEN_SELL] < lots:
        return 15
    if state[at + USED] + lots > state[ACCOUNT_CAP]:
        return 16
    if state[TRADED] + lots > state[MARKET_CAP]:
        return 17
    unverified = state[at + FLAGS] & VERIFIED == 0
    if side == BUY and unverified and state[at + POSITION] + state[at + OPEN_BUY] + lots > state[POSITION_LIMIT]:
        return 18
    return 0


@njit(cache=True)
def _referred(state: np.ndarray, rows: np.ndarray, seq: int, ref: int, account: int) -> int:
    """The reason why order `ref` cannot be cancelled or amended by `account`, or 0."""
    if state[SESSION] == CLOSED:
        return 8
    if ref < 0 or ref >= seq:
        return 10
    node = state[LADDER] + ref
    if rows[node * WIDTH + STATUS] != RESTS:
        return 11 if rows[node * WIDTH + STATUS] != 0 else 10
    if state[OWNERS] != 0 and rows[node * WIDTH + ACCOUNT] != account:
        return 12
    return 0


@njit(cache=True)
def _amend(state: np.ndarray, rows: np.ndarray, fills: np.ndarray, ref: int, level: int, lots: int) -> int:
    """Change price and quantity of a resting order; only a smaller quantity at the same price keeps its priority."""
    node = state[LADDER] + ref
    side, account, held = rows[node * WIDTH + SIDE], rows[node * WIDTH + ACCOUNT], rows[node * WIDTH + LOTS]
    ruled = state[ACCOUNTS] > 0
    if ruled:
        _reserve(state, account, side, -held)
    reason = _refused(state, LIMIT, side, level, lots, account)
    if ruled:
        _reserve(state, account, side, held)
    if reason != 0:
        return reason
    if level == rows[node * WIDTH + LEVEL] and lots < held:
        if ruled:
            _reserve(state, account, side, lots - held)
        rows[node * WIDTH + LOTS] = lots
        return 0
    _drop(state, rows, node, CANCELLED)
    _enter(state, rows, fills, ref, LIMIT, side, level, lots, account)
    return 0


@njit(cache=True)
def _enter(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, seq: int, kind: int, side: int, level: int, lots: int,
    account: int,
) -> int:  # fmt: skip
    """Take, then rest what is left where the kind allows it; returns the lots that rest."""
    node = state[LADDER] + seq
    state[STOPPED] = 0
    crosses = level >= state[BEST_ASK] if side == BUY else level <= state[BEST_BID]
    left = _take(state, rows, fills, seq, side, level, lots, account) if crosses else lots
    rows[node * WIDTH + LOTS], rows[node * WIDTH + LEVEL], rows[node * WIDTH + ACCOUNT] = left, level, account
    rows[node * WIDTH + SIDE], rows[node * WIDTH + SENT] = side, lots
    if left > 0 and state[STOPPED] == 0 and kind in (LIMIT, POST_ONLY):
        rows[node * WIDTH + STATUS] = RESTS
        join(state, rows, node, side, level)
        if state[ACCOUNTS] > 0:
            _reserve(state, account, side, left)
        return left
    rows[node * WIDTH + STATUS] = FILLED if left == 0 else SELF_TRADE if state[STOPPED] != 0 else CANCELLED
    return 0


@njit(cache=True)
def submit(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, seq: int, kind: int, side: int, level: int, lots: int,
    ref: int, account: int,
) -> int:  # fmt: skip
    """Carry out command `seq` and return its reason code (0: accepted); fills are appended to `fills`."""
    if kind in (CANCEL, AMEND):
        reason = _referred(state, rows, seq, ref, account)
        if reason != 0:
            return reason
        if kind == AMEND:
            return _amend(state, rows, fills, ref, level, lots)
        _drop(state, rows, state[LADDER] + ref, CANCELLED)
        return 0
    if kind < 0 or kind > AMEND:
        return 1
    reason = _refused(state, kind, side, level, lots, account)
    if reason == 0 and kind != LIMIT:
        if kind == MARKET:
            level = state[LADDER] - 2 if side == BUY else 1
        elif kind == POST_ONLY:
            if level >= state[BEST_ASK] if side == BUY else level <= state[BEST_BID]:
                reason = 13
        elif kind == FOK and not _fillable(state, rows, side, level, lots, account):
            reason = 14
    if reason != 0:
        rows[(state[LADDER] + seq) * WIDTH + STATUS] = REJECTED
        return reason
    _enter(state, rows, fills, seq, kind, side, level, lots, account)
    return 0


@njit(cache=True)
def submit_one(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, seq: int, kind: int, side: int, level: int, lots: int,
    ref: int, account: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """`submit`, and what a caller wants to know next: reason, number of fills before and after, lots that rest."""
    before = state[FILLS]
    reason = submit(state, rows, fills, seq, kind, side, level, lots, ref, account)
    node = state[LADDER] + (ref if kind == AMEND else seq)
    rests = rows[node * WIDTH + LOTS] if reason == 0 and kind != CANCEL and rows[node * WIDTH + STATUS] == RESTS else 0
    return reason, before, state[FILLS], rests
