"""The four mechanisms: the book's worked case in the one in which it can happen, fees, hours, bands, halts."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.carbon.engine.codes import Kind, Reason, Session, Side
from twin.carbon.mechanisms.auction import clear
from twin.carbon.mechanisms.negotiated import Deal, Gate, Listing, Refusal, Terms, report
from twin.carbon.mechanisms.regular import RegularMarket, collar_ticks
from twin.carbon.mechanisms.rules import MECHANISMS, rules, table

A, B = 0, 1


def test_the_worked_case_happens_as_a_negotiated_deal():
    deal = report(Gate(rules("negotiated"), 110_000), *[Terms(B, A, 115_000, 100)] * 2, minute=600)
    assert deal == Deal(B, A, 115_000, 100, 12_650)  # 0.11 % of 11.5 million


def test_the_worked_case_does_not_trade_in_the_order_book():
    market = RegularMarket(110_000)
    assert market.submit(Kind.LIMIT, Side.SELL, 120_000, 100, account=A).resting == 100
    assert market.submit(Kind.LIMIT, Side.BUY, 110_000, 100, account=B).resting == 100


def test_the_worked_case_does_not_trade_in_an_auction():
    one = np.array([100])
    assert clear(np.array([110_000]), one, np.array([120_000]), one).price_idr is None


def test_every_rule_has_a_source_and_a_confidence():
    assert {fact.confidence for fact in table().values()} <= {"stated", "official", "measured", "prior"}
    assert all(fact.source for fact in table().values())
    assert {m: rules(m).fee_bp for m in MECHANISMS} == {
        "regular": 11,
        "auction": 22,
        "negotiated": 11,
        "marketplace": 22,
    }


def test_the_halt_of_the_book_is_unreachable_on_the_regular_market_and_bites_elsewhere():
    assert {m: rules(m).breaker_can_bite() for m in MECHANISMS} == {
        "regular": False, "auction": True, "negotiated": True, "marketplace": True,
    }  # fmt: skip
    market = RegularMarket(100_000)
    assert market.submit(Kind.LIMIT, Side.BUY, 120_050, 1).reason == Reason.OUTSIDE_COLLAR
    gate = Gate(rules("negotiated"), 100_000)
    assert report(gate, *[Terms(B, A, 151_000, 1)] * 2, minute=600) == Refusal.HALTED
    assert report(gate, *[Terms(B, A, 100_000, 1)] * 2, minute=659) == Refusal.HALTED  # the halt is remembered
    assert isinstance(report(gate, *[Terms(B, A, 100_000, 1)] * 2, minute=660), Deal)
    assert gate.halts == [(600, 151_000)]


@pytest.mark.parametrize(
    ("terms", "other", "refusal"),
    [
        (Terms(B, A, 100_000, 1), Terms(B, A, 100_001, 1), Refusal.TERMS_DIFFER),
        (Terms(A, A, 100_000, 1), Terms(A, A, 100_000, 1), Refusal.SAME_ACCOUNT),
        (Terms(B, A, 100_000, 0), Terms(B, A, 100_000, 0), Refusal.BAD_QUANTITY),
        (Terms(B, A, -5, 1), Terms(B, A, -5, 1), Refusal.BAD_PRICE),
        (Terms(B, A, 161_000, 1), Terms(B, A, 161_000, 1), Refusal.OUTSIDE_BAND),
    ],
)
def test_a_bad_report_is_refused_with_its_reason(terms, other, refusal):
    assert report(Gate(rules("negotiated"), 100_000), terms, other, minute=600) == refusal


def test_a_listing_sells_what_it_has_at_its_price():
    listing, gate = Listing(A, 90_000, 10), Gate(rules("marketplace"), 100_000)
    assert listing.take(gate, B, 6, 600) == Deal(B, A, 90_000, 6, 1188)
    assert listing.take(gate, B, 5, 600) == Refusal.SOLD_OUT
    assert listing.take(gate, A, 1, 600) == Refusal.SAME_ACCOUNT
    assert Listing(A, 40_000, 10).take(gate, B, 1, 600) == Refusal.HALTED
    assert listing.lots == 4


@pytest.mark.parametrize(
    ("hour", "session"), [(8, Session.CLOSED), (9, Session.OPEN), (14, Session.OPEN), (15, Session.CLOSED)]
)
def test_trading_hours(hour, session):
    market = RegularMarket(100_000)
    market.clock(datetime.time(hour, 30))
    assert market.book.session == session
    assert (market.submit(Kind.LIMIT, Side.BUY, 100_000, 1).reason == Reason.MARKET_CLOSED) == (
        session == Session.CLOSED
    )


def test_a_halt_outlives_the_clock_and_off_tick_prices_are_refused():
    market = RegularMarket(100_000)
    assert market.submit(Kind.LIMIT, Side.BUY, 100_025, 1).reason == Reason.OFF_TICK
    market.halt()
    market.clock(datetime.time(10, 0))
    assert market.submit(Kind.LIMIT, Side.BUY, 100_000, 1).reason == Reason.MARKET_HALTED
    market.resume()
    assert market.submit(Kind.LIMIT, Side.BUY, 100_000, 1).reason == Reason.ACCEPTED


def test_theory_the_collar_by_hand():
    assert collar_ticks(58_800, rules("regular")) == (941, 1411)  # 47,040 … 70,560 in ticks of 50
    assert collar_ticks(210, rules("regular"))[0] == 4  # the floor of 200


def test_theory_an_auction_by_hand():
    # demand 30 at 12, 50 at 10; supply 25 at 9, 60 at 10: most trades at 10 (50), all at one price
    cleared = clear(np.array([12, 10]), np.array([30, 20]), np.array([9, 10]), np.array([25, 35]))
    assert (cleared.price_idr, cleared.bought.tolist(), cleared.sold.tolist()) == (10, [30, 20], [25, 25])


orders = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 50)), max_size=12)


@settings(deadline=None)
@given(orders, orders)
def test_an_auction_conserves_and_respects_limits(bids, asks):
    bid, ask = (np.array(side, int).reshape(-1, 2) for side in (bids, asks))
    cleared = clear(bid[:, 0], bid[:, 1], ask[:, 0], ask[:, 1])
    assert cleared.bought.sum() == cleared.sold.sum()
    assert (cleared.bought <= bid[:, 1]).all()
    if cleared.price_idr is None:
        assert not len(bid) or not len(ask) or bid[:, 0].max() < ask[:, 0].min()
    else:
        assert (bid[cleared.bought > 0, 0] >= cleared.price_idr).all()
        assert (ask[cleared.sold > 0, 0] <= cleared.price_idr).all()
        left = bid[:, 1] - cleared.bought, ask[:, 1] - cleared.sold
        assert not (
            (left[0] * (bid[:, 0] > cleared.price_idr)).any() and (left[1] * (ask[:, 0] < cleared.price_idr)).any()
        )
