"""A simulated Trenggalek as the city: its detectors and lamps publish, the twin's store listens."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from twin.live.messages import Message, write
from twin.live.store import LiveStore
from twin.live.street import Lived, live_hour
from twin.provenance import code_digest

BEGIN_S = 1_767_571_200.0  # 2026-01-05 00:00 UTC, 07:00 in Trenggalek, a Monday
LAG_S = 0.2  # mean time on the way
FAULTS = {"lost": 0.01, "twice": 0.01, "late": 0.01, "missing": 0.01, "impossible": 0.002, "junk": 0.002}


def messages(lived: Lived, seed: int) -> list[tuple[float, str, bytes]]:
    """(arrival [s UTC], topic, payload) in the order of arrival: everything the street tells, with a line's faults."""
    rng = np.random.default_rng([seed, 14])
    sent: list[tuple[float, str, bytes]] = []
    for seq, at_s in enumerate(BEGIN_S + lived.at_s):
        bodies = [
            ("detectors", f"zone-{z}", {"vehicles": float(v), "halting": float(h)})
            for z, (v, h) in enumerate(zip(lived.vehicles[seq], lived.halting[seq], strict=True))
        ]
        bodies += [("lamps", f"signal-{j}", {"phase": float(p)}) for j, p in enumerate(lived.phase[seq])]
        for kind, source, values in bodies:
            sent += _on_the_way(kind, source, seq, float(at_s), dict(values), rng)
    return sorted(sent, key=lambda one: one[0])


def _on_the_way(
    kind: str, source: str, seq: int, at_s: float, values: dict[str, float | None], rng: np.random.Generator
) -> list[tuple[float, str, bytes]]:
    """What arrives of one message: nothing, once or twice, in time or late, as it was sent or spoilt."""
    happens = {fault: rng.random() < chance for fault, chance in FAULTS.items()}
    name = next(iter(values))
    if happens["missing"]:
        values[name] = None
    if happens["impossible"]:
        values[name] = -1.0
    topic, payload = write(Message(kind, source, "demo", seq, at_s, values))
    if happens["junk"]:
        payload = payload[: len(payload) // 2]
    copies = 0 if happens["lost"] else 2 if happens["twice"] else 1
    delay_s = rng.exponential(LAG_S, copies) + (rng.uniform(10, 90) if happens["late"] else 0.0)
    return [(at_s + float(delay), topic, payload) for delay in delay_s]


def demo(
    network: str, seed: int, duration_s: int, scale: float, speed: float, folder: Path,
    progress: Callable[..., None] = lambda *_: None,
) -> LiveStore:  # fmt: skip
    """Live an hour of the city and record it; `speed` times as fast as life, or as fast as can be for 0.

    Stopped at any moment, the same call goes on with the recording and ends in the same tables.
    """
    asked = json.dumps([network, seed, duration_s, scale, code_digest()])
    with LiveStore(folder, name=f"demo-{hashlib.sha256(asked.encode()).hexdigest()[:12]}") as store:
        sent = messages(live_hour(network, seed, duration_s, scale), seed)
        record(sent, store, speed, progress)
    return store


def record(
    sent: list[tuple[float, str, bytes]], store: LiveStore, speed: float = 0.0,
    progress: Callable[..., None] = lambda *_: None,
) -> None:  # fmt: skip
    """Hand messages to a store at their times of arrival, from the one on that it has not seen."""
    seen = sum(store.totals.values())
    from_s = sent[seen][0] if seen < len(sent) else 0.0
    began_s = time.monotonic()
    for n, (arrived_s, topic, payload) in enumerate(sent[seen:], seen + 1):
        if speed > 0:
            time.sleep(max(0.0, (arrived_s - from_s) / speed - (time.monotonic() - began_s)))
        store.take(topic, payload, arrived_s)
        if n % 100 == 0:
            progress(n, len(sent))
