"""Manipulators who know that somebody watches. They are held out: no threshold of the detection was set with them.

Rings are longer or of unequal legs and spread over rounds, so that strangers' orders come between; a pair is helped by
its own trades with the market; who layers trades through another account; launderers stay near the market's price and
split their deals. What the detection misses of them is what it must be expected to miss of people.
"""

from __future__ import annotations

import numpy as np

from twin.carbon.engine.codes import Kind
from twin.carbon.traders.groups import BUY, SELL, Manipulators
from twin.carbon.traders.view import View, commands

MEMBERS = {"circular": 5, "coordinated": 2, "spoofing": 2, "laundering": 2}


class Evasive(Manipulators):
    """The same four aims as the planted manipulators, pursued with care."""

    members = MEMBERS
    laundering_price = (1.03, 1.15)  # against the reference
    laundering_lots = (2, 12)

    def _round_trip(self, view: View, group: tuple[int, ...]) -> np.ndarray:
        """One leg of the ring a round, of a size of its own; a pair also trades with whoever is there."""
        leg = view.round % len(group)
        seller, buyer = group[leg], group[(leg + 1) % len(group)]
        lots = int(view.rng.integers(40, 600))
        start = view.rng.uniform(0.02, 0.9)
        level = max((view.best_bid or 0) + 1, min(view.last, (view.best_ask or 10**9) - 1))
        legs = commands(
            Kind.LIMIT, np.array([SELL, BUY]), level, np.array([lots, int(lots * view.rng.uniform(0.8, 1.2))]),
            np.array([seller, buyer]), view.last * view.tick_idr, np.array([start, start + 1e-4]),
        )  # fmt: skip
        cover = commands(
            Kind.IOC, BUY, view.last + 5, np.array([int(view.rng.integers(20, 200))]), np.array([seller]),
            view.last * view.tick_idr, np.array([min(0.99, start + 0.05)]),
        )  # fmt: skip
        return np.concatenate([legs, cover])

    def _layers(self, view: View, group: tuple[int, ...]) -> np.ndarray:
        """Bids of ordinary size by one account; another sells."""
        start, (layers, trades) = view.rng.uniform(0.02, 0.9), group
        lots = view.rng.uniform(1.0, 2.5, 3) * self.memory["size"][0]
        levels = (view.best_bid or view.last) - np.array([1, 2, 3]) * max(1, view.last // 400)
        false = commands(
            Kind.LIMIT, BUY, levels, lots.astype(int), np.full(3, layers), 0.0, start + 1e-9 * np.arange(3)
        )
        sold = min(40, int(view.position[trades]))
        if not sold:
            return false
        true = commands(Kind.IOC, SELL, view.best_bid or view.last, np.array([sold]), np.array([trades]), 0.0,
                        np.array([start + 1e-8]))  # fmt: skip
        return np.concatenate([false, true])
