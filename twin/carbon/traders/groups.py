"""Groups of traders. A group is a mesa agent that owns one column a property; its accounts are numbered in a row.

How they behave is a prior: enough of a market to test rules in, no forecast of anybody's conduct.
"""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np

from twin.carbon.engine.codes import Kind, Side
from twin.carbon.traders.view import View, cancels, commands, none

BUY, SELL = int(Side.BUY), int(Side.SELL)
DAYS_A_YEAR = 245


class Group(mesa.Agent):
    """Accounts `first` … `first + n - 1`. `memory` holds the columns that outlive a day, by name."""

    verified = True

    def __init__(self, model: mesa.Model, first: int, n: int, **memory: np.ndarray) -> None:
        super().__init__(model)
        self.first, self.n, self.memory = first, n, memory
        self.accounts = np.arange(first, first + n)

    def endowment(self) -> np.ndarray:
        """Lots that each account holds at the beginning."""
        return np.zeros(self.n, np.int64)

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Commands of this round; `resting` are numbers and accounts (k, 2) of the group's orders in the book."""
        return none()

    def state(self) -> dict[str, Any]:
        """What outlives a day, as JSON values."""
        return {name: column.tolist() for name, column in self.memory.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take it up again."""
        self.memory = {name: np.array(column) for name, column in state.items()}


class Buyers(Group):
    """Companies with a deficit, or with a wish to offset: they buy through the year what they still want."""

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """A few act in each round, at a price that they can bear."""
        need, rng = self.memory["need"], view.rng
        acts = (rng.random(self.n) < 0.1 / view.rounds * (0.5 + view.month / 12)) & (need >= 1)
        who = np.flatnonzero(acts)
        lots = np.maximum(1, np.ceil(need[who] * rng.uniform(0.05, 0.3, len(who))))
        wtp = self.memory["wtp_idr"][who]
        level = np.minimum(wtp / view.tick_idr, view.last * (1 + rng.normal(0.01, 0.015, len(who)))).astype(int)
        return commands(Kind.LIMIT, BUY, level, lots, self.accounts[who], wtp, rng.random(len(who)))


class Developers(Group):
    """Projects that sell what was issued to them, not below what they need."""

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """A few offer a part of their stock in each round."""
        rng, stock = view.rng, view.position[self.accounts]
        who = np.flatnonzero((rng.random(self.n) < 0.15 / view.rounds) & (stock > 0))
        lots = np.ceil(stock[who] * rng.uniform(0.02, 0.15, len(who)))
        cost = self.memory["cost_idr"][who]
        level = np.maximum(cost / view.tick_idr, view.last * (1 + rng.normal(-0.005, 0.015, len(who)))).astype(int)
        return commands(Kind.LIMIT, SELL, level, lots, self.accounts[who], cost, rng.random(len(who)))


class Makers(Group):
    """Quote both sides around a fair price between the last trade and IDXCarbon's, anew in each round."""

    def endowment(self) -> np.ndarray:
        """Something to sell."""
        return self.memory["size"].astype(np.int64) * 20

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Withdraw the old quotes, then quote; a full stock lowers both quotes."""
        size, held = self.memory["size"], view.position[self.accounts]
        skew = np.clip((held - 20 * size) / (20 * size), -1, 1) * 0.01
        fair = (view.last + view.reference) / 2 * (1 - skew)
        half = 0.006 + 0.002 * np.arange(self.n)
        time, fair_idr = 0.01 + 0.01 * view.rng.random(self.n), fair * view.tick_idr
        bids = commands(Kind.LIMIT, BUY, np.floor(fair * (1 - half)), size, self.accounts, fair_idr, time)
        some = held >= 1
        asks = commands(
            Kind.LIMIT, SELL, np.ceil(fair * (1 + half))[some], np.minimum(size, held)[some], self.accounts[some],
            fair_idr[some], time[some],
        )  # fmt: skip
        return np.concatenate([cancels(resting[:, 0], resting[:, 1], 0.0), bids, asks])


class Noise(Group):
    """Small unverified accounts that buy and sell for reasons of their own."""

    verified = False

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Market orders of a few tonnes."""
        rng = view.rng
        who = np.flatnonzero(rng.random(self.n) < 0.1 / view.rounds)
        held = view.position[self.accounts[who]]
        side = np.where((held > 0) & (rng.random(len(who)) < 0.5), SELL, BUY)
        lots = np.where(side == SELL, np.minimum(held, rng.integers(1, 20, len(who))), rng.integers(1, 20, len(who)))
        value_idr = view.last * view.tick_idr
        return commands(Kind.MARKET, side, 0, lots, self.accounts[who], value_idr, rng.random(len(who)))


class Speculators(Group):
    """Follow the trend of the last days."""

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Buy what rises and sell what falls, at once or not at all."""
        rng = view.rng
        who = np.flatnonzero(rng.random(self.n) < min(1.0, 20 * abs(view.trend)) / view.rounds)
        held, size = view.position[self.accounts[who]], self.memory["size"][who]
        side = BUY if view.trend > 0 else SELL
        lots = size if side == BUY else np.minimum(size, held)
        some = lots >= 1
        level = int(view.last * (1.01 if side == BUY else 0.99))
        value_idr = view.last * view.tick_idr
        return commands(
            Kind.IOC, side, level, lots[some], self.accounts[who][some], value_idr, rng.random(int(some.sum()))
        )  # fmt: skip


class Arbitrageurs(Group):
    """Buy here what is dearer on IDXCarbon, and the reverse, beyond what fees and the bridge cost (prior: 1 %)."""

    cost = 0.01

    def endowment(self) -> np.ndarray:
        """Something to sell."""
        return self.memory["size"].astype(np.int64) * 20

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Take every price that is beyond the reference by more than the cost."""
        n, size = self.n, self.memory["size"]
        held = np.minimum(size, view.position[self.accounts])
        low, high = int(view.reference * (1 - self.cost)), int(np.ceil(view.reference * (1 + self.cost)))
        value_idr, time = view.reference * view.tick_idr, view.rng.random(2 * n)
        return np.concatenate([
            commands(Kind.IOC, BUY, low, size, self.accounts, value_idr, time[:n]),
            commands(Kind.IOC, SELL, high, held, self.accounts, value_idr, time[n:])[held >= 1],
        ])  # fmt: skip


MEMBERS = {"circular": 3, "coordinated": 2, "spoofing": 1, "laundering": 2}


class Manipulators(Group):
    """Planted groups: rings and pairs that pass tonnes round, accounts that layer and withdraw."""

    members = MEMBERS
    laundering_price = (1.25, 1.52)  # against the reference
    laundering_lots = (5, 40)

    def __init__(self, model: mesa.Model, first: int, groups: dict[str, int], size: float) -> None:
        n = sum(self.members[kind] * count for kind, count in groups.items())
        super().__init__(model, first, n, size=np.full(1, size))
        at = iter(self.accounts.tolist())
        self.planted = {
            kind: [tuple(next(at) for _ in range(self.members[kind])) for _ in range(count)]
            for kind, count in groups.items()
        }

    def endowment(self) -> np.ndarray:
        """Something to pass round."""
        return np.full(self.n, 2000, np.int64)

    def orders(self, view: View, resting: np.ndarray) -> np.ndarray:
        """Each group acts in one round of every fourth day or so."""
        blocks = [cancels(resting[:, 0], resting[:, 1], 0.0)]
        for group in (*self.planted["circular"], *self.planted["coordinated"]):
            if view.rng.random() < 0.25 / view.rounds:
                blocks.append(self._round_trip(view, group))
        for group in self.planted["spoofing"]:
            if view.rng.random() < 0.5 / view.rounds and view.best_bid and view.best_ask:
                blocks.append(self._layers(view, group))
        return np.concatenate(blocks)

    def _round_trip(self, view: View, group: tuple[int, ...]) -> np.ndarray:
        """Each sells to the next at once, at a price inside the spread."""
        lots, start = int(view.rng.integers(100, 600)), view.rng.uniform(0.02, 0.9)
        level = max((view.best_bid or 0) + 1, min(view.last, (view.best_ask or 10**9) - 1))
        legs = [
            (a, side) for a, b in zip(group, [*group[1:], group[0]], strict=True) for a, side in ((a, SELL), (b, BUY))
        ]
        accounts, sides = (np.array(column) for column in zip(*legs, strict=True))
        time = start + 1e-9 * np.arange(len(legs))
        return commands(Kind.LIMIT, sides, level, np.full(len(legs), lots), accounts, view.last * view.tick_idr, time)

    def _layers(self, view: View, group: tuple[int, ...]) -> np.ndarray:
        """Sell a little at the bid while large bids far below pretend demand; they go in the next round."""
        (account,) = group
        start = view.rng.uniform(0.02, 0.9)
        lots = np.array([6, 7, 8]) * self.memory["size"][0]  # of a market maker's quote
        levels = (view.best_bid or view.last) - np.array([4, 6, 8]) * max(1, view.last // 200)
        false = commands(Kind.LIMIT, BUY, levels, lots, np.full(3, account), 0.0, start + 1e-9 * np.arange(3))
        sold = min(40, int(view.position[account]))
        true = commands(Kind.IOC, SELL, view.best_bid or view.last, np.array([sold]), np.array([account]), 0.0,
                        np.array([start + 1e-8]))  # fmt: skip
        return np.concatenate([false, true]) if sold else false


def lognormal(rng: np.random.Generator, median: float, sigma: float, n: int) -> np.ndarray:
    """Draws with this median."""
    return median * np.exp(sigma * rng.standard_normal(n))
