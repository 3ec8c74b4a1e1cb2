"""What every question begins with: a network filled as in the twin's own hour, lived once a seed and kept.

SUMO's state after the warm-up, with its random numbers', and the ways of all who were under way: what a camera's view
is filled up with is drawn from them.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.traffic.simulation.batch import Job, Progress, simulate
from twin.traffic.simulation.worker import answering, serve
from twin.traffic.studies.evaluate import hour, settings_for

CONTROLLER = "max_pressure"
WARM_S = 180  # until the roads that no camera sees are about as full as usual
STATE = "state.xml"
SAVED = ("--save-state.rng", "--save-state.transportables", "--save-state.precision", "8")


@dataclass(frozen=True)
class WarmUp(Job):
    """A job whose end is a state to begin from."""

    def digest(self) -> str:
        """SHA-256 over all that the answer depends on."""
        return hashlib.sha256(f"{super().digest()} {_own_code()}".encode()).hexdigest()


@functools.cache
def _own_code() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def warm_ups(network: str, scale: float, seeds: Sequence[int]) -> list[WarmUp]:
    """A network's warm-up for each seed, its demand scaled to a tenth: few are ever kept of a seed."""
    settings = settings_for(network, CONTROLLER)
    jobs = [hour(network, CONTROLLER, settings, seed, duration_s=WARM_S) for seed in seeds]
    return [WarmUp(**{**vars(job), "scale": round(scale, 1)}) for job in jobs]


def warmed(jobs: Sequence[WarmUp], progress: Progress | None = None) -> list[dict[str, Any]]:
    """For each: `state` (SUMO's, XML) and `ways` (type, edges) of everybody who was under way. Raises NetworkError."""
    return simulate(jobs, progress, worker="twin.live.what_now.warm")


def _warm(job: dict[str, Any]) -> dict[str, Any]:
    """Live a warm-up in the present folder."""
    job["network"]["options"] += [*SAVED, "--route-steps", str(job["duration_s"])]  # whoever comes later is not in it
    baseline = BASELINES[job["controller"]]
    lived = Hour.begin(job, baseline, job["settings"].get("decision_s", DECISION_S), measured=False)
    sim, decide = lived.sim, decider(baseline, lived.signals, job["settings"])
    ways: dict[str, tuple[str, Sequence[str]]] = {}
    while sim.time_s < lived.end_s:
        sim.step(decide(sim.readings))
        for vehicle in libsumo.vehicle.getIDList():
            if vehicle not in ways and libsumo.vehicle.getVehicleClass(vehicle) != "emergency":
                ways[vehicle] = (libsumo.vehicle.getTypeID(vehicle), libsumo.vehicle.getRoute(vehicle))
    known = set(libsumo.route.getIDList())  # not those of whoever drives as a copy did, by scale, that has arrived
    for vehicle in libsumo.vehicle.getIDList():
        if (route := libsumo.vehicle.getRouteID(vehicle)) not in known:
            known.add(route)
            libsumo.route.add(route, libsumo.vehicle.getRoute(vehicle))
    libsumo.simulation.saveState(STATE)
    sim.close()
    _, tag, told = Path(STATE).read_text(encoding="utf-8").partition("<snapshot")  # before it stands the time of day
    return {"state": tag + told, "ways": list(ways.values())}


if __name__ == "__main__":
    import libsumo

    from twin.traffic.signals.baselines import BASELINES, decider
    from twin.traffic.simulation.hour import DECISION_S, Hour

    sys.exit(serve(answering(_warm)))
