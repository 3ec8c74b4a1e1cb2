"""Central monitoring: one process that listens to every controller of a broker, keeps history and raises alarms.

The history is an SQLite file in the twin's run schema that dashboards read: `status` has a row for every change of a
controller's state, `alarm` one for the begin and one for the end of every alarm, with an estimate of the repair.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controllers.errors import MessageError
from controllers.io.messages import decode
from controllers.io.mqtt import Broker, client_of, start
from controllers.store import Store, Tables, month_of, stamp_of

SILENT_S = 15.0  # a controller tells its state every 5 s
FALLBACK_S = 600.0  # longer out of its policy is an alarm
DOUBTFUL_S = 60.0  # a detector that is doubtful for so long is an alarm
LOOK_S = 1.0
# How long a repair takes until three of a kind were seen [h]; priors.
PRIOR_REPAIR_H = {"dark": 2.0, "lamp failure": 4.0, "stuck detector": 24.0, "fallback too long": 6.0, "conflict": 3.0,
                  "flashing": 2.0, "supply": 8.0}  # fmt: skip
LEAST_REPAIRS = 3
TABLES: Tables = {
    "status": {
        "time": ("str", "-", "when it was told, ISO 8601, UTC"),
        "controller": ("str", "-", "topic below the prefix"),
        "online": ("int", "-", "1 where it answers"),
        "junctions": ("str", "-", "its junctions (JSON)"),
        "modes": ("str", "-", "their control (JSON): policy, actuated, fixed_time"),
        "alarms": ("str", "-", "what it says of itself (JSON)"),
        "bundle": ("str", "-", "digest of its bundle"),
    },
    "alarm": {
        "time": ("str", "-", "when it began or ended, ISO 8601, UTC"),
        "controller": ("str", "-", "topic below the prefix"),
        "kind": ("str", "-", "dark, lamp failure, stuck detector, fallback too long, conflict, flashing, supply"),
        "where": ("str", "-", "junction or detector"),
        "holds": ("int", "-", "1 where it began, 0 where it ended"),
        "lasted_h": ("float", "h", "how long it lasted, where it ended"),
        "repair_h": ("float", "h", "estimate of the repair, where it began"),
        "basis": ("str", "-", "prior, or how many repairs of the kind the estimate stands on"),
    },
}
MOST_ROWS = {"status": 500_000, "alarm": 100_000}
Alarm = tuple[str, str, str]  # controller, kind, where


@dataclass
class Told:
    """What a controller told last."""

    seen_s: float
    online: bool = True
    junctions: list[str] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    bundle: str = ""


class Central:
    """History and alarms; `now_s` is Unix time everywhere. Whatever it takes, it does not fail."""

    def __init__(self, store: Store) -> None:
        self.controllers: dict[str, Told] = {}
        self.alarms: dict[Alarm, float] = {}  # those that hold, and since when
        self.repairs_h: dict[str, list[float]] = {}
        self.junk = 0
        self._since_s: dict[Alarm, float] = {}  # conditions that become an alarm when they last
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._store = store

    def take(self, name: str, topic: str, payload: bytes, now_s: float) -> None:
        """A message of a controller, topic `state` or `status`; junk is counted."""
        try:
            body = decode(payload)
            told = self.controllers.setdefault(name, Told(now_s))
            if topic == "status":
                told.online = body.get("online") is True
            elif topic == "state":
                told.junctions, told.modes, told.alarms = (
                    _texts(body, key) for key in ("junctions", "modes", "alarms")
                )
                told.bundle, told.online, told.seen_s = str(body.get("bundle", ""))[:64], True, now_s
            else:
                raise MessageError(f"topic {topic!r}")
        except MessageError:
            self.junk += 1
            return
        texts = (json.dumps(told.junctions), json.dumps(told.modes), json.dumps(told.alarms))
        self._note("status", now_s, name, int(told.online), *texts, told.bundle)

    def look(self, now_s: float) -> None:
        """Raise and end alarms, and write what is noted."""
        holding = {
            one: lasts_s for name, told in self.controllers.items() for one, lasts_s in _conditions(name, told, now_s)
        }
        self._since_s = {one: self._since_s.get(one, now_s) for one in holding}
        due = {one for one, lasts_s in holding.items() if now_s - self._since_s[one] >= lasts_s}
        for one in sorted(due - set(self.alarms)):
            self.alarms[one] = now_s
            repair_h, basis = self.repair_h(one[1])
            self._note("alarm", now_s, *one, 1, None, repair_h, basis)
        for one in sorted(set(self.alarms) - set(holding)):
            lasted_h = (now_s - self.alarms.pop(one)) / 3600
            self.repairs_h.setdefault(one[1], []).append(lasted_h)
            self._note("alarm", now_s, *one, 0, lasted_h, None, "")
        self._store.append(self._rows)

    def repair_h(self, kind: str) -> tuple[float, str]:
        """How long a repair of this kind will take [h], and what the estimate stands on."""
        seen = self.repairs_h.get(kind, [])
        if len(seen) < LEAST_REPAIRS:
            return PRIOR_REPAIR_H[kind], "prior"
        return statistics.median(seen), f"{len(seen)} repairs"

    def summary(self) -> dict[str, Any]:
        """Controllers and alarms as they are now."""
        alarms = [
            {"controller": c, "kind": kind, "where": where, "since": stamp_of(at), "repair_h": self.repair_h(kind)[0],
             "basis": self.repair_h(kind)[1]}
            for (c, kind, where), at in sorted(self.alarms.items())
        ]  # fmt: skip
        return {"controllers": len(self.controllers), "alarms": alarms, "junk": self.junk}

    def _note(self, table: str, now_s: float, *values: Any) -> None:
        stamp = stamp_of(now_s)
        self._rows[table].append((month_of(stamp), stamp, *values))


def _conditions(name: str, told: Told, now_s: float) -> list[tuple[Alarm, float]]:
    """What is wrong with a controller, and for how long it must be before it is an alarm [s]."""
    if not told.online or now_s - told.seen_s > SILENT_S:
        return [((name, "dark", junction), 0.0) for junction in told.junctions or ["?"]]
    found: list[tuple[Alarm, float]] = []
    for alarm in told.alarms:
        kind, _, where = alarm.partition(": ")
        if kind == "detector":
            found.append(((name, "stuck detector", where), DOUBTFUL_S))
        elif kind in ("lamp failure", "conflict", "flashing", "supply"):
            found.append(((name, kind, where), 0.0))
    for junction, mode in zip(told.junctions, told.modes, strict=False):
        if mode != "policy":
            found.append(((name, "fallback too long", junction), FALLBACK_S))
    return found


def _texts(body: Mapping[str, Any], key: str) -> list[str]:
    values = body.get(key)
    if not isinstance(values, list) or len(values) > 1024 or not all(isinstance(value, str) for value in values):
        raise MessageError(f"{key}: a list of texts")
    return values


def watch(broker: Broker, prefix: str, history: Path, seconds: float | None) -> dict[str, Any]:
    """Listen until interrupted, or for so long; returns the summary at the end."""
    store = Store(history, TABLES, MOST_ROWS, {"prefix": prefix})
    central, lock = Central(store), threading.Lock()

    def message(client: Any, userdata: Any, arrived: Any) -> None:
        name, _, topic = arrived.topic.removeprefix(f"{prefix}/").rpartition("/")
        with lock:
            central.take(name, topic, bytes(arrived.payload), time.time())

    client = client_of(broker, f"central-{prefix}")
    client.on_message = message
    topics = [(f"{prefix}/+/{topic}", 1) for topic in ("state", "status")]
    client.on_connect = lambda client, *_: client.subscribe(topics)
    start(client, broker)
    until_s = time.monotonic() + (seconds if seconds is not None else float("inf"))
    try:
        while time.monotonic() < until_s:
            time.sleep(LOOK_S)
            with lock:
                central.look(time.time())
    except KeyboardInterrupt:
        pass
    finally:
        client.disconnect()
        client.loop_stop()
        store.close()
    return central.summary()
