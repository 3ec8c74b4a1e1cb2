"""The regular market: continuous trading in an order book, in rupiah, within hours and the daily auto-reject limits."""

from __future__ import annotations

import datetime

from twin.carbon.engine.book import Book, Report, Setup
from twin.carbon.engine.codes import Kind, Reason, Session, Stp
from twin.carbon.engine.journal import Journal
from twin.carbon.mechanisms.rules import Rules, rules

HIGHEST_IDR = 5_000_000  # prices up to here have a place on the ladder


def collar_ticks(reference_idr: int, r: Rules) -> tuple[int, int]:
    """Lowest and highest tick that the day's auto-reject limits and the floor allow."""
    share = r.auto_reject_percent or 100
    low_idr = max(r.floor_idr, -(-reference_idr * (100 - share) // 100))
    high_idr = reference_idr * (100 + share) // 100
    return -(-low_idr // r.tick_idr), min(high_idr // r.tick_idr, HIGHEST_IDR // r.tick_idr)


class RegularMarket:
    """One trading day. `reference_idr` is the last day's closing price; accounts are numbered from 0.

    A trade that needs no counterparty's consent needs crossing prices: an ask at 120,000 and a bid at 110,000 rest side
    by side here (the source book's case of a trade at 115,000 is a negotiated one: `negotiated.report`).
    """

    def __init__(
        self, reference_idr: int, accounts: int = 0, stp: Stp = Stp.CANCEL_RESTING, journal: Journal | None = None,
        own_rules: Rules | None = None,
    ) -> None:  # fmt: skip
        self.rules = own_rules or rules("regular")
        self.tick_idr = self.rules.tick_idr
        self.book = Book(Setup(HIGHEST_IDR // self.tick_idr + 2, accounts, stp), journal=journal)
        self.book.control("collar", *collar_ticks(reference_idr, self.rules))

    def clock(self, now: datetime.time) -> None:
        """Open or close by the published hours (WIB); a halt is lifted by `resume` alone."""
        inside = self.rules.open_hour <= now.hour < self.rules.close_hour
        if not inside and self.book.session != Session.CLOSED:
            self.book.control("session", Session.CLOSED)
        elif inside and self.book.session == Session.CLOSED:
            self.book.control("session", Session.OPEN)

    def halt(self) -> None:
        """Stop trading for a while; orders may still be cancelled."""
        self.book.control("session", Session.HALTED)

    def resume(self) -> None:
        """End a halt."""
        self.book.control("session", Session.OPEN)

    def submit(self, kind: int, side: int, price_idr: int, lots: int, ref: int = -1, account: int = -1) -> Report:
        """A command with its price in rupiah; fills tell ticks of `tick_idr`."""
        level, off = divmod(price_idr, self.tick_idr)
        if off and kind not in (Kind.MARKET, Kind.CANCEL):
            return Report(-1, Reason.OFF_TICK, 0, [])
        return self.book.submit(kind, side, level, lots, ref, account)
