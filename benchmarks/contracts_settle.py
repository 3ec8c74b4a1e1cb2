"""A run's carbon ledger settled on the chain inside this process and on anvil: `python -m benchmarks.contracts_settle`.

    python -m benchmarks.contracts_settle [--run baseline] [--months 12] [--rounds 3] [--json FILE]

Both do the same steps with the same signatures, in turns. eth-tester signs with coincurve. anvil is found on PATH or in
contracts/node_modules (`npm ci` in contracts/); where it is not, the embedded chain is measured alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account

from contracts.audit import audit_chain
from contracts.chain import TEST_MNEMONIC, Chain, embedded, node
from contracts.deploy import deploy
from contracts.errors import ChainError
from contracts.receipts import verify
from contracts.settle import Desk, Step, holders_from, steps_of
from twin import terminal
from twin.run import Run, find
from twin.runner import RUNS

ROOT = Path(__file__).resolve().parent.parent
ACCOUNTS = 16


def anvil_path() -> str | None:
    """Where anvil is, or None."""
    packages = ROOT / "contracts/node_modules/@foundry-rs"
    return shutil.which("anvil") or next(map(str, packages.glob("anvil-*/bin/anvil")), None)


@contextmanager
def anvil(path: str) -> Iterator[Chain]:
    """A fresh node of its own, and the chain behind it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [path, "--port", str(port), "--accounts", str(ACCOUNTS), "--mnemonic", TEST_MNEMONIC, "--silent"]
    process = subprocess.Popen(command)
    try:
        yield _answering(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def _answering(url: str) -> Chain:
    """The chain at a URL, once it answers. Raises ChainError where it does not within ten seconds."""
    for _ in range(200):
        try:
            return node(url)
        except ChainError:
            time.sleep(0.05)
    return node(url)


def settled(chain: Chain, accounts: list[Any], steps: list[Step]) -> dict[str, Any]:
    """Deploy, then settle all steps; seconds are those of the settlement alone."""
    desk = Desk(deploy(chain, accounts), holders_from(accounts), "benchmark")
    desk.open()
    before, began = len(chain.gas_used), time.perf_counter()
    outcome = desk.settle(steps)
    took_s = time.perf_counter() - began
    found = audit_chain(chain, desk.system.credits.address)
    alerts = [*found.alerts, *outcome.skipped, *verify(desk.receipts, chain, desk.system.settlement)]
    gas = sum(used for _, used in chain.gas_used[before:])
    return {
        "transactions": len(chain.gas_used) - before, "fills": outcome.done["transfer"], "wall_s": took_s,
        "fills_per_s": outcome.done["transfer"] / took_s, "gas": gas, "alerts": len(alerts),
    }  # fmt: skip


def main() -> None:
    """Print one row a chain with medians, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="baseline")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with Run.open(find(given.run, RUNS)) as run:
        steps = steps_of(run)
    months = sorted({step.month for step in steps})[: given.months]
    steps = [step for step in steps if step.month in months]
    Account.enable_unaudited_hdwallet_features()
    paths = [f"m/44'/60'/0'/0/{number}" for number in range(ACCOUNTS)]
    accounts = [Account.from_mnemonic(TEST_MNEMONIC, account_path=path) for path in paths]
    path, found = anvil_path(), dict[str, list[dict[str, Any]]]()
    if path is None:
        terminal.tell("anvil is not there (`npm ci` in contracts/ installs it): the embedded chain alone")
    for _ in range(given.rounds):
        found.setdefault("eth-tester", []).append(settled(*embedded(ACCOUNTS), steps))
        if path is not None:
            with anvil(path) as chain:
                found.setdefault("anvil", []).append(settled(chain, accounts, steps))
    rows = [
        {"chain": name, **{key: statistics.median(one[key] for one in rounds) for key in rounds[0]}}
        for name, rounds in found.items()
    ]
    for row in rows:
        row["times_embedded"] = rows[0]["wall_s"] / row["wall_s"]
    title = f"{given.run}, {len(months)} month(s), {len(steps)} steps, {os.cpu_count()} cores"
    terminal.print_rows(rows, title, False)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
