"""`python -m contracts …`: audit, deploy, settle, gas."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from eth_utils import is_address

from contracts import audit as auditing
from contracts import chain, gas, market
from contracts import settle as settling
from twin import terminal
from twin.errors import RunError
from twin.files import write_whole
from twin.run import Run, find

app = typer.Typer(no_args_is_help=True, help="Carbon credits, settlement and tokens on a chain.")
RunsFolder = Annotated[Path, typer.Option("--runs", help="Where a Run is looked for by the beginning of its name.")]
Url = Annotated[str | None, typer.Option("--rpc", envvar="TRENGGALEK_RPC", help="A node's JSON-RPC address.")]
ChainId = Annotated[int | None, typer.Option("--chain-id", help="Refuse any other chain.")]
Keystore = Annotated[Path | None, typer.Option("--keystore", help="Folder of keystore files, NAME.json a key.")]
CONTRACTS = ("registry", "credit", "vault", "money", "settlement", "tourism", "waste", "payments")
ARTEFACTS = ("Registry", "CarbonCredit", "CarbonVault", "StableRupiah", "Settlement", "TourismNFT", "WasteToken",
             "UmkmPayments")  # fmt: skip


@app.command(epilog="Example: `python -m contracts audit smoke` · `python -m contracts audit 0x… --rpc http://…`")
def audit(
    what: Annotated[str, typer.Argument(metavar="RUN_OR_ADDRESS", help="A Run, or a CarbonCredit contract.")],
    rpc: Url = None,
    chain_id: ChainId = None,
    runs: RunsFolder = Path("runs"),
    as_json: terminal.JsonFlag = False,
) -> None:
    """Rebuild every tonne's history from events alone; exit code 1 where it does not conserve."""
    if is_address(what):
        if rpc is None:
            raise chain.ChainError(f"{what}: is an address; say on which chain with --rpc or TRENGGALEK_RPC")
        found = auditing.audit_chain(chain.connect(rpc, chain_id), what)
    else:
        with Run.open(find(what, runs)) as run:
            _must_trade(run)
            found = auditing.audit_run(run)
    terminal.print_facts(found.document, what, as_json)
    if found.alerts:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m contracts deploy --rpc http://… --keystore keys --out system.json`")
def deploy(
    rpc: Url = None,
    chain_id: ChainId = None,
    keystore: Keystore = None,
    out: Annotated[Path, typer.Option("--out", help="File of addresses to write.")] = Path("system.json"),
    as_json: terminal.JsonFlag = False,
) -> None:
    """Deploy all contracts on a node and write their addresses."""
    if rpc is None:
        raise chain.ChainError(
            "deploy needs a node: give --rpc or set TRENGGALEK_RPC (the embedded chain keeps nothing)"
        )
    node = chain.connect(rpc, chain_id)
    system = market.deploy(node, lambda name: chain.key(name, keystore))
    addresses = {name: getattr(system, name).address for name in CONTRACTS}
    write_whole(out, json.dumps({"chain_id": node.w3.eth.chain_id, **addresses}, indent=1) + "\n")
    terminal.print_facts(addresses, "deployed", as_json)


@app.command(epilog="Example: `python -m contracts settle baseline --json`")
def settle(
    what: Annotated[str, typer.Argument(metavar="RUN", help="A Run with a carbon market.")],
    rpc: Url = None,
    chain_id: ChainId = None,
    keystore: Keystore = None,
    system_file: Annotated[Path | None, typer.Option("--system", help="What `deploy` wrote; with --rpc.")] = None,
    runs: RunsFolder = Path("runs"),
    as_json: terminal.JsonFlag = False,
) -> None:
    """Settle a Run's ledger on a chain and compare both; exit code 1 where they differ. Run again, it goes on."""
    with Run.open(find(what, runs)) as run:
        _must_trade(run)
        entries = settling.entries_of(run)
        totals = {name: int(run.table("carbon_month").iloc[-1][name]) for name in auditing.TOTALS}
    node = chain.connect(rpc, chain_id)
    system = _system(node, keystore, system_file, settling.holders_of(entries))
    began, before = time.perf_counter(), node.transactions
    with terminal.progress_bar("settling") as progress:
        done = settling.settle(system, entries, progress)
    wall_s = time.perf_counter() - began
    wrong = settling.differences(system, entries, totals)
    facts = {
        "entries": len(entries), "fills": done.fills, "transactions": node.transactions - before,
        "gas": node.gas_used, "wall_s": round(wall_s, 3),
        "transactions_per_s": round((node.transactions - before) / wall_s, 1), "differences": wrong,
        "credit": system.credit.address,
    }  # fmt: skip
    terminal.print_facts(facts, what, as_json)
    if wrong:
        raise typer.Exit(1)


@app.command("gas")
def gas_table(as_json: terminal.JsonFlag = False) -> None:
    """Measure on the embedded chain what minting, trading and retiring cost; exit code 1 where a target is missed."""
    rows = gas.report()
    terminal.print_rows(rows, "gas", as_json)
    if any(row["target"] and row["gas"] > row["target"] for row in rows):
        raise typer.Exit(1)


def _must_trade(run: Run) -> None:
    if not run.has("carbon_ledger"):
        raise RunError(f"{run.path}: has no carbon market; run a scenario with `carbon` among its modules")


def _system(node: chain.Chain, keystore: Path | None, file: Path | None, holders: list[str]) -> market.System:
    def key(name: str) -> Any:
        return chain.known_key(name) if node.embedded else chain.key(name, keystore)

    if file is None:
        return market.deploy(node, key, holders)
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        places = [str(said[name]) for name in CONTRACTS]
        expected = int(said["chain_id"])
    except (OSError, ValueError, KeyError) as error:
        raise chain.ChainError(f"{file}: is no file that `python -m contracts deploy` wrote ({error})") from error
    if expected != node.w3.eth.chain_id:
        raise chain.ChainError(f"{file}: is of chain {expected}; the node is chain {node.w3.eth.chain_id}")
    keys = {name: key(name) for name in ("admin", "treasury", *market.ROLES, *holders)}
    return market.System(node, keys, *(node.at(a, p) for a, p in zip(ARTEFACTS, places, strict=True)))
