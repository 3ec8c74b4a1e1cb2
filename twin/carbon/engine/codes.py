"""The words of the engine: kinds of orders, sides, sessions, self-trade prevention, statuses, reasons of rejection."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What a command asks for. IOC fills what it can and cancels the rest; FOK fills whole or not at all."""

    LIMIT = 0
    MARKET = 1
    CANCEL = 2
    IOC = 3
    FOK = 4
    POST_ONLY = 5
    AMEND = 6


class Side(IntEnum):
    """Who wants what."""

    BUY = 0
    SELL = 1


class Session(IntEnum):
    """Whether orders are taken. In a halt resting orders may only be cancelled."""

    OPEN = 0
    HALTED = 1
    CLOSED = 2


class Stp(IntEnum):
    """What happens instead of a trade with oneself."""

    OFF = 0
    CANCEL_RESTING = 1
    CANCEL_INCOMING = 2
    CANCEL_BOTH = 3
    DECREMENT = 4  # both lose the smaller of the two quantities; nothing is traded


class Status(IntEnum):
    """Where an order stands."""

    NEVER = 0
    RESTING = 1
    FILLED = 2
    CANCELLED = 3
    SELF_TRADE = 4  # cancelled by self-trade prevention
    REJECTED = 5


class Reason(IntEnum):
    """Why a command was refused; 0: it was accepted."""

    ACCEPTED = 0
    BAD_KIND = 1
    BAD_SIDE = 2
    BAD_QUANTITY = 3  # zero, negative, or more than an order may have
    BAD_PRICE = 4  # zero, negative, or above the ladder
    OFF_TICK = 5
    OUTSIDE_COLLAR = 6
    UNKNOWN_ACCOUNT = 7
    MARKET_CLOSED = 8
    MARKET_HALTED = 9
    UNKNOWN_ORDER = 10
    NOT_RESTING = 11  # filled, or cancelled before
    NOT_OWNER = 12
    WOULD_TAKE = 13  # a post-only order that crosses
    NOT_FILLABLE = 14  # a fill-or-kill order that the book cannot fill
    NOT_COVERED = 15  # sells more than the account holds free
    ACCOUNT_CAP = 16
    MARKET_CAP = 17
    POSITION_LIMIT = 18
