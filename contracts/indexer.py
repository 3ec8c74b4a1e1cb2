"""Events of the contracts in one SQLite file beside the Run, taken back where the chain reorganised."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from web3.contract import Contract
from web3.exceptions import BlockNotFound

from contracts.chain import Chain

SCHEMA = """
CREATE TABLE IF NOT EXISTS block (number INTEGER PRIMARY KEY, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (
  block INTEGER NOT NULL, log INTEGER NOT NULL, tx TEXT NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL,
  args TEXT NOT NULL, PRIMARY KEY (block, log)
);
CREATE TABLE IF NOT EXISTS consumed (request INTEGER PRIMARY KEY);
"""


class Indexer:
    """Follows contracts; a block that is no longer the chain's takes its events with it."""

    def __init__(self, path: Path, chain: Chain, contracts: Iterable[Contract]) -> None:
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA)
        self.chain, self.contracts = chain, list(contracts)

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    def sync(self) -> int:
        """Take blocks back that the chain dropped, then read what is new. Returns how many blocks were taken back."""
        with self.db:
            dropped = self._rewind()
            (last,) = self.db.execute("SELECT coalesce(max(number), -1) FROM block").fetchone()
            newest = self.chain.web3.eth.block_number
            if newest > last:
                self._read(last + 1, newest)
        return dropped

    def events(self, name: str) -> list[dict[str, Any]]:
        """The arguments of all events of a name, in the chain's order."""
        rows = self.db.execute("SELECT args FROM event WHERE name = ? ORDER BY block, log", (name,))
        return [json.loads(args) for (args,) in rows]

    def remints(self, safe_blocks: int = 12) -> list[dict[str, Any]]:
        """Re-mint requests that IDXCarbon has not consumed, each given exactly once, `safe_blocks` under the newest."""
        rows = self.db.execute(
            "SELECT args FROM event WHERE name = 'Remint' AND block <= (SELECT max(number) FROM block) - ? "
            "AND json_extract(args, '$.request') NOT IN (SELECT request FROM consumed) ORDER BY block, log",
            (safe_blocks,),
        ).fetchall()
        found = [json.loads(args) for (args,) in rows]
        with self.db:
            self.db.executemany("INSERT INTO consumed VALUES (?)", [(a["request"],) for a in found])
        return found

    def _rewind(self) -> int:
        dropped = 0
        for number, known in self.db.execute("SELECT number, hash FROM block ORDER BY number DESC").fetchall():
            if self._hash(number) == known:
                break
            self.db.execute("DELETE FROM event WHERE block = ?", (number,))
            self.db.execute("DELETE FROM block WHERE number = ?", (number,))
            dropped += 1
        return dropped

    def _hash(self, number: int) -> str | None:
        try:
            return self.chain.web3.eth.get_block(number)["hash"].hex()
        except BlockNotFound:
            return None

    def _read(self, first: int, last: int) -> None:
        for contract in self.contracts:
            for entry in contract.abi:
                if entry["type"] != "event":
                    continue
                for log in contract.events[entry["name"]]().get_logs(from_block=first, to_block=last):
                    args = json.dumps(dict(log["args"]), default=_plain)
                    row = (
                        log["blockNumber"],
                        log["logIndex"],
                        log["transactionHash"].hex(),
                        log["address"],
                        log["event"],
                    )
                    self.db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", (*row, args))
        hashes = [(number, self._hash(number)) for number in range(first, last + 1)]
        self.db.executemany("INSERT INTO block VALUES (?, ?)", hashes)


def _plain(value: Any) -> Any:
    return f"0x{value.hex()}" if isinstance(value, bytes) else dict(value)
