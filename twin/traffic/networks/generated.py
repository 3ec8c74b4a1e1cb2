"""Networks that nobody built: junctions and small towns drawn at random, for a policy to learn what junctions can be.

`junction-7` is one junction of 3 to 5 arms, `town-7` four to six signals on random streets; the number draws arms,
lanes, lengths, phases and an hour of demand. Both are made once and kept by their digest. Traffic keeps to the right.
"""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import numpy as np

from twin.cache import kept_folder
from twin.errors import NetworkError
from twin.files import cache_folder
from twin.traffic.networks.build import netconvert
from twin.traffic.networks.files import Network, read_net

LAYOUT = 1  # counts up when the same number draws another network
MOST_PHASES = 8
NAME = re.compile(r"(junction|town)-(\d+)")
SIGNALS = ("--tls.yellow.time", "3", "--tls.allred.time", "1", "--no-turnarounds")
TOWN_SIGNALS = range(4, 7)
THIRDS_S = 1200  # the demand changes every so often
MIX = (
    '<vTypeDistribution id="mix"><vType id="car" probability="0.9"/>'
    '<vType id="truck" vClass="truck" probability="0.1"/></vTypeDistribution>'
)


def generated(name: str) -> Network | None:
    """The generated network of this name, or None if the name is no such name. Raises NetworkError."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    version = importlib.metadata.version("eclipse-sumo")
    final = cache_folder() / "generated" / f"{name}-{LAYOUT}-{version}"
    kept_folder(final, lambda folder: _draw(match[1], int(match[2]), folder))
    return Network(name, final / "network.net.xml", final / "demand.rou.xml", begin_s=0)


def _draw(kind: str, number: int, folder: Path) -> None:
    rng = np.random.default_rng([number, LAYOUT, kind == "town"])
    net_file = folder / "network.net.xml"
    if kind == "junction":
        _junction(rng, folder, net_file)
    else:
        _town(rng, net_file)
    (folder / "demand.rou.xml").write_text(_demand(rng, net_file), encoding="utf-8")


def _junction(rng: np.random.Generator, folder: Path, net_file: Path) -> None:
    """A star of 3 to 5 arms with 1 to 3 lanes each; every second one gets phases of its own."""
    arms = int(rng.integers(3, 6))
    angles = (np.arange(arms) + rng.uniform(-0.2, 0.2, arms)) * 2 * np.pi / arms
    nodes = ['<node id="J" x="0" y="0" type="traffic_light"/>']
    edges = []
    for i, angle in enumerate(angles.tolist()):
        length_m, lanes, speed = rng.uniform(150, 400), int(rng.integers(1, 4)), rng.choice([11.11, 13.89, 16.67])
        nodes.append(f'<node id="N{i}" x="{length_m * np.cos(angle):.1f}" y="{length_m * np.sin(angle):.1f}"/>')
        same = f'numLanes="{lanes}" speed="{speed}"'
        edges += [f'<edge id="in{i}" from="N{i}" to="J" {same}/>', f'<edge id="out{i}" from="J" to="N{i}" {same}/>']
    plain = {"nod": f"<nodes>{''.join(nodes)}</nodes>", "edg": f"<edges>{''.join(edges)}</edges>"}
    for suffix, text in plain.items():
        (folder / f"plain.{suffix}.xml").write_text(text, encoding="utf-8")
    files = ["--node-files", str(folder / "plain.nod.xml"), "--edge-files", str(folder / "plain.edg.xml")]
    layout = ["--tls.layout", str(rng.choice(["opposites", "incoming"])), *SIGNALS]
    netconvert([*files, *layout], net_file, "a generated junction")
    if rng.random() < 0.5:
        net = read_net(net_file, withPrograms=True)
        logic = folder / "plain.tll.xml"
        logic.write_text(_logic(net.getTrafficLights()[0], net.getNode("J"), rng), encoding="utf-8")
        first = net_file.rename(folder / "plain.net.xml")
        netconvert(["--sumo-net-file", str(first), "--tllogic-files", str(logic)], net_file, "a generated junction")


def _logic(light: Any, node: Any, rng: np.random.Generator) -> str:
    """A programme of 2 to 8 phases without conflicts, each as full as can be, that together serve every lane."""
    turns = {link: (lane.getID(), lane.getConnection(to)) for lane, to, link in light.getConnections()}
    by_lane: dict[str, list[int]] = {}
    for link, (lane, _) in sorted(turns.items()):
        by_lane.setdefault(lane, []).append(link)
    requests = {link: connection.getJunctionIndex() for link, (_, connection) in turns.items()}
    lanes = sorted(by_lane)
    phases: list[list[str]] = []
    while len(phases) < MOST_PHASES:
        unserved = [lane for lane in lanes if not any(lane in phase for phase in phases)]
        if not unserved and (len(phases) >= 2 and rng.random() < 0.4):
            break
        phase: list[str] = []
        for lane in [*rng.permutation(unserved).tolist(), *rng.permutation(lanes).tolist()]:
            ours = [requests[link] for link in by_lane[lane]]
            theirs = [requests[link] for other in phase for link in by_lane[other]]
            if lane not in phase and not any(node.areFoes(a, b) or node.areFoes(b, a) for a in ours for b in theirs):
                phase.append(lane)
        phases.append(phase)
    distinct = list(dict.fromkeys(tuple(sorted(phase)) for phase in phases))
    states = ["".join("G" if turns[link][0] in phase else "r" for link in range(max(turns) + 1)) for phase in distinct]
    steps = "".join(f'<phase duration="20" state="{s}"/><phase duration="3" state="{_yellow(s)}"/>' for s in states)
    connections = "".join(
        f'<connection from="{lane.getEdge().getID()}" to="{to.getEdge().getID()}" fromLane="{lane.getIndex()}"'
        f' toLane="{to.getIndex()}" tl="{light.getID()}" linkIndex="{link}"/>'
        for lane, to, link in light.getConnections()
    )
    head = f'<tlLogic id="{light.getID()}" type="static" programID="0" offset="0">'
    return f"<tlLogics>{head}{steps}</tlLogic>{connections}</tlLogics>"


def _yellow(state: str) -> str:
    return state.replace("G", "y")


def _town(rng: np.random.Generator, net_file: Path) -> None:
    """Random streets of SUMO's netgenerate, drawn again until there are four to six signals."""
    for _ in range(50):
        netconvert(
            [
                "--rand", "--rand.iterations", "14", "--rand.min-distance", "180", "--rand.max-distance", "350",
                "--rand.min-angle", "50", "--rand.random-lanenumber", "--default.lanenumber", "2",
                *(word for arms, weight in ((1, 0), (2, 0), (3, 6), (4, 8), (5, 3), (6, 0))
                  for word in (f"--rand.neighbor-dist{arms}", str(weight))),
                "--turn-lanes", str(rng.integers(0, 2)), "--turn-lanes.length", "60", "--tls.guess",
                "--tls.guess.threshold", "0", "--tls.layout", str(rng.choice(["opposites", "incoming"])), *SIGNALS,
                "--seed", str(rng.integers(1, 10**6)),
            ],
            net_file, "a generated town", tool="netgenerate",
        )  # fmt: skip
        net = read_net(net_file)
        if len(net.getTrafficLights()) in TOWN_SIGNALS and len(_doors(net)[0]) >= 3:
            return
    raise NetworkError("a generated town: no draw of fifty has four to six signals")


def _doors(net: Any) -> tuple[list[str], list[str]]:
    """Edges by which vehicles come in and go out: the ends of the streets."""
    ends = [node for node in net.getNodes() if len(node.getNeighboringNodes()) == 1]
    return (
        sorted(edge.getID() for node in ends for edge in node.getOutgoing()),
        sorted(edge.getID() for node in ends for edge in node.getIncoming()),
    )


def _demand(rng: np.random.Generator, net_file: Path) -> str:
    """An hour of flows between the streets' ends, unequal, changing every 20 minutes, with Poisson arrivals."""
    net = read_net(net_file)
    entries, exits = _doors(net)
    lanes = sum(net.getEdge(edge).getLaneNumber() for edge in entries)
    total_veh_per_h = rng.uniform(100, 250) * lanes
    sources, sinks = rng.dirichlet(np.full(len(entries), 2.0)), rng.dirichlet(np.full(len(exits), 2.0))
    lines = []
    for third in range(3):
        factor = rng.uniform(0.5, 1.5)
        for a, entry in enumerate(entries):
            for b, leaving in enumerate(exits):
                rate = factor * total_veh_per_h * sources[a] * sinks[b]
                same_end = net.getEdge(entry).getFromNode() is net.getEdge(leaving).getToNode()
                if rate >= 1 and not same_end and _leads(net, entry, leaving):
                    lines.append(_flow(f"{third}.{a}.{b}", entry, leaving, third, rate))
    return f"<routes>{MIX}{''.join(lines)}</routes>"


def _leads(net: Any, entry: str, leaving: str) -> bool:
    return net.getShortestPath(net.getEdge(entry), net.getEdge(leaving))[0] is not None


def _flow(name: str, entry: str, leaving: str, third: int, rate_veh_per_h: float) -> str:
    return (
        f'<flow id="{name}" type="mix" from="{entry}" to="{leaving}" begin="{third * THIRDS_S}"'
        f' end="{(third + 1) * THIRDS_S}" period="exp({rate_veh_per_h / 3600:.6f})" departLane="best"'
        ' departSpeed="max"/>'
    )
