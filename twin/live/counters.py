"""Counters of a street: loops where vehicles enter a signalled junction and where they leave it, and the true turns."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.traffic.demand.counts import vehicle_turns
from twin.traffic.networks.files import elements, read_net

MINUTE_S = 60
IN, OUT = "in:", "out:"  # how the sources of a junction's entries and exits are named, before their edge


@dataclass(frozen=True)
class Crossings:
    """The turns at signalled junctions: `allowed` bool (A, X) from approach edges to exit edges.

    `junction` (A,) names each approach's; `entry_lanes` and `exit_lanes` are those of each edge for vehicles.
    """

    approaches: tuple[str, ...]
    exits: tuple[str, ...]
    junction: tuple[str, ...]
    allowed: np.ndarray
    entry_lanes: tuple[tuple[str, ...], ...]
    exit_lanes: tuple[tuple[str, ...], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the counters: entries, then exits."""
        return (*(IN + edge for edge in self.approaches), *(OUT + edge for edge in self.exits))


@functools.lru_cache(maxsize=4)
def crossings_of(net_file: Path) -> Crossings:
    """All turns of cars at a network's signals."""
    net = read_net(net_file)
    lit = {turn: at for turn, at in vehicle_turns(net).items() if net.getNode(at).getType() == "traffic_light"}
    node = {start: at for (start, _), at in lit.items()}
    approaches, exits = sorted(node), sorted({end for _, end in lit})
    allowed = np.array([[(start, end) in lit for end in exits] for start in approaches], dtype=bool)
    lanes = {
        edge: tuple(lane.getID() for lane in net.getEdge(edge).getLanes() if lane.allows("passenger"))
        for edge in {*approaches, *exits}
    }
    return Crossings(
        tuple(approaches), tuple(exits), tuple(node[edge] for edge in approaches),
        allowed.reshape(len(approaches), len(exits)),
        tuple(lanes[edge] for edge in approaches), tuple(lanes[edge] for edge in exits),
    )  # fmt: skip


def loops_xml(crossings: Crossings) -> tuple[str, list[list[str]]]:
    """Loops before every stop line and behind every junction as SUMO's XML, and the loops of each counter."""
    lines: list[str] = []
    by_counter: list[list[str]] = []
    for pos_m, edges in ((-2, crossings.entry_lanes), (2, crossings.exit_lanes)):
        for lanes in edges:
            names = [f"counter.{pos_m}.{lane}" for lane in lanes]
            lines += [
                f'<inductionLoop id="{name}" lane="{lane}" pos="{pos_m}" friendlyPos="true" period="86400" file="NUL"/>'
                for name, lane in zip(names, lanes, strict=True)
            ]
            by_counter.append(names)
    return "".join(lines), by_counter


def turned(vehicle_routes: Path, crossings: Crossings, begin_s: float, minutes: int) -> np.ndarray:
    """Vehicles that really turned, float (minutes, A, X), from SUMO's vehroute output with exit times."""
    place_in = {edge: i for i, edge in enumerate(crossings.approaches)}
    place_out = {edge: i for i, edge in enumerate(crossings.exits)}
    found = np.zeros((minutes, len(place_in), len(place_out)))
    for event, element in elements(vehicle_routes):
        if event != "end" or element.tag != "route" or not element.get("exitTimes"):
            continue
        edges, left_s = str(element.get("edges")).split(), str(element.get("exitTimes")).split()
        for start, end, at in zip(edges, edges[1:], left_s, strict=False):
            minute = int((float(at) - begin_s) // MINUTE_S)
            if float(at) >= begin_s and minute < minutes and start in place_in and end in place_out:
                found[minute, place_in[start], place_out[end]] += 1
    return found
