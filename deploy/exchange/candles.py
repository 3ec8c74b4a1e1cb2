"""Candles: open, high, low, close, volume of trades, by the minutes that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from deploy.exchange.state import Body, Trade


def candle(trades: Sequence[Trade]) -> Body:
    """One candle of trades in order; there is at least one."""
    prices = [trade.price_idr for trade in trades]
    volume = sum(trade.lots for trade in trades)
    value_idr = sum(trade.lots * trade.price_idr for trade in trades)
    return {
        "begin": trades[0].at, "open_idr": prices[0], "high_idr": max(prices), "low_idr": min(prices),
        "close_idr": prices[-1], "volume": volume, "value_idr": value_idr, "trades": len(trades),
    }  # fmt: skip


def candles(trades: Sequence[Trade], minutes: int) -> list[Body]:
    """A candle for every interval in which something was traded; `begin` is the interval's."""
    width_s = 60 * minutes

    def slot(trade: Trade) -> int:
        return int(datetime.fromisoformat(trade.at).timestamp()) // width_s

    return [
        {**candle(list(own)), "begin": datetime.fromtimestamp(at * width_s).astimezone().isoformat()}
        for at, own in groupby(trades, key=slot)
    ]
