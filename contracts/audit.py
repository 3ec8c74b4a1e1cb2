"""The public audit: every tonne's history rebuilt from events alone, and proof that none was lost or used twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hexbytes import HexBytes
from web3.contract import Contract

from contracts.chain import Chain
from twin.carbon.credits.ledger import Ledger
from twin.errors import LedgerError
from twin.run import Run

NOBODY = "0x" + 40 * "0"
TOTALS = ("issued", "tokens", "spe_grk", "retired", "cancelled")
EVENTS = ("Issued", "Minted", "Reminted", "Retired", "Cancelled", "TransferSingle", "TransferBatch")


@dataclass
class Audit:
    """Five totals in tCO2e, and every mismatch found on the way."""

    totals: dict[str, int]
    alerts: list[str] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """As the command prints it."""
        return {"conserved": not self.alerts, **self.totals, "alerts": self.alerts}


def audit_run(run: Run) -> Audit:
    """Replay the ledger's entries of a Run and hold them against its sealed digests and its last month's totals."""
    ledger, alerts = Ledger(), [f"{name}: is no longer what was sealed" for name in run.damaged()]
    for row in run.table("carbon_ledger").to_dict("records"):
        if row["number"] != ledger.events:
            alerts.append(f"entry {row['number']}: {ledger.events} was to follow")
        try:
            _replay(ledger, {str(key): value for key, value in row.items()})
        except LedgerError as error:
            alerts.append(f"entry {row['number']}: {error}")
            ledger.events += 1
    found = {name: int(ledger.totals()[name]) for name in TOTALS}
    if not ledger.totals()["conserved"]:
        alerts.append("issued is not the sum of tokens, registry units, retired and cancelled")
    last = run.table("carbon_month").iloc[-1]
    alerts += [
        f"{n}: events give {found[n]} t, the Run says {int(last[n])}" for n in TOTALS if found[n] != int(last[n])
    ]
    return Audit(found, alerts)


def _replay(ledger: Ledger, row: dict[str, Any]) -> None:
    holder, batch, tco2e = row["source"], row["batch"], int(row["tco2e"])
    if row["action"] == "issue":
        ledger.issue(row["target"], batch, tco2e)
    elif row["action"] == "tokenise":
        ledger.tokenise(holder, batch, tco2e)
    elif row["action"] == "remint":
        ledger.remint(holder, batch, tco2e)
    elif row["action"] == "transfer":
        ledger.transfer("token", holder, row["target"], batch, tco2e)
    elif row["action"] == "retire":
        ledger.retire("token", holder, batch, tco2e)
    elif row["action"] == "cancel":
        ledger.cancel("token", holder, batch, tco2e)
    else:
        raise LedgerError(f"{row['action']!r} is no action of the ledger")


def audit_chain(chain: Chain, address: str, first_block: int = 0) -> Audit:
    """Rebuild all holdings of the CarbonCredit contract at an address from its events, and compare with its state."""
    credit = chain.at("CarbonCredit", address)
    held: dict[tuple[int, str], int] = defaultdict(int)
    flows: dict[str, dict[int, int]] = {name: defaultdict(int) for name in ("minted", "burned", *EVENTS[:5])}
    alerts, locks = [], set()
    for event in events(credit, first_block):
        name, said = event["event"], event["args"]
        if name in flows:
            flows[name][said["id"]] += said["tco2e"]
        if name == "Minted":
            if said["lock"] in locks:
                alerts.append(f"lock {said['lock'].hex()}: minted twice")
            locks.add(said["lock"])
        for vintage, tco2e in _moved(name, said):
            _apply(held, flows, said["from"], said["to"], vintage, tco2e)
    alerts += [f"{who}: {t} t of {vintage} by events" for (vintage, who), t in held.items() if t < 0]
    alerts += _compared(credit, held, flows)
    total = {name: sum(by.values()) for name, by in flows.items()}
    tokens = sum(held.values())
    found = {
        "issued": total["Issued"], "tokens": tokens, "spe_grk": total["Issued"] - total["Minted"] + total["Reminted"],
        "retired": total["Retired"], "cancelled": total["Cancelled"],
    }  # fmt: skip
    if found["issued"] != sum(found[name] for name in TOTALS[1:]) or found["spe_grk"] < 0:
        alerts.append("issued is not the sum of tokens, registry units, retired and cancelled")
    return Audit(found, alerts)


def events(contract: Contract, first_block: int = 0) -> list[Any]:
    """Every event of the credit's history, in the order in which it happened."""
    by_topic = {HexBytes(contract.events[name]().topic): contract.events[name]() for name in EVENTS}
    logs = contract.w3.eth.get_logs({"address": contract.address, "fromBlock": first_block})
    return [by_topic[log["topics"][0]].process_log(log) for log in logs if log["topics"][0] in by_topic]


def _moved(name: str, said: Any) -> list[tuple[int, int]]:
    if name == "TransferSingle":
        return [(said["id"], said["value"])]
    return list(zip(said["ids"], said["values"], strict=True)) if name == "TransferBatch" else []


def _apply(held: Any, flows: Any, source: str, target: str, vintage: int, tco2e: int) -> None:
    if source == NOBODY:
        flows["minted"][vintage] += tco2e
    else:
        held[vintage, source] -= tco2e
    if target == NOBODY:
        flows["burned"][vintage] += tco2e
    else:
        held[vintage, target] += tco2e


def _compared(credit: Contract, held: Any, flows: Any) -> list[str]:
    alerts = []
    for vintage in flows["Issued"] | flows["minted"]:
        by = {name: flow[vintage] for name, flow in flows.items()}
        tokens = sum(t for (v, _), t in held.items() if v == vintage)
        facts = {
            "minted with a permit": (by["minted"], by["Minted"]),
            "burned for a reason": (by["burned"], by["Reminted"] + by["Retired"] + by["Cancelled"]),
            "tokens, retired, cancelled as the contract counts": (
                [tokens, by["Retired"], by["Cancelled"]], list(credit.functions.tally(vintage).call())
            ),
        }  # fmt: skip
        alerts += [f"vintage {vintage}: {what}: {a} and {b} t differ" for what, (a, b) in facts.items() if a != b]
    for (vintage, who), tco2e in held.items():
        have = credit.functions.balanceOf(who, vintage).call()
        if have != tco2e:
            alerts.append(f"{who}: holds {have} t of vintage {vintage}, by events {tco2e}")
    return alerts
