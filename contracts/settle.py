"""Settling a Run's market: every entry of its ledger done once on a chain, then both sides compared.

Nothing is remembered outside the chain: each step knows from the chain's own counters whether it was done, so a
settlement that was cut off goes on where it stopped, and does nothing twice.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from eth_utils import keccak
from web3.logs import DISCARD

from contracts.audit import TOTALS, audit_chain
from contracts.chain import ChainError
from contracts.market import System
from contracts.words import words
from twin.carbon.credits.ledger import ISSUER
from twin.run import Run

BATCH = 32
DAY_S = 86_400
Entry = dict[str, Any]


@dataclass
class Progress:
    """What has been met so far of each kind of step, against which the chain's counters are held."""

    vintages: dict[str, int] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: 1))
    batches: int = 0
    retired: int = 0
    reminted: int = 0
    cancelled: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    nonce: int = 0
    fills: int = 0


def entries_of(run: Run) -> list[Entry]:
    """The Run's ledger, each entry with the month's mean price as whole rupiah a tonne."""
    months = run.table("carbon_month").set_index("month")
    price = months["price_mean_idr"].ffill().bfill().round().astype(int).to_dict()
    return [
        {**{str(k): v for k, v in row.items()}, "price_idr": price[row["month"]]}
        for row in run.table("carbon_ledger").to_dict("records")
    ]


def holders_of(entries: Iterable[Entry]) -> list[str]:
    """Every account that the entries name."""
    named = {entry[side] for entry in entries for side in ("source", "target")}
    return sorted(named - {ISSUER, "retired", "cancelled"})


def settle(system: System, entries: list[Entry], report: Callable[..., None] = lambda *_: None) -> Progress:
    """Bring a chain to where the entries lead. Raises ChainError where a step is refused; run again to go on."""
    progress = Progress()
    _open(system, entries)
    for done, (month, group) in enumerate(groupby(entries, key=lambda entry: entry["month"]), 1):
        _new_day(system, progress)
        for action, steps in _steps(group):
            ACTIONS[action](system, progress, steps)
        report(done, len({entry["month"] for entry in entries}), month)
    return progress


def differences(system: System, entries: list[Entry], totals: dict[str, int]) -> list[str]:
    """Where the chain's totals, or a holder's tokens of a batch, are not the Python ledger's."""
    audit = audit_chain(system.chain, system.credit.address)
    found = audit.alerts + [
        f"{name}: the chain has {audit.totals[name]} t, the ledger {totals[name]}"
        for name in TOTALS
        if audit.totals[name] != totals[name]
    ]
    held: dict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        if entry["action"] in ("tokenise", "transfer"):
            held[entry["target"], entry["batch"]] += entry["tco2e"]
        if entry["action"] not in ("issue", "tokenise"):
            held[entry["source"], entry["batch"]] -= entry["tco2e"]
    for (holder, batch), tco2e in held.items():
        have = system.credit.functions.balanceOf(system.keys[holder].address, vintage_of(batch)).call()
        if have != tco2e:
            found.append(f"{holder}: has {have} t of {batch} on the chain, {tco2e} in the ledger")
    return found


def vintage_of(batch: str) -> int:
    """The token id of a batch: the first eight bytes of its name's digest."""
    return int.from_bytes(keccak(text=batch)[:8], "big")


def _steps(entries: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    for action, group in groupby(entries, key=lambda entry: entry["action"]):
        rows = list(group)
        size = BATCH if action == "transfer" else 1
        for first in range(0, len(rows), size):
            yield action, rows[first : first + size]


def _open(system: System, entries: list[Entry]) -> None:
    """Holders join with the money that they will need; the regulator lets the volume of a month settle in a day."""
    spent: dict[str, int] = defaultdict(int)
    for entry in entries:
        if entry["action"] == "transfer":
            spent[entry["target"]] += entry["tco2e"] * entry["price_idr"]
    for number, holder in enumerate(holders_of(entries), 1):
        if not system.registry.functions.party(system.keys[holder].address).call()[0]:
            system.join(holder, number, True, 2 * spent[holder])
    name, wanted = b"daily_tco2e".ljust(32, b"\0"), 10**9
    if system.registry.functions.limit(name).call() < wanted:
        if system.registry.functions.waiting(name).call()[1] == 0:
            system.send(system.registry.functions.propose(name, wanted), "regulator")
        system.chain.wait(DAY_S + 1)
        system.send(system.registry.functions.enact(name), "regulator")


def _new_day(system: System, progress: Progress) -> None:
    if progress.batches >= system.settlement.functions.batches().call():
        system.chain.wait(DAY_S)


def _issue(system: System, progress: Progress, steps: list[Entry]) -> None:
    (entry,) = steps
    vintage = vintage_of(entry["batch"])
    document = hashlib.sha256(json.dumps({key: entry[key] for key in ("batch", "tco2e")}).encode()).digest()
    status = system.credit.functions.status(vintage).call()
    if status == 0:
        system.issue(vintage, entry["batch"], int(entry["tco2e"]), document)
    elif status == 1:
        system.send(system.credit.functions.move(vintage, 2), "verifier")
    if not system.settlement.functions.market(vintage).call()[0]:
        system.send(system.settlement.functions.setReference(vintage, entry["price_idr"]), "regulator")


def _tokenise(system: System, progress: Progress, steps: list[Entry]) -> None:
    (entry,) = steps
    lock = keccak(text=f"lock {entry['number']} {entry['batch']}")
    first, tco2e = progress.serials[entry["batch"]], int(entry["tco2e"])
    progress.serials[entry["batch"]] += tco2e
    if not system.credit.functions.used(lock).call():
        to = system.keys[entry["target"]].address
        system.send(system.permit(to, vintage_of(entry["batch"]), tco2e, lock, first), "issuer")


def _transfer(system: System, progress: Progress, steps: list[Entry]) -> None:
    progress.batches += 1
    progress.fills += len(steps)
    first_nonce, progress.nonce = progress.nonce, progress.nonce + len(steps)
    if system.settlement.functions.batches().call() >= progress.batches:
        return
    fills = []
    for nonce, entry in enumerate(steps, first_nonce):
        of = (vintage_of(entry["batch"]), entry["price_idr"], int(entry["tco2e"]), nonce)
        buy, sell = system.order(entry["target"], True, *of), system.order(entry["source"], False, *of)
        fills.append((*of[:3], buy, sell))
    receipts = hashlib.sha256(json.dumps(steps, sort_keys=True, default=int).encode()).digest()
    call = system.settlement.functions.settle(progress.batches, fills, receipts)
    skipped = system.settlement.events.Skipped().process_receipt(system.send(call, "operator"), errors=DISCARD)
    if skipped:
        index, reason = skipped[0]["args"]["index"], words(skipped[0]["args"]["reason"])
        raise ChainError(f"entry {steps[index]['number']}: was not settled: {reason}")


def _retire(system: System, progress: Progress, steps: list[Entry]) -> None:
    (entry,) = steps
    progress.retired += 1
    if system.vault.functions.certificates().call() < progress.retired:
        retire(
            system, entry["source"], vintage_of(entry["batch"]), int(entry["tco2e"]), entry["source"], entry["month"]
        )


def retire(system: System, who: str, vintage: int, tco2e: int, beneficiary: str, why: str) -> Any:
    """Send tokens to the vault, which burns them and gives the certificate."""
    data = system.chain.w3.codec.encode(["string", "string"], [beneficiary, why])
    arguments = (system.keys[who].address, system.vault.address, vintage, tco2e, data)
    return system.send(system.credit.functions.safeTransferFrom(*arguments), who)


def _remint(system: System, progress: Progress, steps: list[Entry]) -> None:
    (entry,) = steps
    progress.reminted += 1
    if system.credit.functions.reminted().call() < progress.reminted:
        burn = system.credit.functions.burnForRemint(vintage_of(entry["batch"]), int(entry["tco2e"]))
        system.send(burn, entry["source"])


def _cancel(system: System, progress: Progress, steps: list[Entry]) -> None:
    (entry,) = steps
    vintage, tco2e = vintage_of(entry["batch"]), int(entry["tco2e"])
    progress.cancelled[entry["batch"]] += tco2e
    if system.credit.functions.tally(vintage).call()[2] < progress.cancelled[entry["batch"]]:
        functions = system.credit.functions
        system.send(functions.freeze(vintage, True), "regulator")
        system.send(functions.cancel(system.keys[entry["source"]].address, vintage, tco2e), "regulator")
    if system.credit.functions.frozen(vintage).call():
        system.send(system.credit.functions.freeze(vintage, False), "regulator")


ACTIONS = {
    "issue": _issue, "tokenise": _tokenise, "transfer": _transfer, "retire": _retire, "remint": _remint,
    "cancel": _cancel,
}  # fmt: skip
