"""Whether a network can be simulated and controlled: every fault at once, each with the element at fault.

The verdict is kept by the digest of the network's files, so a network is examined once.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import cache
from twin.errors import FaultsError, NetworkError
from twin.files import cache_folder
from twin.traffic.networks.files import Network, elements, read_net

VEHICLES = frozenset({"passenger", "motorcycle", "bus", "truck", "delivery"})
GREEN = frozenset("Ggs")  # green with and without priority, and the arrow that lets go after a stop
SHOWN = 8  # elements named in one line
# Extracts of real towns keep a few stubs: cologne8 has 2.7 % of its edges in two pieces of their own.
STRAY_SHARE = 0.05
OWNERS = ("vehicle", "trip", "flow", "person", "personFlow", "route")
STAGES = ("route", "trip", "flow", "walk", "personTrip", "ride", "stop")


@dataclass
class Demand:
    """Where a demand file wants to go: who names an edge, and who wants from where to where."""

    edges: dict[str, list[str]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def check(network: Network) -> None:
    """Raise FaultsError with all faults of a network and its demand; nothing happens where there are none.

    Faults: files that are missing or no XML (with the line); no traffic light; a programme without phases or green; an
    entry from which no exit can be reached; parts cut off from the rest, unless they are stubs without signals; demand
    on edges that are not there, or between edges that no way connects.
    """
    if missing := network.missing():
        raise FaultsError(network.name, missing)
    rules = hashlib.sha256(Path(__file__).read_bytes() + network.digest().encode()).hexdigest()
    place = cache_folder() / "checked" / f"{rules[:32]}.json"
    faults = cache.kept(place, lambda: faults_of(network))
    if faults:
        raise FaultsError(network.name, faults)


def faults_of(network: Network) -> list[str]:
    """One line a fault, each beginning with the file's name."""
    faults: list[str] = []
    demands: dict[str, Demand] = {}
    for path in (*network.demand_files, *network.additional_files):
        try:
            demands[path.name] = read_demand(path)
        except NetworkError as fault:
            faults.append(str(fault))
    try:
        net = _read_net(network.net_file)
    except NetworkError as fault:
        return [str(fault), *faults]
    where = network.net_file.name
    ways = {edge.getID(): [to.getID() for to in edge.getOutgoing()] for edge in net.getEdges(withInternal=False)}
    faults += [f"{where}: {what}" for what in (*_signal_faults(net), *_road_faults(net))]
    for name, demand in demands.items():
        faults += [f"{name}: {what}" for what in _demand_faults(demand, ways)]
    return faults


def _read_net(path: Path) -> Any:

    root = None
    for event, element in elements(path):
        root = element if root is None else root
        if event == "end":
            element.clear()
    if root is None or root.tag != "net":
        raise NetworkError(
            f"{path.name}: not a SUMO network: its root is <{'' if root is None else root.tag}>, not <net>"
        )
    try:
        return read_net(path, withPrograms=True, withPedestrianConnections=False)
    except Exception as fault:  # sumolib stumbles over an inconsistent network in many ways
        what = f"{type(fault).__name__}: {fault}"
        raise NetworkError(f"{path.name}: inconsistent; sumolib stops with {what}") from None


def _signal_faults(net: Any) -> Iterable[str]:
    rails = {node.getID() for node in net.getNodes() if node.getType() in ("rail_signal", "rail_crossing")}
    lights = [light for light in net.getTrafficLights() if light.getID() not in rails]
    if not lights:
        yield "has no traffic light; there is nothing to control"
    for light in lights:
        links = 1 + max((link for _, _, link in light.getConnections()), default=-1)
        programs = light.getPrograms()
        if not programs:
            yield f"traffic light {light.getID()!r} has no programme"
        for name, program in programs.items():
            states = [phase.state for phase in program.getPhases()]
            what = f"traffic light {light.getID()!r}, programme {name!r}"
            if not states:
                yield f"{what}: has no phases"
            elif not any(GREEN & set(state) for state in states):
                yield f"{what}: none of its {len(states)} phases has a green"
            for i, state in enumerate(states):
                if len(state) < links:
                    yield f"{what}: phase {i} sets {len(state)} signals of {links}"


def _road_faults(net: Any) -> Iterable[str]:
    """Faults of the roads for vehicles; turning round on the spot is no way on."""
    edges = [
        edge
        for edge in net.getEdges(withInternal=False)
        if any(VEHICLES & set(lane.getPermissions()) for lane in edge.getLanes())
    ]
    roads = {edge.getID() for edge in edges}
    ahead: dict[str, list[str]] = {
        edge.getID(): [
            to.getID()
            for to, links in edge.getOutgoing().items()
            if to.getID() in roads and any(link.getDirection() not in ("t", "T") for link in links)
        ]
        for edge in edges
    }
    back: dict[str, list[str]] = {edge: [] for edge in ahead}
    for edge, onward in ahead.items():
        for to in onward:
            back[to].append(edge)
    exits = {edge for edge, onward in ahead.items() if not onward}
    lost = [edge for edge in ahead if not back[edge] and exits.isdisjoint(reached(ahead, edge))]
    for edge in lost:
        yield f"no exit can be reached from entry {edge!r}; connect it with the rest"
    yield from _cut_off({edge: ahead[edge] + back[edge] for edge in ahead}, _signalised(net))


def _signalised(net: Any) -> set[str]:
    return {lane.getEdge().getID() for light in net.getTrafficLights() for lane, _, _ in light.getConnections()}


def _cut_off(beside: Mapping[str, list[str]], signalised: set[str]) -> Iterable[str]:
    pieces: list[set[str]] = []
    rest = dict.fromkeys(beside)
    while rest:
        pieces.append(reached(beside, next(iter(rest))))
        rest = {edge: None for edge in rest if edge not in pieces[-1]}
    pieces.sort(key=len, reverse=True)
    others = sum(map(len, pieces[1:]))
    for piece in pieces[1:]:
        if others > STRAY_SHARE * len(beside) or piece & signalised:
            yield f"not connected with the rest: {_named(repr(edge) for edge in sorted(piece))}"


def reached(ahead: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Everything that can be reached from `start`, itself included."""
    seen, rest = {start}, [start]
    while rest:
        new = [edge for edge in ahead.get(rest.pop(), ()) if edge not in seen]
        seen.update(new)
        rest.extend(new)
    return seen


def read_demand(path: Path) -> Demand:
    """The edges that a route file, or an additional file, sends somebody along. Raises NetworkError."""
    demand, owners = Demand(), [path.name]
    for event, element in elements(path):
        owns = element.tag in OWNERS and "id" in element.attrib
        if event == "start":
            if owns:
                owners.append(f"{element.tag} {element.get('id')!r}")
            if element.tag in STAGES:
                _note(demand, element.attrib, element.tag, owners[-1])
        else:
            if owns:
                owners.pop()
            element.clear()
    return demand


def _note(demand: Demand, said: Mapping[str, str], stage: str, owner: str) -> None:
    lane = said.get("lane", "")
    edges = [*said.get("edges", "").split(), *filter(None, [said.get("edge"), lane.rpartition("_")[0]])]
    via = [edge for edge in (said.get("from"), *said.get("via", "").split(), said.get("to")) if edge]
    for edge in (*edges, *via):
        if not edge.startswith(":"):
            demand.edges.setdefault(edge, []).append(owner)
    if stage in ("trip", "flow"):
        for pair in itertools.pairwise(via):
            demand.pairs.setdefault(pair, []).append(owner)


def _demand_faults(demand: Demand, ways: Mapping[str, list[str]]) -> Iterable[str]:
    for edge, owners in demand.edges.items():
        if edge not in ways:
            near = difflib.get_close_matches(edge, ways, n=1, cutoff=0.8)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"edge {edge!r} is not in the network, but in {_named(dict.fromkeys(owners))}{hint}"
    reach: dict[str, set[str]] = {}
    for (origin, to), owners in demand.pairs.items():
        if origin in ways and to in ways:
            if origin not in reach:
                reach[origin] = reached(ways, origin)
            if to not in reach[origin]:
                yield f"no way leads from {origin!r} to {to!r}, as {_named(dict.fromkeys(owners))} wants"


def _named(what: Iterable[str]) -> str:
    names = list(what)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
