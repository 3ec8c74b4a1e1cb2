"""The market as a mesa model: groups of traders, one book a day, IDXCarbon beside it, and the rule of price sync."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import mesa
import numpy as np

from twin.carbon.credits.idxcarbon import Link
from twin.carbon.engine import layout
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Session, Side, Stp
from twin.carbon.marketdata.candles import Candle, candles
from twin.carbon.mechanisms.negotiated import Deal, Gate, Terms, report
from twin.carbon.mechanisms.regular import HIGHEST_IDR, collar_ticks
from twin.carbon.mechanisms.rules import rules
from twin.carbon.options import CarbonOptions
from twin.carbon.protection.detect import Alert, of_day, wash_trades
from twin.carbon.protection.log import DayLog
from twin.carbon.traders.evasive import Evasive
from twin.carbon.traders.groups import (
    DAYS_A_YEAR,
    Arbitrageurs,
    Buyers,
    Developers,
    Group,
    Makers,
    Manipulators,
    Noise,
    Speculators,
    lognormal,
)  # fmt: skip
from twin.carbon.traders.view import View

BAND, CIRCUIT = 0.05, 0.08  # of the reference: how far prices may go; where trading pauses for a round (priors)
OPEN_MIN, ROUND_MIN = 540, 360
DEPTH_LEVELS = 10
CANDLE_MIN = 60


@dataclass
class DayResult:
    """A day: prices in rupiah, tonnes, counts; the surveillance log and its alerts."""

    day: str
    open_idr: int
    high_idr: int
    low_idr: int
    close_idr: int
    reference_idr: float
    volume: int
    value_idr: int
    deals: list[Deal]
    spread_percent: float | None
    orders: int
    refused: int
    halts: int
    welfare_idr: float
    washed: int
    log: DayLog
    alerts: list[Alert] = field(default_factory=list)
    depth: list[tuple[int, int, int, int]] = field(default_factory=list)  # side, tick, lots, orders before the close
    candles: list[Candle] = field(default_factory=list)  # `start` in minutes of the day


def surveyed(days: list[DayResult]) -> tuple[list[DayLog], list[int], list[float]]:
    """Logs, closes and references of a month's days, as the surveillance of deals takes them."""
    return [d.log for d in days], [d.close_idr for d in days], [d.reference_idr for d in days]


class CarbonMarket(mesa.Model):
    """All groups, their positions [lots], and the days they live through. All chance comes from the generator given."""

    def __init__(self, options: CarbonOptions, rng: np.random.Generator) -> None:
        super().__init__(seed=0)  # mesa's own generators are not used
        self.options, self.chance = o, _ = options, rng
        self.rules = rules("regular")
        self.link = Link(float(o.price_start_idr), o.link_failure_percent, o.link_latency_rounds)
        self.close_idr = o.price_start_idr
        self.reference_idr = float(o.price_start_idr)
        self.closes: list[int] = [o.price_start_idr]
        self.groups = self._groups()
        self.accounts = sum(group.n for group in self.groups.values())
        self.group_of = np.repeat(np.arange(len(self.groups)), [group.n for group in self.groups.values()])
        self.position = np.concatenate([group.endowment() for group in self.groups.values()])
        self.flags = np.concatenate([np.full(g.n, 3 if g.verified else 1) for g in self.groups.values()])

    def _groups(self) -> dict[str, Group]:
        o, rng = self.options, self.chance
        first, found = 0, dict[str, Group]()

        def add(name: str, cls: type[Group], n: int, **memory: np.ndarray) -> None:
            nonlocal first
            found[name] = cls(self, first, n, **memory)
            first += n

        deficit = o.deficit_tco2e_per_company_year * o.deficit_bought_percent / 100
        wanted = o.companies * deficit + o.voluntary * o.offset_tco2e_per_corporate_year
        size = np.full(5, max(5.0, round(wanted / DAYS_A_YEAR / 20)))
        buyers = (("companies", o.companies, deficit), ("voluntary", o.voluntary, o.offset_tco2e_per_corporate_year))
        for name, n, mean in buyers:
            share = lognormal(rng, 1.0, 0.8, n)
            a_month = share / share.mean() * mean / 12 if n else share
            add(name, Buyers, n, need=a_month.copy(), a_month=a_month, wtp_idr=lognormal(rng, o.wtp_idr, 0.3, n))
        developers = max(10, o.companies // 10)
        add("developers", Developers, developers, cost_idr=lognormal(rng, o.cost_idr, 0.25, developers))
        add("trenggalek", Developers, 1, cost_idr=np.array([o.cost_idr]))
        add("makers", Makers, 5, size=size)
        add("noise", Noise, 50)
        add("speculators", Speculators, 20, size=np.full(20, max(2.0, round(float(size[0]) / 2))))
        arbitrageurs = 3 if o.sync_rule == "arbitrage" else 0
        add("arbitrageurs", Arbitrageurs, arbitrageurs, size=size[:arbitrageurs])
        counts = o.manipulators.model_dump(exclude={"evasive"})
        self.manipulators = (Evasive if o.manipulators.evasive else Manipulators)(self, first, counts, float(size[0]))
        found["manipulators"] = self.manipulators
        return found

    @property
    def wanted_a_year(self) -> float:
        """Tonnes that buyers want in a year."""
        return float(sum(self.groups[name].memory["a_month"].sum() for name in ("companies", "voluntary"))) * 12

    def new_month(self) -> int:
        """Buyers' wants grow by a month; developers are issued a month of supply. Returns the tonnes issued."""
        for name in ("companies", "voluntary"):
            self.groups[name].memory["need"] = self.groups[name].memory["need"] + self.groups[name].memory["a_month"]
        developers = self.groups["developers"]
        share = self.chance.dirichlet(np.full(developers.n, 2.0))
        lots = np.floor(share * self.wanted_a_year / 12 * self.options.supply_ratio).astype(np.int64)
        self.position[developers.accounts] += lots
        return int(lots.sum())

    def cross_over(self) -> tuple[int, int]:
        """Arbitrageurs bring their stock back to its size at IDXCarbon: tonnes to burn and re-mint there, to tokenise.

        What they have too much was cheaper here than there, what they lack was dearer.
        """
        group = self.groups["arbitrageurs"]
        surplus = int((self.position[group.accounts] - group.endowment()).sum())
        self.position[group.accounts] = group.endowment()
        return max(0, surplus), max(0, -surplus)

    def day(self, day: str, month: int, with_depth: bool = False) -> DayResult:
        """Live through one trading day; `with_depth` the result tells what rested before the close."""
        o, tick = self.options, self.rules.tick_idr
        self.link.new_day(self.chance)
        book = Book(Setup(HIGHEST_IDR // tick + 2, self.accounts, Stp.CANCEL_RESTING), capacity=4096)
        book.accounts[:, layout.FLAGS], book.accounts[:, layout.POSITION] = self.flags, self.position
        book.control("caps", o.account_cap_tco2e, o.market_cap_tco2e, o.unverified_position_tco2e)
        collar = collar_ticks(self.close_idr, self.rules)
        blocks, reasons, spreads, halts = [], [], [], 0
        for number in range(o.rounds_a_day):
            pulled = self.link.pull(self.chance)
            self.reference_idr = pulled or self.reference_idr  # a failed call: the last price that we know
            view = self._view(book, number, month)
            halts += self._sync(book, collar, view)
            block = self._commands(book, view)
            if o.sync_rule == "peg":
                _repriced(block, view.reference)
            block[:, 7] = OPEN_MIN + ROUND_MIN * (number + block[:, 7]) / o.rounds_a_day  # minute of the day
            blocks.append(block)
            table = np.ascontiguousarray(block[:, :6].T.astype(np.int32))
            reasons.append(book.submit_many(*table)[0])
            if book.best_bid and book.best_ask:
                spreads.append(200 * (book.best_ask - book.best_bid) / (book.best_ask + book.best_bid))
        depth = [(int(side), *one) for side in Side for one in book.depth(side, DEPTH_LEVELS)] if with_depth else []
        closed = self._closed(day, book, np.concatenate(blocks), np.concatenate(reasons), spreads, halts)
        return replace(closed, depth=depth)

    def _view(self, book: Book, number: int, month: int) -> View:
        tick = self.rules.tick_idr
        last = int(book.state[layout.LAST]) or self.close_idr // tick
        trend = self.closes[-1] / self.closes[-min(6, len(self.closes))] - 1
        free = book.accounts[:, layout.POSITION] - book.accounts[:, layout.OPEN_SELL]
        return View(
            month, number, self.options.rounds_a_day, tick, last, int(self.reference_idr / tick), trend, free,
            book.best_bid, book.best_ask, self.chance,
        )  # fmt: skip

    def _sync(self, book: Book, collar: tuple[int, int], view: View) -> int:
        """Put the rule of price sync in force for a round; returns 1 where it pauses trading."""
        rule, (low, high), reference = self.options.sync_rule, collar, view.reference
        if rule == "band":
            low, high = max(low, int(reference * (1 - BAND))), min(high, int(reference * (1 + BAND)))
        elif rule == "peg":
            low, high = reference - 1, reference + 1
        if low > high:  # the reference ran out of the day's limits: those come first
            low, high = collar
        book.control("collar", low, high)
        paused = rule == "circuit" and abs(view.last / reference - 1) > CIRCUIT and view.round % 2 == 1
        book.control("session", Session.HALTED if paused else Session.OPEN)
        return int(paused)

    def _commands(self, book: Book, view: View) -> np.ndarray:
        """What all groups send in a round, in order of arrival."""
        ladder = book.setup.ladder
        sent = book.rows[ladder : ladder + book.seq]
        numbers = np.flatnonzero(sent[:, layout.STATUS] == layout.RESTS)
        owners = sent[numbers, layout.ACCOUNT]
        of_group = self.group_of[owners]
        table = np.column_stack([numbers, owners])[np.argsort(of_group, kind="stable")]
        ends = np.cumsum(np.bincount(of_group, minlength=len(self.groups))).tolist()
        spans = zip(self.groups.values(), [0, *ends[:-1]], ends, strict=True)
        block = np.concatenate([group.orders(view, table[first:end]) for group, first, end in spans if group.n])
        return block[np.argsort(block[:, 7], kind="stable")]

    def _closed(
        self, day: str, book: Book, block: np.ndarray, reasons: np.ndarray, spreads: list[float],
        halts: int,
    ) -> DayResult:  # fmt: skip
        """Deals outside the book, surveillance, settlement."""
        tick = self.rules.tick_idr
        fills = book.fills[: int(book.state[layout.FILLS])]
        deals, tripped = self._deals()
        kind, side, level, lots, ref, account = block[:, :6].T.astype(np.int64)
        taker, maker, traded_level, traded_lots = fills.T.astype(np.int64)
        log = DayLog(
            day, kind, side, level, lots, ref, account, reasons, taker, maker, traded_level, traded_lots,
            np.array([(d.buyer, d.seller, d.price_idr, d.lots) for d in deals], float).reshape(-1, 4),
        )  # fmt: skip
        alerts = of_day(log)
        book.close()
        self.position = book.accounts[:, layout.POSITION].copy()
        washed = self._reverse(log, wash_trades(log, alerts))
        for deal in deals:
            self.position[deal.buyer] += deal.lots
            self.position[deal.seller] -= deal.lots
        self._bought(log)
        prices = log.traded_level * tick
        first, self.close_idr = self.close_idr, int(prices[-1]) if len(prices) else self.close_idr
        self.closes = [*self.closes, self.close_idr][-20:]
        value = block[:, 6]
        buys = log.side[log.taker] == 0
        gain = np.where(buys, value[log.taker] - value[log.maker], value[log.maker] - value[log.taker])
        return DayResult(
            day, int(prices[0]) if len(prices) else first, int(prices.max(initial=0)) or first,
            int(prices.min()) if len(prices) else first, self.close_idr, self.link.price_idr,
            int(log.traded_lots.sum()), int((prices * log.traded_lots).sum()), deals,
            float(np.mean(spreads)) if spreads else None, len(block), int((reasons != 0).sum()), halts + tripped,
            float((gain * log.traded_lots).sum()), washed, log, alerts,
            candles=candles(block[taker, 7], prices, traded_lots, CANDLE_MIN),
        )  # fmt: skip

    def _deals(self) -> tuple[list[Deal], int]:
        """Negotiated deals of the day: a few large buyers with developers, and what launderers do among themselves."""
        rng, gate = self.chance, Gate(rules("negotiated"), int(self.reference_idr))
        companies, developers, found = self.groups["companies"], self.groups["developers"], []
        for _ in range(int(rng.poisson(max(0.2, self.options.companies / 150)))):
            buyer, seller = (group.first + int(rng.integers(group.n)) for group in (companies, developers))
            lots = int(min(companies.memory["need"][buyer - companies.first], self.position[seller] // 4))
            if lots >= 10:
                terms = Terms(buyer, seller, int(self.reference_idr * (1 + rng.normal(0, 0.02))), lots)
                found.append((terms, int(rng.integers(OPEN_MIN, OPEN_MIN + ROUND_MIN))))
        for pair in self.manipulators.planted["laundering"]:
            if rng.random() < 0.4:
                price_idr = int(self.reference_idr * rng.uniform(*self.manipulators.laundering_price))
                terms = Terms(pair[0], pair[1], price_idr, int(rng.integers(*self.manipulators.laundering_lots)))
                found.append((terms, int(rng.integers(OPEN_MIN, OPEN_MIN + ROUND_MIN))))
        answers = [report(gate, terms, terms, minute) for terms, minute in sorted(found, key=lambda one: one[1])]
        deals, given = [], np.zeros_like(self.position)
        for deal in answers:
            if isinstance(deal, Deal) and self.position[deal.seller] - given[deal.seller] >= deal.lots:
                given[deal.seller] += deal.lots
                deals.append(deal)
        return deals, len(gate.halts)

    def _reverse(self, log: DayLog, washed: np.ndarray) -> int:
        """Cancel wash trades before they settle, unless a buyer has sold on what it would have to give back."""
        position = self.position.copy()
        np.subtract.at(position, log.buyer[washed], log.traded_lots[washed])
        np.add.at(position, log.seller[washed], log.traded_lots[washed])
        if (position < 0).any():
            return 0
        self.position = position
        return int(log.traded_lots[washed].sum())

    def _bought(self, log: DayLog) -> None:
        """Buyers want less by what they bought."""
        bought = np.bincount(log.buyer, weights=log.traded_lots, minlength=self.accounts)
        np.add.at(bought, log.deals[:, 0].astype(int), log.deals[:, 3])
        for name in ("companies", "voluntary"):
            group = self.groups[name]
            group.memory["need"] = np.maximum(0, group.memory["need"] - bought[group.accounts])

    def state(self) -> dict[str, Any]:
        """Everything that the next day depends on but the generator, as JSON values."""
        return {
            "position": self.position.tolist(), "close_idr": self.close_idr, "closes": self.closes,
            "reference_idr": self.reference_idr, "link": vars(self.link),
            "groups": {name: group.state() for name, group in self.groups.items()},
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take it up again."""
        self.position = np.array(state["position"], np.int64)
        self.close_idr, self.closes, self.reference_idr = state["close_idr"], state["closes"], state["reference_idr"]
        self.link = Link(**state["link"])
        for name, group in self.groups.items():
            group.restore(state["groups"][name])


def _repriced(block: np.ndarray, reference: int) -> None:
    """Under a peg who would accept the reference, or better it, is given the reference."""
    buys, level = block[:, 1] == 0, block[:, 2]
    willing = np.where(buys, level >= reference, level <= reference)
    block[:, 2] = np.where(willing, reference, level)
