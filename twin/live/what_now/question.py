"""A question about the next minutes: what is asked is checked, lived with and without it by seed, and compared."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from twin.compare import interval
from twin.errors import FaultsError
from twin.live.day import heard, moment_of, readings
from twin.live.estimate.believed import believed_hour
from twin.live.store import ZONE
from twin.live.trust import trusted_of
from twin.live.what_now.present import Present, present, rim
from twin.live.what_now.warm import WarmUp, warm_ups, warmed
from twin.scenario import nearest
from twin.traffic.networks.files import Network, read_net
from twin.traffic.networks.roads import roads_of
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.simulation.batch import Job, live
from twin.traffic.simulation.events import Closure, EventOptions, Outage, check
from twin.traffic.studies.evaluate import detectors_for, network_for

WORST = 3  # approaches that are named
# SUMO checks a route before the way round a closed lane is looked for
MORE = ("--ignore-route-errors",)


@dataclass(frozen=True)
class Question:
    """What happens: lanes that close, junctions that go dark, edges that an ambulance is to pass with priority."""

    close: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()
    ambulance: tuple[str, ...] = ()

    def events(self, from_s: int, until_s: int) -> EventOptions:
        """As a simulation takes them [s after its begin]."""
        return EventOptions(
            closures=tuple(Closure(lane=lane, from_s=from_s, until_s=until_s) for lane in self.close),
            outages=tuple(Outage(junction=name, from_s=from_s, until_s=until_s) for name in self.dark),
            emergency_priority=bool(self.ambulance),
        )


def checked(question: Question, network: Network, signals: Signals) -> None:
    """Raise FaultsError with all that there is not in the network, and the nearest that there is."""
    faults: list[str] = []
    if not (question.close or question.dark or question.ambulance):
        faults.append("nothing is asked; --close LANE, --dark JUNCTION or --ambulance ROAD,ROAD says what happens")
    try:
        check(question.events(0, 1), signals.plans, network)
    except FaultsError as error:
        faults += [fault.replace("closures:", "--close:").replace("outages:", "--dark:") for fault in error.faults]
    net = read_net(network.net_file)
    roads = [edge.getID() for edge in net.getEdges() if edge.allows("passenger")]
    unknown = [road for road in question.ambulance if road not in roads]
    faults += [f"--ambulance: no road {road!r}; {nearest(road, roads)}" for road in unknown]
    if len(question.ambulance) == 1:
        faults.append("--ambulance: a route is two roads or more, such as FROM,TO")
    if not unknown:
        for start, end in itertools.pairwise(question.ambulance):
            if net.getShortestPath(net.getEdge(start), net.getEdge(end))[0] is None:
                faults.append(f"--ambulance: no way leads from {start} to {end}")
    if faults:
        raise FaultsError("what-now", faults)


def answered(
    day: Path, question: Question, network: str, clock: str | None, minutes: int, seeds: Sequence[int],
    progress: Callable[..., None] = lambda *_: None, distrusted: Sequence[str] = (), trust_all: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What the question's event would do in the next minutes, from the state of a live day at a moment.

    Paired by seed: a seed draws the present state from its estimate and the coming demand, and the event is the only
    difference. Sensors that are not believed (`twin.live.trust`) and the `distrusted` are left out. Raises FaultsError
    for what is asked, LiveError for the day, NetworkError with SUMO's message.
    """
    located, _ = network_for(network, seeds[0])
    signals = signals_of(located.net_file, detectors_for(network).camera_range_m)
    checked(question, located, signals)
    table, left_out = trusted_of(readings(day), day, distrusted, trust_all)
    at_s = moment_of(table, clock)
    progress(0, 1, "(the usual hour, lived on first use)")
    believed = believed_hour(network)
    roads = roads_of(located.net_file)
    fed = {name for road in roads for name in road.onward}
    entries = rim(believed.counters, {road.edges[-1] for road in roads if road.name not in fed})
    now = present(believed, heard(table, believed, at_s), signals, entries, at_s)
    warm = warm_ups(network, now.demand_scale, seeds)
    states = warmed(warm, lambda done, n: progress(done, n, "(warm-ups, kept for the next question)"))
    asked = jobs(question, signals, now, minutes, warm, states)
    answers = live(asked, progress, worker="twin.live.what_now.ahead")
    return {**told(question, signals, now, list(zip(answers[::2], answers[1::2], strict=True))), "left_out": left_out}


@dataclass(frozen=True)
class Ahead(Job):
    """The next minutes from a warm-up's state, once it holds the present one; `ambulance` are the edges of its way."""

    warm: Mapping[str, Any] = field(default_factory=dict)
    present: Mapping[str, Any] = field(default_factory=dict)
    ambulance: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What the process that lives it is told."""
        return {**super().as_json(), **self.warm, "present": self.present, "ambulance": self.ambulance}


def jobs(
    question: Question, signals: Signals, now: Present, minutes: int, warm: Sequence[WarmUp],
    states: Sequence[Mapping[str, Any]],
) -> list[Ahead]:  # fmt: skip
    """What to live from each warm-up's state: without the event, then with it."""
    told = {"mean": now.mean.tolist(), "sd": now.sd.tolist(), "phase": now.phase.tolist()}
    begin_with = {
        plan.name: {"steps": [[int(phase) if phase < len(plan.phases) else 0, plan.max_green_s]], "offset_s": 0.0}
        for plan, phase in zip(signals.plans, now.phase, strict=True)
    }
    found = []
    for job, state in zip(warm, states, strict=True):
        from_s = math.ceil(job.settings["decision_s"])  # the present state is made in a step
        until_s = from_s + 60 * minutes
        begin_s = job.network.begin_s + job.duration_s
        network = replace(job.network, begin_s=begin_s, end_s=begin_s + until_s, options=(*job.network.options, *MORE))
        own = {"network": network, "duration_s": until_s, "programmes": begin_with, "scale": now.demand_scale}
        one = Ahead(**{**vars(job), **own}, warm=state, present=told, ambulance=question.ambulance)
        found += [one, replace(one, events=question.events(from_s, until_s))]
    return found


def told(
    question: Question, signals: Signals, now: Present, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]
) -> dict[str, Any]:
    """Means without and with the event, and the mean paired difference with its Student 95 % interval.

    Time in the network is summed over who is there or waits to be let in, and told for a vehicle of the run without.
    """
    figures = [
        _figure("time in the network a vehicle", "s", [[a["spent_s"] / a["vehicles"], b["spent_s"] / a["vehicles"]]
                                                     for a, b in pairs]),
        _figure("halting vehicles", "veh", [[sum(one["halting"]) for one in pair] for pair in pairs]),
    ]  # fmt: skip
    if question.ambulance:
        arrived = [[one["ambulance_s"] for one in pair] for pair in pairs]
        there = [times for times in arrived if None not in times]
        figures += [_figure("ambulance's travel time", "s", there)] if there else []
    halting = np.array([[one["halting"] for one in pair] for pair in pairs])
    more = halting[:, 1] - halting[:, 0]
    worst = np.argsort(-more.mean(axis=0))[:WORST]
    return {
        "at": datetime.fromtimestamp(now.at_s, ZONE).isoformat(),
        "minutes": pairs[0][0]["minutes"],
        "seeds": len(pairs),
        "asked": {name: list(value) for name, value in vars(question).items() if value},
        "figures": figures,
        "worst_lanes": [
            {"lane": signals.zones[z][0][0], **_difference("halting vehicles", "veh", more[:, z])} for z in worst
        ],
        "present": {
            "demand_scale": now.demand_scale,
            "silent_cameras_percent": now.silent_percent,
            "halting_veh": float(now.mean[:, 0].sum()),
            "halting_sd_veh": float(np.sqrt((now.sd[:, 0] ** 2).sum())),
            "off_veh": float(np.mean([one["off_veh"] for pair in pairs for one in pair])),
            "usual_off_veh": float(np.mean([one["usual_off_veh"] for pair in pairs for one in pair])),
        },
        **({"ambulances_still_under_way": sum(None in times for times in arrived)} if question.ambulance else {}),
    }


def _figure(name: str, unit: str, pairs: Sequence[Sequence[float]]) -> dict[str, Any]:
    without, with_event = np.array(pairs, dtype=float).T
    means = {"without": float(without.mean()), "with": float(with_event.mean())}
    return {**_difference(name, unit, with_event - without), **means}


def _difference(name: str, unit: str, differences: np.ndarray) -> dict[str, Any]:
    mean = interval([float(one) for one in differences])
    return {"figure": name, "unit": unit, "difference": mean.mean, "half_width": mean.half_width}
