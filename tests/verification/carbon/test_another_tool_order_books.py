"""Another tool: order books of other people on one stream, fill by fill."""

import numpy as np
import pytest

from twin.carbon.engine.batch import Orders, match
from twin.carbon.engine.codes import Kind


def arrays(stream) -> Orders:
    return Orders(*(np.array(column, np.int64) for column in zip(*stream, strict=True)))


def stream_of(seed: int, n: int = 3000):
    """Limit orders, market orders, cancels of what rests: no self-trades, whole lots, positive prices."""
    rng = np.random.default_rng(seed)
    return [
        (int(kind), int(side), int(level), int(lots), int(max(-1, i - back)), i)
        for i, (kind, side, level, lots, back) in enumerate(
            zip(rng.choice(3, n, p=[0.58, 0.12, 0.30]), rng.integers(0, 2, n), rng.integers(1, 200, n),
                rng.integers(1, 50, n), rng.integers(1, 50, n), strict=True)
        )
    ]  # fmt: skip


def test_another_tool_a_book_of_sorted_dictionaries_agrees():
    """An independent book of the kind that practitioners write: sorted dictionaries of queues."""
    from collections import deque

    from sortedcontainers import SortedDict

    stream = stream_of(3)
    sides, orders, fills = {0: SortedDict(lambda p: -p), 1: SortedDict()}, {}, []
    for seq, (kind, side, level, lots, ref, _) in enumerate(stream):
        if kind == Kind.CANCEL:
            if ref in orders:
                orders.pop(ref)[1] = 0
            continue
        other = sides[1 - side]
        while lots and other:
            best, queue = other.peekitem(0)
            while queue and queue[0][1] == 0:
                queue.popleft()
            if not queue:
                del other[best]
                continue
            if kind == Kind.LIMIT and (best > level if side == 0 else best < level):
                break
            traded = min(lots, queue[0][1])
            fills.append([seq, queue[0][0], best, traded])
            lots -= traded
            queue[0][1] -= traded
            if queue[0][1] == 0:
                orders.pop(queue.popleft()[0])
        if kind == Kind.LIMIT and lots:
            orders[seq] = [seq, lots]
            sides[side].setdefault(level, deque()).append(orders[seq])
    assert len(fills) > 500
    assert match(arrays(stream)).fills.tolist() == fills


def test_another_tool_a_package_from_pypi_agrees():
    theirs = pytest.importorskip("orderbook", reason="akhil4n-orderbook, of the `bench` extra")
    stream = stream_of(4)
    book, ids, sides = theirs.OrderBook(), {}, (theirs.OrderSide.BID, theirs.OrderSide.ASK)
    for seq, (kind, side, level, lots, ref, _) in enumerate(stream):
        if kind == Kind.LIMIT:
            order = theirs.Order(side=sides[side], price=level, original_quantity=lots)
            ids[seq] = order.order_id
            book.add_limit_order(order)
        elif kind == Kind.MARKET:
            order = theirs.MarketOrder(side=sides[side], original_quantity=lots)
            ids[seq] = order.order_id
            book.add_market_order(order)
        elif ref in ids:
            book.cancel_order(ids[ref])
    names = {order: seq for seq, order in ids.items()}
    fills = [[names[t.aggressor_id], names[t.filler_id], t.price, t.quantity_filled] for t in book.trade_log]
    assert len(fills) > 500
    assert match(arrays(stream)).fills.tolist() == fills
