"""The engine's rules, one by one by hand; every refusal leaves the book as it was."""

import numpy as np
import pytest

from twin.carbon.engine import layout
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Reason, Session, Side, Status, Stp

BUY, SELL = Side.BUY, Side.SELL


def book(*orders, **setup) -> Book:
    made = Book(Setup(ladder=1000, **setup))
    for order in orders:
        assert made.submit(*order).reason == Reason.ACCEPTED
    return made


def ruled(stp=Stp.CANCEL_RESTING, position=1000) -> Book:
    """Accounts 0 and 1 are verified, 2 is known, 3 is unknown."""
    made = Book(Setup(ladder=1000, accounts=4, stp=stp))
    for account, flags in enumerate((3, 3, 1)):
        made.control("account", account, flags, position)
    return made


def test_the_best_price_comes_first_and_at_one_price_the_oldest():
    made = book((Kind.LIMIT, SELL, 101, 5), (Kind.LIMIT, SELL, 100, 5), (Kind.LIMIT, SELL, 100, 5))
    report = made.submit(Kind.LIMIT, BUY, 101, 12)
    assert report.fills == [[3, 1, 100, 5], [3, 2, 100, 5], [3, 0, 101, 2]]
    assert made.resting() == [(SELL, 101, 0, 3, -1)]


def test_what_is_left_of_each_kind():
    for kind, rests in ((Kind.LIMIT, 3), (Kind.IOC, 0), (Kind.MARKET, 0)):
        made = book((Kind.LIMIT, SELL, 100, 5))
        report = made.submit(kind, BUY, 100, 8)
        assert (sum(fill[3] for fill in report.fills), report.resting) == (5, rests)
        assert made.status(1) == ((Status.RESTING, 3) if rests else (Status.CANCELLED, 0))


def test_fill_or_kill_fills_whole_or_not_at_all():
    made = book((Kind.LIMIT, SELL, 100, 5), (Kind.LIMIT, SELL, 102, 5))
    assert made.submit(Kind.FOK, BUY, 101, 6).reason == Reason.NOT_FILLABLE
    assert made.submit(Kind.FOK, BUY, 102, 6).fills == [[3, 0, 100, 5], [3, 1, 102, 1]]


def test_post_only_never_takes():
    made = book((Kind.LIMIT, SELL, 100, 5))
    assert made.submit(Kind.POST_ONLY, BUY, 100, 5).reason == Reason.WOULD_TAKE
    assert made.submit(Kind.POST_ONLY, BUY, 99, 5).resting == 5


def test_an_amended_order_keeps_its_place_only_where_it_shrinks():
    made = book((Kind.LIMIT, BUY, 100, 9), (Kind.LIMIT, BUY, 100, 9), (Kind.LIMIT, BUY, 100, 9))
    made.submit(Kind.AMEND, BUY, 100, 4, ref=0)
    assert [order[2] for order in made.resting()] == [0, 1, 2]
    made.submit(Kind.AMEND, BUY, 100, 10, ref=0)
    assert [order[2] for order in made.resting()] == [1, 2, 0]
    made.submit(Kind.AMEND, BUY, 101, 9, ref=2)
    assert [order[2] for order in made.resting()] == [2, 1, 0]


def test_an_amended_order_may_take():
    made = book((Kind.LIMIT, BUY, 90, 9), (Kind.LIMIT, SELL, 100, 5))
    assert made.submit(Kind.AMEND, BUY, 100, 9, ref=0).fills == [[0, 1, 100, 5]]
    assert made.resting() == [(BUY, 100, 0, 4, -1)]


@pytest.mark.parametrize(
    ("stp", "fills", "resting"),
    [
        (Stp.OFF, [[2, 0, 100, 5], [2, 1, 100, 3]], [(SELL, 100, 1, 2, 8)]),
        (Stp.CANCEL_RESTING, [[2, 1, 100, 5]], [(BUY, 100, 2, 3, 7)]),
        (Stp.CANCEL_INCOMING, [], [(SELL, 100, 0, 5, 7), (SELL, 100, 1, 5, 8)]),
        (Stp.CANCEL_BOTH, [], [(SELL, 100, 1, 5, 8)]),
        (Stp.DECREMENT, [[2, 1, 100, 3]], [(SELL, 100, 1, 2, 8)]),
    ],
)
def test_self_trade_prevention(stp, fills, resting):
    made = book((Kind.LIMIT, SELL, 100, 5, -1, 7), (Kind.LIMIT, SELL, 100, 5, -1, 8), stp=stp)
    assert made.submit(Kind.LIMIT, BUY, 100, 8, -1, 7).fills == fills
    assert made.resting() == resting


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ((9, BUY, 10, 1, -1, 0), Reason.BAD_KIND),
        ((-3, BUY, 10, 1, -1, 0), Reason.BAD_KIND),
        ((Kind.LIMIT, 2, 10, 1, -1, 0), Reason.BAD_SIDE),
        ((Kind.LIMIT, BUY, 10, 0, -1, 0), Reason.BAD_QUANTITY),
        ((Kind.LIMIT, BUY, 10, -5, -1, 0), Reason.BAD_QUANTITY),
        ((Kind.LIMIT, BUY, 10, 2**31, -1, 0), Reason.BAD_QUANTITY),
        ((Kind.LIMIT, BUY, 10, 2**80, -1, 0), Reason.BAD_QUANTITY),
        ((Kind.LIMIT, BUY, 0, 1, -1, 0), Reason.BAD_PRICE),
        ((Kind.LIMIT, BUY, -4, 1, -1, 0), Reason.BAD_PRICE),
        ((Kind.LIMIT, BUY, 999, 1, -1, 0), Reason.BAD_PRICE),
        ((Kind.LIMIT, BUY, 2**62, 1, -1, 0), Reason.BAD_PRICE),
        ((Kind.LIMIT, BUY, 300, 1, -1, 0), Reason.OUTSIDE_COLLAR),
        ((Kind.LIMIT, BUY, 100, 1, -1, 3), Reason.UNKNOWN_ACCOUNT),
        ((Kind.LIMIT, BUY, 100, 1, -1, 99), Reason.UNKNOWN_ACCOUNT),
        ((Kind.LIMIT, BUY, 100, 1, -1, -1), Reason.UNKNOWN_ACCOUNT),
        ((Kind.LIMIT, SELL, 120, 1001, -1, 0), Reason.NOT_COVERED),
        ((Kind.LIMIT, BUY, 100, 501, -1, 0), Reason.ACCOUNT_CAP),
        ((Kind.LIMIT, BUY, 100, 101, -1, 2), Reason.POSITION_LIMIT),
        ((Kind.CANCEL, 0, 0, 0, 77, 0), Reason.UNKNOWN_ORDER),
        ((Kind.CANCEL, 0, 0, 0, -1, 0), Reason.UNKNOWN_ORDER),
        ((Kind.CANCEL, 0, 0, 0, 0, 1), Reason.NOT_OWNER),
        ((Kind.CANCEL, 0, 0, 0, 2, 0), Reason.NOT_RESTING),
        ((Kind.AMEND, BUY, 300, 1, 0, 0), Reason.OUTSIDE_COLLAR),
        ((Kind.AMEND, BUY, 100, 0, 0, 0), Reason.BAD_QUANTITY),
        ((Kind.AMEND, BUY, 100, 900, 0, 0), Reason.ACCOUNT_CAP),
        ((Kind.POST_ONLY, BUY, 110, 1, -1, 0), Reason.WOULD_TAKE),
        ((Kind.FOK, BUY, 110, 50, -1, 0), Reason.NOT_FILLABLE),
    ],
)  # fmt: skip
def test_a_refused_command_has_its_reason_and_changes_nothing(command, reason):
    made = ruled()
    made.control("collar", 50, 200)
    made.control("caps", 500, 100_000, 1100)
    made.submit(Kind.LIMIT, BUY, 100, 10, -1, 0)
    made.submit(Kind.LIMIT, SELL, 110, 10, -1, 1)
    made.submit(Kind.LIMIT, BUY, 99, 10, -1, 0)
    made.submit(Kind.CANCEL, 0, 0, 0, 2, 0)  # command 3 cancels order 2
    before = made.state.copy(), made.resting()
    assert made.submit(*command) == (4, reason, 0, [])
    assert np.array_equal(made.state, before[0])
    assert made.resting() == before[1]


@pytest.mark.parametrize(
    ("session", "cancel"), [(Session.CLOSED, Reason.MARKET_CLOSED), (Session.HALTED, Reason.ACCEPTED)]
)
def test_out_of_hours_nothing_goes_and_in_a_halt_only_cancels(session, cancel):
    made = book((Kind.LIMIT, BUY, 100, 10))
    made.control("session", session)
    refused = {Session.CLOSED: Reason.MARKET_CLOSED, Session.HALTED: Reason.MARKET_HALTED}[session]
    assert made.submit(Kind.LIMIT, BUY, 100, 1).reason == refused
    assert made.submit(Kind.AMEND, BUY, 100, 1, 0).reason == refused
    assert made.submit(Kind.CANCEL, 0, 0, 0, 0).reason == cancel


def test_the_market_cap_counts_what_is_traded():
    made = ruled()
    made.control("caps", -1, 12, -1)
    made.submit(Kind.LIMIT, SELL, 100, 10, -1, 0)
    made.submit(Kind.LIMIT, BUY, 100, 10, -1, 1)
    assert made.submit(Kind.LIMIT, BUY, 100, 3, -1, 1).reason == Reason.MARKET_CAP
    assert made.submit(Kind.LIMIT, BUY, 100, 2, -1, 1).reason == Reason.ACCEPTED


def test_a_trade_beyond_the_breaker_is_not_made_and_halts_the_market():
    made = book((Kind.LIMIT, SELL, 100, 5), (Kind.LIMIT, SELL, 160, 5))
    made.control("breaker", 50, 150)
    report = made.submit(Kind.LIMIT, BUY, 170, 8)
    assert report.fills == [[2, 0, 100, 5]]
    assert report.resting == 0
    assert made.session == Session.HALTED
    assert made.submit(Kind.LIMIT, SELL, 100, 5).reason == Reason.MARKET_HALTED


def test_holdings_and_reservations_follow_the_orders():
    made = ruled()
    made.submit(Kind.LIMIT, SELL, 100, 600, -1, 0)
    assert made.submit(Kind.LIMIT, SELL, 100, 401, -1, 0).reason == Reason.NOT_COVERED
    made.submit(Kind.LIMIT, BUY, 100, 250, -1, 1)
    made.submit(Kind.AMEND, SELL, 100, 300, 0, 0)
    assert made.accounts[0, :5].tolist() == [3, 750, 0, 300, 550]
    assert made.accounts[1, :5].tolist() == [3, 1250, 0, 0, 250]
    made.close()
    assert made.accounts[:, [layout.OPEN_BUY, layout.OPEN_SELL]].sum() == 0
    assert made.accounts[0, layout.USED] == 250  # a cap counts what was traded


def test_the_ladder_is_searched_across_words_and_groups():
    made = Book(Setup(ladder=1 << 16))
    for level in (1, 63, 64, 4095, 4096, 65534):
        made.submit(Kind.LIMIT, SELL, level, 1)
    report = made.submit(Kind.MARKET, BUY, 0, 6)
    assert [fill[2] for fill in report.fills] == [1, 63, 64, 4095, 4096, 65534]
    assert made.best_ask is None
    for level in (65534, 4096, 4095, 64, 63, 1):
        made.submit(Kind.LIMIT, BUY, level, 1)
    assert [level for level, _, _ in made.depth(BUY)] == [65534, 4096, 4095, 64, 63, 1]
    assert [fill[2] for fill in made.submit(Kind.MARKET, SELL, 0, 6).fills] == [65534, 4096, 4095, 64, 63, 1]
    assert made.best_bid is None


def test_a_book_grows():
    made = Book(Setup(ladder=100), capacity=1)
    for i in range(50):
        made.submit(Kind.LIMIT, SELL, 10 + i, 1)
    assert len(made.submit(Kind.MARKET, BUY, 0, 50).fills) == 50


def test_a_setup_has_limits():
    with pytest.raises(ValueError, match="ticks"):
        Setup(ladder=2)
