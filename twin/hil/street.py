"""The twin as a controller's street, a process of its own: SUMO moves, lamps come over MQTT.

Time advances in seconds. In each the street tells what its detectors see and takes the lamps that are answered. Its
lamp unit does what a cabinet's does: where no lamps come for a while, or its own conflict monitor refuses what is asked
(after lost messages a yellow may be too short), the lamps flash until the controller asks for all red.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from controllers.bundle import load
from controllers.errors import MessageError
from controllers.io import Seen
from controllers.io.messages import decode, encode, lamps_of, place_of, seen_body
from controllers.io.mqtt import Broker, client_of, start
from controllers.monitor import Monitor, limits_of
from controllers.plan import SignalPlan
from controllers.site import Site
from twin.errors import NetworkError
from twin.hil import faults as f
from twin.traffic.signals.baselines import BASELINES
from twin.traffic.signals.sites import site_of_signals
from twin.traffic.simulation.hour import Hour, violations
from twin.traffic.simulation.sim import TrafficSim
from twin.traffic.simulation.worker import answering, serve

TICK_S = 1.0
SILENT_S = 3.0  # the lamps flash when nothing was asked of them for so long
CLOCK_JUMP_S = 3600.0
PATIENCE_S = {"first": 60.0, "well": 10.0, "fault": 0.2}  # of wall-clock time that an answer is waited for


@dataclass
class LampUnit:
    """One junction's lamps, with the interface that the simulation expects of a guard: it shows what it was told."""

    plan: SignalPlan
    shown: str = ""
    wanted: str = ""
    silent_s: float = 0.0
    flashing: bool = False
    due_s: float = TICK_S
    target: int = 0
    green_s: float = 0.0
    changing: bool = False
    refused: int = 0
    _monitor: Monitor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.shown = self.wanted = self.plan.all_red

    def admit(self, *_: object) -> str:
        """The lamps as they were asked for."""
        self.shown = self.wanted
        return self.shown

    def restart(self) -> None:
        """Come back from flashing: all red."""
        self.shown = self.wanted = self.plan.all_red

    def take(self, lamps: str | None) -> None:
        """What the controller asks for now, None where it says nothing; after TICK_S seconds of what was shown."""
        self._monitor = self._monitor or Monitor(limits_of(self.plan))
        if not self.flashing:
            self._monitor.see(self.shown, TICK_S)
        self.silent_s = 0.0 if lamps is not None else self.silent_s + TICK_S
        starting = lamps is not None and set(lamps) <= {"o"}
        if lamps is not None and not starting:
            self.wanted = lamps
        if not self.flashing:
            self._monitor.see(self.wanted, 0.0)
            self.refused += len(self._monitor.violations)
            self.flashing = bool(self._monitor.violations) or self.silent_s >= SILENT_S or starting
        elif lamps == self.plan.all_red:
            self.flashing, self._monitor = False, None


class HilStreet:
    """A simulation whose lamps a controller far away decides on."""

    def __init__(self, hour: Hour, job: dict[str, Any]) -> None:
        self.hour, self.sim, self.job = hour, hour.sim, job
        self.site: Site = site_of_signals("hil", hour.signals)
        self.units = [LampUnit(plan) for plan in self.site.plans]
        self.sim.guards = self.units  # type: ignore[assignment]
        self.begin_s, self.seq = self.sim.time_s, -1
        self.boot = job["boot"]
        self.answers: queue.Queue[tuple[int, list[str] | None]] = queue.Queue()
        self.faults = [f.Fault(**one) for one in job["faults"]]
        self.patience_s: dict[str, float] = job.get("patience_s", PATIENCE_S)
        self.story: list[dict[str, Any]] = []
        self._answered = False
        self._events = self.sim.before_step
        self.sim.before_step = self._before
        broker = Broker("127.0.0.1", job["port"])
        self.client = client_of(broker, f"street-{self.boot}")
        self.client.on_message = self._message
        self.client.on_connect = lambda client, *_: client.subscribe(f"{job['prefix']}/lamps", qos=0)
        listening = threading.Event()
        self.client.on_subscribe = lambda *_: listening.set()
        start(self.client, broker)
        if not listening.wait(self.patience_s["first"]):
            raise NetworkError(f"the broker on port {job['port']} does not answer")
        self.line = f.Line(self._send, Random(job["seed"]))  # noqa: S311 (faults, no secrets)

    def live(self) -> None:
        """Live through the hour, a second at a time."""
        nothing = np.zeros(len(self.units), dtype=int)
        paced_s = time.monotonic()
        while self.sim.time_s < self.hour.end_s:
            self.sim.step(nothing)
            if self.job["speed"] > 0:
                paced_s += TICK_S / self.job["speed"]
                time.sleep(max(0.0, paced_s - time.monotonic()))
        self.client.disconnect()
        self.client.loop_stop()
        self.sim.close()

    def _before(self) -> None:
        """At the beginning of each second: events happen, the controller is told, its answer is taken."""
        if self._events is not None:
            self._events()
        if self.sim.time_s >= self.begin_s + self.seq + 1 - 1e-9:
            self.seq += 1
            self._exchange(self._present())

    def _present(self) -> set[str]:
        return {one.kind for one in self.faults if one.from_s <= self.seq < one.until_s}

    def _exchange(self, present: set[str]) -> None:
        edges = [one for one in self.faults if self.seq in (one.from_s, one.until_s)]
        for one in edges:  # whoever started us does to processes what has to be done, and says so
            sys.stderr.write(json.dumps({"fault": one.kind, "begins": self.seq == one.from_s, "at_s": self.seq}) + "\n")
            sys.stderr.flush()
            if one.kind in (f.BROKER, f.CONTROLLER):
                sys.stdin.readline()
        self.line.publish(self.seq, encode(self._seen(present)), present)
        lamps = self._wait(present)
        for j, unit in enumerate(self.units):
            unit.take(lamps[j] if lamps is not None else None)
            if unit.flashing != self.sim.dark[j]:
                self.sim.darken(j, unit.flashing)
        if self.seq == 0 or any(unit.flashing for unit in self.units) or present:
            self.story.append({"s": self.seq, "flashing": sum(unit.flashing for unit in self.units)})

    def _seen(self, present: set[str]) -> dict[str, Any]:
        sim, readings = self.sim, self.sim.readings
        vehicles = readings.vehicles.copy()
        if f.DEAD in present:
            vehicles[0] = np.nan
        walks = readings.walk_calls or tuple(frozenset() for _ in self.units)
        flashing = tuple(unit.flashing for unit in self.units)
        clock_s = sim.time_s + (CLOCK_JUMP_S * (-1) ** (self.seq % 2) if f.CLOCK in present else 0.0)
        lit_a = tuple(0.5 for _ in self.units)
        supply = {"voltage_v": 220.0, "battery_percent": 90.0, "temperature_c": 38.0}
        seen = Seen(vehicles, readings.halting, walks, tuple(sim.priority), flashing, lit_a, supply, clock_s)
        return seen_body(seen, self.boot, self.seq, TICK_S)

    def _wait(self, present: set[str]) -> list[str] | None:
        """The lamps that answer this second's message, or the newest that come late; None where none come."""
        patience_s = self.patience_s["fault" if present or not self._answered else "well"]
        if self.seq == 0:
            patience_s = self.patience_s["first"]
        until_s, newest = time.monotonic() + patience_s, None
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                seq, lamps = self.answers.get(timeout=left_s)
            except queue.Empty:
                break
            newest = lamps
            if seq == self.seq or lamps is None:  # nobody will answer
                break
        self._answered = newest is not None
        return newest

    def _message(self, client: Any, userdata: Any, message: Any) -> None:
        try:
            body = decode(bytes(message.payload))
            boot, seq = place_of(body)
            if boot == self.boot:
                self.answers.put((seq, lamps_of(body, self.site)))
        except MessageError:
            return

    def _send(self, payload: bytes) -> None:
        self.client.publish(f"{self.job['prefix']}/detectors", payload, qos=0)


def _changes(sim: TrafficSim, begin_s: float) -> list[Sequence[Any]]:
    """The story of the lamps: seconds after the begin, junction, state; what was asked for again is no change."""
    shown: list[str] = [""] * len(sim.guards)
    found: list[Sequence[Any]] = []
    for t, j, state in sim.trace.lamps:
        if state != shown[j]:
            found.append((t - begin_s, j, state))
        shown[j] = state
    return found


def _in_the_loop(job: dict[str, Any]) -> dict[str, Any]:
    street = HilStreet(Hour.begin(job, BASELINES["max_pressure"], TICK_S, measured=False), job)
    street.live()
    return told_of(street)


def told_of(street: HilStreet) -> dict[str, Any]:
    """What a street that has been lived tells: the lamps' changes, their story, what was refused, violations."""
    return {
        "lamps": _changes(street.sim, street.begin_s),
        "story": street.story,
        "refused": sum(unit.refused for unit in street.units),
        "violations": len(violations(street.site.plans, street.sim.trace, street.sim.time_s)),
        "seconds": street.seq + 1,
    }


def _environment(job: dict[str, Any]) -> dict[str, Any]:
    """The same hour as an environment lives it: the simulation's own guards, the bundle's policy beside them."""
    policy = load(Path(job["bundle"])).runner
    hour = Hour.begin(job, BASELINES["max_pressure"], policy.decision_s, measured=False)
    sim, decisions = hour.sim, []
    while sim.time_s < hour.end_s:
        decisions.append(policy.decide(sim.readings, sim.priority))
        sim.step(decisions[-1])
    sim.close()
    begin_s = float(hour.network.begin_s)
    return {"lamps": _changes(sim, begin_s), "decisions": [one.tolist() for one in decisions]}


def _episode(job: dict[str, Any]) -> dict[str, Any]:
    return _in_the_loop(job) if job["in_the_loop"] else _environment(job)


if __name__ == "__main__":
    sys.exit(serve(answering(_episode)))
