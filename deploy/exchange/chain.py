"""The one door to the chain: what the exchange's log says is settled by `contracts`, which is imported only here.

`contracts` asks the chain what was done, so that settling again goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Entry = dict[str, Any]
NOBODY = {"registry", "retired", "cancelled"}  # where the ledger's credits come from and go to: no holder, no key
GAS_MONEY_WEI = 10**20  # for each holder on the embedded chain


class Chain:
    """A deployed system on the embedded chain, or on a node by its URL and the file that `contracts deploy` printed.

    On a node the keys of the eight roles and of every holder are keystore files NAME.json in the folder that
    TWIN_CHAIN_KEYSTORE names.
    """

    def __init__(self, rpc: str | None = None, system_file: Path | None = None) -> None:
        from contracts import chain
        from contracts.deploy import ROLES

        names = ("admin", *map(str.lower, ROLES))
        if rpc is None:
            self._chain, self._roles = chain.embedded(len(names))
        else:
            self._chain, self._roles = chain.node(rpc), [chain.account_of(name) for name in names]
        self._file = system_file
        self._system: Any = None
        self._holders: dict[str, Any] = {}

    def settle(self, entries: list[Entry], totals: dict[str, int]) -> list[str]:
        """Bring the chain to where the entries lead; gives where the two then differ. Raises ChainError."""
        from contracts.errors import ChainError

        try:
            return self._settle(entries, totals)
        except OSError as error:  # requests' errors are such
            why = f"the node is down ({type(error).__name__}); nothing is lost, run the command again"
            raise ChainError(why) from error

    def _settle(self, entries: list[Entry], totals: dict[str, int]) -> list[str]:
        from contracts.audit import audit_chain
        from contracts.deploy import deploy, deployed
        from contracts.receipts import verify
        from contracts.settle import Desk, Step

        if self._system is None:
            made = deployed(self._chain, self._roles, self._file) if self._file else deploy(self._chain, self._roles)
            self._system = made
        for name in sorted({str(one[side]) for one in entries for side in ("source", "target")} - NOBODY):
            if name not in self._holders:
                self._holders[name] = self._account(name)
        desk = Desk(self._system, self._holders, "exchange")
        desk.open()
        outcome = desk.settle([Step(**one) for one in entries])
        found = audit_chain(self._chain, self._system.credits.address)
        wrong = [
            f"{name}: the chain has {getattr(found, name)} t, the ledger {tco2e}"
            for name, tco2e in totals.items()
            if name != "conserved" and getattr(found, name) != tco2e
        ]
        if not outcome.held_already:
            wrong += verify(desk.receipts, self._chain, self._system.settlement)
        return [*wrong, *found.alerts, *outcome.skipped]

    def _account(self, name: str) -> Any:
        """A holder's key: on the embedded chain one that follows from the name, with money for gas."""
        from contracts import chain

        if self._chain.tester is None:
            return chain.account_of(name)
        account = chain.known_account(name)
        self._chain.fund(self._roles[0], account.address, GAS_MONEY_WEI)
        return account

    @property
    def transactions(self) -> int:
        """How many were sent."""
        return len(self._chain.gas_used)
