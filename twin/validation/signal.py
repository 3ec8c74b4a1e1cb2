"""One lane and one signal in SUMO, under its fixed programme, against closed forms of queues."""

from __future__ import annotations

import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from twin.traffic.networks.build import built
from twin.traffic.networks.files import program, read_net
from twin.traffic.signals.theory import saturation_flow_per_h, uniform_delay_s, webster_correction_s, webster_delay_s
from twin.traffic.simulation.measures import TRIPS, read_trips
from twin.validation.comparison import Comparison, Found

SPEED_M_PER_S, UPSTREAM_M = 10.0, 800.0
NODES = f"""<nodes><node id="a" x="0" y="0"/><node id="s" x="{UPSTREAM_M}" y="0" type="traffic_light"/>
<node id="b" x="{UPSTREAM_M + 500}" y="0"/><node id="n" x="{UPSTREAM_M}" y="300"/></nodes>"""
EDGES = f"""<edges><edge id="in" from="a" to="s" speed="{SPEED_M_PER_S}"/>
<edge id="out" from="s" to="b" speed="{SPEED_M_PER_S}"/><edge id="side" from="n" to="s" speed="10"/></edges>"""
CAR = '<vType id="car" sigma="0" speedDev="0"/>'  # nobody dawdles and all wish the same speed, as in the theory


def lane(folder: Path) -> Path:
    """The network, kept in the cache; its programme is netconvert's. The folder takes its sources."""
    folder.mkdir(exist_ok=True)
    (folder / "x.nod.xml").write_text(NODES)
    (folder / "x.edg.xml").write_text(EDGES)
    return built(folder, "<routes/>") / "network.net.xml"


def simulated(net: Path, folder: Path, demand: str, end_s: int, *more: str, seed: int = 1) -> dict[str, np.ndarray]:
    """Trips of a demand from `in` to `out`, in a fresh process; SUMO's outputs stay in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.rou.xml").write_text(f"<routes>{CAR}{demand}</routes>")
    subprocess.run(
        [
            program("sumo"), "--net-file", net, "--route-files", "x.rou.xml", "--end", str(end_s), "--seed", str(seed),
            "--time-to-teleport", "-1", "--no-step-log", "--no-warnings", "--tripinfo-output", TRIPS,
            "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted", *more,
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return read_trips(folder / TRIPS)


def flow(arrivals: str, end_s: int, depart_lane: str = "first") -> str:
    """A flow of cars from `in` to `out`."""
    return (
        f'<flow id="f" type="car" begin="0" end="{end_s}" {arrivals} from="in" to="out" departSpeed="max"'
        f' departLane="{depart_lane}"/>'
    )


def programme(net: Path) -> tuple[float, float, float]:
    """Cycle, begin and end of the green for `in` [s], read from the network."""
    (light,) = read_net(net, withPrograms=True).getTrafficLights()
    (link,) = (index for lane, _, index in light.getConnections() if lane.getEdge().getID() == "in")
    phases = next(iter(light.getPrograms().values())).getPhases()
    ends = np.cumsum([phase.duration for phase in phases])
    (green,) = (i for i, phase in enumerate(phases) if phase.state[link] in "Gg")
    return float(ends[-1]), float(ends[green] - phases[green].duration), float(ends[green])


def saturated(net: Path, folder: Path) -> tuple[float, float, float]:
    """Cycle [s], effective green [s] and saturation flow [veh/s] of a queue that never ends, as measured in a street.

    Effective green is what passes in a cycle over the saturation flow (Webster 1958), so it covers the cars that still
    pass at yellow.
    """
    folder.mkdir(exist_ok=True)
    (folder / "loop.add.xml").write_text(
        '<additional><instantInductionLoop id="l" lane="in_0" pos="-0.1" file="loop.csv"/></additional>'
    )
    simulated(net, folder, flow('period="2"', 2400), 2400, "--additional-files", "loop.add.xml")
    with (folder / "loop.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["instantOut_state"] == "enter"]
    times_s = np.array([float(row["instantOut_time"]) for row in rows])
    cycle_s, green_s, end_s = programme(net)
    per_h, passed = [], []
    for begin_s in np.arange(600, 2200, cycle_s):  # in cycles that begin with the green
        start_s = begin_s - begin_s % cycle_s + green_s
        crossings_s = times_s[(times_s >= start_s) & (times_s < start_s + cycle_s)] - start_s
        passed.append(len(crossings_s))
        per_h.append(saturation_flow_per_h(crossings_s[crossings_s <= end_s - green_s])[0])
    saturation = float(np.mean(per_h)) / 3600
    return cycle_s, float(np.mean(passed)) / saturation, saturation


def control_delay_s(trips: dict[str, np.ndarray], from_s: float, to_s: float) -> float:
    """Mean of time loss and departure delay of those who left between these times (a warm-up is left out)."""
    chosen = (trips["depart"] >= from_s) & (trips["depart"] < to_s) & (trips["arrival"] >= 0)
    return float((trips["timeLoss"] + trips["departDelay"])[chosen].mean())


def even_arrivals(net: Path, folder: Path, signal: tuple[float, float, float], headway_s: float) -> Comparison:
    """Delay of evenly spaced cars against the D/D/1 queue (Webster's first term)."""
    cycle_s, green_s, saturation = signal
    trips = simulated(net, folder, flow(f'period="{headway_s}"', 7200), 7200)
    degree = cycle_s / headway_s / (saturation * green_s)
    return Comparison(
        "traffic in SUMO", f"delay of a car every {headway_s:g} s at a signal", "D/D/1 queue", "theory", "s",
        control_delay_s(trips, 900, 6600), float(uniform_delay_s(cycle_s, green_s / cycle_s, degree)), 0.06,
        note="arrivals are whole cars in whole seconds, and a real queue stands back from the line",
    )  # fmt: skip


def random_arrivals(
    net: Path, folder: Path, signal: tuple[float, float, float], degree: float, seeds: int
) -> Comparison:
    """Mean delay of randomly arriving cars over seeds against Webster's formula."""
    cycle_s, green_s, saturation = signal
    per_s = degree * saturation * green_s / cycle_s
    delays_s = []
    for seed in range(1, 1 + seeds):
        trips = simulated(net, folder / str(seed), flow(f'period="exp({per_s:.6f})"', 7200), 7200, seed=seed)
        delays_s.append(control_delay_s(trips, 900, 6600))
    case = (cycle_s, green_s / cycle_s, degree, per_s)
    return Comparison(
        "traffic in SUMO", f"delay of random arrivals at {100 * degree:.0f} % of capacity, {seeds} seeds",
        "Webster 1958", "theory", "s", float(np.mean(delays_s)),
        float(webster_delay_s(*case) - webster_correction_s(*case)), 0.10,
        note="one and a half hours scatter by up to 10 % from seed to seed; Webster's correction is itself a fit",
    )  # fmt: skip


def queue() -> Found:
    """Two flows of evenly spaced cars."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = lane(folder / "net")
        signal = saturated(net, folder / "saturated")
        return [even_arrivals(net, folder / "even", signal, headway_s) for headway_s in (5.3, 11)]


def webster() -> Found:
    """Random arrivals at half and at seven tenths of what the signal lets through."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = lane(folder / "net")
        signal = saturated(net, folder / "saturated")
        return [
            random_arrivals(net, folder / str(degree), signal, degree, seeds) for degree, seeds in ((0.5, 2), (0.7, 3))
        ]
