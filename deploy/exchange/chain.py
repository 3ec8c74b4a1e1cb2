"""The one door to the chain: what the exchange's log says is settled by `contracts`, which is imported only here.

`contracts` knows from the chain's own counters what was done, so that settling again goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Chain:
    """A deployed system on the embedded chain, or on a node by its URL (keystore, and `contracts deploy`'s file)."""

    def __init__(self, rpc: str | None = None, keystore: Path | None = None, system_file: Path | None = None) -> None:
        from contracts import chain

        self._node, self._keystore, self._file = chain.connect(rpc), keystore, system_file
        self._system: Any = None

    def settle(self, entries: list[Entry], totals: dict[str, int]) -> list[str]:
        """Bring the chain to where the entries lead; gives where the two then differ. Raises ChainError."""
        from contracts import chain, cli
        from contracts.settle import differences, holders_of, settle

        holders = holders_of(entries)
        if self._system is None:
            self._system = cli._system(self._node, self._keystore, self._file, holders)
        for name in holders:
            if name not in self._system.keys:
                own = chain.known_key(name) if self._node.embedded else chain.key(name, self._keystore)
                self._system.keys[name] = own
        settle(self._system, entries)
        return differences(self._system, entries, totals)

    @property
    def transactions(self) -> int:
        """How many were sent."""
        return int(self._node.transactions)
