"""The loop of a village office: measure, decide once an hour, guard every second, tell the inverter.

What the policy cannot measure (panels and load of the coming hour, announced interruptions, weather) comes from a JSON
file that somebody else keeps: names as in the contract, and `until`, Unix time up to which it may be believed. Where a
name is missing, or the file is too old, the policy is not asked, and the guard keeps all charge for outages.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from controllers.bundle import Bundle
from controllers.errors import ControllerError
from controllers.store import JAKARTA
from controllers.village.guard import Allowed, BatteryGuard, Measured
from controllers.village.policy import ReservePolicy

TURN_S = 1.0


class Inverter(Protocol):
    """What measures, and takes what is allowed."""

    def read(self) -> Measured:
        """The last measurement."""
        ...

    def write(self, allowed: Allowed) -> bool:
        """Tell it; whether it took it."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Office:
    """Policy and guard of an office, without wires. `known` gives what cannot be measured, at a Unix time."""

    def __init__(self, policy: ReservePolicy, known: Callable[[float], Mapping[str, float]]) -> None:
        self.policy, self.known = policy, known
        self.guard = BatteryGuard(policy.limits)
        self.reserve: float | None = None
        self.decisions = 0
        self._next_s = -math.inf

    def turn(self, now_s: float, measured: Measured, dt_s: float) -> Allowed:
        """What is allowed from now on; `now_s` is Unix time, for the hour and month that a policy sees."""
        due = now_s >= self._next_s or now_s < self._next_s - self.policy.decision_s  # the clock may jump back
        if due or self.reserve is None:
            self._next_s = (now_s // self.policy.decision_s + 1) * self.policy.decision_s
            self.reserve = self._decide(now_s, measured)
        slots = self.known(now_s).get("slots")
        return self.guard.admit(self.reserve, None if slots is None else int(slots), measured, dt_s)

    def _decide(self, now_s: float, measured: Measured) -> float | None:
        limits = self.policy.limits
        moment = datetime.fromtimestamp(now_s, JAKARTA)
        hour, month = 2 * math.pi * moment.hour / 24, 2 * math.pi * moment.month / 12
        seen = {
            **self.known(now_s),
            "charge": (measured.soc_kwh - limits.soc_min_kwh) / (limits.soc_max_kwh - limits.soc_min_kwh),
            "sin_hour": math.sin(hour), "cos_hour": math.cos(hour), "sin_month": math.sin(month),
            "cos_month": math.cos(month),
        }  # fmt: skip
        seen.setdefault("out", 0.0 if measured.pln else 1.0)
        values = np.array([seen.get(name, math.nan) for name in self.policy.names])
        if not np.isfinite(values).all():
            return None
        self.decisions += 1
        return self.policy.decide(values)


def from_file(path: Path | None) -> Callable[[float], Mapping[str, float]]:
    """What is known, read from a file that may change; nothing where it is missing, broken or too old."""

    def known(now_s: float) -> Mapping[str, float]:
        try:
            told = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
            if not isinstance(told, dict) or not now_s <= float(told.get("until", -math.inf)):
                return {}
            return {str(name): float(value) for name, value in told.items() if name != "until"}
        except (OSError, ValueError, TypeError):
            return {}

    return known


def run_office(office: Office, inverter: Inverter, seconds: float | None, turn_s: float = TURN_S) -> dict[str, Any]:
    """Run until interrupted, or for so long; returns how it ended."""
    began_s = last_s = time.monotonic()
    turns, missed, allowed = 0, 0, Allowed(0.0, 0.0, 0.0, 0)
    try:
        while seconds is None or time.monotonic() - began_s < seconds:
            measured = inverter.read()
            now_s = time.monotonic()
            allowed = office.turn(time.time(), measured, now_s - last_s)
            last_s = now_s
            missed += not inverter.write(allowed)
            turns += 1
            time.sleep(max(0.0, began_s + turns * turn_s - time.monotonic()))
    finally:
        inverter.close()
    return {
        "turns": turns,
        "missed": missed,
        "decisions": office.decisions,
        "reserve": office.reserve,
        "last": vars(allowed),
    }


def run_village(bundle: Bundle, modbus: str | None, known: Path | None, seconds: float | None) -> dict[str, Any]:
    """Run a battery's bundle on an inverter behind Modbus-TCP. Raises ControllerError where none is named."""
    from controllers.io.mqtt import address
    from controllers.village.modbus import ModbusInverter

    if not modbus:
        raise ControllerError("name the inverter: --modbus HOST:PORT")
    host, port = address(modbus, 502)
    return run_office(Office(bundle.runner, from_file(known)), ModbusInverter(host, port), seconds)
