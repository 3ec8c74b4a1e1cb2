"""Manipulation found in a day's orders and trades. Every alert is a row with its evidence; the thresholds are priors.

Trades with oneself are prevented in the book. Here: *coordinated* (two accounts trade back and forth), *circular*
(three or four pass the same tonnes round), *spoofing* (large orders on one side that are withdrawn after a trade on
the other), *laundering* (a pair whose deals are far from the market's price, by a robust score over all pairs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from twin.carbon.protection.log import DayLog

LEAST_LOTS = 30  # edges below are no pattern
LEAST_SHARE = 0.3  # of what both sides of an edge traded that day
LEAST_BALANCE = 0.6  # smallest over largest edge of a cycle
LONGEST_CYCLE = 4
LARGE = 3.0  # a spoofing order against the day's median limit order
LAYERS = 2
LEAST_RATIO = 3.0  # withdrawn lots against lots traded on the other side
SCORE = 8.0  # robust z-score of a pair's transfer of value
LEAST_DEALS = 3


@dataclass(frozen=True)
class Alert:
    """What was found: on which day, of which sort, about whom, how strongly, on what grounds."""

    day: str
    type: str
    accounts: tuple[int, ...]
    score: float
    evidence: str


def cycles(log: DayLog) -> list[Alert]:
    """Coordinated and circular trades of a day."""
    pairs, at = np.unique(np.stack([log.seller, log.buyer], axis=1), axis=0, return_inverse=True)
    lots = np.bincount(at.ravel(), weights=log.traded_lots, minlength=len(pairs))
    if not len(pairs):
        return []
    n = int(pairs.max()) + 1
    sold, bought = (np.bincount(pairs[:, i], weights=lots, minlength=n) for i in (0, 1))
    heavy = (lots >= LEAST_LOTS) & (lots >= LEAST_SHARE * np.maximum(sold[pairs[:, 0]], bought[pairs[:, 1]]))
    if not np.isin(pairs[heavy, 0], pairs[heavy, 1]).any():
        return []
    graph = nx.DiGraph()
    edges = [(a, b, t) for (a, b), t in zip(pairs[heavy].tolist(), lots[heavy].tolist(), strict=True)]
    graph.add_weighted_edges_from(edges)
    found = []
    for cycle in nx.simple_cycles(graph, length_bound=LONGEST_CYCLE):
        round_trip = [graph[a][b]["weight"] for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
        if min(round_trip) >= LEAST_BALANCE * max(round_trip):
            kind = "coordinated" if len(cycle) == 2 else "circular"
            path = " → ".join(map(str, [*cycle, cycle[0]]))
            found.append(
                Alert(log.day, kind, tuple(sorted(cycle)), min(round_trip) / max(round_trip),
                      f"{min(round_trip):.0f} to {max(round_trip):.0f} t along {path}")
            )  # fmt: skip
    return found


def spoofing(log: DayLog) -> list[Alert]:
    """Large orders withdrawn unfilled by accounts that traded on the other side meanwhile."""
    limit = (log.kind == 0) & (log.reason == 0)
    if not limit.any():
        return []
    large = limit & (log.lots >= LARGE * np.median(log.lots[limit]))
    large[log.taker], large[log.maker] = False, False
    cancels = np.flatnonzero((log.kind == 2) & (log.reason == 0))
    withdrawn = log.ref[cancels][large[log.ref[cancels]]]
    found = []
    for account in np.unique(log.account[withdrawn]).tolist():
        own = withdrawn[log.account[withdrawn] == account]
        for side in (0, 1):
            orders = own[log.side[own] == side]
            other = log.traded_lots[(log.seller if side == 0 else log.buyer) == account].sum()
            same = log.traded_lots[(log.buyer if side == 0 else log.seller) == account].sum()
            lots, opposite = log.lots[orders].sum(), log.lots[own].sum() - log.lots[orders].sum()
            pretends = lots >= LEAST_RATIO * max(other + same, opposite)  # who withdraws on both sides makes a market
            if len(orders) >= LAYERS and other > 0 and same <= other and pretends:
                word = "buy" if side == 0 else "sell"
                found.append(
                    Alert(log.day, "spoofing", (account,), float(lots / (other + same)),
                          f"{len(orders)} {word} orders of {lots} t withdrawn, {other} t traded on the other side")
                )  # fmt: skip
    return found


def laundering(days: Sequence[DayLog], close_idr: Sequence[float], reference_idr: Sequence[float]) -> list[Alert]:
    """Pairs whose deals outside the book move value from one to the other, over a month.

    The score is the pair's mean deviation from the day's reference in robust standard deviations (median absolute
    deviation times 1.4826, at least 1 %) of the market's own closes: honest deals may be few, and dishonest ones most.
    """
    each = zip(days, reference_idr, strict=True)
    deals = [np.column_stack([log.deals, np.full(len(log.deals), price_idr)]) for log, price_idr in each]
    table = np.concatenate(deals) if deals else np.empty((0, 5))
    if len(table) < LEAST_DEALS:
        return []
    market = np.array(close_idr) / np.array(reference_idr) - 1
    off = table[:, 2] / table[:, 4] - 1
    score = off / max(1.4826 * float(np.median(np.abs(market - np.median(market)))), 0.01)
    pairs, at = np.unique(np.sort(table[:, :2], axis=1), axis=0, return_inverse=True)
    found = []
    for i, pair in enumerate(pairs.astype(int).tolist()):
        own = at.ravel() == i
        strength = float(abs(score[own].mean()))
        if own.sum() >= LEAST_DEALS and strength >= SCORE:
            moved_idr = float((np.abs(off[own]) * table[own, 4] * table[own, 3]).sum())
            found.append(
                Alert(days[-1].day, "laundering", tuple(pair), strength,
                      f"{own.sum()} deals, Rp {moved_idr:,.0f} beyond the market's price")
            )  # fmt: skip
    return found


def of_day(log: DayLog) -> list[Alert]:
    """Everything that shows within a day."""
    return [*cycles(log), *spoofing(log)]


def wash_trades(log: DayLog, alerts: Sequence[Alert]) -> np.ndarray:
    """Which trades of a day are part of a coordinated or circular alert, shape (m,): they are cancelled."""
    found = np.zeros(len(log.traded_lots), bool)
    for alert in alerts:
        if alert.type in ("coordinated", "circular"):
            found |= np.isin(log.buyer, alert.accounts) & np.isin(log.seller, alert.accounts)
    return found
