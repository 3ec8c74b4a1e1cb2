"""The market as it is now, from the journal that its book writes: followed as it grows, without asking the book."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.carbon.engine import layout
from twin.carbon.engine.book import Book
from twin.carbon.engine.codes import Side
from twin.carbon.engine.journal import RECORD, carry_out, read, read_on
from twin.carbon.mechanisms.rules import rules
from twin.errors import JournalError

LOOK_S = 0.5


@dataclass(frozen=True)
class MarketState:
    """Prices in ticks; `bids` and `asks` are (tick, lots, orders), best first. None where there is none."""

    session: str
    best_bid: int | None
    best_ask: int | None
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    last: int | None
    traded_lots: int
    commands: int


def state_of(book: Book, levels: int = 5) -> MarketState:
    """What can be seen of a book, `levels` ticks deep."""
    return MarketState(
        book.session.name.lower(), book.best_bid, book.best_ask, book.depth(Side.BUY, levels),
        book.depth(Side.SELL, levels), int(book.state[layout.LAST]) or None, int(book.state[layout.TRADED]), book.seq,
    )  # fmt: skip


class Follower:
    """A book rebuilt from a journal, and kept as that has it. Raises JournalError where it cannot be trusted."""

    def __init__(self, path: Path) -> None:
        content = read(path)
        self.path, self._crc, self._number = path, content.crc, len(content.records)
        self.book = carry_out(Book(content.setup), content.records)
        self.look()

    def look(self) -> int:
        """Take in what was written since; how many records. One that is being written waits for the next look."""
        records, self._crc, damage = read_on(self.path, self._crc, self._number)
        carry_out(self.book, records)
        self._number += len(records)
        if damage is not None and damage.lost_bytes >= RECORD.size:
            raise JournalError(f"{self.path}: damaged at byte {damage.byte}, record {damage.record} ({damage.why})")
        return len(records)


def followed(path: Path, for_s: float, levels: int) -> dict[str, Any]:
    """The state of a journal's market in rupiah, after following it for so long. Raises JournalError."""
    follower, until_s = Follower(path), time.monotonic() + for_s
    while (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(LOOK_S, left_s))
        follower.look()
    tick_idr, state = rules("regular").tick_idr, state_of(follower.book, levels)

    def idr(tick: int | None) -> int | None:
        return None if tick is None else tick * tick_idr

    depth = {
        side: [{"price_idr": tick * tick_idr, "lots": lots, "orders": orders} for tick, lots, orders in found]
        for side, found in (("bids", state.bids), ("asks", state.asks))
    }
    return {
        "session": state.session, "best_bid_idr": idr(state.best_bid), "best_ask_idr": idr(state.best_ask),
        "last_idr": idr(state.last), "traded_lots": state.traded_lots, "commands": state.commands, **depth,
    }  # fmt: skip
