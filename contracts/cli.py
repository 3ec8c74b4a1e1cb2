"""`python -m contracts`: deploy the contracts, settle a Run on them, audit every tonne, see what it costs in gas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twin import terminal
from twin.errors import MissingExtraError
from twin.run import Run, find
from twin.runner import RUNS

app = typer.Typer(
    name="contracts",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="EcoBalance's contracts on a chain inside this process, or on a node: give `--url`. Keys come from a keystore "
    "folder (TWIN_CHAIN_KEYSTORE, TWIN_CHAIN_PASSWORD) or from TWIN_CHAIN_KEYS, never from a command line.",
)
Url = Annotated[str | None, typer.Option("--url", help="JSON-RPC node; without it the chain lives in this process.")]
ChainId = Annotated[int | None, typer.Option("--chain-id", help="Refuse a node of another chain.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the runs.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")]


def main() -> None:
    """Run the command line."""
    terminal.run_app(app)


def _connected(url: str | None, chain_id: int | None) -> tuple[Any, list[Any]]:
    try:
        from contracts.chain import accounts_given, embedded, node
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed; pip install 'trenggalek-twin[chain]'") from error
    return embedded() if url is None else (node(url, chain_id), accounts_given())


@app.command(
    epilog="Examples: `python -m contracts audit baseline` · `python -m contracts audit 0x5FbD… --url http://localhost:8545`"
)
def audit(
    subject: Annotated[str, typer.Argument(metavar="RUN_OR_ADDRESS", help="A run, or a CarbonCredit contract (0x…).")],
    url: Url = None,
    chain_id: ChainId = None,
    out: Out = RUNS,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Rebuild every tonne's history from events alone and prove that none was lost or counted twice.

    Exit code 1 where anything does not match; each mismatch is one alert.
    """
    from contracts import audit as audits

    if subject.startswith("0x") and len(subject) == 42:
        from contracts.chain import node
        from contracts.errors import ChainError

        if url is None:
            raise ChainError(f"{subject}: an address is on a node; give its --url")
        found = audits.audit_chain(node(url, chain_id), subject)
    else:
        with Run.open(find(subject, out)) as run:
            found = audits.audit_run(run)
    document = found.as_json()
    if as_json:
        terminal.print_json(document)
    else:
        alerts = document.pop("alerts")
        terminal.print_facts(document, f"{subject}, tonnes", False)
        for alert in alerts:
            terminal.tell(f"ALERT {alert}")
    if not found.conserved:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m contracts deploy --url http://localhost:8545 --chain-id 31337`")
def deploy(url: Url = None, chain_id: ChainId = None, as_json: terminal.JsonFlag = False) -> None:
    """Deploy all contracts, their roles held by eight different accounts; prints the addresses."""
    chain, accounts = _connected(url, chain_id)
    from contracts.deploy import deploy as deploy_all

    terminal.print_facts(deploy_all(chain, accounts).addresses, f"contracts on chain {chain.id}", as_json)


@app.command(epilog="Example: `python -m contracts settle baseline --json`")
def settle(
    name: RunName,
    url: Url = None,
    chain_id: ChainId = None,
    registry: Annotated[
        Path | None, typer.Option("--contracts", help="JSON that `deploy --json` printed; else they are deployed anew.")
    ] = None,
    receipts_file: Annotated[
        Path | None, typer.Option("--receipts", help="Add the numbered, signed receipts of all orders to this file.")
    ] = None,
    out: Out = RUNS,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Settle a run's credits and trades on a chain and hold the result against the run's ledger.

    A settlement that was cut off goes on where it stopped when it is given the same contracts. Exit code 1 where
    chain and ledger differ by a single tonne.
    """
    chain, accounts = _connected(url, chain_id)
    from contracts import audit as audits
    from contracts.deploy import deploy as deploy_all
    from contracts.deploy import deployed
    from contracts.receipts import read, verify
    from contracts.settle import Desk, holders_from, steps_of

    with Run.open(find(name, out)) as run, terminal.progress_bar(f"settling {name}") as progress:
        steps, holders = steps_of(run), holders_from(accounts)
        system = deployed(chain, accounts, registry) if registry else deploy_all(chain, accounts)
        desk = Desk(system, holders, run.digest, receipts_file)
        desk.open()
        outcome = desk.settle(steps, progress)
        on_chain = audits.audit_chain(chain, system.credits.address)
        told = read(receipts_file) if receipts_file else desk.receipts
        if receipts_file or not outcome.held_already:
            on_chain.alerts += verify(told, chain, system.settlement)
        differs = audits.differences(audits.audit_run(run), on_chain, {a.address: n for n, a in holders.items()})
    document = {
        "credits": system.credits.address, "steps": dict(outcome.done), "held_already": outcome.held_already,
        "transactions": len(chain.gas_used), "gas": sum(gas for _, gas in chain.gas_used),
        "skipped": outcome.skipped, "alerts": on_chain.alerts, "differences": differs,
    }  # fmt: skip
    terminal.print_facts(document, f"{name} on chain {chain.id}", as_json)
    if differs or on_chain.alerts:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m contracts receipts receipts.jsonl 0x5FbD… --url http://localhost:8545`")
def receipts(
    file: Annotated[Path, typer.Argument(help="What `settle --receipts` wrote.", exists=True, dir_okay=False)],
    settlement: Annotated[str, typer.Argument(help="Address of the Settlement contract (0x…).")],
    url: Annotated[str, typer.Option("--url", help="JSON-RPC node.")],
    chain_id: ChainId = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Prove in which order the orders of every batch arrived, from the operator's receipts and what is anchored.

    Exit code 1 where a receipt is missing, moved, changed, of an order that was not settled, or signed by somebody who
    was no operator then, and where fills do not follow price and time.
    """
    from contracts.chain import node
    from contracts.receipts import read, verify

    chain = node(url, chain_id)
    contract = chain.at("Settlement", settlement)
    told = read(file)
    alerts = verify(told, chain, contract)
    terminal.print_facts({"receipts": len(told), "alerts": alerts}, f"receipts of {settlement}", as_json)
    if alerts:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m contracts gas --json`")
def gas(as_json: terminal.JsonFlag = False) -> None:
    """Measure what everything costs in gas, on the chain inside this process."""
    from contracts.gas import table

    terminal.print_rows(table(), "gas", as_json)
