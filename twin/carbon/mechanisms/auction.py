"""The auction: one call, bids by volume and price, and one price for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Cleared:
    """The price all pay [Rp], None where nothing trades; tonnes that each bid and each offer gets."""

    price_idr: int | None
    bought: np.ndarray
    sold: np.ndarray


def clear(bid_idr: np.ndarray, bid_lots: np.ndarray, ask_idr: np.ndarray, ask_lots: np.ndarray) -> Cleared:
    """Clear a call of bids (n,) and offers (m,), both in order of arrival.

    The price is the one at which most is traded; of several, the one that leaves the smallest surplus, then the lowest.
    At the margin the earlier order comes first. Nobody pays more than bid or gets less than asked, so an ask at 120,000
    and a bid at 110,000 do not trade here either.
    """
    prices = np.unique(np.concatenate([bid_idr, ask_idr]))
    demand = np.array([bid_lots[bid_idr >= price].sum() for price in prices])
    supply = np.array([ask_lots[ask_idr <= price].sum() for price in prices])
    traded = np.minimum(demand, supply)
    if not len(prices) or traded.max() == 0:
        return Cleared(None, np.zeros_like(bid_lots), np.zeros_like(ask_lots))
    best = np.lexsort((prices, np.abs(demand - supply), -traded))[0]
    price, volume = int(prices[best]), int(traded[best])
    bought = _served(np.where(bid_idr >= price, bid_lots, 0), np.argsort(-bid_idr, kind="stable"), volume)
    sold = _served(np.where(ask_idr <= price, ask_lots, 0), np.argsort(ask_idr, kind="stable"), volume)
    return Cleared(price, bought, sold)


def _served(lots: np.ndarray, order: np.ndarray, volume: int) -> np.ndarray:
    """Give out a volume along an order of priority."""
    before = np.concatenate([[0], np.cumsum(lots[order])[:-1]])
    served = np.zeros_like(lots)
    served[order] = np.clip(volume - before, 0, lots[order])
    return served
