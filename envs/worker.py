"""The process behind an environment: every episode is a simulation in a fork of its own (see `simulation.worker`).

It reads a job as one line of JSON, then a byte a decision: `S` and an int16 for each junction (the phase wanted, or −1
for what max-pressure wants) to live on, `E` to end. It answers with frames: a byte that tells their kind, their length,
and the payload.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any

import numpy as np

from controllers.features import Features
from envs.rewards import REWARDS
from twin.traffic.signals.baselines import BASELINES, decider
from twin.traffic.simulation.hour import Hour
from twin.traffic.simulation.worker import fault_of, serve

LIVED, ENDED, FAILED = b"L", b"E", b"F"
LEFT = -1  # a junction that is left to its companion
HEAD = struct.Struct("<ci")
TIMES = struct.Struct("<dd")  # now, and when the episode is over [s]
COMPANION = "max_pressure"  # of junctions that the policy leaves alone


def episode(job: dict[str, Any], answers: int) -> None:
    """Live one episode, decision by decision."""
    try:
        hour = Hour.begin(job, BASELINES[COMPANION], job["decision_s"], measured=job["measured"])
        _decide(hour, job, answers)
    except Exception as error:
        _send(answers, FAILED, fault_of(error).encode())


def _decide(hour: Hour, job: dict[str, Any], answers: int) -> None:
    sim, signals = hour.sim, hour.signals
    features = Features(signals.junctions, signals.zone_of, signals.exit_of, sim.time_s)
    reward = REWARDS[job["reward"]].of
    companion = decider(BASELINES[COMPANION], signals, job["settings"])
    while True:
        seen = features.see(sim.readings, sim.priority)
        raw = (sim.readings.vehicles, sim.readings.halting) if job["raw"] else ()
        parts = (seen.movements, seen.phases, reward(sim), *raw)
        _send(answers, LIVED, TIMES.pack(sim.time_s, hour.end_s) + b"".join(_bytes(part) for part in parts))
        if os.read(0, 1) != b"S":
            break
        wanted = np.frombuffer(_read(2 * len(sim.guards)), dtype="<i2").astype(int)
        sim.step(np.where(wanted == LEFT, companion(sim.readings), wanted) if (wanted == LEFT).any() else wanted)
    sim.close()
    _send(answers, ENDED, json.dumps(hour.measures() if job["measured"] else {}).encode())


def _bytes(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def _read(length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = os.read(0, length - len(found))
        if not part:
            os._exit(0)  # who started us is gone
        found += part
    return found


def _send(answers: int, kind: bytes, payload: bytes) -> None:
    told = HEAD.pack(kind, len(payload)) + payload
    while told:
        told = told[os.write(answers, told) :]


if __name__ == "__main__":
    sys.exit(serve(episode))
