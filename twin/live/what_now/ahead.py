"""The next minutes in SUMO from an estimated state, in a fresh process: from a warm-up's state, matched, lived on.

The warm-up (`warm.py`) fills the network as the twin's own hour does; then vehicles are taken out of and put into every
camera's view until it holds what was estimated, drawn from the estimate's distribution by the seed. With an event or
without, all up to the event is the same.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import libsumo
import numpy as np

from twin.traffic.signals.baselines import BASELINES, decider
from twin.traffic.simulation.hour import DECISION_S, Hour
from twin.traffic.simulation.sim import TrafficSim
from twin.traffic.simulation.worker import answering, serve

STATE = "state.xml"
HALTING_M_PER_S = 0.1
GAP_M = 2.5
AMBULANCE = "what-now-ambulance"
Pool = dict[str, list[tuple[str, tuple[str, ...]]]]  # by edge: types of vehicles and the rest of their ways from there


def ahead(job: dict[str, Any]) -> dict[str, Any]:
    """Live a job (`question.Ahead`) in the present folder; sums over the time after its first step."""
    Path(STATE).write_text(job["state"], encoding="utf-8")
    job["network"]["options"] += ["--load-state", STATE]
    baseline = BASELINES[job["controller"]]
    lived = Hour.begin(job, baseline, job["settings"].get("decision_s", DECISION_S), measured=False)
    sim, decide = lived.sim, decider(baseline, lived.signals, job["settings"])
    wanted = _drawn(job["present"], np.random.default_rng([job["seed"], 21]))
    usual_off = float(np.abs(sim.present[0] - wanted.sum(axis=1)).mean())
    _match(sim, wanted, _pool(job["ways"]), np.random.default_rng([job["seed"], 22]))
    if job["ambulance"]:
        _send(job["ambulance"])
    sim.step(np.array(job["present"]["phase"], dtype=int))
    off = float(np.abs(sim.present[0] - wanted.sum(axis=1)).mean())
    return {**_sums(sim, decide, lived.end_s), "off_veh": off, "usual_off_veh": usual_off}


def _sums(sim: TrafficSim, decide: Any, end_s: float) -> dict[str, Any]:
    began_s, spent_s, seen, halting = sim.time_s, 0.0, set(), []
    arrives = _Arrival(sim.time_s)
    while sim.time_s < end_s:
        before_s = sim.time_s
        sim.step(decide(sim.readings))
        there = {*libsumo.vehicle.getIDList(), *libsumo.simulation.getPendingVehicles()}
        spent_s += len(there) * (sim.time_s - before_s)
        seen |= there
        halting.append(sim.present[1])
        arrives.see(sim.time_s, sim.decision_s)
    sim.close()
    return {
        "minutes": (end_s - began_s) / 60, "spent_s": spent_s, "vehicles": len(seen),
        "halting": np.mean(halting, axis=0).tolist(), "ambulance_s": arrives.after_s,
    }  # fmt: skip


class _Arrival:
    """When the ambulance is there: `after_s` [s], None while it is not, or where there is none."""

    def __init__(self, began_s: float) -> None:
        self._began_s, self._due_s = began_s, began_s
        self._seen = False
        self.after_s: float | None = None

    def see(self, now_s: float, step_s: float) -> None:
        if AMBULANCE in libsumo.vehicle.getIDList():
            self._seen = True
            edge = libsumo.vehicle.getRoute(AMBULANCE)[-1]
            left_m = libsumo.vehicle.getDrivingDistance(AMBULANCE, edge, libsumo.lane.getLength(f"{edge}_0"))
            self._due_s = now_s + max(left_m, 0.0) / max(libsumo.vehicle.getSpeed(AMBULANCE), 1.0)
        elif self._seen and self.after_s is None:
            self.after_s = min(self._due_s, now_s) - self._began_s + step_s  # it was sent a step before


def _drawn(present: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Halting and moving vehicles (Z, 2), whole, from the estimate's distribution."""
    x = np.maximum(rng.normal(present["mean"], present["sd"]), 0.0)
    return np.floor(x) + (rng.random(x.shape) < x % 1)


def _pool(ways: Sequence[tuple[str, Sequence[str]]]) -> Pool:
    """Types and ways by every edge on them."""
    pool: Pool = {}
    for kind, way in ways:
        for i, edge in enumerate(way):
            pool.setdefault(edge, []).append((kind, tuple(way[i:])))
    return pool


def _match(sim: TrafficSim, wanted: np.ndarray, pool: Pool, rng: np.random.Generator) -> None:
    """Take vehicles out of and put others into each zone until it holds so many (Z, 2) that halt and that move."""
    stay = set(libsumo.vehicle.getIDList())
    just_in = set(libsumo.simulation.getDepartedIDList())  # the events still look at them
    for z, lanes in enumerate(sim.signals.zones):
        own = [lane for lane, share in lanes if share == 1] or [lanes[0][0]]
        there = [vehicle for lane in own for vehicle in reversed(_on(lane, stay))]
        stands = [libsumo.vehicle.getSpeed(vehicle) < HALTING_M_PER_S for vehicle in there]
        for i, standing in enumerate((True, False)):
            same = [v for v, s in zip(there, stands, strict=True) if s == standing]
            for vehicle in same[int(wanted[z, i]) :]:  # from the queue's end
                if vehicle not in just_in and libsumo.vehicle.getVehicleClass(vehicle) != "emergency":
                    libsumo.vehicle.remove(vehicle)
                    stay.remove(vehicle)
            more = int(wanted[z, i]) - len(same)
            _put({lane: _on(lane, stay) for lane in own}, more, standing, pool, rng, f"now.{z}.{i}")


def _on(lane: str, stay: Collection[str]) -> list[str]:
    """Who is on a lane, the last first; SUMO also names those that were taken out since its last step."""
    return [vehicle for vehicle in libsumo.lane.getLastStepVehicleIDs(lane) if vehicle in stay]


def _put(
    lanes: Mapping[str, Sequence[str]], n: int, standing: bool, pool: Pool, rng: np.random.Generator, name: str
) -> None:
    """Put n vehicles into a zone's lanes, from the stop line backwards: behind who is there, or anywhere if moving."""
    for k, (lane, there) in enumerate(lanes.items()):
        edge, number = lane.rsplit("_", 1)
        onward = {link[0].rsplit("_", 1)[0] for link in libsumo.lane.getLinks(lane)}
        ways = [(kind, way) for kind, way in pool.get(edge, ()) if len(way) > 1 and way[1] in onward]
        behind = [libsumo.vehicle.getLanePosition(v) - libsumo.vehicle.getLength(v) - GAP_M for v in there]
        pos_m = min([libsumo.lane.getLength(lane) - 1.0, *(behind if standing else ())])
        while n > 0 and ways and pos_m > 0:
            kind, way = ways[int(rng.integers(len(ways)))]
            vehicle = f"{name}.{k}.{n}"
            libsumo.route.add(vehicle, way)
            libsumo.vehicle.add(
                vehicle, vehicle, kind, departLane=number, departPos=f"{pos_m:.2f}" if standing else "random_free",
                departSpeed="0" if standing else "max",
            )  # fmt: skip
            pos_m -= libsumo.vehicletype.getLength(kind) + GAP_M if standing else 2 * GAP_M
            n -= 1


def _send(edges: Sequence[str]) -> None:
    """Send an ambulance along these edges, the fastest way from one to the next."""
    if "ambulance" not in libsumo.vehicletype.getIDList():
        libsumo.vehicletype.copy("DEFAULT_VEHTYPE", "ambulance")
        libsumo.vehicletype.setVehicleClass("ambulance", "emergency")
    way = [edges[0]]
    for start, end in itertools.pairwise(edges):
        way += libsumo.simulation.findRoute(start, end, "ambulance").edges[1:]
    libsumo.route.add(AMBULANCE, way)
    libsumo.vehicle.add(AMBULANCE, AMBULANCE, "ambulance", departLane="best", departSpeed="max")


if __name__ == "__main__":
    sys.exit(serve(answering(ahead)))
