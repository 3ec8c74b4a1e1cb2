"""Theory: what can be worked out by hand about queues, auctions, halts and the market maker."""

import numpy as np
import pytest

from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Reason, Session, Side, Stp
from twin.carbon.marketdata.stats import gini, impact_idr_per_t, tracking_error_percent, volatility_percent


def open_book(stp: Stp = Stp.OFF) -> Book:
    return Book(Setup(2000, 0, stp, owners=False))


def test_theory_price_comes_before_time_and_time_before_size():
    book = open_book()
    for level, lots in ((1001, 5), (1000, 1), (1000, 9), (999, 2)):
        book.submit(Kind.LIMIT, Side.SELL, level, lots)
    fills = book.submit(Kind.LIMIT, Side.BUY, 1001, 14).fills
    # 999 first; then 1000, the older and smaller order before the larger; 2 of the 5 at 1001
    assert fills == [[4, 3, 999, 2], [4, 1, 1000, 1], [4, 2, 1000, 9], [4, 0, 1001, 2]]
    assert sum(level * lots for _, _, level, lots in fills) == 999 * 2 + 1000 * 10 + 1001 * 2


def test_theory_a_smaller_quantity_keeps_its_place_and_a_larger_one_loses_it():
    book = open_book()
    for _ in range(3):
        book.submit(Kind.LIMIT, Side.SELL, 500, 10)
    book.submit(Kind.AMEND, Side.SELL, 500, 4, ref=0)
    book.submit(Kind.AMEND, Side.SELL, 500, 12, ref=1)
    assert [fill[1:] for fill in book.submit(Kind.MARKET, Side.BUY, 0, 26).fills] == [
        [0, 500, 4], [2, 500, 10], [1, 500, 12]
    ]  # fmt: skip


def test_theory_the_books_worked_case_does_not_cross():
    # ask 120,000 and bid 110,000 at a tick of Rp 100: nobody accepts the other's price, so 115,000 is nobody's trade
    book = open_book()
    book.submit(Kind.LIMIT, Side.SELL, 1200, 100)
    report = book.submit(Kind.LIMIT, Side.BUY, 1100, 100)
    assert (report.fills, report.resting) == ([], 100)
    assert (book.best_bid, book.best_ask) == (1100, 1200)


def test_theory_beyond_the_breaker_nothing_trades_and_the_halt_stays():
    book = open_book()
    book.control("breaker", 50, 150)
    book.submit(Kind.LIMIT, Side.SELL, 160, 1)
    report = book.submit(Kind.LIMIT, Side.BUY, 170, 1)
    assert report.fills == []
    assert book.session == Session.HALTED
    assert book.submit(Kind.LIMIT, Side.BUY, 100, 1).reason == Reason.MARKET_HALTED


def test_theory_statistics_with_answers_known_beforehand():
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)  # all with one of n: (n - 1) / n
    assert gini(np.arange(1, 5)) == pytest.approx(0.25)
    x = np.array([1.0, -2.0, 3.0])
    assert impact_idr_per_t(x, 7 * x) == pytest.approx(7)
    assert tracking_error_percent(np.full(4, np.e), np.ones(4)) == pytest.approx(100)
    closes = np.exp(np.cumsum([0, 1, -1, 1, -1]) * 0.02)
    assert volatility_percent(closes, 1) == pytest.approx(100 * 0.02 * np.sqrt(4 / 3))
