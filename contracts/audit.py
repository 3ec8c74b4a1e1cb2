"""The public audit: every tonne's history from events alone, and whether it conserves; any mismatch is an alert."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from web3 import Web3
from web3.contract import Contract

from contracts.chain import Chain
from twin.carbon.credits.ledger import Ledger
from twin.errors import LedgerError
from twin.run import Run

NOBODY = "0x" + "0" * 40
FROZEN = 3


@dataclass
class Audit:
    """Totals in tonnes, what is wrong, and balances by (holder, batch)."""

    issued: int = 0
    tokens: int = 0
    spe_grk: int = 0
    retired: int = 0
    cancelled: int = 0
    alerts: list[str] = field(default_factory=list)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Issued = SPE-GRK + tokens + retired + cancelled, and nothing else is wrong."""
        return self.issued == self.spe_grk + self.tokens + self.retired + self.cancelled and not self.alerts

    def as_json(self) -> dict[str, Any]:
        """The document of `python -m contracts audit`."""
        names = ("issued", "tokens", "spe_grk", "retired", "cancelled", "alerts")
        return {"conserved": self.conserved, **{name: getattr(self, name) for name in names}}


def audit_run(run: Run) -> Audit:
    """Replay the rows of `carbon_ledger` and hold every month's totals in `carbon_month` against them."""
    found, ledger = Audit(), Ledger()
    found.alerts += [f"table {name}: its rows are not those that were sealed" for name in run.damaged()]
    rows = {month: group for month, group in run.table("carbon_ledger").groupby("month", sort=False)}
    expected = 0
    for month in run.table("carbon_month").to_dict("records"):
        for row in rows.get(month["month"], run.table("carbon_ledger").iloc[:0]).to_dict("records"):
            if row["number"] != expected:
                found.alerts.append(f"entry {row['number']}: entry {expected} was due")
            expected = int(row["number"]) + 1
            try:
                _replay(ledger, row)
            except LedgerError as error:
                found.alerts.append(f"entry {row['number']} ({row['action']}): {error}")
        for name, tco2e in ledger.totals().items():
            if name != "conserved" and int(month[name]) != tco2e:
                found.alerts.append(
                    f"{month['month']}: {name} is {month[name]} t in carbon_month, {tco2e} t by the ledger"
                )
    totals = ledger.totals()
    for name in ("issued", "tokens", "spe_grk", "retired", "cancelled"):
        setattr(found, name, int(totals[name]))
    found.balances = {(a, b): t for (place, a, b), t in ledger.balances.items() if place == "token" and t}
    return found


def _replay(ledger: Ledger, row: dict[Any, Any]) -> None:
    """Do again what a row says; rows do not tell the place: it is the tokens where the holder has enough of them."""
    action, batch, tco2e, source, target = row["action"], row["batch"], int(row["tco2e"]), row["source"], row["target"]
    place: Any = "token" if ledger.balances.get(("token", source, batch), 0) >= tco2e else "spe_grk"
    if action == "issue":
        ledger.issue(target, batch, tco2e)
    elif action in ("tokenise", "remint"):
        getattr(ledger, action)(source, batch, tco2e)
    elif action == "transfer":
        ledger.transfer(place, source, target, batch, tco2e)
    elif action in ("retire", "cancel"):
        getattr(ledger, action)(place, source, batch, tco2e)
    else:
        raise LedgerError(f"{action!r} is no action of the ledger")


def audit_chain(chain: Chain, address: str) -> Audit:
    """Rebuild all vintages of a CarbonCredit contract from its events. Balances are by (address, batch)."""
    credit = chain.at("CarbonCredit", address)
    found = Audit()
    batches = {log["args"]["id"]: log["args"]["project"]["project"] for log in chain.logs(credit, "Registered")}
    sums: dict[str, Counter[int]] = {name: Counter() for name in ("Minted", "Remint", "Retired", "Cancelled")}
    for name, counts in sums.items():
        for log in chain.logs(credit, name):
            counts[log["args"]["id"]] += log["args"]["amount"]
    moved = _balances(chain, credit, found)
    for id_ in sorted(set(batches) | {i for counts in sums.values() for i in counts} | {i for _, i in moved}):
        _vintage(found, credit, id_, batches.get(id_, str(id_)), {n: c[id_] for n, c in sums.items()}, moved)
    _serials(found, chain, credit)
    _certificates(found, chain, credit)
    found.balances = {
        (holder, batches.get(id_, str(id_))): t for (holder, id_), t in moved.items() if t and holder != NOBODY
    }
    return found


def _balances(chain: Chain, credit: Contract, found: Audit) -> Counter[tuple[str, int]]:
    """Balances by (address, id) from transfers in their order; nobody's is minus what is in circulation."""
    moves = [
        (log["blockNumber"], log["logIndex"], log["args"]["from"], log["args"]["to"], id_, amount)
        for event, ids, amounts in (("TransferSingle", "id", "value"), ("TransferBatch", "ids", "values"))
        for log in chain.logs(credit, event)
        for id_, amount in zip(_list(log["args"][ids]), _list(log["args"][amounts]), strict=True)
    ]
    held: Counter[tuple[str, int]] = Counter()
    frozen = {
        log["args"]["id"]: (log["blockNumber"], log["logIndex"])
        for log in chain.logs(credit, "StatusSet")
        if log["args"]["status"] >= FROZEN
    }
    for block, index, source, target, id_, amount in sorted(moves):
        held[source, id_] -= amount
        held[target, id_] += amount
        if source != NOBODY and held[source, id_] < 0:
            found.alerts.append(f"vintage {id_}: {source} handed on more than it had (block {block})")
        if (block, index) > frozen.get(id_, (block, index)) and target != NOBODY:
            found.alerts.append(f"vintage {id_}: moved after it was frozen (block {block})")
    return held


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _vintage(
    found: Audit, credit: Contract, id_: int, batch: str, sums: dict[str, int], moved: Counter[tuple[str, int]]
) -> None:
    """Three accounts of one vintage must agree: its own events, its transfers, and the contract's totals."""
    tokens = -moved[NOBODY, id_]
    told = sums["Minted"] - sums["Remint"] - sums["Retired"] - sums["Cancelled"]
    if told != tokens:
        found.alerts.append(f"{batch}: {tokens} t in circulation by transfers, {told} t by what was minted and burned")
    stored = list(credit.functions.totals(id_).call())
    if stored != list(sums.values()):
        found.alerts.append(f"{batch}: the contract stores {stored}, its events add up to {list(sums.values())}")
    found.tokens += tokens
    found.issued += sums["Minted"]
    found.spe_grk += sums["Remint"]
    found.retired += sums["Retired"]
    found.cancelled += sums["Cancelled"]


def _serials(found: Audit, chain: Chain, credit: Contract) -> None:
    """What was re-minted and then tokenised again was issued once: its serial numbers tell. More of those is fraud."""
    ranges: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    locks: Counter[bytes] = Counter()
    for log in chain.logs(credit, "Minted"):
        a = log["args"]
        ranges[a["id"]].append((a["serialFirst"], a["serialFirst"] + a["amount"]))
        locks[a["lock"]] += 1
    found.alerts += [f"lock 0x{lock.hex()}: was minted {n} times" for lock, n in locks.items() if n > 1]
    reminted = Counter[int]()
    for log in chain.logs(credit, "Remint"):
        reminted[log["args"]["id"]] += log["args"]["amount"]
    for id_, pairs in ranges.items():
        again, end = 0, 0
        for first, last in sorted(pairs):
            again += max(0, min(end, last) - first)
            end = max(end, last)
        if again > reminted[id_]:
            found.alerts.append(f"vintage {id_}: {again} serial numbers were minted again, {reminted[id_]} re-minted")
        found.issued -= again
        found.spe_grk -= again


def _certificates(found: Audit, chain: Chain, credit: Contract) -> None:
    """Every retired tonne stands on a certificate."""
    retired: Counter[tuple[str, int]] = Counter()
    for log in chain.logs(credit, "Retired"):
        retired[log["args"]["vault"], log["args"]["id"]] += log["args"]["amount"]
    for address in {vault for vault, _ in retired}:
        vault = chain.at("CarbonVault", Web3.to_checksum_address(address))
        for log in chain.logs(vault, "CertificateIssued"):
            retired[address, log["args"]["id"]] -= log["args"]["amount"]
    found.alerts += [f"vintage {id_}: {t} t retired without a certificate" for (_, id_), t in retired.items() if t]


def differences(run: Audit, chain: Audit, names: dict[str, str]) -> list[str]:
    """Where a chain and a Run's ledger differ: totals, and what every holder has of every batch."""
    found = [
        f"{name}: {getattr(run, name)} t in the run, {getattr(chain, name)} t on the chain"
        for name in ("issued", "tokens", "spe_grk", "retired", "cancelled")
        if getattr(run, name) != getattr(chain, name)
    ]
    held = {(names.get(address, address), batch): t for (address, batch), t in chain.balances.items()}
    for key in sorted(set(held) | set(run.balances)):
        if held.get(key, 0) != run.balances.get(key, 0):
            found.append(
                f"{key[0]}, {key[1]}: {run.balances.get(key, 0)} t in the run, {held.get(key, 0)} t on the chain"
            )
    return found
