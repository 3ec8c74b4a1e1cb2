"""A book for one session: its three arrays, single orders, whole arrays of orders, and what can be read from it.

    >>> book = Book()
    >>> book.submit(Kind.LIMIT, Side.SELL, level=1200, lots=100).resting
    100
    >>> book.submit(Kind.LIMIT, Side.BUY, level=1200, lots=30).fills
    [[1, 0, 1200, 30]]

Ticks and lots are integers; what a tick is worth in rupiah is the market's business (`mechanisms/`). Orders live for a
session: a day's book begins empty, so an order's number is its row and nothing has to be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from twin.carbon.engine import core, ladder, lane, layout
from twin.carbon.engine.codes import Kind, Reason, Session, Side, Status, Stp

CONTROLS = ("session", "collar", "breaker", "caps", "account")  # what may change besides orders; see `Book.control`


class Report(NamedTuple):
    """What became of a command: its number, its reason code, lots that rest, and fills of taker, maker, tick, lots."""

    seq: int
    reason: int
    resting: int
    fills: list[list[int]]


class Sink(Protocol):
    """Whoever writes commands down before they are carried out."""

    def append(self, kind: int, side: int, level: int, lots: int, ref: int, account: int) -> None:
        """Take one command."""


@dataclass(frozen=True)
class Setup:
    """What a book is made of: ticks on its ladder, accounts (0: anybody, without caps), prevention of self-trades.

    With `owners` only the owner may cancel or amend an order.
    """

    ladder: int = 1 << 16
    accounts: int = 0
    stp: Stp = Stp.CANCEL_RESTING
    owners: bool = True

    def __post_init__(self) -> None:
        if not 3 <= self.ladder <= 1 << 24 or not 0 <= self.accounts <= 1 << 24:
            raise ValueError(f"{self}: a ladder has 3 to 2^24 ticks, and there are 0 to 2^24 accounts")


class Book:
    """An order book with price-time priority. `journal`, if given, sees every command before it is carried out."""

    def __init__(self, setup: Setup | None = None, capacity: int = 1024, journal: Sink | None = None) -> None:
        self.setup = s = setup or Setup()
        words = (s.ladder + 63) // 64
        groups = (words + 63) // 64 + 1
        self.state = np.zeros(layout.BITS_AT + words + groups + s.accounts * layout.ACCOUNT_WIDTH, np.int64)
        header = {
            layout.LADDER: s.ladder, layout.BEST_ASK: s.ladder - 1, layout.STP: s.stp, layout.OWNERS: s.owners,
            layout.COLLAR_HIGH: s.ladder, layout.BREAKER_HIGH: s.ladder, layout.ACCOUNT_CAP: layout.NO_LIMIT,
            layout.MARKET_CAP: layout.NO_LIMIT, layout.POSITION_LIMIT: layout.NO_LIMIT, layout.ACCOUNTS: s.accounts,
            layout.SUMMARY_AT: layout.BITS_AT + words, layout.ACCOUNTS_AT: layout.BITS_AT + words + groups,
        }  # fmt: skip
        self.state[list(header)] = list(header.values())
        self.rows = np.zeros((s.ladder + capacity, layout.WIDTH), np.int32)
        self.rows[: s.ladder, layout.NEXT] = self.rows[: s.ladder, layout.PREV] = np.arange(s.ladder)
        self.fills = np.empty((capacity, 4), np.int32)
        self.capacity, self.seq, self.journal = capacity, 0, journal
        self._one = partial(core.submit_one, *self._arrays())

    @property
    def accounts(self) -> np.ndarray:
        """Rows of the accounts, shape (accounts, 8): flags, position, open buys, open sells, used; in lots."""
        at = int(self.state[layout.ACCOUNTS_AT])
        return self.state[at:].reshape(self.setup.accounts, layout.ACCOUNT_WIDTH)

    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three arrays as the core takes them: flat."""
        return self.state, self.rows.reshape(-1), self.fills.reshape(-1)

    def _reserve(self, orders: int) -> None:
        """Make room for more orders."""
        if self.seq + orders > self.capacity:
            self.capacity = max(2 * self.capacity, self.seq + orders)
            for name, length in (("rows", self.setup.ladder + self.capacity), ("fills", self.capacity)):
                old = getattr(self, name)
                new = np.zeros((length, old.shape[1]), np.int32)
                new[: len(old)] = old
                setattr(self, name, new)
            self._one = partial(core.submit_one, *self._arrays())

    def submit(self, kind: int, side: int, level: int, lots: int, ref: int = -1, account: int = -1) -> Report:
        """Carry out one command. A refused one changes nothing but the counter of commands."""
        seq = self.seq
        if seq == self.capacity:
            self._reserve(1)
        if self.journal is not None:
            self.journal.append(kind, side, level, lots, ref, account)
        try:
            # + 0: the core is compiled for plain integers, and an enum's member is another type
            reason, before, after, resting = self._one(seq, kind + 0, side + 0, level, lots, ref, account)
        except OverflowError:  # a number that fits no machine integer
            reason, before, after, resting = Reason.BAD_QUANTITY, 0, 0, 0
        self.seq = seq + 1
        return Report(seq, reason, resting, self.fills[before:after].tolist() if after > before else [])

    def submit_many(
        self, kind: np.ndarray, side: np.ndarray, level: np.ndarray, lots: np.ndarray, ref: np.ndarray,
        account: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Carry out arrays of commands, shape (n,); returns the reason codes (n,) and the new fills (m, 4)."""
        n = len(kind)
        self._reserve(n)
        if self.journal is not None:
            for command in zip(*(column.tolist() for column in (kind, side, level, lots, ref, account)), strict=True):
                self.journal.append(*command)
        before, reasons = int(self.state[layout.FILLS]), np.empty(n, np.int16)
        lane.submit_many(*self._arrays(), self.seq, kind, side, level, lots, ref, account, reasons)
        self.seq += n
        return reasons, self.fills[before : int(self.state[layout.FILLS])]

    def control(self, what: str, a: int = 0, b: int = 0, c: int = 0) -> None:
        """Change what is not an order: `session` state · `collar` low high · `breaker` low high (all in ticks) ·
        `caps` account market position-of-the-unverified (lots; negative: none) · `account` number flags position.
        """
        if self.journal is not None:
            self.journal.append(-1 - CONTROLS.index(what), 0, a, b, c, -1)
        state = self.state
        if what == "session":
            state[layout.SESSION] = a
        elif what == "collar":
            state[layout.COLLAR_LOW], state[layout.COLLAR_HIGH] = a, b
        elif what == "breaker":
            state[layout.BREAKER_LOW], state[layout.BREAKER_HIGH] = a, b
        elif what == "caps":
            caps = [layout.NO_LIMIT if cap < 0 else cap for cap in (a, b, c)]
            state[[layout.ACCOUNT_CAP, layout.MARKET_CAP, layout.POSITION_LIMIT]] = caps
        else:
            self.accounts[a, [layout.FLAGS, layout.POSITION]] = b, c

    @property
    def session(self) -> Session:
        """Whether orders are taken."""
        return Session(int(self.state[layout.SESSION]))

    @property
    def best_bid(self) -> int | None:
        """Highest tick that somebody bids; None where nobody does."""
        return int(self.state[layout.BEST_BID]) or None

    @property
    def best_ask(self) -> int | None:
        """Lowest tick that somebody asks; None where nobody does."""
        best = int(self.state[layout.BEST_ASK])
        return best if best < self.setup.ladder - 1 else None

    def status(self, seq: int) -> tuple[Status, int]:
        """Where order `seq` stands, and how many of its lots rest."""
        row = self.rows[self.setup.ladder + seq]
        status = Status(int(row[layout.STATUS]))
        return status, int(row[layout.LOTS]) if status == Status.RESTING else 0

    def resting(self) -> list[tuple[int, int, int, int, int]]:
        """Every resting order in order of priority, buys first: side, tick, number, lots, account."""
        levels = np.flatnonzero(self.rows[: self.setup.ladder, layout.NEXT] != np.arange(self.setup.ladder))
        bid = int(self.state[layout.BEST_BID])
        return [order for level in [*levels[levels <= bid][::-1], *levels[levels > bid]] for order in self._at(level)]

    def _at(self, level: int) -> list[tuple[int, int, int, int, int]]:
        found, node = [], int(self.rows[level, layout.NEXT])
        while node != level:
            lots, account, side = self.rows[node, [layout.LOTS, layout.ACCOUNT, layout.SIDE]].tolist()
            found.append((side, int(level), node - self.setup.ladder, lots, account))
            node = int(self.rows[node, layout.NEXT])
        return found

    def depth(self, side: Side, levels: int = 10) -> list[tuple[int, int, int]]:
        """The best ticks of a side: tick, lots, orders."""
        found: list[tuple[int, int, int]] = []
        level = int(self.state[layout.BEST_BID if side == Side.BUY else layout.BEST_ASK])
        while 0 < level < self.setup.ladder - 1 and len(found) < levels:
            orders = self._at(level)
            found.append((level, sum(lots for *_, lots, _ in orders), len(orders)))
            level = int(ladder.below(self.state, level) if side == Side.BUY else ladder.above(self.state, level))
        return found

    def close(self) -> int:
        """End the session: cancel whatever rests, take no more orders; returns how many orders were cancelled."""
        sent = self.rows[self.setup.ladder : self.setup.ladder + self.seq]
        numbers = np.flatnonzero(sent[:, layout.STATUS] == Status.RESTING).astype(np.int32)
        nothing = np.zeros_like(numbers)
        owners = np.ascontiguousarray(sent[numbers, layout.ACCOUNT])
        self.submit_many(np.full_like(numbers, Kind.CANCEL), nothing, nothing, nothing, numbers, owners)
        self.control("session", Session.CLOSED)
        return len(numbers)
