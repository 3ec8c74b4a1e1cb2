"""The engine against a reference that anyone can read, and against other people's books, on random streams."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_book import ReferenceBook

from twin.carbon.engine.batch import Orders, match
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Side, Stp

LADDER = 40
commands = st.lists(
    st.tuples(
        st.sampled_from(Kind), st.integers(0, 1), st.integers(-1, LADDER + 1), st.integers(-1, 30), st.integers(-1, 60),
        st.integers(0, 3),
    ),
    max_size=80,
)  # fmt: skip


def arrays(stream) -> Orders:
    return Orders(*(np.array(column, np.int64) for column in (zip(*stream, strict=True) if stream else [[]] * 6)))


def expected(stream, stp: Stp, ladder: int = LADDER) -> ReferenceBook:
    reference = ReferenceBook(ladder, stp)
    reference.accepted = [reference.submit(*command) for command in stream]
    return reference


@settings(max_examples=300, deadline=None)
@given(commands, st.sampled_from(Stp))
def test_one_by_one_equals_the_reference(stream, stp):
    reference, made = expected(stream, stp), Book(Setup(LADDER, 0, stp, owners=False))
    reports = [made.submit(*command) for command in stream]
    assert [fill for report in reports for fill in report.fills] == reference.fills
    assert [report.reason == 0 for report in reports] == reference.accepted
    assert made.resting() == reference.resting()


@settings(max_examples=200, deadline=None)
@given(commands, st.sampled_from(Stp))
def test_a_batch_equals_one_by_one(stream, stp):
    one, many = Book(Setup(LADDER, 0, stp, owners=False)), Book(Setup(LADDER, 0, stp, owners=False))
    reports = [one.submit(*command) for command in stream]
    orders = arrays(stream)
    reasons, fills = many.submit_many(orders.kind, orders.side, orders.price, orders.lots, orders.ref, orders.account)
    assert fills.tolist() == [fill for report in reports for fill in report.fills]
    assert reasons.tolist() == [report.reason for report in reports]
    assert np.array_equal(one.state, many.state)
    assert one.resting() == many.resting()


@settings(max_examples=100, deadline=None)
@given(commands, st.sampled_from(Stp), st.integers(0, 80), st.booleans())
def test_batches_that_follow_each_other_equal_one_by_one_also_under_a_breaker(stream, stp, cut, breaker):
    one, many = Book(Setup(LADDER, 0, stp, owners=False)), Book(Setup(LADDER, 0, stp, owners=False))
    if breaker:
        for book in (one, many):
            book.control("breaker", 10, 30)
    reasons = [one.submit(*command).reason for command in stream]
    found = [many.submit_many(*vars(arrays(part)).values())[0] for part in (stream[:cut], stream[cut:])]
    assert np.concatenate(found).tolist() == reasons
    assert np.array_equal(one.state, many.state)
    assert np.array_equal(one.rows[: LADDER + len(stream)], many.rows[: LADDER + len(stream)])


@settings(max_examples=100, deadline=None)
@given(commands, st.sampled_from(Stp), st.sampled_from([(1, 0), (1, 1000), (100_000, 5)]))
def test_match_equals_the_reference_at_any_scale_of_prices(stream, stp, scale):
    factor, shift = scale  # the widest needs a ladder of the prices that occur
    stream = [(k, s, max(1, p) * factor + shift, *rest) for k, s, p, *rest in stream]
    matched = match(arrays(stream), stp)
    assert matched.fills.tolist() == expected(stream, stp, 10**9).fills


@settings(max_examples=100, deadline=None)
@given(commands, st.sampled_from(Stp))
def test_fills_conserve_lots_and_keep_to_limits(stream, stp):
    made = Book(Setup(LADDER, 3, stp, owners=False))
    for account in range(3):
        made.control("account", account, 3, 100)
    for i, (kind, side, level, lots, ref, account) in enumerate(stream):
        best = made.best_bid, made.best_ask
        report = made.submit(kind, side, level, lots, ref, account)
        assert made.best_bid is None or made.best_ask is None or made.best_bid < made.best_ask
        filled = sum(fill[3] for fill in report.fills)
        if kind not in (Kind.CANCEL, Kind.AMEND):
            assert filled + report.resting <= max(0, lots)
        if kind == Kind.LIMIT:
            assert all(fill[2] <= level if side == Side.BUY else fill[2] >= level for fill in report.fills)
        if stp == Stp.OFF:  # else an own order may have stood there, and been withdrawn
            assert not report.fills or report.fills[0][2] in best
        assert made.seq == i + 1
    positions = made.accounts[:, 1]
    assert positions.sum() == 300
    assert (positions >= 0).all()
