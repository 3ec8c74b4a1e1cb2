"""Orders per second: the carbon market's engine against every order book on PyPI that installs; memory; depth; a year.

    python -m benchmarks.carbon [--orders 1000000] [--rounds 3] [--limit-s 20] [--json FILE] [--skip-year]

One seeded stream: 58 % limit orders, 12 % market orders, 30 % cancels before those that would miss are left out.
Every measurement is a process of its own, and candidates take turns within a round; a ratio is the median over rounds
of the ratio within a round. A peer that is too slow for the stream is stopped after `--limit-s` and compared at the
command it has reached. Peers come with `pip install -e ".[bench]"`; one that is not installed is skipped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.carbon_peers import PEERS
from twin.carbon.engine import layout
from twin.carbon.engine.batch import Orders, match
from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Reason, Stp
from twin.carbon.engine.journal import Journal
from twin.carbon.traders.market import CarbonMarket
from twin.city import stream as stream_of

OURS = ("ours, batch", "ours, batch + self-trade prevention", "ours, batch, every rule", "ours, one by one, every rule",
        "ours, one by one, rules and journal")  # fmt: skip
ACCOUNTS, LADDER = 1000, 8192
YEAR = {
    "summary": "a year at 18 million t, 1,000 companies",
    "price": "its price beside the simulated IDXCarbon",
    "surveillance": "its planted manipulators",
}


def stream(n: int, seed: int = 1) -> Orders:
    """`n` commands of which every cancel hits a resting order and every market order is filled whole."""
    rng, m = np.random.default_rng(seed), n + n // 2
    kind = np.where(np.arange(m) < 2000, 0, rng.choice(3, m, p=[0.58, 0.12, 0.30]))
    side, lots, account = rng.integers(0, 2, m), rng.integers(1, 100, m), rng.integers(0, ACCOUNTS, m)
    middle = 4000 + np.cumsum(rng.normal(0, 0.05, m))
    price = np.clip(np.round(middle + np.where(side == 0, -1, 1) * (rng.gamma(1.5, 8, m) - 4)), 1, LADDER - 2)
    ref = np.where(kind == 2, np.maximum(0, np.arange(m) - rng.integers(1, 2000, m)), -1)
    price = np.where(kind == 0, price, 0)
    account = np.where(kind == 2, account[ref], account)
    columns = [column.astype(np.int32) for column in (kind, side, price, lots, ref, account)]
    hits = match(Orders(*columns)).reasons == Reason.ACCEPTED
    position = np.cumsum(hits) - 1
    columns = [column[hits][:n] for column in columns]
    columns[4] = np.where(columns[0] == 2, position[columns[4]], -1).astype(np.int32)
    return Orders(*columns)


def ruled(orders: int, journal: Journal | None = None) -> Book:
    """A book with accounts, holdings, caps, collar, breaker and self-trade prevention all in force."""
    book = Book(RULED, capacity=orders, journal=journal)
    book.accounts[:, [layout.FLAGS, layout.POSITION]] = layout.KNOWN | layout.VERIFIED, 10**9
    book.control("collar", 1, LADDER - 2)
    book.control("breaker", 1, LADDER - 2)
    book.control("caps", 10**9, 10**12, 10**9)
    return book


RULED = Setup(LADDER, ACCOUNTS, Stp.CANCEL_RESTING)


def ours(name: str, orders: Orders) -> tuple[float, int]:
    """Seconds and lots traded; arrays in, fills out, allocation included."""
    if "one by one" in name:
        return one_by_one(orders, "journal" in name)
    columns = (orders.kind, orders.side, orders.price, orders.lots, orders.ref, orders.account)
    began = time.perf_counter()
    if name.endswith("every rule"):
        book = ruled(len(orders))
        book.submit_many(*columns)
        volume = int(book.state[layout.TRADED])
    else:
        volume = match(orders, Stp.CANCEL_RESTING if "prevention" in name else Stp.OFF).volume
    return time.perf_counter() - began, volume


def one_by_one(orders: Orders, with_journal: bool) -> tuple[float, int]:
    """Seconds and lots traded through `Book.submit`, as a service calls it."""
    columns = [c.tolist() for c in (orders.kind, orders.side, orders.price, orders.lots, orders.ref, orders.account)]
    with tempfile.TemporaryDirectory() as folder:
        book = ruled(len(orders), Journal.create(Path(folder) / "book.journal", RULED) if with_journal else None)
        submit, fills = book.submit, []
        began = time.perf_counter()
        for kind, side, price, lots, ref, account in zip(*columns, strict=True):
            fills += submit(kind, side, price, lots, ref, account).fills
        took_s = time.perf_counter() - began
    return took_s, sum(fill[3] for fill in fills)


def theirs(name: str, orders: Orders, limit_s: float) -> tuple[float, int, int | None]:
    """Seconds, commands that there was time for, lots traded."""
    columns = tuple(c.tolist() for c in (orders.kind, orders.side, orders.price, orders.lots, orders.ref))
    done, last = len(orders), float("inf")

    def going(i: int) -> bool:
        nonlocal done, last
        if i % 1024 == 0 and (last := time.perf_counter()) - began > limit_s:
            done = i
            return False
        return True

    began = time.perf_counter()
    volume = PEERS[name](columns, going)
    return (last if done < len(orders) else time.perf_counter()) - began, done, volume


def measure_one(name: str, file: Path, limit_s: float) -> None:
    """What the child process does: one measurement, printed as JSON."""
    orders = Orders(*np.load(file))
    n = len(orders)
    if name in OURS:
        ours(name, Orders(*(column[:1000] for column in vars(orders).values())))  # compiles
    before_mib = forget_peak_mib()
    try:
        if name in OURS:
            (took_s, volume), done = ours(name, orders), n
        else:
            took_s, done, volume = theirs(name, orders, limit_s)
    except ImportError as error:
        found = {"skipped": str(error)}
    else:
        agreed = match(Orders(*(column[:done] for column in vars(orders).values()))).volume
        found = {"took_s": took_s, "done": done, "volume": volume, "agreed": agreed, "mib": peak_mib() - before_mib}
    sys.__stdout__.write("\nRESULT " + json.dumps(found) + "\n")


def measure_year() -> None:
    """The carbon sector alone for a year at the book's size, with planted manipulators; printed as JSON."""
    from twin.carbon.options import ManipulatorOptions
    from twin.carbon.protection.detect import Alert
    from twin.carbon.protection.score import precision_recall
    from twin.carbon.studies import months
    from twin.scenario import Scenario

    planted = ManipulatorOptions(circular=3, coordinated=3, spoofing=3, laundering=3)
    options = Scenario.load("book").carbon.model_copy(update={"manipulators": planted})
    months(options, 1, 2)  # the engine is compiled beforehand
    began = time.perf_counter()
    rows = months(options, 12, 1)
    took_s = time.perf_counter() - began
    alerts = [Alert(a["day"], a["type"], tuple(map(int, a["accounts"].split())), a["score"], a["evidence"])
              for month in rows for a in month["carbon_alert"]]  # fmt: skip
    table = [month["carbon_month"][0] for month in rows]
    price = [{"month": i + 1, "price_mean_idr": row["price_mean_idr"], "idxcarbon_mean_idr": row["reference_mean_idr"],
              "gap_percent": row["tracking_error_percent"], "volume_tco2e": row["volume_tco2e"], "halts": row["halts"],
              "alerts": row["alerts"], "washed_tco2e": row["washed_tco2e"]} for i, row in enumerate(table)]  # fmt: skip
    groups = CarbonMarket(options, stream_of(1, "carbon")).manipulators.planted
    found = {"wall_s": took_s, "peak_mib": peak_mib(), "volume_tco2e": sum(row["volume_tco2e"] for row in table),
             "commands": sum(row["orders"] for row in table), "retired_tco2e": table[-1]["retired"],
             "halts": sum(row["halts"] for row in table),
             "conserved": min(row["conserved"] for row in table)}  # fmt: skip
    document = {"summary": [found], "price": price, "surveillance": precision_recall(alerts, groups)}
    sys.__stdout__.write("\nRESULT " + json.dumps(document) + "\n")


def peak_mib() -> float:
    """Largest resident memory of this process so far, or since `forget_peak_mib`."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak_mib() -> float:
    """Let the peak begin anew, where the system can, so that imports and compiling do not hide what follows it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return peak_mib()


def child(*words: object, timeout_s: float = 600) -> dict:
    """One measurement in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.carbon", *map(str, words)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return {"skipped": f"hung: no answer in {timeout_s:.0f} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(lines[-1].removeprefix("RESULT ")) if lines else {"skipped": done.stderr.strip()[-200:]}


def against_peers(n: int, rounds: int, limit_s: float) -> list[dict]:
    """The table of all candidates on one stream of `n` commands, which every process reads from one file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stream.npy"
        np.save(file, np.stack(list(vars(stream(n)).values())))
        return compared(file, n, rounds, limit_s)


def compared(file: Path, n: int, rounds: int, limit_s: float) -> list[dict]:
    """One row a candidate: rate, ratio to the fastest peer, volume, memory. Slow peers are measured in one round."""
    results: list[dict[str, dict]] = []
    for i in range(rounds):
        slow = [] if i == 0 else [name for name, one in results[0].items() if one.get("done", 0) < n]
        names = [name for name in (*OURS, *PEERS) if name not in slow]
        results.append({name: child("--one", name, "--stream", file, "--limit-s", limit_s, timeout_s=3 * limit_s + 60)
                        for name in names})  # fmt: skip
    rate = [{name: one["done"] / one["took_s"] for name, one in r.items() if "took_s" in one} for r in results]
    if not any(name in PEERS for name in rate[0]):
        sys.exit('no order book to compare with is installed: pip install -e ".[bench]"')
    fastest = max((name for name in rate[0] if name in PEERS), key=lambda name: statistics.median(
        r[name] for r in rate if name in r))  # fmt: skip
    rows = []
    for name in (*OURS, *PEERS):
        one = results[0][name]
        if "skipped" in one:
            rows.append({"candidate": name, "note": f"skipped: {one['skipped']}"})
            continue
        agrees = "keeps no count" if one["volume"] is None else "yes" if one["volume"] == one["agreed"] else (
            f"{100 * (one['volume'] / one['agreed'] - 1):+.3f} %")  # fmt: skip
        rows.append({
            "candidate": name, "million_per_s": statistics.median(r[name] for r in rate if name in r) / 1e6,
            f"over_{fastest}": statistics.median(r[name] / r[fastest] for r in rate if name in r),
            "commands": one["done"], "traded_lots": one["volume"], "volume_agrees": agrees, "mib": one["mib"],
        })  # fmt: skip
    return rows


def by_depth() -> list[dict]:
    """Cost of a command in a book that already holds 10³ … 10⁶ resting orders, and the memory an order takes."""
    rows, more = [], stream(200_000)
    for depth in (1_000, 10_000, 100_000, 1_000_000):
        rng = np.random.default_rng(depth)
        side = rng.integers(0, 2, depth).astype(np.int32)
        price = np.where(side == 0, 3900 - rng.integers(0, 3000, depth), 4100 + rng.integers(0, 3000, depth))
        ones = np.ones(depth, np.int32)
        took_ns = []
        for _ in range(3):
            book = Book(Setup(LADDER, 0, Stp.CANCEL_RESTING, owners=False), capacity=depth + len(more))
            book.submit_many(0 * ones, side, price.astype(np.int32), ones, -ones, 0 * ones + ACCOUNTS)
            ref = np.where(more.ref >= 0, more.ref + depth, -1).astype(np.int32)
            began = time.perf_counter()
            book.submit_many(more.kind, more.side, more.price, more.lots, ref, more.account)
            took_ns.append((time.perf_counter() - began) / len(more) * 1e9)
        fixed = book.state.nbytes + LADDER * layout.WIDTH * 4
        rows.append({"resting_orders": depth, "ns_a_command": statistics.median(took_ns),
                     "bytes_an_order": layout.WIDTH * 4 + 16, "fixed_kib": fixed / 1024})  # fmt: skip
    return rows


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit-s", type=float, default=20.0, help="how long a peer may take for the stream")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--skip-year", action="store_true", help="leave the year of 18 Mt out")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one == "year":
        measure_year()
        return
    if words.one:
        measure_one(words.one, words.stream, words.limit_s)
        return
    from twin.terminal import print_rows, tell

    rows = against_peers(words.orders, words.rounds, words.limit_s)
    measured = [row for row in rows if "note" not in row]
    print_rows(measured, f"{words.orders:,} commands, {os.cpu_count()} cores, median of {words.rounds} rounds", False)
    for row in rows:
        if "note" in row:
            tell(f"{row['candidate']}: {row['note']}")
    depths = by_depth()
    print_rows(depths, "cost of a command by depth of the book", False)
    year = {} if words.skip_year else child("--one", "year")
    for name, title in YEAR.items():
        if name in year:
            print_rows(year[name], title, False)
    if words.json:
        words.json.write_text(json.dumps({"peers": rows, "depth": depths, "year": year}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
