"""A window of a street under the controller in charge, with a candidate in its shadow or taking over on the way.

A process of its own, as every simulation. A candidate in the shadow is asked with the same readings, at the same
decisions, and changes nothing; what both guards would make of its answer is asked of a copy of each guard.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from controllers.bundle import load
from controllers.policy import readings_as_json
from controllers.rules import Readings
from twin.traffic.signals.baselines import BASELINES, decider
from twin.traffic.signals.plans import Signals
from twin.traffic.simulation.batch import Job, Progress, simulate
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.hour import Hour, with_programmes
from twin.traffic.simulation.sim import TrafficSim
from twin.traffic.simulation.worker import answering, serve
from twin.traffic.studies.evaluate import hour

MEASURES = ("vehicles", "delay_s", "delay_p95_s", "queue_mean_veh", "not_inserted")
SEEN = ("vehicles", "halting", "passed")
Priority = Sequence[int | None]
Deciding = Callable[[Readings, Priority], np.ndarray]


@dataclass(frozen=True)
class Window(Job):
    """A job under `in_charge`; `candidate` is in its shadow, or takes over `takes_over_s` after the begin."""

    in_charge: Mapping[str, Any] = field(default_factory=dict)
    candidate: Mapping[str, Any] | None = None
    takes_over_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What the street's process is told."""
        own = {"in_charge": self.in_charge, "candidate": self.candidate, "takes_over_s": self.takes_over_s}
        return {**super().as_json(), **own}

    def digest(self) -> str:
        """SHA-256 over all that the answer depends on."""
        return hashlib.sha256(f"{super().digest()} {_own_code()}".encode()).hexdigest()


@functools.cache
def _own_code() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def window(
    network: str, in_charge: Mapping[str, Any], seed: int, duration_s: int, scale: float,
    motorcycle_share: float | None, detectors: DetectorOptions, candidate: Mapping[str, Any] | None = None,
    takes_over_s: float | None = None, options: Sequence[str] = (),
) -> Window:  # fmt: skip
    """The first `duration_s` of an hour of a network, its demand drawn by `seed` and scaled; `options` are SUMO's."""
    controller, settings = in_charge["controller"], in_charge["settings"]
    companion = controller if controller != "webster" else "max_pressure"  # its programmes are given already
    job = hour(
        network, companion, settings, seed, duration_s=duration_s, scale=scale, motorcycle_share=motorcycle_share,
        detectors=detectors.model_copy(update={"loops": True}),
    )  # fmt: skip
    streets = replace(job.network, options=(*job.network.options, *options))
    own = {"controller": controller, "programmes": in_charge["programmes"], "network": streets}
    return Window(**{**vars(job), **own}, in_charge=in_charge, candidate=candidate, takes_over_s=takes_over_s)


def lived(windows: Sequence[Window], progress: Progress | None = None) -> list[dict[str, Any]]:
    """Each window's `measures`, what was `seen` by zone (mean of the readings, None where never), and `rows`.

    `vehicles` and `halting` are a camera's [veh], `passed` what the stop-line loops counted [veh/h].
    """
    return simulate(windows, progress, worker="twin.live.shadow.street")


def deciding(told: Mapping[str, Any], signals: Signals) -> Deciding:
    """The decisions of a policy, `decide(readings, priority)`: int (J,)."""
    if told["bundle"]:
        runner = load(Path(told["bundle"])).runner
        return lambda readings, priority: runner.decide(readings, list(priority))
    decide = decider(BASELINES[told["controller"]], with_programmes(signals, told["programmes"]), told["settings"])
    return lambda readings, _: decide(readings)


def live(job: dict[str, Any]) -> dict[str, Any]:
    """Live a window in the present folder."""
    own, other = job["in_charge"], job["candidate"]
    one = Hour.begin(job, BASELINES[job["controller"]], own["decision_s"])
    sim, decide = one.sim, deciding(own, one.signals)
    candidate = deciding(other, one.signals) if other is not None else None
    takes_over_s = np.inf if job["takes_over_s"] is None else sim.time_s + job["takes_over_s"]
    due_s, seen, rows = sim.time_s, list[tuple[np.ndarray, ...]](), list[dict[str, Any]]()
    while sim.time_s < one.end_s:
        if candidate is not None and sim.time_s >= takes_over_s:
            decide, candidate, sim.decision_s = candidate, None, other["decision_s"]
        wanted = decide(sim.readings, sim.priority)
        if candidate is not None and takes_over_s == np.inf and sim.time_s >= due_s - 1e-9:
            due_s = sim.time_s + other["decision_s"]
            rows.append(_row(sim, wanted, candidate(sim.readings, sim.priority)))
        sim.step(wanted)
        passed_veh_per_h = 3600 / sim.decision_s * sim.readings.passed
        seen.append((sim.readings.vehicles, sim.readings.halting, passed_veh_per_h))
    sim.close()
    measures = one.measures()
    return {
        "measures": {name: measures[name] for name in MEASURES},
        "seen": {name: means(np.array(one)) for name, one in zip(SEEN, zip(*seen, strict=True), strict=True)},
        "rows": rows,
    }


def _row(sim: TrafficSim, wanted: np.ndarray, proposed: np.ndarray) -> dict[str, Any]:
    """A decision of both: what they saw, wanted, and where a copy of each guard would take the lamps at once."""
    return {
        "at_s": sim.time_s,
        "readings": readings_as_json(sim.readings, sim.priority),
        "wanted": wanted.tolist(),
        "proposed": proposed.tolist(),
        "wanted_next": _next(sim, wanted),
        "proposed_next": _next(sim, proposed),
    }


def _next(sim: TrafficSim, wanted: np.ndarray) -> list[int]:
    found = []
    for j, guard in enumerate(sim.guards):
        asked, green_s = guard.copy(), float(sim.readings.green_s[j])
        asked.admit(int(wanted[j]), max(0.0, green_s - asked.green_s) if not asked.changing else 0.0)
        found.append(asked.target)
    return found


def means(counts: np.ndarray) -> list[float | None]:
    """Mean of what was reported in each column of (n, zones); None where nothing ever was."""
    n = (~np.isnan(counts)).sum(axis=0)
    sums = np.nansum(counts, axis=0)
    return [float(s / k) if k else None for s, k in zip(sums, n, strict=True)]


if __name__ == "__main__":
    sys.exit(serve(answering(live)))
