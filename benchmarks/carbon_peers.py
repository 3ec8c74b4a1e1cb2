"""Other people's order books behind one function each: a stream of commands in, lots traded out.

Each takes the stream's columns as lists (kind 0 limit, 1 market, 2 cancel; side 0 buy, 1 sell; price; lots; reference)
and a `going(i)` that says whether there is time for command `i`; each returns the lots traded, or None where the
package keeps no count. Every cancel in the stream hits a resting order and every market order is filled whole, so a
package without market orders is given a limit order at the worst price.

Not here: `hft-lob` rebuilds books from an exchange's feed and matches nothing; `orderbook` (2013) installs the same
module name as `akhil4n-orderbook`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal

Columns = tuple[list[int], list[int], list[int], list[int], list[int]]
Going = Callable[[int], bool]
WORST = (1_000_000, 1)  # price at which a buy, a sell takes anything


def limit_order_book(columns: Columns, going: Going) -> int | None:
    """C++ through ctypes; it reports no fills."""
    from limit_order_book import LimitOrderBook

    book = LimitOrderBook()
    limits, markets = (book.limit_buy, book.limit_sell), (book.market_buy, book.market_sell)
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind == 0:
            limits[side](i + 1, lots, price)
        elif kind == 1:
            markets[side](i + 1, lots)
        else:
            book.cancel(ref + 1)
    return None


def nanobook(columns: Columns, going: Going) -> int:
    """Rust."""
    from nanobook import Exchange

    book, ids, words = Exchange(), {}, ("buy", "sell")
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind == 0:
            ids[i] = book.submit_limit(words[side], price, lots).order_id
        elif kind == 1:
            book.submit_market(words[side], lots)
        else:
            book.cancel(ids[ref])
    return sum(trade.quantity for trade in book.trades())


def obook(columns: Columns, going: Going) -> int:
    """Go through ctypes; its events are drained now and then, as its manual asks."""
    from obook import IOC, LIMIT, Book, EventKind

    book, ids, traded = Book(max_orders=2_000_000), {}, 0
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind == 0:
            ids[i] = book.submit(i, side, price, lots).order_id
        elif kind == 1:
            book.submit(i, side, WORST[side], lots, LIMIT, IOC)
        else:
            book.cancel(ids[ref], ref)
        if i % 50 == 0:
            traded += sum(event.qty for event in book.events() if event.kind == EventKind.TRADE)
    return traded + sum(event.qty for event in book.events() if event.kind == EventKind.TRADE)


def cython_orderbook(columns: Columns, going: Going) -> int:
    """Cython."""
    from cython_orderbook import Order, OrderBook, OrderSide

    return _with_orders(columns, going, OrderBook(), OrderSide, Order, Order)


def akhil4n_orderbook(columns: Columns, going: Going) -> int:
    """Plain Python by the author of the one before."""
    from orderbook import MarketOrder, Order, OrderBook, OrderSide

    return _with_orders(columns, going, OrderBook(), OrderSide, Order, MarketOrder)


def _with_orders(columns, going, book, sides, limit, market) -> int:
    words, ids = (sides.BID, sides.ASK), {}
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind == 0:
            order = limit(side=words[side], price=price, original_quantity=lots)
            ids[i] = order.order_id
            book.add_limit_order(order)
        elif kind == 1:
            book.add_market_order(market(side=words[side], original_quantity=lots))
        else:
            book.cancel_order(ids[ref])
    return sum(trade.quantity_filled for trade in book.trade_log)


def lightmatchingengine(columns: Columns, going: Going) -> int:
    """Plain Python."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine

    book, ids, traded = LightMatchingEngine(), {}, 0
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind < 2:
            order, trades = book.add_order("C", price if kind == 0 else WORST[side], lots, side + 1)
            ids[i] = order.order_id
            traded += sum(trade.trade_qty for trade in trades) // 2  # it lists both sides of a trade
        else:
            book.cancel_order(ids[ref], "C")
    return traded


def pyorderbook(columns: Columns, going: Going) -> int:
    """Plain Python with heaps."""
    from pyorderbook import Book, ask, bid

    logging.disable()
    book, orders, words, traded = Book(), {}, (bid, ask), 0
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind < 2:
            orders[i] = words[side]("C", price if kind == 0 else WORST[side], lots)
            traded += sum(trade.fill_quantity for trade in book.match(orders[i]).trades)
        else:
            book.cancel(orders[ref])
    return traded


def fastlob(columns: Columns, going: Going) -> int | None:
    """Plain Python with decimals; it reports no fills by lots."""
    from fastlob import Orderbook, OrderParams, OrderSide

    logging.disable()
    ids, words = {}, (OrderSide.BID, OrderSide.ASK)
    with Orderbook("C") as book:
        for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
            if not going(i):
                break
            if kind < 2:
                ids[i] = book(OrderParams(words[side], price if kind == 0 else WORST[side], lots)).orderid()
            else:
                book.cancel(ids[ref])
    return None


def manticore_orderbook(columns: Columns, going: Going) -> int:
    """Plain Python with events."""
    from manticore_orderbook import OrderBook

    logging.disable()
    book = OrderBook("C", enable_logging=False, max_trade_history=10**7, enable_price_improvement=False)
    ids, words = {}, ("buy", "sell")
    for i, (kind, side, price, lots, ref) in enumerate(zip(*columns, strict=True)):
        if not going(i):
            break
        if kind < 2:
            ids[i] = book.add_order(words[side], price if kind == 0 else WORST[side], lots)
        else:
            book.cancel_order(ids[ref])
    return int(sum(Decimal(str(trade["quantity"])) for trade in book.get_trade_history(limit=10**7)))


PEERS: dict[str, Callable[[Columns, Going], int | None]] = {
    "limit-order-book": limit_order_book, "nanobook": nanobook, "cython-orderbook": cython_orderbook, "obook": obook,
    "lightmatchingengine": lightmatchingengine, "akhil4n-orderbook": akhil4n_orderbook, "pyorderbook": pyorderbook,
    "fastlob": fastlob, "manticore-orderbook": manticore_orderbook,
}  # fmt: skip
