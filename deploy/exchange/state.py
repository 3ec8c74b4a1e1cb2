"""The exchange as it stands: members, money, tonnes, the day's book. Changed by commands alone (`machine`).

The book, its mechanisms, the ledger and surveillance are the twin's (`twin.carbon`); here stands what they do not know:
who is who, rupiah, and what is promised elsewhere. All numbers are whole rupiah and whole tonnes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.carbon.credits.ledger import Ledger
from twin.carbon.engine import layout
from twin.carbon.engine.codes import Session, Side, Status
from twin.carbon.facts import rows
from twin.carbon.mechanisms.negotiated import Gate
from twin.carbon.mechanisms.regular import RegularMarket
from twin.carbon.mechanisms.rules import MECHANISMS, Rules
from twin.carbon.protection.log import DayLog

MOST_MEMBERS = 4096
FIRST_REFERENCE_IDR = 58_800  # IDXCarbon's published price of August 2024
OUTSIDE = ("auction", "negotiated", "marketplace")
TREASURY = "#exchange"  # no account can be called so
VERIFIED = 3  # an account's flags in the book: known and verified
Body = dict[str, Any]


def rules_of(table: list[dict[str, str]]) -> dict[str, Rules]:
    """The rules of every mechanism in a table of the shape of the twin's `rules.csv`. Raises KeyError, ValueError."""
    return {
        mechanism: Rules(mechanism, **{row["name"]: int(row["value"]) for row in table
                                       if row["mechanism"] in ("all", mechanism)})
        for mechanism in MECHANISMS
    }  # fmt: skip


class RefusedError(Exception):
    """A command that the exchange does not carry out; nothing was changed."""

    def __init__(self, reason: str, detail: str, status: int = 409) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.status = reason, detail, status


@dataclass
class Order:
    """An order of the day; while it rests a buyer's order keeps `reserved_idr`."""

    number: int
    member: int
    side: str
    kind: str
    price_idr: int
    lots: int
    at: str
    filled: int = 0
    state: str = "done"
    reserved_idr: int = 0
    resting: int = 0


@dataclass(frozen=True)
class Trade:
    """Tonnes for money; `taker` is the side that came last, empty outside the book."""

    number: int
    at: str
    mechanism: str
    price_idr: int
    lots: int
    buyer: int
    seller: int
    taker: str
    buy_order: int | None = None
    sell_order: int | None = None


@dataclass
class Auction:
    """A call: bids and offers of (member, price, lots, at), in order of arrival."""

    number: int
    title: str
    state: str = "open"
    bids: list[tuple[int, int, int, str]] = field(default_factory=list)
    offers: list[tuple[int, int, int, str]] = field(default_factory=list)
    price_idr: int | None = None
    volume: int = 0


@dataclass
class Offer:
    """A seller's listing on the marketplace."""

    number: int
    member: int
    price_idr: int
    lots: int
    at: str


@dataclass
class Noted:
    """What the book was told today, for surveillance: the engine's sink of commands, with what became of them."""

    commands: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    fills: list[list[int]] = field(default_factory=list)

    def append(self, kind: int, side: int, level: int, lots: int, ref: int, account: int) -> None:
        """Take one command of the book; what is no order is not a trader's doing."""
        if kind >= 0:
            self.commands.append((kind, side, level, lots, ref, account))


class Exchange:
    """Everything that a command can change."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.names: list[str] = [TREASURY]  # member 0 takes the fees
        self.numbers: dict[str, int] = {TREASURY: 0}
        self.cash: list[int] = [0]
        self.promised_idr: list[int] = [0]  # bids in auctions
        self.tokens: list[int] = [0]
        self.promised_tco2e: list[int] = [0]  # offers in auctions and listings
        self.holdings: list[dict[str, int]] = [{}]  # tokens by batch, the ones held longest first
        self.deposited_idr = 0
        self.withdrawn_idr = 0
        self.certificates: dict[str, Body] = {}
        self.auctions: dict[int, Auction] = {}
        self.listings: dict[int, Offer] = {}
        self.history: list[Body] = []  # a candle a day
        self.alerts: list[Body] = []
        self.seen: dict[str, tuple[str, int, Body, int]] = {}  # member/key: digest, status, body, day
        self.trades_made = 0
        self.day = 0
        self.last_at = ""
        self.events: list[Body] = []  # for the feed; whoever carries commands out takes them
        self.reference_idr = FIRST_REFERENCE_IDR
        self.rules: list[dict[str, str]] = rows("rules.csv")
        self.next_rules: list[dict[str, str]] = []  # of a release; in force from the next day
        self.begin_day(FIRST_REFERENCE_IDR)

    def begin_day(self, reference_idr: int) -> None:
        """A new book, with everybody's tokens in it."""
        self.day += 1
        self.reference_idr = reference_idr
        self.noted = Noted()
        if self.next_rules:
            self.rules, self.next_rules = self.next_rules, []
        self.rules_of = rules_of(self.rules)
        self.market = RegularMarket(reference_idr, MOST_MEMBERS, own_rules=self.rules_of["regular"])
        self.market.book.journal = self.noted
        self.gates = {name: Gate(self.rules_of[name], reference_idr) for name in OUTSIDE}
        self.orders: dict[int, Order] = {}
        self.orders_of: dict[int, list[Order]] = {}
        self.open_orders: dict[int, dict[int, Order]] = {}
        self.reserved_idr = [0] * len(self.names)  # of the open orders
        self.buying = [0] * len(self.names)
        self.selling = [0] * len(self.names)
        self.trades: list[Trade] = []
        self.reports: dict[tuple[int, int], dict[str, Body]] = {}
        for member in range(len(self.names)):
            self.show_book(member)

    def show_book(self, member: int) -> None:
        """Tell the book what a member holds free of promises elsewhere."""
        free = self.tokens[member] - self.promised_tco2e[member]
        self.market.book.control("account", member, VERIFIED, free)

    def member(self, name: str) -> int:
        """A member's number. Raises RefusedError."""
        if name not in self.numbers:
            raise RefusedError("no_member", f"{name} is no member of the exchange; open an account first", 404)
        return self.numbers[name]

    def free_idr(self, member: int) -> int:
        """Money that is neither in an order nor in a bid."""
        return self.cash[member] - self.promised_idr[member] - self.reserved_idr[member]

    def free_tco2e(self, member: int) -> int:
        """Tokens that are neither in an order nor promised elsewhere."""
        return self.tokens[member] - self.promised_tco2e[member] - self.selling[member]

    def must_afford(self, member: int, needed_idr: int) -> None:
        """Raise RefusedError where a member has less money free."""
        if (free := self.free_idr(member)) < needed_idr:
            raise RefusedError("not_enough_money", f"{free:,} Rp are free, {needed_idr:,} Rp are needed")

    def must_hold(self, member: int, needed: int) -> None:
        """Raise RefusedError where a member has fewer tokens free."""
        if (free := self.free_tco2e(member)) < needed:
            raise RefusedError("not_enough_tokens", f"{free:,} t are free, {needed:,} t are needed")

    def deliver(
        self, r: Rules, buyer: int, seller: int, price_idr: int, lots: int, at: str, taker: str = "",
        orders: tuple[int | None, int | None] = (None, None),
    ) -> Trade:  # fmt: skip
        """Tonnes against money, at once: what the seller has held longest goes first."""
        fee, value = r.fee_idr(price_idr, lots), price_idr * lots
        for batch, part in self.oldest(seller, lots):
            self.ledger.transfer("token", self.names[seller], self.names[buyer], batch, part)
            self.hold(seller, batch, -part)
            self.hold(buyer, batch, part)
        self.cash[buyer] -= value + fee
        self.cash[seller] += value - fee
        self.cash[0] += 2 * fee
        trade = Trade(self.trades_made, at, r.mechanism, price_idr, lots, buyer, seller, taker, *orders)
        self.trades_made += 1
        self.trades.append(trade)
        self.events.append({"event": "trade", "number": trade.number, "at": at, "mechanism": r.mechanism,
                            "price_idr": price_idr, "lots": lots, "taker": taker})  # fmt: skip
        if r.mechanism != "regular":
            self.show_book(buyer)
            self.show_book(seller)
        return trade

    def hold(self, member: int, batch: str, lots: int) -> None:
        """Tokens of a batch came to a member, or left."""
        own = self.holdings[member]
        self.tokens[member] += lots
        if own.get(batch, 0) + lots:
            own[batch] = own.get(batch, 0) + lots
        else:
            del own[batch]

    def oldest(self, member: int, lots: int, batch: str | None = None) -> list[tuple[str, int]]:
        """Of which batches so many tokens are taken: those held longest, or the one that is named."""
        parts: list[tuple[str, int]] = []
        for name, held in self.holdings[member].items():
            if lots == 0:
                break
            if batch in (None, name):
                parts.append((name, min(held, lots)))
                lots -= parts[-1][1]
        return parts

    def settle_order(self, order: Order) -> None:
        """Bring an order's state, and what it reserves, to what the book says."""
        status, resting = self.market.book.status(order.number)
        own, member = self.open_orders.setdefault(order.member, {}), order.member
        kept_idr, resting = 0, int(resting)
        if status == Status.RESTING:
            order.state, own[order.number] = "open", order
            kept_idr = self.cost_idr(order.price_idr, resting) if order.side == "buy" else 0
        else:
            own.pop(order.number, None)
            order.state = "filled" if order.filled == order.lots else "cancelled"
        self.reserved_idr[member] += kept_idr - order.reserved_idr
        (self.buying if order.side == "buy" else self.selling)[member] += resting - order.resting
        order.reserved_idr, order.resting = kept_idr, resting

    def stopped_own(self, member: int, side: str) -> bool:
        """Whether prevention of trades with oneself took orders of this side out of the book."""
        row = self.market.book.accounts[member]
        if side == "sell":
            return bool(row[layout.OPEN_SELL] != self.selling[member])
        return bool(row[layout.OPEN_BUY] != self.buying[member])

    def cost_idr(self, price_idr: int, lots: int, mechanism: str = "regular") -> int:
        """Most that buying may cost: fees are rounded a fill, so each tonne may add half a rupiah."""
        return price_idr * lots + self.rules_of[mechanism].fee_idr(price_idr, lots) + lots

    def day_log(self) -> DayLog:
        """The day as surveillance takes it."""
        noted = self.noted
        kind, side, level, lots, ref, account = np.array(noted.commands, np.int64).reshape(-1, 6).T
        taker, maker, traded_level, traded_lots = np.array(noted.fills, np.int64).reshape(-1, 4).T
        deals = [(t.buyer, t.seller, t.price_idr, t.lots) for t in self.trades if t.mechanism != "regular"]
        return DayLog(
            f"day {self.day}", kind, side, level, lots, ref, account, np.array(noted.reasons, np.int64),
            taker, maker, traded_level, traded_lots, np.array(deals, np.float64).reshape(-1, 4),
        )  # fmt: skip

    def faults(self) -> list[str]:
        """What does not add up: money, tonnes, or what the book thinks that members hold."""
        found = []
        if sum(self.cash) != self.deposited_idr - self.withdrawn_idr:
            found.append(f"money: members have {sum(self.cash)}, {self.deposited_idr - self.withdrawn_idr} came in")
        if not self.ledger.totals()["conserved"]:
            found.append(f"credits: {self.ledger.totals()}")
        for member, name in enumerate(self.names):
            if {*self.ledger.batches("token", name)} != {*self.holdings[member].items()}:
                found.append(f"{name}: holds other batches than the ledger has")
            if self.ledger.held("token", name) != self.tokens[member]:
                found.append(f"{name}: {self.tokens[member]} tokens, the ledger has {self.ledger.held('token', name)}")
            if self.free_idr(member) < 0 or self.free_tco2e(member) < 0:
                found.append(f"{name}: has promised more than it has")
        return found

    @property
    def session(self) -> str:
        """open, halted or closed."""
        return Session(self.market.book.session).name.lower()

    def depth(self, levels: int) -> dict[str, list[Body]]:
        """The best prices of both sides."""
        tick = self.market.tick_idr
        return {
            name: [{"price_idr": level * tick, "lots": lots, "orders": orders}
                   for level, lots, orders in self.market.book.depth(side, levels)]
            for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
        }  # fmt: skip
