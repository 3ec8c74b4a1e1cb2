"""One market maker's session against a flow of others, in the order book; and how Avellaneda and Stoikov would quote.

Others value a tonne at a fair price that moves as a random walk, and trade up to a distance from it: an offer δ ticks
away is reached at the rate A·exp(−kδ) (Avellaneda and Stoikov 2008), so a quote far away trades seldom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twin.carbon.engine import layout
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Side, Stp

OTHERS, MAKER = 0, 1


@dataclass(frozen=True)
class QuotingOptions:
    """A session: steps, tonnes a quote, movement of the fair price, and how many others come how near. Priors."""

    steps: int = 200
    lots: int = 10
    start_tick: int = 1176  # Rp 58,800 in ticks of 50
    sigma_ticks: float = 2.0  # standard deviation of the fair price a step
    arrivals: float = 1.4  # A: market orders a side and step at the fair price
    decay_per_tick: float = 0.15  # k
    most_lots: int = 200  # inventory at which a side is no longer quoted
    widest_ticks: int = 40
    risk_per_lot: float = 0.02  # charge for holding, ticks a lot, step and squared relative inventory


def avellaneda_stoikov(
    inventory: float, steps_left: float, sigma_ticks: float, gamma: float, k: float
) -> tuple[float, float]:
    """Distance of bid and ask from the fair price [ticks].

    r = s − q·γ·σ²·(T−t) and δ_a + δ_b = γ·σ²·(T−t) + (2/γ)·ln(1 + γ/k), equations 3.17 and 3.18 of Avellaneda and
    Stoikov (2008); `inventory` q is in quotes of the usual size.
    """
    shift = inventory * gamma * sigma_ticks**2 * steps_left
    half = (gamma * sigma_ticks**2 * steps_left + (2 / gamma) * math.log(1 + gamma / k)) / 2
    return half + shift, half - shift


class QuotingSession:
    """The session. Money is in ticks times lots; wealth counts inventory at the fair price."""

    def __init__(self, options: QuotingOptions, rng: np.random.Generator) -> None:
        self.options, self.rng = options, rng
        self.book = Book(Setup(4 * options.start_tick, 0, Stp.OFF), capacity=8 * options.steps)
        self.fair, self.cash, self.inventory, self.step_number = float(options.start_tick), 0, 0, 0
        self.traded, self.spread_sum = 0, 0.0
        self.last_move = 0.0

    @property
    def wealth(self) -> float:
        """Cash and inventory at the fair price [ticks × lots]."""
        return self.cash + self.inventory * self.fair

    @property
    def finished(self) -> bool:
        """Whether the session is over."""
        return self.step_number >= self.options.steps

    def step(self, bid_ticks: float, ask_ticks: float) -> float:
        """Quote at these distances from the fair price and live through a step; returns the gain less the risk charge.

        The quotes of the step before are withdrawn; a side beyond the inventory's limit is not quoted.
        """
        o, before = self.options, self.wealth
        for _, _, seq, _, account in self.book.resting():
            self.book.submit(Kind.CANCEL, 0, 0, 0, seq, account)
        bid, ask = (float(np.clip(d, -o.widest_ticks, o.widest_ticks)) for d in (bid_ticks, ask_ticks))
        bid_level, ask_level = math.floor(self.fair - bid), math.ceil(self.fair + ask)
        ask_level = max(ask_level, bid_level + 1)
        if self.inventory < o.most_lots:
            self.book.submit(Kind.LIMIT, Side.BUY, bid_level, o.lots, -1, MAKER)
        if self.inventory > -o.most_lots:
            self.book.submit(Kind.LIMIT, Side.SELL, ask_level, o.lots, -1, MAKER)
        self._others()
        self.last_move = float(o.sigma_ticks * self.rng.standard_normal())
        self.fair = min(max(self.fair + self.last_move, 2.0 * o.widest_ticks), 3.0 * o.start_tick)
        self.step_number += 1
        self.spread_sum += ask_level - bid_level
        return self.wealth - before - o.risk_per_lot * abs(self.inventory) * abs(self.inventory) / o.most_lots

    def _others(self) -> None:
        """Buyers and sellers whose patience ends at an exponentially distributed distance from the fair price."""
        o, rng = self.options, self.rng
        for side, n in ((Side.BUY, int(rng.poisson(o.arrivals))), (Side.SELL, int(rng.poisson(o.arrivals)))):
            for patience in rng.exponential(1 / o.decay_per_tick, n).tolist():
                limit = self.fair + patience if side == Side.BUY else self.fair - patience
                level = math.floor(limit) if side == Side.BUY else math.ceil(limit)
                report = self.book.submit(Kind.IOC, side, level, o.lots, -1, OTHERS)
                for _, _, traded_level, lots in report.fills:
                    sign = -1 if side == Side.BUY else 1
                    self.inventory += sign * lots
                    self.cash -= sign * lots * traded_level
                    self.traded += lots

    def observation(self) -> np.ndarray:
        """Inventory over its limit, share of time left, last move in standard deviations, spread of the quotes."""
        o = self.options
        bid, ask = self.book.best_bid, self.book.best_ask
        spread = (ask - bid) / o.widest_ticks if bid and ask else 1.0
        values = [self.inventory / o.most_lots, 1 - self.step_number / o.steps, self.last_move / o.sigma_ticks, spread]
        return np.clip(np.array(values, np.float32), -10, 10)

    def volume(self) -> int:
        """Lots traded so far, as the book counts them."""
        return int(self.book.state[layout.TRADED])
