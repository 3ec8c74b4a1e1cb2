"""A network in SUMO, driven from decision to decision: detectors are read, phases wanted, the guards set the lamps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import libsumo
import numpy as np
from libsumo import _libsumo

from controllers.guard import INFINITY, Guard
from controllers.rules import Readings
from twin.traffic.networks.files import Network
from twin.traffic.signals.plans import Signals
from twin.traffic.simulation.allway import AllWayStop
from twin.traffic.simulation.deadlocks import SIDE_BY_SIDE, Deadlocks
from twin.traffic.simulation.detectors import DetectorOptions, Faults
from twin.traffic.simulation.events import event_parameters

DARK = "o"  # how the record of the lamps writes those without electricity


@dataclass
class Trace:
    """What happened to the lamps and the queues: changes (time [s], junction, state) and halting vehicles by zone."""

    lamps: list[tuple[float, int, str]] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    queues: list[np.ndarray] = field(default_factory=list)


class TrafficSim:
    """One simulation of a network. libsumo holds one at a time in a process; `close` it before the next.

    `readings` are what the detectors saw at the last decision, `present` the vehicles and the halting ones that really
    were in each zone; `step(wanted)` lives `decision_s` seconds under the
    wanted phases, int (junctions,). With `guarded` off nothing sets lamps: SUMO's own programmes run. `before_step` is
    called before every stretch of simulated time (events); it may set `priority[j]` and `dark[j]`.
    """

    def __init__(
        self,
        network: Network,
        signals: Signals,
        options: Sequence[str] = (),
        *,
        additional: Sequence[str] = (),
        decision_s: float = 5.0,
        detectors: DetectorOptions | None = None,
        seed: int = 1,
        guarded: bool = True,
    ) -> None:
        self.detectors = detectors or DetectorOptions()
        self.network, self.signals, self.decision_s, self.guarded = network, signals, decision_s, guarded
        self.guards = [Guard(plan) for plan in self.signals.plans]
        self.trace = Trace()
        self.before_step: Callable[[], None] | None = None
        junctions = len(self.guards)
        self.priority: list[int | None] = [None] * junctions
        self.dark = [False] * junctions
        self._noted = [""] * junctions
        self.dark_turn_s = event_parameters()["dark_turn_s"]
        self.wake_s = INFINITY  # `before_step` is called then, even where no decision is due
        self._stops: dict[int, AllWayStop] = {}  # who goes at the dark junctions
        self._own: dict[int, tuple[str, float]] = {}  # SUMO's own programmes that come back, and when [s]
        self._asked_s = [float(network.begin_s)] * junctions  # time of each guard's last answer
        self._due_s = [float(network.begin_s)] * junctions  # when each must be asked again
        self._phase = np.array([guard.target for guard in self.guards])
        self._green_from_s = np.full(junctions, INFINITY)  # when the present green began; infinity while changing
        self._lanes, self._shares = _lanes_of(self.signals)
        self._faults = Faults(self.detectors, len(self.signals.zones), np.random.default_rng([seed, 7]))
        self._crossed = any(self.signals.walking_areas)
        self._loops = [f"loop.{z}" for z in range(len(self.signals.zones))] if self.detectors.loops else []
        self._passed = np.zeros(len(self._loops))
        self._on_roads: list[set[str]] = []  # vehicles when `served` was last asked
        files = [*additional, *self._loop_file()]
        libsumo.start(["sumo", *options, *(("--additional-files", ",".join(files)) if files else ())])
        self.time_s = float(network.begin_s)
        self.deadlocks = Deadlocks() if SIDE_BY_SIDE in options else None
        for j, guard in enumerate(self.guards):
            if guarded:
                self._show(j, guard.shown)
        self.readings = self._read()

    @property
    def names(self) -> list[str]:
        """Names of the junctions, in the order of all arrays."""
        return [plan.name for plan in self.signals.plans]

    def step(self, wanted: Sequence[int] | np.ndarray | None = None) -> Readings:
        """Live until the next decision; returns what the detectors then see."""
        end_s = self.time_s + self.decision_s
        wants: list[int] = wanted.tolist() if isinstance(wanted, np.ndarray) else list(wanted or ())
        everybody = True  # at a decision all guards are asked, in between only those whose time has come
        while self.time_s < end_s - 1e-9:
            if self.before_step is not None:
                self.before_step()
            until_s = min(end_s, self.wake_s if self.wake_s > self.time_s else end_s, self._unlit(end_s))
            if self.guarded:
                until_s = self._ask(wants, everybody, until_s)
            _libsumo.simulation_step(until_s)  # without the wrapper's step listeners
            self.time_s, everybody = until_s, False
            if self.deadlocks is not None and until_s >= self.deadlocks.due_s:
                self.deadlocks.look(until_s)
            if not self.guarded:
                self._note_lamps()
        self.readings = self._read()
        return self.readings

    def _ask(self, wants: list[int], everybody: bool, end_s: float) -> float:
        """Ask the guards that have something to do and set their lamps; returns until when nobody need be asked [s].

        A guard whose present phase is wanted again has nothing to do before its own time comes.
        """
        now_s = self.time_s
        for j, guard in enumerate(self.guards):
            urgent = self._crossed or self.priority[j] is not None
            due = self._due_s[j] <= now_s or (everybody and (urgent or wants[j] != guard.target))
            if due and not self.dark[j]:
                self._admit(j, guard, wants[j])
        soonest_s = min(self._due_s)
        return end_s if soonest_s >= end_s else float(math.ceil(soonest_s - 1e-9))

    def _admit(self, j: int, guard: Guard, wanted: int) -> None:
        before, dt_s = guard.shown, self.time_s - self._asked_s[j]
        near_maximum = guard.green_s + dt_s >= guard.plan.max_green_s - 1e-9
        shown = guard.admit(
            wanted,
            dt_s,
            self._calls(j) if near_maximum else None,
            self.readings.walk_calls[j] if self._crossed else None,
            self.priority[j],
        )
        self._asked(j)
        if shown is not before:
            self._show(j, shown)

    def _asked(self, j: int) -> None:
        """Note where a guard stands after it was asked."""
        guard = self.guards[j]
        self._asked_s[j], self._due_s[j] = self.time_s, self.time_s + guard.due_s
        self._phase[j] = guard.target
        self._green_from_s[j] = INFINITY if guard.changing else self.time_s - guard.green_s

    def _calls(self, j: int) -> list[bool]:
        """For each phase of a junction whether a vehicle or a pedestrian waits for it; an unseen zone may hide one."""
        most = self.signals.junctions.exists.shape[1]
        present = np.nan_to_num(self.readings.vehicles, nan=1.0)
        waiting = self.signals.junctions.green[j * most : j * most + len(self.guards[j].plan.phases)] @ present > 0
        if self._crossed:
            pressed = self.readings.walk_calls[j]
            waiting = waiting | [bool(c & pressed) for c in self.guards[j].plan.crossings_of]
        return list(waiting.tolist())

    def _show(self, j: int, state: str) -> None:
        libsumo.trafficlight.setRedYellowGreenState(self.signals.plans[j].name, state)
        self.trace.lamps.append((self.time_s, j, state))

    def _note_lamps(self) -> None:
        """What SUMO's own programmes show, as far as it is looked at: after every step."""
        for j, plan in enumerate(self.signals.plans):
            state = libsumo.trafficlight.getRedYellowGreenState(plan.name)
            if state != self._noted[j] and not self.dark[j]:
                self._noted[j] = state
                self.trace.lamps.append((self.time_s, j, state))

    def darken(self, j: int, dark: bool) -> None:
        """Take a junction's electricity away, or give it back: it then starts with all red."""
        plan = self.signals.plans[j]
        if dark and not self.dark[j]:
            self._due_s[j] = INFINITY
            programme = self._own.pop(j, (libsumo.trafficlight.getProgram(plan.name), 0.0))[0]
            self._stops[j] = AllWayStop(plan.name, plan.links, self.dark_turn_s, programme)
            self._show(j, DARK * plan.links)
        elif self.dark[j] and not dark:
            programme = self._stops.pop(j).programme
            self.guards[j].restart()
            self._asked(j)
            self._show(j, self.guards[j].shown)
            if not self.guarded:
                self._own[j] = (programme, self._due_s[j])
        self.dark[j] = dark

    def _unlit(self, until_s: float) -> float:
        """Let the dark junctions take turns and SUMO's own programmes come back; returns when to ask again [s]."""
        for j, stop in self._stops.items():
            on_foot = self._crossed and bool(self.readings.walk_calls[j])
            until_s = min(until_s, stop.give(self.time_s, on_foot))
        for j, (programme, at_s) in list(self._own.items()):
            if at_s > self.time_s:
                until_s = min(until_s, at_s)
            else:
                libsumo.trafficlight.setProgram(self.signals.plans[j].name, programme)
                del self._own[j]
        return until_s

    def _read(self) -> Readings:
        # The wrappers around these two functions cost more than the functions, and they are called very often.
        present = list(map(_libsumo.lane_getLastStepVehicleNumber, self._lanes))
        read_halting = _libsumo.lane_getLastStepHaltingNumber
        halt = [read_halting(lane) if here else 0 for lane, here in zip(self._lanes, present, strict=True)]
        vehicles, halting = self._by_zone(present, halt)
        self.trace.times_s.append(self.time_s)
        self.trace.queues.append(halting)
        self.present = vehicles, halting
        vehicles, halting = self._faults.seen(vehicles, halting)
        return Readings(
            time_s=self.time_s,
            vehicles=vehicles,
            halting=halting,
            passed=self._passing(),
            phase=self._phase.copy(),
            green_s=np.maximum(self.time_s - self._green_from_s, 0.0),
            walk_calls=self._pressed() if self._crossed else (),
        )

    def travelling(self) -> np.ndarray:
        """Vehicles on the roads to each junction, and those that wait to be let in there, float (junctions,)."""
        count, roads = _libsumo.edge_getLastStepVehicleNumber, self.signals.roads
        found = np.array([sum(map(count, own)) for own in roads], dtype=float)
        if _libsumo.simulation_getPendingVehicles():
            found += [sum(len(_libsumo.edge_getPendingVehicles(edge)) for edge in own) for own in roads]
        return found

    def served(self) -> np.ndarray:
        """Vehicles that left the roads to each junction since this was last asked, float (junctions,)."""
        names = _libsumo.edge_getLastStepVehicleIDs
        here = [set().union(*map(names, own)) for own in self.signals.roads]
        if self._on_roads:
            for now, then, nodes in zip(here, self._on_roads, self.signals.nodes, strict=True):
                now |= {vehicle for vehicle in then - now if _between(vehicle, nodes)}
        before, self._on_roads = self._on_roads or here, here
        return np.array([len(then - now) for then, now in zip(before, here, strict=True)], dtype=float)

    def waiting_s(self) -> np.ndarray:
        """For how long the vehicles that stand in each zone have stood, summed [s], float (zones,)."""
        return self._by_zone(list(map(_libsumo.lane_getWaitingTime, self._lanes)))[0]

    def _loop_file(self) -> list[str]:
        """A file beside the other outputs with a loop 2 m before every stop line, where loops are wanted."""
        if not self._loops:
            return []
        loops = "".join(
            f'<inductionLoop id="{name}" lane="{zone[0][0]}" pos="-2" friendlyPos="true" period="86400" file="NUL"/>'
            for name, zone in zip(self._loops, self.signals.zones, strict=True)
        )
        Path("loops.add.xml").write_text(f"<additional>{loops}</additional>", encoding="utf-8")
        return ["loops.add.xml"]

    def _passing(self) -> np.ndarray:
        """Vehicles over each stop-line loop since the last reading; empty without loops."""
        if not self._loops:
            return self._passed
        before = self._passed
        self._passed = np.array([libsumo.inductionloop.getIntervalVehicleNumber(loop) for loop in self._loops], float)
        return self._passed - before

    def _by_zone(self, *counts: Sequence[float]) -> np.ndarray:
        """Counts of the lanes as counts of the zones, float (kinds, zones)."""
        by_lane = np.array(counts, dtype=float)
        return by_lane if self._shares is None else by_lane @ self._shares.T

    def _pressed(self) -> tuple[frozenset[int], ...]:
        """Crossings for which somebody stands and waits, by junction."""
        return tuple(
            frozenset(link for link, (crossing, areas) in walks.items() if _waits_for(crossing, areas))
            for walks in self.signals.walking_areas
        )

    def close(self) -> None:
        """End the simulation; SUMO writes its output files."""
        libsumo.close()


def _between(vehicle: str, signals: frozenset[str]) -> bool:
    """Whether a vehicle is inside a junction that is none of these."""
    try:
        road: str = libsumo.vehicle.getRoadID(vehicle)
    except libsumo.TraCIException:  # it has arrived
        return False
    return road.startswith(":") and road[1 : road.rindex("_")] not in signals


def _waits_for(crossing: str, areas: Sequence[str]) -> bool:
    return any(
        libsumo.person.getNextEdge(person) == crossing
        for area in areas
        for person in libsumo.edge.getLastStepPersonIDs(area)
    )


def _lanes_of(signals: Signals) -> tuple[list[str], np.ndarray | None]:
    """Lanes to read, and the share of each that every zone sees (zones, lanes); None where zones are whole lanes."""
    whole = [zone[0][0] for zone in signals.zones if len(zone) == 1 and zone[0][1] == 1]
    if len(whole) == len(set(whole)) == len(signals.zones):
        return whole, None
    lanes = sorted({lane for zone in signals.zones for lane, _ in zone})
    place = {lane: i for i, lane in enumerate(lanes)}
    shares = np.zeros((len(signals.zones), len(lanes)))
    for z, zone in enumerate(signals.zones):
        for lane, share in zone:
            shares[z, place[lane]] = share
    return lanes, shares
