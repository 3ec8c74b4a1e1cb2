"""From turning counts to vehicles with routes: candidate ways through the network, sampled by SUMO's routeSampler.

Why routeSampler and not jtrrouter: on the sketch's weekday counts routeSampler met every quarter's count
within GEH 0.8 (mean 0.04), jtrrouter within 12 (mean 1.7). With counts that do not add up (Poisson noise on every turn)
98 % of the quarters were below GEH 5 against 94 %.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from twin.errors import CountsError, MissingExtraError, NetworkError
from twin.traffic.demand.counts import ALL, QUARTER_S, Counts, Turn, vehicle_turns, whole
from twin.traffic.demand.vehicles import MIX, parameters

Way = tuple[str, ...]
# routeSampler may change a way's vehicles by this many a quarter-hour to mend what sampling missed. Without a bound its
# linear programme puts everybody on few ways: on the sketch 40 of 72, and an entry-exit table off by 79 % (2: 16 %).
OPTIMIZE = "2"


class Departure(NamedTuple):
    """A vehicle: when it leaves [s of the simulation], its SUMO type, and its edges."""

    depart_s: float
    type: str
    edges: Way


class Ways:
    """Fastest ways through a sumolib network from where traffic comes in to where it leaves, over any turn."""

    def __init__(self, net: Any) -> None:
        self.edges = sorted(edge.getID() for edge in net.getEdges() if edge.allows("passenger"))
        index = {edge: i for i, edge in enumerate(self.edges)}
        self.time_s = np.array([net.getEdge(e).getLength() / net.getEdge(e).getSpeed() for e in self.edges])
        self.ends = [net.getEdge(edge).getToNode().getID() for edge in self.edges]
        pairs = [
            (index[a], index[b])
            for a, b in vehicle_turns(net)
            if a in index and b in index and net.getEdge(a).getFromNode() is not net.getEdge(b).getToNode()
        ]  # nobody turns round on the way: with turnarounds no edge would be the network's rim
        rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
        graph = csr_array((self.time_s[columns], (rows, columns)), shape=(len(self.edges),) * 2)
        comes = np.bincount(columns, minlength=len(self.edges)) > 0
        leaves = np.bincount(rows, minlength=len(self.edges)) > 0
        self.entries, self.exits = np.flatnonzero(~comes & leaves), np.flatnonzero(comes & ~leaves)
        if not len(self.entries) or not len(self.exits):
            raise NetworkError("no edge where traffic enters the network, or none where it leaves: it has no rim")
        self.index = index
        self.from_entry = dijkstra(graph, indices=self.entries, return_predecessors=True)
        backwards = csr_array((self.time_s[rows], (columns, rows)), shape=graph.shape)
        self.to_exit = dijkstra(backwards, indices=self.exits, return_predecessors=True)

    def fastest(self) -> dict[Way, float]:
        """The fastest way of every pair of entry and exit that are connected, and its time [s]."""
        found = {}
        for i, entry in enumerate(self.entries):
            for leave in self.exits:
                if np.isfinite(self.from_entry[0][i, leave]):
                    found[self._named(self._start(i, int(leave)))] = float(
                        self.time_s[entry] + self.from_entry[0][i, leave]
                    )
        return found

    def over(self, from_edge: str, to_edge: str) -> dict[Way, float]:
        """The fastest way over a turn of every pair of entry and exit, and its time [s].

        None takes an edge twice, and none passes a junction twice unless all do.
        """
        a, b = self.index[from_edge], self.index[to_edge]
        before_s = self.time_s[self.entries] + self.from_entry[0][:, a]
        total_s = before_s[:, None] + (self.time_s[b] + self.to_exit[0][:, b])[None, :]
        found = {}
        for i, j in np.argwhere(np.isfinite(total_s)):
            way = self._start(i, a) + self._rest(j, b)
            if len(set(way)) == len(way):
                found[self._named(way)] = float(total_s[i, j]), len({self.ends[edge] for edge in way}) == len(way)
        straight = any(simple for _, simple in found.values())
        return {way: time_s for way, (time_s, simple) in found.items() if simple or not straight}

    def _named(self, way: Sequence[int]) -> Way:
        return tuple(self.edges[edge] for edge in way)

    def _start(self, i: int, edge: int) -> list[int]:
        way = [int(edge)]
        while way[-1] != self.entries[i]:
            way.append(int(self.from_entry[1][i, way[-1]]))
        return way[::-1]

    def _rest(self, j: int, edge: int) -> list[int]:
        way = [int(edge)]
        while way[-1] != self.exits[j]:
            way.append(int(self.to_exit[1][j, way[-1]]))
        return way


def candidate_ways(net: Any, turns: Sequence[Turn]) -> dict[Way, float]:
    """Ways that vehicles may have taken, with a prior weight each: exp(−s (t / t_fastest − 1)) for time t.

    Of every entry and exit: the fastest way, and the fastest over each counted turn if it takes no longer than
    `detour_max` times the fastest; a counted turn that this leaves out keeps its least detour. Both figures stand in
    `data/demand_parameters.csv`. Raises CountsError for turns that no way from an entry to an exit passes.
    """
    ways, given = Ways(net), parameters()
    fastest = ways.fastest()
    best_s = {(way[0], way[-1]): time_s for way, time_s in fastest.items()}
    chosen, faults = dict(fastest), []
    for pair in sorted({(turn.from_edge, turn.to_edge) for turn in turns}):
        over = ways.over(*pair)
        if not over:
            faults.append(f"{pair[0]} → {pair[1]}: no way from an entry to an exit passes this turn")
            continue
        near = {w: t for w, t in over.items() if t <= given["detour_max"] * best_s[w[0], w[-1]]}
        chosen |= near or dict([min(over.items(), key=lambda item: item[1] / best_s[item[0][0], item[0][-1]])])
    if faults:
        raise CountsError("counts", faults)
    return {
        way: float(np.exp(-given["detour_sensitivity"] * (time_s / best_s[way[0], way[-1]] - 1)))
        for way, time_s in sorted(chosen.items())
    }


def sampled(counts: Counts, ways: Mapping[Way, float], *, seed: int, begin_s: float) -> list[Departure]:
    """Vehicles on the given ways that reproduce the counts, in order of departure; the same for the same seed.

    Within a quarter-hour departures are independent and uniform: a Poisson stream, given its number. `begin_s` is when
    the first quarter begins in the simulation. Counts by kind are sampled kind by kind; else the type is `mix`.
    """
    counted = whole(counts, np.random.default_rng([seed, 0]))
    found: list[Departure] = []
    for kind in sorted({turn.vehicle for turn in counts.turns}):
        rows = [i for i, turn in enumerate(counts.turns) if turn.vehicle == kind]
        with tempfile.TemporaryDirectory(prefix="twin-sampler-") as folder:
            turns = [counted.turns[i] for i in rows]
            found += _route_sampler(Path(folder), turns, counted.veh[rows], ways, seed, MIX if kind == ALL else kind)
    return sorted(departure._replace(depart_s=begin_s + departure.depart_s) for departure in found)


def _route_sampler(
    folder: Path, turns: Sequence[Turn], veh: np.ndarray, ways: Mapping[Way, float], seed: int, kind: str
) -> list[Departure]:
    """SUMO's tool on one kind of vehicle; the first quarter begins at 0."""
    if not veh.sum():
        return []  # the tool has nothing to say of counts that are all zero
    counts_file, ways_file, out = folder / "turns.xml", folder / "ways.rou.xml", folder / "out.rou.xml"
    counts_file.write_text(_turns_xml(turns, veh), encoding="utf-8")
    lines = [f'<route id="w{i}" edges="{" ".join(w)}" probability="{p:.9g}"/>' for i, (w, p) in enumerate(ways.items())]
    ways_file.write_text("\n".join(["<routes>", *lines, "</routes>"]), encoding="utf-8")
    home = sumo_home()
    command = [
        sys.executable, str(home / "tools" / "routeSampler.py"), "--route-files", str(ways_file), "--turn-files",
        str(counts_file), "--output-file", str(out), "--seed", str(seed % 2**31), "--weighted", "--optimize", OPTIMIZE,
    ]  # fmt: skip
    environment = {**os.environ, "SUMO_HOME": str(home), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0 or not out.is_file():
        raise NetworkError(f"routeSampler: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return [
        Departure(float(vehicle.get("depart", "0")), kind, tuple(vehicle[0].get("edges", "").split()))
        for vehicle in ET.parse(out).getroot().iter("vehicle")  # noqa: S314 (written a moment ago)
    ]


def _turns_xml(turns: Sequence[Turn], veh: np.ndarray) -> str:
    lines = ["<data>"]
    for quarter in range(veh.shape[1]):
        lines.append(f'<interval id="counts" begin="{quarter * QUARTER_S}" end="{(quarter + 1) * QUARTER_S}">')
        lines += [
            f'<edgeRelation from="{turn.from_edge}" to="{turn.to_edge}" count="{int(number)}"/>'
            for turn, number in zip(turns, veh[:, quarter], strict=True)
        ]
        lines.append("</interval>")
    return "\n".join([*lines, "</data>"])


def sumo_home() -> Path:
    """The folder of SUMO that has its `tools`: the installed eclipse-sumo package, or SUMO_HOME."""
    found = importlib.util.find_spec("sumo")
    package = [Path(found.origin).parent] if found is not None and found.origin is not None else []
    named = [Path(os.environ["SUMO_HOME"])] if os.environ.get("SUMO_HOME") else []
    for home in package + named:
        if (home / "tools" / "routeSampler.py").is_file():
            return home
    raise MissingExtraError('SUMO\'s tools are not installed: pip install "trenggalek-twin[twin]"')


def assigned(departures: Sequence[Departure], like: Counts, begin_s: float) -> Counts:
    """Turning counts that the departures amount to if nobody needed any time: what a sampler can be judged by."""
    row = {turn: i for i, turn in enumerate(like.turns)}
    veh = np.zeros_like(like.veh)
    of = {(turn.from_edge, turn.to_edge): turn for turn in like.turns}
    for depart_s, kind, edges in departures:
        for pair in itertools.pairwise(edges):
            if pair in of:
                turn = of[pair]._replace(vehicle=ALL if kind == MIX else kind)
                veh[row[turn], int((depart_s - begin_s) // QUARTER_S)] += 1
    return Counts("assigned", like.begin_s, like.turns, veh)
