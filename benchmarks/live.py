"""What the live intake sustains on one core, its memory in a flood, and the lag from a message to the estimate of it.

    python -m benchmarks.live                      # 60,000 messages, a flood of 10 s, and 60 steps of a street
    python -m benchmarks.live --messages 10000 --flood-s 2 --steps 10

`rate`: messages of two readings each, judged and written to a day's run (bytes in, rows on the disk), beside the same
rows written raw to SQLite in the same batches: the limit. `flood`: a thread sends 10,000 a second through the bounded
queue between the broker's line and the intake. `lag`: a street sends its detectors' readings step by step; from a
message's arrival until the queues of all approaches are estimated with it, anew from the last five minutes. The process
is pinned to one core where it can be; on a machine that others use too, look at the figures of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil

from controllers.io.mqtt import Broker
from twin.live.estimate.queues import estimate, fit
from twin.live.estimate.seen import series
from twin.live.messages import Message, write
from twin.live.mqtt import Line
from twin.live.store import BATCH, LiveStore
from twin.run import Run

BEGIN_S = 1_767_571_200.0
SOURCES, FLOOD_A_S = 500, 10_000
STEP_S, WINDOW_STEPS = 5.0, 60  # a street's step, and how far back its queues are estimated from


def reading(n: int, at_s: float) -> tuple[str, bytes]:
    """A detector's message."""
    values: dict[str, float | None] = {"vehicles": float(n % 7), "halting": float(n % 3)}
    return write(Message("detectors", f"zone-{n % SOURCES}", "b", n // SOURCES, at_s, values))


def rate(messages: int, folder: Path) -> dict[str, Any]:
    """Messages a second from bytes to rows on the disk, beside rows written raw; and sealing, which is once a day."""
    sent = [(BEGIN_S + n / 3000, *reading(n, BEGIN_S + n / 3000)) for n in range(messages)]
    began = time.perf_counter(), time.process_time()
    with LiveStore(folder / "day") as store:
        for arrived_s, topic, payload in sent:
            store.take(topic, payload, arrived_s)
        store.write()
        wall_s, cpu_s = time.perf_counter() - began[0], time.process_time() - began[1]
    seal_s = time.perf_counter() - began[0] - wall_s
    assert store.totals["taken"] == messages
    with Run.open(store.sealed[0]) as run:
        tables = {name: list(run.table(name).itertuples(index=False, name=None))
                  for name in ("live_message", "live_reading")}  # fmt: skip
    began = time.perf_counter(), time.process_time()
    raw(tables, folder / "raw.sqlite")
    limit_wall_s, limit_cpu_s = time.perf_counter() - began[0], time.process_time() - began[1]
    return {
        "what": "rate", "messages": messages, "readings": len(tables["live_reading"]),
        "messages_a_second": round(messages / wall_s), "messages_a_second_of_processor": round(messages / cpu_s),
        "raw_messages_a_second": round(messages / limit_wall_s), "times_raw_wall": round(wall_s / limit_wall_s, 2),
        "times_raw_processor": round(cpu_s / limit_cpu_s, 2), "seal_s": round(seal_s, 2),
    }  # fmt: skip


def raw(tables: dict[str, list[tuple[Any, ...]]], path: Path) -> None:
    """The rows of a day, a transaction for as many messages as the store holds, each on the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    for name, rows in tables.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'c{i}' for i in range(len(rows[0])))})")
    batches = -(-len(tables["live_message"]) // BATCH)
    for batch in range(batches):
        connection.execute("BEGIN")
        for name, rows in tables.items():
            held = len(rows) * BATCH // len(tables["live_message"])
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows[batch * held : (batch + 1) * held])
        connection.execute("COMMIT")
    connection.close()


class Fed(Line):
    """A line that messages are handed to, without a broker."""

    def __post_init__(self) -> None:
        """No client."""

    def feed(self, topic: str, payload: bytes) -> None:
        """As the broker's client does."""
        self._message(None, None, SimpleNamespace(topic=topic, payload=payload))

    @property
    def waiting(self) -> int:
        """Messages in the queue."""
        return self._waiting.qsize()


def flood(seconds: float, folder: Path) -> dict[str, Any]:
    """Memory and drops while more comes than can be taken, and that all that came is counted."""
    line, sent, deepest = Fed(Broker("nowhere", 0)), 0, 0
    # whoever sends does not wait on us: messages are made before
    made = [reading(n, BEGIN_S + n / FLOOD_A_S) for n in range(SOURCES * 200)]
    ended = threading.Event()

    def send() -> None:
        nonlocal sent
        began_s = time.monotonic()
        while (spent_s := time.monotonic() - began_s) < seconds:
            while sent < spent_s * FLOOD_A_S:
                line.feed(*made[sent % len(made)])
                sent += 1
            time.sleep(0.001)
        ended.set()

    process = psutil.Process()
    with LiveStore(folder / "flood") as store:
        for n in range(BATCH):  # what a store holds at most
            store.take(*made[n], BEGIN_S)
        before, most, began_s = process.memory_info().rss, 0, time.monotonic()
        thread = threading.Thread(target=send)
        thread.start()
        while not ended.is_set() or line.waiting:
            if (message := line.next(0.05)) is not None:
                arrived_s, topic, payload = message
                store.take(topic, payload, arrived_s)
            deepest = max(deepest, line.waiting)
            if not store.totals["taken"] % 500:
                most = max(most, process.memory_info().rss)
        thread.join()
        took_s = time.monotonic() - began_s
        seen = sum(store.totals.values()) - BATCH
    assert seen + line.dropped == sent
    return {
        "what": "flood", "asked_a_second": FLOOD_A_S, "sent": sent, "sent_a_second": round(sent / seconds),
        "taken_a_second": round(seen / took_s), "dropped": line.dropped, "queue_at_most": deepest,
        "memory_more_mib": round((most - before) / 2**20, 1),
    }  # fmt: skip


def lag(steps: int, pace_s: float, folder: Path) -> dict[str, Any]:
    """Milliseconds from a message's arrival until the estimate that knows it is there, steps `pace_s` apart."""
    rng = np.random.default_rng(1)
    zones = 2 * SOURCES // 5  # 200 approaches
    halting = rng.poisson(2.0, (400, zones)).astype(float)
    vehicles, lamps = halting + rng.poisson(1.0, halting.shape), np.tile(np.arange(400)[:, None] // 6 % 4, (1, zones))
    model = fit(halting, vehicles, lamps, 1.0)
    columns = {f"zone-{z}": z for z in range(zones)}
    waited: list[float] = []
    seen = np.zeros((2, 0, zones))
    with LiveStore(folder / "lag") as store:
        for k in range(steps):
            due_s, at_s = time.perf_counter() + pace_s, BEGIN_S + STEP_S * k
            arrived: list[float] = []
            rows: list[Any] = []
            for z in range(zones):
                values: dict[str, float | None] = {"vehicles": vehicles[k, z], "halting": halting[k, z]}
                topic, payload = write(Message("detectors", f"zone-{z}", "b", k, at_s, values))
                arrived.append(time.perf_counter())
                rows += store.take(topic, payload, at_s + 0.2)
            at = np.array([at_s])
            now = [series(rows, "detectors", name, columns, at, 1.0) for name in ("halting", "vehicles")]
            seen = np.concatenate([seen, now], axis=1)[:, -WINDOW_STEPS:]
            estimate(model, *seen, lamps[k + 1 - seen.shape[1] : k + 1], 0.1, 0.01)
            waited += [time.perf_counter() - then for then in arrived]
            time.sleep(max(0.0, due_s - time.perf_counter()))
    p50, p99 = (1000 * float(np.percentile(waited, q)) for q in (50, 99))
    return {"what": "lag", "approaches": zones, "messages_a_step": zones, "window_steps": WINDOW_STEPS,
            "step_apart_s": pace_s, "p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}  # fmt: skip


def main() -> None:
    """Print a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--flood-s", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pace-s", type=float, default=0.5, help="between two steps of the street, for the lag")
    parser.add_argument("--json", type=Path, help="also write the lines to this file, as one list")
    given = parser.parse_args()
    rows = []
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        for row in (
            rate(given.messages, Path(scratch)),
            flood(given.flood_s, Path(scratch)),
            lag(given.steps, given.pace_s, Path(scratch)),
            {"what": "memory", "most_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10},
        ):
            rows.append(row)
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
