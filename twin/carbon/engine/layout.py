"""Where everything stands in the three arrays of a book.

`state` (int64): the header named below; two levels of bits that say which ticks have orders; a row an account.
`rows` (int32, eight columns, passed flat): row `t` < ladder is the sentinel of tick `t`, row `ladder + seq` is order
`seq`. The orders of a tick hang in a ring behind its sentinel, oldest first: joining and leaving need no search.
`fills` (int32, four columns, passed flat): taker, maker, tick, lots, in order of execution. Every fill completes an
order, so there are never more fills than orders.

Both sides share one ladder: bids stand below asks. Tick 0 means "no bid", the last tick "no ask".
"""

from __future__ import annotations

# header of `state`
(
    LADDER, BEST_BID, BEST_ASK, FILLS, SESSION, STP, COLLAR_LOW, COLLAR_HIGH, BREAKER_LOW, BREAKER_HIGH, LAST, TRADED,
    MARKET_CAP, ACCOUNT_CAP, POSITION_LIMIT, ACCOUNTS, OWNERS, RESTING, ACCOUNTS_AT, SUMMARY_AT, STOPPED,
) = range(21)  # fmt: skip
BITS_AT = 32
# a row of an account in `state`; the flags are 0 unknown, 1 known, 3 known and verified
FLAGS, POSITION, OPEN_BUY, OPEN_SELL, USED, ACCOUNT_WIDTH = 0, 1, 2, 3, 4, 8
KNOWN, VERIFIED = 1, 2
# columns of `rows`
NEXT, PREV, LOTS, LEVEL, ACCOUNT, SIDE, STATUS, SENT, WIDTH = 0, 1, 2, 3, 4, 5, 6, 7, 8
MAX_LOTS = 2**31 - 2  # one more still fits an int32, so that a batch can say "too much"
NO_LIMIT = 2**62
BUY = 0
LIMIT, MARKET, CANCEL, IOC, FOK, POST_ONLY, AMEND = range(7)
RESTS, FILLED, CANCELLED, SELF_TRADE, REJECTED = 1, 2, 3, 4, 5
OPEN, HALTED, CLOSED = 0, 1, 2
