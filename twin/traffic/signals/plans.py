"""Signal plans and detector zones of a SUMO network: read once, then kept under the network's digest."""

from __future__ import annotations

import functools
import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from controllers.errors import PlanError
from controllers.plan import GREEN, SignalPlan
from controllers.rules import Junctions
from twin import cache
from twin.errors import NetworkError
from twin.files import cache_folder
from twin.traffic.networks.files import read_net

LAYOUT = 6  # counts up when what is kept changes its meaning
TURNS_BACK = "t"  # how SUMO writes a connection's direction; who has passed a signal would else be on the way to it
WALKING_SPEED_SLOW_M_PER_S = 1.0  # clears a crossing; with yellow and all-red even the slowest class (0.8) is across


@dataclass(frozen=True)
class Signals:
    """All signals of a network as a controller sees them.

    `zones`: for every detector zone the lanes that it covers, with the share of each lane's vehicles that belongs to it
    (a lane upstream of two approaches counts half for each). `zone_of[j][link]` and `exit_of[j][link]` are zone numbers
    or −1. `walking_areas[j]` gives for each crossing link the edges on which people wait for it. `roads[j]` are the
    edges from which junction j is the next signal; no edge belongs to two. `nodes[j]` are SUMO's junctions where its
    lamps stand.
    """

    plans: tuple[SignalPlan, ...]
    zones: tuple[tuple[tuple[str, float], ...], ...]
    zone_of: tuple[tuple[int, ...], ...]
    exit_of: tuple[tuple[int, ...], ...]
    walking_areas: tuple[dict[int, tuple[str, tuple[str, ...]]], ...]
    roads: tuple[tuple[str, ...], ...]
    nodes: tuple[frozenset[str], ...]

    @functools.cached_property
    def junctions(self) -> Junctions:
        """The same as arrays, for rules and policies."""
        return Junctions.of(self.plans, self.zone_of, self.exit_of, len(self.zones))

    @functools.cached_property
    def approaches(self) -> np.ndarray:
        """1 where a zone lies before a junction, float (junctions, zones)."""
        return _belongs(self.zone_of, len(self.zones))

    @functools.cached_property
    def exits(self) -> np.ndarray:
        """1 where a junction's links lead into a zone, float (junctions, zones)."""
        return _belongs(self.exit_of, len(self.zones))


def _belongs(zones_of: Sequence[Sequence[int]], zones: int) -> np.ndarray:
    matrix = np.zeros((len(zones_of), zones))
    for j, own in enumerate(zones_of):
        matrix[j, [zone for zone in own if zone >= 0]] = 1.0
    return matrix


def signals_of(net_file: Path, camera_range_m: float) -> Signals:
    """Plans, conflicts and zones of every signal. Raises NetworkError or PlanError, naming the signal."""
    digest = hashlib.sha256(net_file.read_bytes() + f"{LAYOUT} {camera_range_m!r}".encode()).hexdigest()[:20]
    place = cache_folder() / "signals" / f"{digest}.json"
    return _signals(cache.kept(place, lambda: _read(net_file, camera_range_m)))


def _signals(kept: dict[str, Any]) -> Signals:
    plans = []
    for plan in kept["plans"]:
        plan["conflicts"] = frozenset(map(tuple, plan["conflicts"]))
        for name in ("phases", "crossings"):
            plan[name] = tuple(plan[name])
        plan["programme"] = tuple(map(tuple, plan["programme"]))
        plans.append(SignalPlan(**plan))
    return Signals(
        tuple(plans),
        tuple(tuple((lane, share) for lane, share in zone) for zone in kept["zones"]),
        tuple(map(tuple, kept["zone_of"])),
        tuple(map(tuple, kept["exit_of"])),
        tuple({int(link): (edge, tuple(areas)) for link, (edge, areas) in w.items()} for w in kept["walking_areas"]),
        tuple(map(tuple, kept["roads"])),
        tuple(map(frozenset, kept["nodes"])),
    )


def _read(net_file: Path, camera_range_m: float) -> dict[str, Any]:
    net = read_net(net_file, withPrograms=True, withPedestrianConnections=True)
    lights = sorted(net.getTrafficLights(), key=lambda light: light.getID())
    if not lights:
        raise NetworkError(f"{net_file.name}: has no traffic light")
    zones, before = _Zones(camera_range_m), [{link[0].getEdge() for link in one.getConnections()} for one in lights]
    plans, zone_of, exit_of, walking = [], [], [], []
    for light in lights:
        links = _links(light)
        plans.append(_plan(net, light, links))
        roads = {i: c for i, c in links.items() if not _walks(c)}
        width = len(plans[-1]["phases"][0])
        zone_of.append([zones.of(roads[i].getFromLane()) if i in roads else -1 for i in range(width)])
        exit_of.append([roads[i].getToLane() if i in roads else None for i in range(width)])
        walking.append({i: (c.getTo().getID(), _waiting(c)) for i, c in links.items() if _walks(c)})
    return {
        "plans": plans,
        "zones": zones.weighted(),
        "zone_of": zone_of,
        "exit_of": [[-1 if lane is None else _fed(lane, zones.numbers) for lane in row] for row in exit_of],
        "walking_areas": walking,
        "roads": _roads(before),
        "nodes": [sorted({edge.getToNode().getID() for edge in edges}) for edges in before],
    }


def _roads(before: Sequence[set[Any]]) -> list[list[str]]:
    """Edges from which each signal is the next: those before it, and what leads to them, the nearest signal's first."""
    owner: dict[Any, int] = {}
    found: list[list[str]] = [[] for _ in before]
    todo = [(0.0, j, edge.getID(), edge) for j, edges in enumerate(before) for edge in edges]
    heapq.heapify(todo)
    while todo:
        away_m, j, name, edge = heapq.heappop(todo)
        if edge not in owner:
            owner[edge] = j
            found[j].append(name)
            for up, connections in edge.getIncoming().items():
                turns_back = all(connection.getDirection() == TURNS_BACK for connection in connections)
                if up in owner or up.getFunction() or turns_back:
                    continue
                heapq.heappush(todo, (away_m + edge.getLength(), j, up.getID(), up))
    return [sorted(roads) for roads in found]


def _links(light: Any) -> dict[int, Any]:
    """A signal's connections by link number; of several on one link, the first."""
    found: dict[int, Any] = {}
    for from_lane, to_lane, link in light.getConnections():
        for connection in from_lane.getOutgoing():
            if connection.getToLane() is to_lane and connection.getTLLinkIndex() == link:
                found.setdefault(link, connection)
    return found


def _walks(connection: Any) -> bool:
    return bool(connection.getTo().getFunction() == "crossing")


def _waiting(connection: Any) -> tuple[str, ...]:
    """Edges on which people stand before a crossing: the walking areas at both its ends."""
    crossing = connection.getTo()
    leaving = {c.getTo().getID() for lane in crossing.getLanes() for c in lane.getOutgoing()}
    return tuple(sorted({connection.getFrom().getID()} | leaving))


def _plan(net: Any, light: Any, links: dict[int, Any]) -> dict[str, Any]:
    """The plan of a signal as JSON values, from its programme and the junction's right of way."""
    name = light.getID()
    programmes = list(light.getPrograms().values())
    if not programmes or not programmes[0].getPhases():
        raise NetworkError(f"signal {name}: has no programme; give it phases (a tlLogic element)")
    states = [(phase.state, float(phase.duration)) for phase in programmes[0].getPhases()]
    crossings = sorted(link for link, connection in links.items() if _walks(connection))
    phases, programme = _phases(states, crossings)
    if not phases:
        raise NetworkError(f"signal {name}: none of its {len(states)} phases gives anybody green")
    yellows = [duration for state, duration in states if "y" in state]
    reds = [d for state, d in states if not any(c in "GgyY" for c in state)]
    length_m = max((links[link].getTo().getLength() for link in crossings), default=0.0)
    plan = {
        "name": name,
        "phases": [p.replace("o", "g").replace("O", "g").replace("u", "r") for p in phases],
        "crossings": crossings,
        "yellow_s": min(yellows, default=3.0),
        "all_red_s": min(reds, default=0.0),
        "clearance_s": float(round(length_m / WALKING_SPEED_SLOW_M_PER_S)),
        "programme": programme,
        "offset_s": float(programmes[0].getOffset()),
    }
    plan["conflicts"] = sorted(_conflicts(net, links, phases))
    try:
        SignalPlan(**{**plan, "conflicts": frozenset(plan["conflicts"]), "phases": tuple(plan["phases"])})
    except PlanError as error:
        raise NetworkError(f"signal {name}: {error}") from error
    return plan


def _phases(states: list[tuple[str, float]], crossings: list[int]) -> tuple[list[str], list[tuple[int, float]]]:
    """Green phases, each once, and the programme of their green times; a pedestrian clearance belongs to its phase."""
    phases: list[str] = []
    programme: list[tuple[int, float]] = []
    for state, duration_s in states:
        if "y" in state.lower() or not any(letter in GREEN for letter in state):
            continue
        fits = [i for i, phase in enumerate(phases) if _without(phase, crossings) == _without(state, crossings)]
        if fits and programme and programme[-1][0] == fits[0]:
            programme[-1] = (fits[0], programme[-1][1] + duration_s)
            continue
        if not fits:
            phases.append(state)
        programme.append((fits[0] if fits else len(phases) - 1, duration_s))
    return phases, programme


def _without(state: str, crossings: list[int]) -> str:
    return "".join(letter for link, letter in enumerate(state) if link not in crossings)


def _conflicts(net: Any, links: dict[int, Any], phases: Iterable[str]) -> set[tuple[int, int]]:
    """Pairs of links whose streams cross, from the right-of-way logic of the junctions behind the signal.

    Pairs that merge into one lane, and that the network's own programme lets go together, are no conflict of the lamps.
    """
    found = set()
    numbers = sorted(links)
    for n, a in enumerate(numbers):
        node = links[a].getFrom().getToNode() if not _walks(links[a]) else links[a].getTo().getFromNode()
        for b in numbers[n + 1 :]:
            other = links[b].getFrom().getToNode() if not _walks(links[b]) else links[b].getTo().getFromNode()
            if node is other and _foes(node, links[a], links[b]):
                found.add((a, b))
    together = {(a, b) for a, b in found for state in phases if state[a] == "G" and state[b] == "G"}
    return found - together


def _foes(node: Any, a: Any, b: Any) -> bool:
    first, second = (_request(node, connection) for connection in (a, b))
    return first >= 0 and second >= 0 and bool(node.areFoes(first, second))


def _request(node: Any, connection: Any) -> int:
    if _walks(connection):
        lane = connection.getToLane().getID()
        return node._intLanes.index(lane) if lane in node._intLanes else -1
    return int(connection.getJunctionIndex())


class _Zones:
    """Numbers detector zones: an approach lane, carried upstream to about the camera's range."""

    def __init__(self, camera_range_m: float) -> None:
        self.camera_range_m = camera_range_m
        self.numbers: dict[str, int] = {}
        self.lanes: list[list[str]] = []

    def of(self, lane: Any) -> int:
        if lane.getID() not in self.numbers:
            self.numbers[lane.getID()] = len(self.lanes)
            self.lanes.append(self._covered(lane))
        return self.numbers[lane.getID()]

    def _covered(self, lane: Any) -> list[str]:
        covered, length_m, here = [lane.getID()], float(lane.getLength()), lane
        while True:
            before = [c for c in here.getIncomingConnections() if c.getFromLane().getEdge().getFunction() == ""]
            before = [c for c in before if not c.getTLSID()]
            if not before:
                return covered
            here = max(before, key=lambda c: (c.getDirection() == "s", c.getFromLane().getID())).getFromLane()
            if here.getID() in covered or length_m + here.getLength() / 2 > self.camera_range_m:
                return covered
            covered.append(here.getID())
            length_m += here.getLength()

    def weighted(self) -> list[list[tuple[str, float]]]:
        """Each zone's lanes with the share of a lane's vehicles that counts for it."""
        times: dict[str, int] = {}
        for zone in self.lanes:
            for lane in zone:
                times[lane] = times.get(lane, 0) + 1
        return [[(lane, 1 / times[lane]) for lane in zone] for zone in self.lanes]


def _fed(lane: Any, zones: dict[str, int]) -> int:
    """The zone that a junction's exit lane leads to, if it is itself an approach lane or goes straight into one."""
    for _ in range(3):
        if lane.getID() in zones:
            return zones[lane.getID()]
        following = [c.getToLane() for c in lane.getOutgoing() if c.getTo().getFunction() == "" and not c.getTLSID()]
        if len({f.getEdge().getID() for f in following}) != 1:
            return -1
        lane = following[0]
    return -1
