"""What a simulated street tells, and the line with faults that it goes over to whoever follows the city."""

from __future__ import annotations

import numpy as np

from twin.live.messages import Message, write

BEGIN_S = 1_767_571_200.0  # 2026-01-05 00:00 UTC, 07:00 in Trenggalek, a Monday
CLOCK = "trenggalek/demo/clock"  # topic of a city's time and lamps, beside its feed
LAG_S = 0.2  # mean time on the way
FAULTS = {"lost": 0.01, "twice": 0.01, "late": 0.01, "missing": 0.01, "impossible": 0.002, "junk": 0.002}


def bodies(
    vehicles: np.ndarray, halting: np.ndarray, passed: np.ndarray | None, phase: np.ndarray
) -> list[tuple[str, str, dict[str, float | None]]]:
    """Kind, source and values of what cameras (Z,), stop-line loops (Z,) and lamps (J,) tell at a moment; NaN: none."""
    found = [
        ("detectors", f"zone-{z}", {"vehicles": told(v), "halting": told(h)})
        for z, (v, h) in enumerate(zip(vehicles, halting, strict=True))
    ]
    if passed is not None:
        for (_, _, values), n in zip(found, passed, strict=True):
            values["passed"] = told(n)
    return found + [("lamps", f"signal-{j}", {"phase": told(p)}) for j, p in enumerate(phase)]


def told(count: float) -> float | None:
    """A count as a message tells it: nothing for NaN."""
    return None if np.isnan(count) else float(count)


def on_the_way(
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
