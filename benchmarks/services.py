"""The services under load from a second process on loopback: durable orders a second, and how long an answer takes.

    python -m benchmarks.services                  # 50 clients: as fast as they can, then at fixed rates
    python -m benchmarks.services --seconds 30 --rates 250,500,1000

Every order is on the disk (fsync) before it is answered. `rest` sends a request an order, `feed` a message over one
WebSocket a client. At a fixed rate, time counts from when an order was due, so that waiting clients are not left out.
On a machine that others use too, look at the processor time an order rather than at the clock: where the clients keep
the server busy (the rows without a rate), one core serves 1,000 / that a second at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil

X = "/v1/exchange"
CASH_IDR, TOKENS = 10**12, 1_000_000
TARGET_MS = 50.0
PASSWORD = "kata-sandi-panjang"


class Client:
    """A trader who sends one order after another, on both sides around one price."""

    def __init__(self, number: int, token: str, url: str, how: str) -> None:
        self.number, self.url, self.how, self.sent = number, url, how, 0
        self.headers = {"Authorization": f"Bearer {token}"}
        self.seconds: list[float] = []
        self.refused = 0

    async def open(self) -> None:
        """Connect; the time to do so is not an order's."""
        self.session = aiohttp.ClientSession(headers=self.headers)
        self.socket = await self.session.ws_connect(f"{self.url}{X}/feed") if self.how == "feed" else None
        async with self.session.get(f"{self.url}{X}/book") as got:
            await got.read()

    async def close(self) -> None:
        """Disconnect."""
        if self.socket is not None:
            await self.socket.close()
        await self.session.close()

    async def order(self, due_s: float) -> None:
        """Send an order and wait for its answer."""
        self.sent += 1
        key = f"c{self.number:04d}-{time.time_ns()}"
        side = "buy" if (self.sent + self.number) % 2 else "sell"
        order = {
            "side": side,
            "kind": "limit",
            "price_idr": 58_800 + 50 * (self.sent % 9 - 4),
            "lots": 1 + self.sent % 5,
        }
        if self.socket is None:
            async with self.session.post(f"{self.url}{X}/orders", json=order, headers={"Idempotency-Key": key}) as got:
                await got.read()
                ok = got.status == 200
        else:
            await self.socket.send_str(json.dumps({"do": "place", "key": key, "args": order}))
            while True:
                answer = json.loads((await self.socket.receive()).data)
                if answer["event"] == "answer":
                    break
            ok = answer["status"] == 200
        self.refused += not ok
        self.seconds.append(time.perf_counter() - due_s)

    async def flat_out(self, until_s: float) -> None:
        """One order after the other."""
        while (now := time.perf_counter()) < until_s:
            await self.order(now)

    async def paced(self, begin_s: float, until_s: float, rate: float, clients: int) -> None:
        """Orders when they are due."""
        due_s, step_s = begin_s + self.number / rate, clients / rate
        while due_s < until_s:
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            await self.order(due_s)
            due_s += step_s


async def load(url: str, tokens: list[str], how: str, seconds: float, rate: float | None) -> dict[str, Any]:
    """Load for so long; `rate` None: as fast as the clients can."""
    clients = [Client(number, token, url, how) for number, token in enumerate(tokens)]
    await asyncio.gather(*(one.open() for one in clients))
    begin_s = time.perf_counter() + 0.1
    until_s = begin_s + seconds
    if rate is None:
        await asyncio.gather(*(one.flat_out(until_s) for one in clients))
    else:
        await asyncio.gather(*(one.paced(begin_s, until_s, rate, len(clients)) for one in clients))
    took_s = time.perf_counter() - begin_s
    await asyncio.gather(*(one.close() for one in clients))
    taken = 1000 * np.concatenate([one.seconds for one in clients])
    return {
        "how": how, "clients": len(clients), "asked_a_second": rate,
        "acknowledged_a_second": round(len(taken) / took_s),
        "p50_ms": round(float(np.percentile(taken, 50)), 1), "p99_ms": round(float(np.percentile(taken, 99)), 1),
        "max_ms": round(float(taken.max()), 1), "refused": sum(one.refused for one in clients),
    }  # fmt: skip


async def prepared(url: str, admin: str, clients: int) -> list[str]:
    """Traders with money and tokens; their tokens."""
    async with aiohttp.ClientSession(url) as session:

        async def do(token: str, path: str, body: Any) -> Any:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"p-{time.time_ns()}"}
            async with session.post(path, json=body, headers=headers) as got:
                assert got.status < 300, await got.text()
                return await got.json()

        async def account(name: str, roles: list[str]) -> str:
            await do(admin, "/v1/accounts", {"name": name, "password": PASSWORD, "roles": roles})
            found = await do("", "/v1/login", {"name": name, "password": PASSWORD})
            return str(found["access_token"])

        operator = await account("operator", ["exchange", "verifier"])
        tokens = []
        for number in range(clients):
            name = f"trader-{number}"
            tokens.append(await account(name, ["trader"]))
            await do(tokens[-1], f"{X}/account", None)
            await do(operator, f"{X}/issues", {"member": name, "batch": f"b-{number}", "tco2e": TOKENS})
            await do(tokens[-1], f"{X}/tokens", {"batch": f"b-{number}", "tco2e": TOKENS})
            await do(operator, f"{X}/deposits", {"member": name, "amount_idr": CASH_IDR})
        return tokens


def served(folder: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """`python -m deploy serve` in a process of its own."""
    environment = {**os.environ, "TWIN_DEPLOY_RATE_ACCOUNT": "100000000/minute", 
                   "TWIN_DEPLOY_RATE_LOGIN": "10000/minute", "TWIN_DEPLOY_RATE_ANONYMOUS": "10000/minute"}  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-m", "deploy", "serve", "--data", str(folder), "--port", "0", "--json"]
    process = subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=(folder.parent / "log").open("w")
    )
    assert process.stdout is not None
    return process, json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")


def fsync_ms(folder: Path) -> float:
    """Median of what an fsync of a line costs on this disk: the limit."""
    taken = []
    with (folder / "probe").open("ab", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"x" * 300)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return round(1000 * float(np.median(taken)), 3)


def tell(row: dict[str, Any], kept: list[dict[str, Any]] | None = None) -> None:
    """A line of JSON; also kept in a list where there is one."""
    if kept is not None:
        kept.append(row)
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print a line of JSON a load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rates", default="200,400,600,800,1000", help="orders a second, of all clients together")
    parser.add_argument("--json", type=Path, help="also write the lines to this file, as one list")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        process, facts = served(Path(scratch) / "data")
        try:
            url, admin = facts["address"], facts["token"]
            tokens = asyncio.run(prepared(url, admin, given.clients))
            tell({"cores": os.cpu_count(), "fsync_ms": fsync_ms(Path(scratch))}, rows)
            best = {}
            for how in ("rest", "feed"):
                for rate in [None, *map(float, given.rates.split(","))]:
                    before_s = sum(psutil.Process(process.pid).cpu_times()[:2])
                    row = asyncio.run(load(url, tokens, how, given.seconds, rate))
                    spent_s = sum(psutil.Process(process.pid).cpu_times()[:2]) - before_s
                    orders = row["acknowledged_a_second"] * given.seconds
                    row["server_cpu_ms_an_order"] = round(1000 * spent_s / max(1, orders), 2)
                    tell(row, rows)
                    kept_up = rate is None or row["acknowledged_a_second"] >= 0.97 * rate
                    if row["p99_ms"] < TARGET_MS and kept_up:
                        best[how] = max(best.get(how, 0), row["acknowledged_a_second"])
            tell({"durable_orders_a_second_at_p99_below_50_ms": best}, rows)
            tell({"server_memory_mib": psutil.Process(process.pid).memory_info().rss >> 20}, rows)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
