"""The settlement worker: a process that reads the exchange's log, never its engine, and settles it on a chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from deploy.exchange.chain import Chain, Entry
from deploy.exchange.log import history
from deploy.exchange.machine import carry_out
from deploy.exchange.state import FIRST_REFERENCE_IDR, Exchange, Trade
from twin.files import write_whole

STATUS = "settlement.json"
TOTALS = ("issued", "tokens", "retired")


class Settler:
    """Replays the log as it grows, and keeps every ledger entry with its month and price."""

    def __init__(self, folder: Path, chain: Chain) -> None:
        self.folder, self.chain = folder, chain
        self.x, self.read = Exchange(), 0
        self.entries: list[Entry] = []
        self._price_idr = FIRST_REFERENCE_IDR

    def catch_up(self) -> int:
        """Read what is new; gives how many commands."""
        before = self.read
        for command in islice(history(self.folder), self.read, None):
            trades = self.x.trades_made
            day = self.x.day
            carry_out(self.x, command)
            made = self.x.trades[trades - self.x.trades_made :] if self.x.day == day else []
            self._take(made if self.x.trades_made > trades else [], command.at[:7])
            self.read += 1
            self.x.events.clear()
        return self.read - before

    def _take(self, trades: list[Trade], month: str) -> None:
        prices = _prices(trades)
        for entry in self.x.ledger.entries:
            if entry.action == "transfer":
                self._price_idr = prices.send(entry.tco2e)
            self.entries.append({**asdict(entry), "month": month, "price_idr": self._price_idr})
        self.x.ledger.entries.clear()

    def settle(self) -> dict[str, Any]:
        """Settle everything that was read, and write how it stands beside the log. Raises ChainError."""
        totals = self.x.ledger.totals()
        wrong = self.chain.settle(self.entries, {name: int(value) for name, value in totals.items()})
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commands": self.read,
               "entries": len(self.entries), "transactions": self.chain.transactions, "differences": wrong}  # fmt: skip
        write_whole(self.folder.parent / STATUS, json.dumps(row))
        return row


def _prices(trades: list[Trade]) -> Any:
    """A generator that is sent the tonnes of each transfer, in order, and gives its trade's price."""

    def each() -> Iterator[int]:
        tonnes = yield 0
        for trade in trades:
            left = trade.lots
            while left > 0:
                left -= int(tonnes or 0)
                tonnes = yield trade.price_idr

    made = each()
    next(made)
    return made
