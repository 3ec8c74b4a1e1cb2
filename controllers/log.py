"""A controller's log: one SQLite file that survives a power cut, keeps its size, and opens as a run of the twin.

It has the twin's run schema (a dictionary of columns, `month` first in every table), so that the twin reads, exports
and scores it. `hires` holds high-resolution events in the Indiana enumeration (Sturdevant et al. 2012, Purdue): signal
phase p is our phase p − 1, detector channel d our zone d − 1, device our junction + 1.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from controllers.errors import LogError
from controllers.policy import readings_as_json
from controllers.site import Site
from controllers.store import Store, Tables, month_of

if TYPE_CHECKING:
    from controllers.loop import Cabinet

COMMIT_S = 5.0  # at most so much is lost in a power cut
TABLES: Tables = {
    "lamps": {
        "time": ("str", "-", "when they changed, ISO 8601, UTC"),
        "junction": ("str", "-", "the signal"),
        "state": ("str", "-", "a letter for each lamp group"),
        "mode": ("str", "-", "policy, actuated or fixed_time"),
    },
    "decision": {
        "time": ("str", "-", "when, ISO 8601, UTC"),
        "readings": ("str", "-", "what was seen (JSON)"),
        "answer": ("str", "-", "phases that the policy wanted (JSON), empty where it did not answer"),
        "wanted": ("str", "-", "phases that were asked of the guards (JSON)"),
        "latency_ms": ("float", "ms", "how long the policy took"),
        "first": ("int", "-", "1 where the controller had just begun"),
    },
    "alarm": {
        "time": ("str", "-", "when it began or ended, ISO 8601, UTC"),
        "alarm": ("str", "-", "what, and where"),
        "holds": ("int", "-", "1 where it began, 0 where it ended"),
    },
    "supply": {
        "time": ("str", "-", "when, ISO 8601, UTC; once a minute"),
        "name": ("str", "-", "voltage_v, battery_percent, temperature_c"),
        "value": ("float", "-", "in the unit of its name"),
    },
    "hires": {
        "time": ("str", "-", "when, ISO 8601, UTC"),
        "device_id": ("int", "-", "junction, from 1"),
        "event_id": ("int", "-", "Indiana enumeration"),
        "parameter": ("int", "-", "phase, detector channel or preempt, from 1"),
    },
}
MOST_ROWS = {"lamps": 200_000, "decision": 50_000, "alarm": 20_000, "supply": 20_000, "hires": 500_000}
# Events of the Indiana enumeration.
GREEN_BEGIN, GREEN_END, YELLOW_BEGIN, YELLOW_END, RED_BEGIN, RED_END = 1, 7, 8, 9, 10, 11
GAP_OUT, MAX_OUT, FORCE_OFF = 4, 5, 6
WALK_BEGIN, CLEARANCE_BEGIN = 21, 22
PED_CALL, BUTTON_OFF, BUTTON_ON = 45, 89, 90
DETECTOR_OFF, DETECTOR_ON = 81, 82
PREEMPT_ON, PREEMPT_OFF = 102, 104


class Log:
    """Writes what a cabinet does. Its first readings come at `begin_s`, Unix time, or it begins now, by the clock."""

    def __init__(self, path: Path, site: Site, provenance: Mapping[str, Any], begin_s: float | None = None) -> None:
        self.site = site
        self.begin_s, self._given = time.time() if begin_s is None else begin_s, begin_s is not None
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._lamps = [""] * len(site.plans)
        self._alarms: frozenset[str] = frozenset()
        self._stage = [""] * len(site.plans)
        self._phase = [-1] * len(site.plans)
        self._pressed: list[frozenset[int]] = [frozenset()] * len(site.plans)
        self._occupied = np.zeros(len(site.zones), dtype=bool)
        self._priority: list[int | None] = [None] * len(site.plans)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._writing: Future[None] | None = None
        self._committed_s = self._supply_s = -np.inf
        self._first = 1
        self._store = Store(path, TABLES, MOST_ROWS, {**provenance, "site": site.as_json()})

    def note(self, now_s: float, cabinet: Cabinet, lamps: Sequence[str]) -> None:
        """Take note of a turn; it is on the disk within COMMIT_S."""
        stamp = self._stamp(now_s - (cabinet.begun_s or 0.0 if self._given else 0.0))
        for j, (state, mode) in enumerate(zip(lamps, cabinet.modes, strict=True)):
            if state != self._lamps[j]:
                self._add("lamps", stamp, self.site.plans[j].name, state, mode)
            self._signal_events(stamp, j, cabinet, state)
        self._lamps = list(lamps)
        if cabinet.decided is not None:
            readings, priority, answer, wanted = cabinet.decided
            seen = json.dumps(readings_as_json(readings, priority))
            self._add(
                "decision", stamp, seen, json.dumps(answer), json.dumps(wanted), 1000 * cabinet.latency_s, self._first
            )
            self._first = 0
        alarms = frozenset(cabinet.health.alarms)
        for alarm in sorted(alarms ^ self._alarms):
            self._add("alarm", stamp, alarm, int(alarm in alarms))
        self._alarms = alarms
        self._detector_events(stamp, cabinet)
        self._button_events(stamp, cabinet)
        if now_s - self._supply_s >= 60 and cabinet.seen is not None:
            self._supply_s = now_s
            for name, value in cabinet.seen.supply.items():
                self._add("supply", stamp, name, float(value))
        if now_s - self._committed_s >= COMMIT_S:
            self._committed_s = now_s
            self.commit()

    def commit(self) -> None:
        """Write what is noted, all of it or nothing, in a thread of its own: the lamps do not wait for the disk."""
        self.wait()
        rows, self._rows = self._rows, {name: [] for name in TABLES}
        self._writing = self._writer.submit(self._store.append, rows)

    def wait(self) -> None:
        """Wait until what was committed is on the disk; raises what writing raised."""
        if self._writing is not None:
            self._writing.result()

    def close(self) -> None:
        """Commit and seal."""
        self.commit()
        self.wait()
        self._writer.shutdown()
        self._store.close()

    def _stamp(self, now_s: float) -> str:
        moment = datetime.fromtimestamp(self.begin_s + now_s, UTC)
        return moment.isoformat(timespec="milliseconds")

    def _add(self, table: str, stamp: str, *values: Any) -> None:
        self._rows[table].append((month_of(stamp), stamp, *values))

    def _event(self, stamp: str, j: int, event: int, parameter: int) -> None:
        self._add("hires", stamp, j + 1, event, parameter)

    def _signal_events(self, stamp: str, j: int, cabinet: Cabinet, state: str) -> None:
        """Greens, yellows and reds of phases, walks, calls for pre-emption."""
        guard = cabinet.guards[j]
        stage, before = guard.stage, self._stage[j]
        leaving, plan = self._phase[j], self.site.plans[j]
        if (stage, guard.phase) != (before, leaving):
            if before == "green":
                urgent = FORCE_OFF if self._priority[j] is not None else GAP_OUT
                ended = MAX_OUT if guard.ended_at_maximum else urgent
                for event in (ended, GREEN_END):
                    self._event(stamp, j, event, leaving + 1)
            if before == "yellow":
                self._event(stamp, j, YELLOW_END, leaving + 1)
                self._event(stamp, j, RED_BEGIN, leaving + 1)
            if stage == "yellow":
                self._event(stamp, j, YELLOW_BEGIN, leaving + 1)
            if stage == "green":
                if before == "all-red" and leaving >= 0:
                    self._event(stamp, j, RED_END, leaving + 1)
                self._event(stamp, j, GREEN_BEGIN, guard.phase + 1)
            self._stage[j], self._phase[j] = stage, guard.phase
        for link in plan.crossings:
            was, now = self._lamps[j][link : link + 1], state[link]
            if was != now and "G" in (was, now):
                self._event(stamp, j, WALK_BEGIN if now == "G" else CLEARANCE_BEGIN, guard.phase + 1)
        asked = cabinet.seen.priority[j] if cabinet.seen is not None and cabinet.seen.priority else None
        if asked != self._priority[j]:
            given = asked if asked is not None else self._priority[j]
            self._event(stamp, j, PREEMPT_OFF if asked is None else PREEMPT_ON, int(given or 0) + 1)
            self._priority[j] = asked

    def _button_events(self, stamp: str, cabinet: Cabinet) -> None:
        """Buttons of crossings, under the first phase in which each crossing walks."""
        if cabinet.seen is None:
            return
        for j, pressed in enumerate(cabinet.seen.walk_calls):
            for link in sorted(pressed ^ self._pressed[j]):
                served = (p for p, walking in enumerate(self.site.plans[j].crossings_of) if link in walking)
                phase = next(served, 0) + 1
                for event in (BUTTON_ON, PED_CALL) if link in pressed else (BUTTON_OFF,):
                    self._event(stamp, j, event, phase)
            self._pressed[j] = pressed

    def _detector_events(self, stamp: str, cabinet: Cabinet) -> None:
        occupied = np.nan_to_num(cabinet.detectors.vehicles) >= 1
        for j, own in enumerate(self.site.own_zones):
            for zone in own:
                if occupied[zone] != self._occupied[zone]:
                    self._event(stamp, j, DETECTOR_ON if occupied[zone] else DETECTOR_OFF, zone + 1)
        self._occupied = occupied


def decisions(path: Path) -> list[dict[str, Any]]:
    """Every decision of a log, in order: readings, answer and wanted as JSON data. Raises LogError."""
    if not path.is_file():
        raise LogError(f"{path}: no such log")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT time, first, readings, answer, wanted FROM decision ORDER BY rowid"
        ).fetchall()
    except sqlite3.DatabaseError as error:
        raise LogError(f"{path}: is no log of a controller ({error})") from error
    finally:
        connection.close()
    return [
        {"time": at, "first": first, "readings": json.loads(readings), "answer": json.loads(answer),
         "wanted": json.loads(wanted)}
        for at, first, readings, answer, wanted in rows
    ]  # fmt: skip
