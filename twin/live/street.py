"""The city of the demo: an hour in SUMO, told as its detectors saw it, with the truth beside it for scoring."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import NetworkError
from twin.traffic.simulation.worker import answering, serve
from twin.traffic.studies.evaluate import hour, settings_for


@dataclass(frozen=True)
class Lived:
    """Seconds since the hour's begin (n,); vehicles and halting really in each zone (n, zones); phases (n, signals).

    `passed` (n, zones) is what loops at stop lines counted, where there are any; `counted` (minutes, counters) is by
    the counters named. What really happened: `turned` (minutes, A, X) vehicles by approach and exit, `travel_s` (5
    minutes, roads) mean travel time of the watched roads, NaN where nobody drove.
    """

    at_s: np.ndarray
    vehicles: np.ndarray
    halting: np.ndarray
    phase: np.ndarray
    passed: np.ndarray | None = None
    counters: tuple[str, ...] = ()
    counted: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    turned: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    travel_s: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))


def live_hour(
    network: str, seed: int, duration_s: int, scale: float = 1.0, controller: str = "max_pressure",
    loops: bool = False, settings: Mapping[str, float] | None = None, day_type: str = "weekday",
) -> Lived:  # fmt: skip
    """Live the first `duration_s` of an hour of a network in a fresh process; the same arguments give the same bits.

    `settings` are the controller's, in place of the network's tuned ones. Raises NetworkError with SUMO's message.
    """
    from twin.hil.run import ended, started  # the street itself does without

    chosen = settings_for(network, controller) | dict(settings or {})
    job = hour(network, controller, chosen, seed, day_type=day_type, scale=scale, duration_s=duration_s)
    job = replace(job, detectors=job.detectors.model_copy(update={"loops": loops}))
    with tempfile.TemporaryDirectory(prefix="twin-live-", ignore_cleanup_errors=True) as folder:
        street = started([sys.executable, "-W", "ignore", "-m", "twin.live.street"], talks=True)
        try:
            answer, _ = street.communicate(json.dumps({**job.as_json(), "folder": folder}).encode() + b"\n")
        finally:
            ended(street, signal.SIGKILL)
    if not answer:
        raise NetworkError(f"{network}: the street's process ended before it answered")
    told = json.loads(answer.splitlines()[0])
    if "error" in told:
        raise NetworkError(f"{network}: {told['error']}")
    counters = tuple(told.pop("counters"))
    return Lived(**{name: np.array(values, dtype=float) for name, values in told.items()}, counters=counters)


def _told(job: dict[str, Any]) -> dict[str, Any]:
    net, begin_s = Path(job["network"]["net_file"]), float(job["network"]["begin_s"])
    crossings = crossings_of(net)
    loops, by_counter = loops_xml(crossings)
    roads = f'<edgeData id="roads" begin="{begin_s}" freq="{INTERVAL_S}" file="roads.xml"/>'
    Path("street.add.xml").write_text(f"<additional>{loops}{roads}</additional>", encoding="utf-8")
    job["network"]["additional_files"].append(str(Path("street.add.xml").absolute()))
    job["network"]["options"] += ROUTES
    baseline = BASELINES[job["controller"]]
    lived = Hour.begin(job, baseline, job["settings"].get("decision_s", 5.0), measured=False)
    decide, sim = decider(baseline, lived.signals, job["settings"]), lived.sim
    told: dict[str, list[Any]] = {"at_s": [], "vehicles": [], "halting": [], "phase": [], "counted": []}
    if sim.detectors.loops:
        told["passed"] = []
    before = np.zeros(len(by_counter))
    while sim.time_s < lived.end_s:
        sim.step(decide(sim.readings))
        vehicles, halting = sim.present
        for name, value in (("vehicles", vehicles), ("halting", halting), ("phase", sim.readings.phase)):
            told[name].append(value.tolist())
        if "passed" in told:
            told["passed"].append(sim.readings.passed.tolist())
        told["at_s"].append(sim.time_s - begin_s)
        if told["at_s"][-1] % MINUTE_S == 0:
            count = libsumo.inductionloop.getIntervalVehicleNumber
            passed = np.array([sum(map(count, names)) for names in by_counter], dtype=float)
            told["counted"].append((passed - before).tolist())
            before = passed
    sim.close()
    watched = [road for road in roads_of(net) if road.watched]
    return {
        **told,
        "counters": crossings.sources,
        "turned": turned(Path("vehicles.xml"), crossings, begin_s, len(told["counted"])).tolist(),
        "travel_s": travel_times(Path("roads.xml"), watched, int(told["at_s"][-1] // INTERVAL_S)).tolist(),
    }


if __name__ == "__main__":
    import libsumo

    from twin.live.counters import MINUTE_S, crossings_of, loops_xml, turned
    from twin.traffic.forecast.days import INTERVAL_S
    from twin.traffic.networks.roads import roads_of, travel_times
    from twin.traffic.signals.baselines import BASELINES, decider
    from twin.traffic.simulation.hour import Hour

    ROUTES = [
        "--vehroute-output", "vehicles.xml", "--vehroute-output.exit-times", "--vehroute-output.write-unfinished",
    ]  # fmt: skip

    sys.exit(serve(answering(_told)))
