"""Roads as a driver names them: from one junction to the next, however many edges that is in SUMO."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from controllers.rules import Readings
from twin.traffic.networks.files import elements, read_net
from twin.traffic.signals.plans import Signals

SIGNS = ("vehicles", "halting", "passed")  # what detectors tell of a road in an interval, see RoadWatch


@dataclass(frozen=True)
class Road:
    """A chain of edges without a choice on the way; it carries the name of the last one, the camera's.

    `start` and `end` are nodes, `title` a street's name or "start – end". `watched`: it ends at a signal, so detectors
    see it. `edge_free_flow_s`: length over speed limit of each edge; `onward`: roads that one may turn into.
    """

    name: str
    edges: tuple[str, ...]
    start: str
    end: str
    title: str
    length_m: float
    edge_free_flow_s: tuple[float, ...]
    watched: bool
    onward: tuple[str, ...]

    @property
    def free_flow_s(self) -> float:
        """Travel time at the speed limit [s]."""
        return sum(self.edge_free_flow_s)


@functools.lru_cache(maxsize=4)
def roads_of(net_file: Path) -> tuple[Road, ...]:
    """All roads of a network on which cars may drive, in the order of their names."""
    net = read_net(net_file)
    edges = [e for e in net.getEdges(withInternal=False) if e.allows("passenger")]
    following = {e.getID(): _onward(e, e.getOutgoing()) for e in edges}
    before = {e.getID(): _onward(e, e.getIncoming()) for e in edges}

    def carries_on(edge: Any) -> Any:
        """The one edge that must follow, if there is no choice and no signal."""
        after = following[edge.getID()]
        sole = len(after) == 1 and len(before[after[0].getID()]) == 1
        return after[0] if sole and edge.getToNode().getType() != "traffic_light" else None

    continued = {nxt.getID() for edge in edges if (nxt := carries_on(edge)) is not None}
    chains = []
    for edge in edges:
        if edge.getID() not in continued:
            chains.append([edge])
            while (nxt := carries_on(chains[-1][-1])) is not None:
                chains[-1].append(nxt)
    named = {chain[0].getID(): chain[-1].getID() for chain in chains}
    roads = [_road(chain, [named[e.getID()] for e in following[chain[-1].getID()]]) for chain in chains]
    return tuple(sorted(roads, key=lambda road: road.name))


def _onward(edge: Any, connected: Any) -> list[Any]:
    """Edges connected to this one for cars, without turning round."""
    back = (edge.getToNode(), edge.getFromNode())
    return sorted(
        (e for e in connected if e.allows("passenger") and (e.getFromNode(), e.getToNode()) != back),
        key=lambda e: str(e.getID()),
    )


def _road(chain: list[Any], onward: list[str]) -> Road:
    start, end = chain[0].getFromNode().getID(), chain[-1].getToNode()
    street = next((name for e in chain if (name := e.getName())), "")
    return Road(
        name=chain[-1].getID(),
        edges=tuple(e.getID() for e in chain),
        start=start,
        end=end.getID(),
        title=street or f"{start} – {end.getID()}",
        length_m=round(sum(e.getLength() for e in chain), 1),
        edge_free_flow_s=tuple(e.getLength() / e.getSpeed() for e in chain),
        watched=end.getType() == "traffic_light",
        onward=tuple(onward),
    )


def upstream(roads: Sequence[Road]) -> np.ndarray:
    """Weights (roads, roads) [-]: row r shares 1 equally among the roads that lead into r; all 0 if none does."""
    place = {road.name: r for r, road in enumerate(roads)}
    weights = np.zeros((len(roads), len(roads)))
    for f, road in enumerate(roads):
        for name in road.onward:
            if name in place:
                weights[place[name], f] = 1.0
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)


def way_around(roads: Sequence[Road], travel_s: np.ndarray, r: int) -> tuple[list[str], float] | None:
    """The fastest way from the start to the end of road r that does not use it: (names of roads, time [s]).

    None if there is none among `roads`. `travel_s` (roads,); turns as the network allows them (Dijkstra over roads).
    """
    n, place = len(roads), {road.name: i for i, road in enumerate(roads)}
    links = [(n, i) for i, road in enumerate(roads) if road.start == roads[r].start]
    links += [(i, place[name]) for i, road in enumerate(roads) for name in road.onward if name in place]
    links = [(i, j) for i, j in links if r not in (i, j)]
    if not links:
        return None
    rows, columns = np.array(links).T
    graph = csr_array((np.asarray(travel_s, dtype=float)[columns], (rows, columns)), shape=(n + 1, n + 1))
    times_s, previous = dijkstra(graph, indices=n, return_predecessors=True)
    ends = [i for i, road in enumerate(roads) if road.end == roads[r].end and np.isfinite(times_s[i])]
    if not ends:
        return None
    way = [min(ends, key=lambda i: times_s[i])]
    while previous[way[-1]] != n:
        way.append(int(previous[way[-1]]))
    return [roads[i].name for i in reversed(way)], float(times_s[way[0]])


class RoadWatch:
    """Gathers a controller's readings into what was seen of every watched road in an interval."""

    def __init__(self, roads: Sequence[Road], signals: Signals) -> None:
        place = {edge: r for r, road in enumerate(roads) for edge in road.edges}
        self._road = np.array([place.get(zone[0][0].rsplit("_", 1)[0], -1) for zone in signals.zones])
        self._roads = len(roads)
        self._gathered: list[np.ndarray] = []

    def see(self, readings: Readings) -> None:
        """Take in the readings of one decision."""
        passed = readings.passed if len(readings.passed) else np.full(len(self._road), np.nan)
        self._gathered.append(np.stack([readings.vehicles, readings.halting, passed], axis=1))

    def interval(self) -> np.ndarray:
        """(roads, signs) since the last call: means of the counts that arrived, sum of the passings.

        A road's silent zones are taken to be like its others; a road without any is NaN.
        """
        readings, self._gathered = np.array(self._gathered), []
        zones = mean_of(readings, axis=0)
        zones[:, SIGNS.index("passed")] *= len(readings)
        seen = np.full((self._roads, len(SIGNS)), np.nan)
        for r in range(self._roads):
            own = zones[self._road == r]
            seen[r] = mean_of(own, axis=0) * len(own)
        return seen


def travel_times(edge_data: Path, roads: Sequence[Road], intervals: int) -> np.ndarray:
    """Mean travel time (intervals, roads) [s] from SUMO's edgeData; NaN where nobody was on any of a road's edges.

    SUMO's `traveltime` is an edge's length over the speed of all that drove there (total distance by total time); an
    edge that nobody was on counts at free flow.
    """
    place = {edge: (r, e) for r, road in enumerate(roads) for e, edge in enumerate(road.edges)}
    times = [np.full((intervals, len(road.edges)), np.nan) for road in roads]
    row = -1
    for event, element in elements(edge_data):
        if event == "start" and element.tag == "interval":
            row += 1
        if event == "end" and element.tag == "edge" and row < intervals and element.get("id") in place:
            r, e = place[str(element.get("id"))]
            if float(element.get("sampledSeconds", "0")) > 0:
                times[r][row, e] = float(element.get("traveltime", "nan"))
            element.clear()
    found = np.full((intervals, len(roads)), np.nan)
    for r, road in enumerate(roads):
        driven = np.isfinite(times[r])
        whole = np.where(driven, times[r], road.edge_free_flow_s).sum(axis=1)
        found[driven.any(axis=1), r] = whole[driven.any(axis=1)]
    return found


def mean_of(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is not NaN; NaN where nothing is."""
    there = np.isfinite(values)
    n = there.sum(axis=axis)
    return np.where(n > 0, np.where(there, values, 0.0).sum(axis=axis) / np.maximum(n, 1), np.nan)
