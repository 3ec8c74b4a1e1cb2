"""The city of the demo: an hour in SUMO, told as its detectors saw it, with the truth beside it for scoring."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twin.errors import NetworkError
from twin.traffic.folders import ROOT, process_environment
from twin.traffic.simulation.worker import answer, fault_of, serve
from twin.traffic.studies.evaluate import hour, settings_for


@dataclass(frozen=True)
class Lived:
    """Seconds since the hour's begin (n,); vehicles and halting really in each zone (n, zones); phases (n, signals).

    `passed` (n, zones) is what loops at the stop lines counted, where there are any.
    """

    at_s: np.ndarray
    vehicles: np.ndarray
    halting: np.ndarray
    phase: np.ndarray
    passed: np.ndarray | None = None


def live_hour(
    network: str, seed: int, duration_s: int, scale: float = 1.0, controller: str = "max_pressure",
    loops: bool = False, settings: Mapping[str, float] | None = None,
) -> Lived:  # fmt: skip
    """Live the first `duration_s` of an hour of a network in a fresh process; the same arguments give the same bits.

    `settings` are the controller's, in place of the network's tuned ones. Raises NetworkError with SUMO's message.
    """
    chosen = settings_for(network, controller) | dict(settings or {})
    job = hour(network, controller, chosen, seed, scale=scale, duration_s=duration_s)
    job = replace(job, detectors=job.detectors.model_copy(update={"loops": loops}))
    with tempfile.TemporaryDirectory(prefix="twin-live-", ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "twin.live.street"], cwd=ROOT, env=process_environment(),
            input=json.dumps({**job.as_json(), "folder": folder}) + "\n", capture_output=True, text=True, check=False,
        )  # fmt: skip
    if not done.stdout:
        raise NetworkError(f"{network}: the street's process ended before it answered")
    told = json.loads(done.stdout.splitlines()[0])
    if "error" in told:
        raise NetworkError(f"{network}: {told['error']}")
    return Lived(**{name: np.array(values, dtype=float) for name, values in told.items()})


def _live(job: dict[str, Any], answers: int) -> None:
    try:
        answer(answers, _told(job))
    except Exception as error:
        answer(answers, {"error": fault_of(error)})


def _told(job: dict[str, Any]) -> dict[str, Any]:
    baseline = BASELINES[job["controller"]]
    lived = Hour.begin(job, baseline, job["settings"].get("decision_s", 5.0), measured=False)
    decide, sim = decider(baseline, lived.signals, job["settings"]), lived.sim
    told: dict[str, list[Any]] = {"at_s": [], "vehicles": [], "halting": [], "phase": []}
    if sim.detectors.loops:
        told["passed"] = []
    while sim.time_s < lived.end_s:
        sim.step(decide(sim.readings))
        vehicles, halting = sim.present
        for name, value in (("vehicles", vehicles), ("halting", halting), ("phase", sim.readings.phase)):
            told[name].append(value.tolist())
        if "passed" in told:
            told["passed"].append(sim.readings.passed.tolist())
        told["at_s"].append(sim.time_s - lived.network.begin_s)
    sim.close()
    return told


if __name__ == "__main__":
    from twin.traffic.signals.baselines import BASELINES, decider
    from twin.traffic.simulation.hour import Hour

    sys.exit(serve(_live))
