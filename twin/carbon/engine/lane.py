"""Arrays of commands. What is common runs in a lane of its own: plain limit and market orders and cancels in an open
book without accounts, price limits or a waiting halt, with the best prices in registers. Everything else, and whatever
might be refused, goes through `core.submit`, which alone knows the rules; the tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from twin.carbon.engine.core import submit
from twin.carbon.engine.ladder import above, below, mark, unmark
from twin.carbon.engine.layout import (
    ACCOUNT,
    ACCOUNTS,
    BEST_ASK,
    BEST_BID,
    BREAKER_HIGH,
    BREAKER_LOW,
    BUY,
    CANCEL,
    CANCELLED,
    COLLAR_HIGH,
    COLLAR_LOW,
    FILLED,
    FILLS,
    LADDER,
    LAST,
    LEVEL,
    LIMIT,
    LOTS,
    MARKET,
    MAX_LOTS,
    NEXT,
    OPEN,
    OWNERS,
    PREV,
    RESTING,
    RESTS,
    SELF_TRADE,
    SENT,
    SESSION,
    SIDE,
    STATUS,
    STOPPED,
    STP,
    TRADED,
    WIDTH,
)  # fmt: skip

LANE_STP = 1  # no prevention of self-trades, or the resting order gives way


@njit(cache=True)
def _free(state: np.ndarray) -> bool:
    """Whether nothing but the form of a command can stand in its way."""
    last = state[LADDER] - 1
    return (
        state[ACCOUNTS] == 0 and state[OWNERS] == 0 and state[SESSION] == OPEN and state[STP] <= LANE_STP
        and state[COLLAR_LOW] <= 1 and state[COLLAR_HIGH] >= last - 1
        and state[BREAKER_LOW] <= 1 and state[BREAKER_HIGH] >= last - 1
    )  # fmt: skip


@njit(cache=True)
def submit_many(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, first: int, kind: np.ndarray, side: np.ndarray,
    level: np.ndarray, lots: np.ndarray, ref: np.ndarray, account: np.ndarray, reasons: np.ndarray,
) -> None:  # fmt: skip
    """Carry out a whole array of commands, numbered from `first` on; `reasons` takes their reason codes."""
    done, n = 0, len(kind)
    while done < n:
        if _free(state):
            done = _lane(state, rows, fills, first, done, kind, side, level, lots, ref, account, reasons)
        if done < n:
            i = done
            reasons[i] = submit(state, rows, fills, first + i, kind[i], side[i], level[i], lots[i], ref[i], account[i])
            done += 1


@njit(cache=True)
def _lane(
    state: np.ndarray, rows: np.ndarray, fills: np.ndarray, first: int, start: int, kind: np.ndarray,
    side: np.ndarray, level: np.ndarray, lots: np.ndarray, ref: np.ndarray, account: np.ndarray, reasons: np.ndarray,
) -> int:  # fmt: skip
    """Carry out commands from `start` on; returns the first that is not for this lane (or their number)."""
    ladder, bid, ask, stp = state[LADDER], state[BEST_BID], state[BEST_ASK], state[STP]
    n, resting, last, traded_lots = state[FILLS], state[RESTING], state[LAST], state[TRADED]
    entered = False
    i = start
    while i < len(kind):
        what = kind[i]
        if what == CANCEL:
            if ref[i] < 0 or ref[i] >= first + i:
                break
            node = (ladder + ref[i]) * WIDTH
            if rows[node + STATUS] != RESTS:
                break
            before, after = rows[node + PREV], rows[node + NEXT]
            rows[before * WIDTH + NEXT], rows[after * WIDTH + PREV] = after, before
            rows[node + STATUS] = CANCELLED
            resting -= 1
            if before == after:
                tick = rows[node + LEVEL]
                unmark(state, tick)
                if tick == ask:
                    ask = above(state, tick)
                elif tick == bid:
                    bid = below(state, tick)
            reasons[i] = 0
            i += 1
            continue
        buys, left, limit, who = side[i] == BUY, lots[i], level[i], account[i]
        if what == MARKET:
            limit = ladder - 2 if buys else 1
        elif what != LIMIT or limit <= 0 or limit >= ladder - 1:
            break
        if left <= 0 or left > MAX_LOTS or side[i] < 0 or side[i] > 1:
            break
        entered = True
        while left > 0:
            tick = ask if buys else bid
            if tick == 0 or tick == ladder - 1 or (tick > limit if buys else tick < limit):
                break
            maker = rows[tick * WIDTH + NEXT]
            own = stp != 0 and who >= 0 and rows[maker * WIDTH + ACCOUNT] == who
            if not own:
                offered = rows[maker * WIDTH + LOTS]
                traded = min(left, offered)
                at = 4 * n
                fills[at], fills[at + 1], fills[at + 2], fills[at + 3] = first + i, maker - ladder, tick, traded
                n += 1
                left -= traded
                last = tick
                traded_lots += traded
                rows[maker * WIDTH + LOTS] = offered - traded
                if traded < offered:
                    break
            after = rows[maker * WIDTH + NEXT]
            rows[tick * WIDTH + NEXT], rows[after * WIDTH + PREV] = after, tick
            rows[maker * WIDTH + STATUS] = SELF_TRADE if own else FILLED
            resting -= 1
            if after == tick:
                unmark(state, tick)
                if buys:
                    ask = above(state, tick)
                else:
                    bid = below(state, tick)
        number = ladder + first + i
        node = number * WIDTH
        rows[node + LOTS], rows[node + LEVEL], rows[node + ACCOUNT] = left, limit, who
        rows[node + SIDE], rows[node + SENT] = side[i], lots[i]
        if left > 0 and what == LIMIT:
            tail = rows[limit * WIDTH + PREV]
            rows[node + NEXT], rows[node + PREV], rows[node + STATUS] = limit, tail, RESTS
            rows[tail * WIDTH + NEXT] = number
            rows[limit * WIDTH + PREV] = number
            resting += 1
            if tail == limit:
                mark(state, limit)
                if buys:
                    bid = max(bid, limit)
                else:
                    ask = min(ask, limit)
        else:
            rows[node + STATUS] = FILLED if left == 0 else CANCELLED
        reasons[i] = 0
        i += 1
    state[BEST_BID], state[BEST_ASK], state[FILLS], state[RESTING] = bid, ask, n, resting
    state[LAST], state[TRADED] = last, traded_lots
    if entered:
        state[STOPPED] = 0
    return i
