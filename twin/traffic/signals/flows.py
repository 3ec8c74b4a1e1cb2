"""What a counting campaign would find: vehicles an hour on every link of every signal, and from signal to signal.

The routes are those that SUMO's duarouter gives everybody who wants to travel in the hour, by free-flow travel time,
which is how SUMO itself routes trips; nobody is missing because the network was full. Nothing is simulated.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin import cache
from twin.errors import NetworkError
from twin.files import cache_folder, read_rows
from twin.regency import in_place_of
from twin.traffic.folders import DATA
from twin.traffic.networks.files import HOUR_S, Network, elements, program, read_net
from twin.traffic.signals.plans import Signals

LAYOUT = 2  # counts up when what is kept changes its meaning
COUNTING_SEED = 9001  # of the counted hour; evaluations use small numbers
CAR = "passenger"
Turn = tuple[str, str]  # from edge, to edge
Link = tuple[int, int]  # signal, link of the signal


class Stream(NamedTuple):
    """Vehicles that pass one signal after another without a third between them.

    `junction`, `link` they leave and `to_junction`, `to_link` they come to; `travel_s` from the first stop line to the
    second at the speed limit.
    """

    junction: int
    link: int
    to_junction: int
    to_link: int
    pcu_per_h: float
    travel_s: float


@dataclass(frozen=True)
class Flows:
    """A counted hour. For every signal and link, `vehicles` [veh/h] and `car_units` [pcu/h], float (links,)."""

    vehicles: tuple[np.ndarray, ...]
    car_units: tuple[np.ndarray, ...]
    streams: tuple[Stream, ...]


def link_flows(network: Network, signals: Signals) -> tuple[np.ndarray, ...]:
    """For every signal the vehicles an hour that want to use each of its links [veh/h], float (links,).

    Raises NetworkError with duarouter's own message.
    """
    return counted(network, signals).vehicles


def counted(network: Network, signals: Signals) -> Flows:
    """All flows of a network's hour, kept under the digest of the network and its signals. Raises NetworkError."""
    plans = [(plan.name, plan.links) for plan in signals.plans]
    table = in_place_of(DATA / "passenger_car_units.csv").read_bytes()
    content = repr((LAYOUT, COUNTING_SEED, network.digest(), plans, table))
    place = cache_folder() / "flows" / f"{hashlib.sha256(content.encode()).hexdigest()[:20]}.json"
    found = cache.kept(place, lambda: _count(network, plans))
    vehicles, car_units = (tuple(np.array(row, dtype=float) for row in found[name]) for name in ("veh", "pcu"))
    return Flows(vehicles, car_units, tuple(Stream(*row) for row in found["streams"]))


@functools.cache
def _car_units() -> dict[str, float]:
    """Passenger-car units of a vehicle class; a class that is not named counts as a car."""
    return {row["vclass"]: float(row["value"]) for row in read_rows(DATA / "passenger_car_units.csv")}


def routes(network: Network) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Vehicle class and edges of everybody who wants to depart between the network's begin and end."""
    with tempfile.TemporaryDirectory(prefix="twin-flows-") as folder:
        out = Path(folder) / "routes.xml"
        command = [
            program("duarouter"), *network.inputs, "--begin", str(network.begin_s), "--end", str(network.end_s),
            "--seed", str(COUNTING_SEED), "--output-file", str(out), "--alternatives-output", "NUL",
            "--no-warnings", "--no-step-log",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0 or not out.is_file():
            said = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.startswith("Error")]
            raise NetworkError(f"{network.name}: {said[0] if said else 'duarouter gave no routes'}")
        classes: dict[str, str] = {}
        for event, element in elements(out):
            if event == "end" and element.tag == "vType":
                classes[element.get("id", "")] = element.get("vClass", CAR)
            elif event == "end" and element.tag == "vehicle":
                for route in element.iter("route"):
                    yield classes.get(element.get("type", ""), CAR), tuple((route.get("edges") or "").split())
                element.clear()


class _Turns:
    """Which links a turn from edge to edge may use, each with its approach lane, and how long travelling takes."""

    def __init__(self, network: Network, plans: Sequence[tuple[str, int]]) -> None:
        net = read_net(network.net_file, withInternal=True)
        number = {name: j for j, (name, _) in enumerate(plans)}
        self.lanes: dict[Turn, dict[Link, str]] = defaultdict(dict)
        self.inner_s: dict[Turn, float] = {}
        self.edge_s = {e.getID(): e.getLength() / e.getSpeed() for e in net.getEdges(withInternal=False)}
        for edge in net.getEdges(withInternal=False):
            every = [c for some in edge.getOutgoing().values() for c in some if c.getTo().getFunction() == ""]
            for c in sorted(every, key=lambda c: not c.getFromLane().allows(CAR)):
                turn = edge.getID(), c.getTo().getID()
                inner = net.getLane(c.getViaLaneID()) if c.getViaLaneID() else None
                self.inner_s.setdefault(turn, inner.getLength() / inner.getSpeed() if inner is not None else 0.0)
                if c.getTLSID() in number and (c.getFromLane().allows(CAR) or not self.lanes[turn]):
                    self.lanes[turn][number[c.getTLSID()], c.getTLLinkIndex()] = c.getFromLane().getID()

    def passed(self, edges: Sequence[str]) -> Iterator[tuple[Turn, float]]:
        """Turns of a route through a signal, with the time since the last stop line or the route's start [s]."""
        travelled_s = 0.0
        for turn in itertools.pairwise(edges):
            travelled_s += self.edge_s[turn[0]]
            if self.lanes.get(turn):
                yield turn, travelled_s
                travelled_s = 0.0
            travelled_s += self.inner_s.get(turn, 0.0)


def lane_shares(
    flows: Mapping[Turn, float], lanes: Mapping[Turn, Mapping[Link, str]], sweeps: int = 50
) -> dict[Turn, dict[Link, float]]:
    """How each turn's flow divides among its links, so that the lanes of an approach are as level as they can be.

    Drivers choose the shorter queue, so lanes that share a turn fill alike (equal flow ratios, Webster & Cobbe 1966).
    Turn after turn is poured over its lanes anew until nothing changes; links that leave the same lane share equally.
    """
    poured = {turn: dict.fromkeys(links.values(), 0.0) for turn, links in lanes.items()}
    level: dict[str, float] = defaultdict(float)
    for _ in range(sweeps):
        for turn, own in poured.items():
            for lane in own:
                level[lane] -= own[lane]
            filled = _pour(flows.get(turn, 0.0), [level[lane] for lane in own])
            for lane, amount in zip(own, filled, strict=True):
                own[lane] = amount
                level[lane] += amount
    shares = {}
    for turn, links in lanes.items():
        alike = Counter(links.values())
        total = sum(poured[turn].values())
        shares[turn] = {
            link: (poured[turn][lane] / total if total > 0 else 1 / len(alike)) / alike[lane]
            for link, lane in links.items()
        }
    return shares


def _pour(amount: float, levels: Sequence[float]) -> list[float]:
    """What each vessel takes when `amount` is poured where the level is lowest."""
    order = sorted(levels)
    for n in range(len(order), 0, -1):
        surface = (amount + sum(order[:n])) / n
        if surface >= order[n - 1]:
            break
    return [max(surface - level, 0.0) for level in levels]


def _count(network: Network, plans: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Flows as JSON values."""
    turns = _Turns(network, plans)
    vehicles: Counter[Turn] = Counter()
    car_units: dict[Turn, float] = defaultdict(float)
    chains: dict[tuple[Turn, Turn, float], float] = defaultdict(float)
    for vclass, edges in routes(network):
        unit, before = _car_units().get(vclass, 1.0), None
        for turn, travel_s in turns.passed(edges):
            vehicles[turn] += 1
            car_units[turn] += unit
            if before is not None:
                chains[before, turn, round(travel_s, 1)] += unit
            before = turn
    shares = lane_shares(vehicles, {turn: links for turn, links in turns.lanes.items() if links})
    hours = (network.end_s - network.begin_s) / HOUR_S
    veh, pcu = ([[0.0] * links for _, links in plans] for _ in range(2))
    for turn, share in shares.items():
        for (j, link), part in share.items():
            veh[j][link] += vehicles[turn] * part / hours
            pcu[j][link] += car_units[turn] * part / hours
    main = {turn: max(share, key=share.__getitem__) for turn, share in shares.items()}
    streams = [(*main[a], *main[b], unit / hours, travel_s) for (a, b, travel_s), unit in sorted(chains.items())]
    return {"veh": veh, "pcu": pcu, "streams": streams}
