"""The carbon market's engine against other people's order books, and the credit ledger's conservation."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from twin.carbon.credits.ledger import Ledger
from twin.carbon.engine.batch import Orders, match
from twin.carbon.engine.codes import Kind
from twin.errors import LedgerError
from twin.validation.comparison import Comparison, Found, Skipped

Stream = list[tuple[int, ...]]  # kind, side, level, lots, seq of what a cancel means, account
Fills = list[list[int]]  # taker, maker, level, lots


def arrays(stream: Stream) -> Orders:
    """The stream as the batch engine takes it."""
    return Orders(*(np.array(column, np.int64) for column in zip(*stream, strict=True)))


def stream_of(seed: int, n: int = 3000) -> Stream:
    """Limit orders, market orders, cancels of what rests: no self-trades, whole lots, positive prices."""
    rng = np.random.default_rng(seed)
    return [
        (int(kind), int(side), int(level), int(lots), int(max(-1, i - back)), i)
        for i, (kind, side, level, lots, back) in enumerate(
            zip(rng.choice(3, n, p=[0.58, 0.12, 0.30]), rng.integers(0, 2, n), rng.integers(1, 200, n),
                rng.integers(1, 50, n), rng.integers(1, 50, n), strict=True)
        )
    ]  # fmt: skip


def by_sorted_dictionaries(stream: Stream) -> Fills:
    """An independent book as practitioners write it: sorted dictionaries of queues. Raises ImportError."""
    from sortedcontainers import SortedDict

    sides: Any = {0: SortedDict(lambda p: -p), 1: SortedDict()}
    orders: dict[int, list[int]] = {}
    fills: Fills = []
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
    return fills


def by_a_package_from_pypi(stream: Stream) -> Fills:
    """The book of akhil4n-orderbook, of the `bench` extra. Raises ImportError."""
    import orderbook as theirs

    book, sides = theirs.OrderBook(), (theirs.OrderSide.BID, theirs.OrderSide.ASK)
    ids: dict[int, Any] = {}
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
    return [[names[t.aggressor_id], names[t.filler_id], t.price, t.quantity_filled] for t in book.trade_log]


PEERS = {
    "a book of sorted dictionaries": ("sortedcontainers", 3, by_sorted_dictionaries),
    "package akhil4n-orderbook": ("akhil4n-orderbook", 4, by_a_package_from_pypi),
}


def order_books() -> Found:
    """Fills of 3,000 orders, one by one."""
    found: Found = []
    for peer, (install, seed, book) in PEERS.items():
        stream = stream_of(seed)
        what = "fills that differ, of 3,000 orders"
        try:
            theirs = book(stream)
        except ImportError:
            found.append(Skipped("order book", what, peer, install))
            continue
        ours = match(arrays(stream)).fills.tolist()
        differ = sum(a != b for a, b in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))
        found.append(
            Comparison("order book", what, peer, "another tool", "fills", differ, 0, 0, True, f"{len(theirs)} fills")
        )
    return found


def tokens(events: int = 5000) -> Found:
    """Random events of the ledger: what was issued against what is somewhere, at the end and at its worst."""
    rng, ledger, worst = np.random.default_rng(11), Ledger(), 0
    who, places = [f"account{i}" for i in range(6)], ("spe_grk", "token")
    for number in range(events):
        a, b = rng.choice(6, 2, replace=False)
        place, batch = places[rng.integers(2)], f"batch{rng.integers(1 + number // 100)}"
        tco2e = int(rng.integers(1, 400))
        try:
            match int(rng.integers(6)):
                case 0:
                    ledger.issue(who[a], batch, 50 * tco2e)
                case 1:
                    ledger.tokenise(who[a], batch, tco2e)
                case 2:
                    ledger.remint(who[a], batch, tco2e)
                case 3:
                    ledger.transfer(place, who[a], who[b], batch, tco2e)  # type: ignore[arg-type]
                case 4:
                    ledger.retire(place, who[a], batch, tco2e)  # type: ignore[arg-type]
                case _:
                    ledger.cancel(place, who[a], batch, tco2e)  # type: ignore[arg-type]
        except LedgerError:
            continue  # refused, as it must be
        worst = max(worst, abs(_issued(ledger) - _somewhere(ledger)))
    return [
        Comparison(
            "credit ledger", f"tonnes made or lost at worst, {ledger.events} events", "conservation", "theory", "tCO2e",
            worst, 0, 0, True,
            f"issued {_issued(ledger):,}; in the register, tokens, retired and cancelled {_somewhere(ledger):,}",
        )
    ]  # fmt: skip


def _issued(ledger: Ledger) -> int:
    return sum(entry.tco2e for entry in ledger.entries if entry.action == "issue")


def _somewhere(ledger: Ledger) -> int:
    return sum(map(sum, (ledger.balances.values(), ledger.retired.values(), ledger.cancelled.values())))
