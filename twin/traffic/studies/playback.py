"""An hour of a run simulated again, with where every vehicle was: for animations and time-space diagrams.

SUMO's result can depend on the layout of a process's memory, and this one also asks where vehicles are; so the delay of
the hour played is told beside the run's own, and who watches sees whether it is the same hour to the bit.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from twin import cache
from twin.errors import NetworkError, RunError
from twin.files import cache_folder
from twin.provenance import ROOT, code_digest
from twin.run import Run
from twin.traffic.networks.files import read_net

EVERY_S = 10.0
Corridor = list[tuple[str, float, float]]  # edge, where it begins along the way [m], its length [m]


def play(run: Run, network: str, month: str, controller: str) -> dict[str, Any]:
    """Frames of the hour that a run lived on a network in a month under a controller; kept in the cache.

    `frames` is a list of {"at_s", "vehicles": [[number, x_m, y_m, speed_m_s, way_m]], "queues": [veh by lane of
    `lanes`]}; `way_m` is the distance along the corridor, None off it. `greens` has [way_m, from_s, until_s] of every
    green on the corridor. PLN's outages of that month are not played again.
    Raises RunError where the run has no such hour, and NetworkError with SUMO's message.
    """
    job, delay_s = job_of(run, network, month, controller)
    key = hashlib.sha256(json.dumps([job, EVERY_S, code_digest()], sort_keys=True).encode()).hexdigest()[:16]
    place = cache_folder() / "playback" / f"{key}.json"
    found: dict[str, Any] = cache.kept(place, lambda: _simulated(job))
    return {**found, "stored_delay_s": delay_s, "identical": found["delay_s"] == delay_s}


def job_of(run: Run, network: str, month: str, controller: str) -> tuple[dict[str, Any], float]:
    """The job that made a row of `traffic_hour`, as JSON, and the delay that it had [s]."""
    from twin.traffic.studies.evaluate import hour, settings_for

    rows, options = run.table("traffic_hour"), run.scenario.traffic
    row = rows[(rows.network == network) & (rows.month == month) & (rows.controller == controller)]
    if row.empty or options is None:
        raise RunError(f"{run.path}: has no hour of {network} under {controller} in {month} in its table traffic_hour")
    one = row.iloc[0]
    job = hour(
        network, controller, settings_for(network, controller), int(one.sumo_seed), day_type=options.day_type,
        scale=float(one.demand_scale), motorcycle_share=options.motorcycle_share, detectors=options.detectors,
        duration_s=options.hour_s, events=options.events, trace=True,
    )  # fmt: skip
    return job.as_json(), float(one.delay_s)


def _simulated(job: dict[str, Any]) -> dict[str, Any]:
    """The job in a process of its own: libsumo holds one simulation a process."""
    with tempfile.TemporaryDirectory(prefix="twin-playback-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "twin.traffic.studies.playback"], input=json.dumps({**job, "folder": folder}) + "\n",
            capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
    if not done.stdout:
        raise NetworkError(f"{job['network']['name']}: the simulation's process ended before it answered")
    answer: dict[str, Any] = json.loads(done.stdout)
    if error := answer.get("error"):
        raise NetworkError(f"{job['network']['name']}: {error}")
    return answer


def live(job: dict[str, Any]) -> dict[str, Any]:
    """Simulate a job in the present folder and look at every vehicle every `EVERY_S` seconds."""
    from twin.traffic.simulation.hour import Hour
    from twin.traffic.simulation.hour import live as live_hour

    net = read_net(Path(job["network"]["net_file"]))
    corridor = corridor_of(net)
    begins = {edge: begin for edge, begin, _ in corridor}
    begin_s = job["network"]["begin_s"]
    frames: list[dict[str, Any]] = []
    lanes: list[str] = []
    numbers: dict[str, int] = {}

    def watch(hour: Hour) -> None:
        at_s = hour.sim.time_s - begin_s
        if frames and at_s - frames[-1]["at_s"] < EVERY_S - 1e-9:
            return
        lanes[:] = [zone[0][0] for zone in hour.signals.zones]
        frames.append(
            {
                "at_s": at_s,
                "vehicles": _vehicles(begins, numbers),
                "queues": np.asarray(hour.sim.trace.queues[-1]).tolist(),
            }
        )

    told = live_hour(job, watch)
    end_s = begin_s + job["duration_s"]
    return {"delay_s": told["measures"]["delay_s"], "frames": frames, "lanes": lanes, "corridor": corridor,
            "greens": greens_of(net, corridor, told["lamps"], begin_s, end_s)}  # fmt: skip


def _vehicles(begins: dict[str, float], numbers: dict[str, int]) -> list[list[float | None]]:
    import libsumo

    found: list[list[float | None]] = []
    for name in libsumo.vehicle.getIDList():
        x, y = libsumo.vehicle.getPosition(name)
        edge = libsumo.vehicle.getRoadID(name)
        way = round(begins[edge] + libsumo.vehicle.getLanePosition(name), 1) if edge in begins else None
        number = numbers.setdefault(name, len(numbers))
        found.append([number, round(x, 1), round(y, 1), round(libsumo.vehicle.getSpeed(name), 1), way])
    return found


def corridor_of(net: Any) -> Corridor:
    """The way over the most signals of a network, none twice, and of these the longest; each edge with its begin."""
    signals = [node for node in net.getNodes() if node.getType() == "traffic_light"]
    ends = [(edge, last) for node in signals for edge in node.getIncoming() for last in _leaving(signals)]
    best: tuple[tuple[int, float], list[Any]] = ((0, 0.0), [])
    for edge, last in ends:
        way, length = net.getShortestPath(edge, last)
        if way is None or len({one.getToNode().getID() for one in way}) < len(way):
            continue
        rank = (sum(one.getToNode() in signals for one in way), length)
        if rank > best[0]:
            best = rank, list(way)
    found, at = [], 0.0
    for edge in best[1]:
        found.append((edge.getID(), at, edge.getLength()))
        at += edge.getLength()
    return found


def _leaving(signals: list[Any]) -> list[Any]:
    return [edge for node in signals for edge in node.getOutgoing()]


def greens_of(
    net: Any, corridor: Corridor, lamps: list[tuple[float, str, str]], begin_s: float, end_s: float
) -> list[list[float]]:
    """Greens on the corridor: [distance of the stop line (m), from (s), until (s)] after the hour's begin."""
    found = []
    for (edge, begin, length), (following, _, _) in pairwise(corridor):
        for signal in net.getTrafficLights():
            links = [
                number for into, out, number in signal.getConnections()
                if into.getEdge().getID() == edge and out.getEdge().getID() == following
            ]  # fmt: skip
            if not links:
                continue
            shown = [(t, state) for t, name, state in lamps if name == signal.getID()]
            for (t, state), (until, _) in zip(shown, [*shown[1:], (end_s, "")], strict=True):
                if state[links[0]] in "gG":
                    found.append([round(begin + length, 1), t - begin_s, until - begin_s])
    return found


if __name__ == "__main__":
    from twin.traffic.simulation.worker import answering, serve

    sys.exit(serve(answering(live)))
