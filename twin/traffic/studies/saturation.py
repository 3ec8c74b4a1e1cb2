"""Saturation flow and car equivalents that emerge from the mixed traffic, beside the Indonesian capacity manual's.

The experiment: one approach that is always full, at a signal with long greens, in SUMO's sublane model with left-hand
traffic and the vehicles of `sketch/vehicles.csv`. What passes the stop line in the later part of every green, when the
queue has got going, is counted by kind (TRRL Road Note 34, 1963: lost time is left out by leaving out the start).
"""

from __future__ import annotations

import csv
import functools
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.errors import NetworkError
from twin.files import read_rows
from twin.traffic.demand.vehicles import MIX, MOTORCYCLE, vehicle_mix, vehicle_type
from twin.traffic.folders import DATA, SKETCH
from twin.traffic.networks.build import built
from twin.traffic.networks.files import program

RED_S, GREEN_S, YELLOW_S, STARTING_S = 40, 60, 3, 10
CYCLE_S, COUNTED_S = RED_S + GREEN_S + YELLOW_S, GREEN_S - STARTING_S
WARM_UP = 2  # cycles until the approach is full
APPROACH_M, EXIT_M, SPEED_M_PER_S = 400, 300, 13.89
FRONT_M = 10.0
CLASSES = {"car": "car", "bus": "heavy", "truck": "heavy", "motorcycle": "motorcycle"}
Z95 = 1.96
SHARES = (0.0, 0.5, 0.75, 0.9)  # of motorcycles


@dataclass(frozen=True)
class Discharge:
    """What one experiment saw. `counts`: vehicles of each of `kinds` in the counted part of a green, (cycles, kinds).

    `starts`: all vehicles in the part of the green before it, (cycles,). `front_motorcycle_share` of those that stand
    in the first ten metres at the end of red, `queue_motorcycle_share` of all on the approach then.
    """

    mix: dict[str, float]
    lane_width_m: float
    lanes: int
    kinds: tuple[str, ...]
    counts: np.ndarray
    starts: np.ndarray
    front_motorcycle_share: float
    queue_motorcycle_share: float


@dataclass(frozen=True)
class SaturationResult:
    """Saturation flow of one mix, per hour of green; the interval is 95 % of the mean over cycles.

    `saturation_flow_pcu_per_h` takes the manual's equivalents of a protected approach, and `ratio` is to the manual's
    flow. `lost_s` is the start-up lost time: negative where motorcycles at the front pass faster than the queue later.
    `motorcycle_share` is of those that passed: motorcycles get in and through more easily than was demanded.
    """

    mix: str
    width_m: float
    saturation_flow_veh_per_h: float
    interval_veh_per_h: float
    saturation_flow_pcu_per_h: float
    manual_pcu_per_h: float
    ratio: float
    lost_s: float
    cycles: int
    motorcycle_share: float
    front_motorcycle_share: float
    queue_motorcycle_share: float


@dataclass(frozen=True)
class Equivalent:
    """What a vehicle counts in cars, with the half-width of its 95 % interval, and the manual's value."""

    vehicle: str
    pcu: float
    interval: float
    manual_pcu: float
    ratio: float
    vehicles: int


@functools.cache
def manual() -> dict[str, float]:
    """Values of `data/capacity_manual.csv` by name; units, sources and confidence stand there."""
    return {row["name"]: float(row["value"]) for row in read_rows(DATA / "capacity_manual.csv")}


def manual_pcu(kind: str) -> float:
    """The manual's equivalent of a kind of vehicle at a protected approach."""
    return manual()[{"car": "pcu_car", "heavy": "pcu_heavy", "motorcycle": "pcu_motorcycle_protected"}[CLASSES[kind]]]


def mixes(shares: Sequence[float]) -> list[dict[str, float]]:
    """Mixes with these shares of motorcycles, the others as in `sketch/vehicles.csv`; before them, cars alone."""
    return [{"car": 1.0}, *(vehicle_mix(share) for share in shares)]


def saturation_flow(
    mix: Mapping[str, float], lane_width_m: float = 3.25, lanes: int = 2, cycles: int = 10, seed: int = 1
) -> SaturationResult:
    """Saturation flow of a mix (kind -> share) on an approach of `lanes` lanes. Raises NetworkError."""
    return summary(discharge(mix, lane_width_m, lanes, cycles, seed))


def experiment(
    shares: Sequence[float] = SHARES, lane_width_m: float = 3.25, lanes: int = 2, cycles: int = 10, seed: int = 1
) -> tuple[list[SaturationResult], list[Equivalent]]:
    """Saturation flows of the mixes with these shares of motorcycles, and the equivalents that explain them all."""
    seen = [discharge(mix, lane_width_m, lanes, cycles, seed) for mix in mixes(shares)]
    return [summary(one) for one in seen], equivalents(seen)


def discharge(
    mix: Mapping[str, float], lane_width_m: float = 3.25, lanes: int = 2, cycles: int = 10, seed: int = 1
) -> Discharge:
    """Run the experiment; seconds to a minute. Raises NetworkError with SUMO's message."""
    rows = {row["vehicle"]: row for row in read_rows(SKETCH / "vehicles.csv")}
    if unknown := [kind for kind in mix if kind not in rows]:
        raise NetworkError(f"no vehicle {unknown[0]!r} in the mix; known: {', '.join(rows)}")
    with tempfile.TemporaryDirectory(prefix="twin-saturation-") as name:
        folder = Path(name)
        net = _network(folder, lane_width_m, lanes)
        types = [vehicle_type(rows[k], probability=f"{p:.9g}") for k, p in mix.items() if p > 0]
        until_s = (cycles + WARM_UP) * CYCLE_S
        (folder / "x.rou.xml").write_text(_routes(types, _demand_per_s(mix, lane_width_m * lanes), until_s))
        (folder / "x.add.xml").write_text(_signal_and_loops(lanes))
        _simulate(folder, net, until_s, seed)
        kinds = tuple(kind for kind in rows if mix.get(kind, 0) > 0)
        counts, starts = _counts(folder / "loops.csv", kinds, cycles)
        front, queue = _motorcycles_waiting(folder / "waiting.xml")
    return Discharge(dict(mix), lane_width_m, lanes, kinds, counts, starts, front, queue)


def _network(folder: Path, lane_width_m: float, lanes: int) -> Path:
    """A straight road over a signal."""
    road = f'numLanes="{lanes}" width="{lane_width_m}" speed="{SPEED_M_PER_S}"'
    (folder / "x.nod.xml").write_text(
        f'<nodes><node id="a" x="0" y="0"/><node id="s" x="{APPROACH_M}" y="0" type="traffic_light"/>'
        f'<node id="b" x="{APPROACH_M + EXIT_M}" y="0"/></nodes>'
    )
    (folder / "x.edg.xml").write_text(
        f'<edges><edge id="in" from="a" to="s" {road}/><edge id="out" from="s" to="b" {road}/></edges>'
    )
    return built(folder, "<routes/>") / "network.net.xml"


def _demand_per_s(mix: Mapping[str, float], width_m: float) -> float:
    """Half as many vehicles again as the manual lets through: the approach is always full."""
    pcu = sum(share * manual_pcu(kind) for kind, share in mix.items()) / sum(mix.values())
    return 1.5 * manual()["saturation_flow_per_m"] * width_m / pcu * GREEN_S / CYCLE_S / 3600


def _routes(types: Sequence[str], per_s: float, until_s: float) -> str:
    return (
        f'<routes><vTypeDistribution id="{MIX}">{"".join(f"{kind}/>" for kind in types)}</vTypeDistribution>'
        f'<flow id="f" type="{MIX}" begin="0" end="{until_s}" period="exp({per_s:.9g})" from="in" to="out"'
        ' departLane="best" departPosLat="random" departSpeed="max"/></routes>'
    )


def _signal_and_loops(lanes: int) -> str:
    phases = "".join(
        f'<phase duration="{duration_s}" state="{letter * lanes}"/>'
        for letter, duration_s in (("r", RED_S), ("G", GREEN_S), ("y", YELLOW_S))
    )
    loops = "".join(
        f'<instantInductionLoop id="l{i}" lane="in_{i}" pos="-0.1" file="loops.csv"/>' for i in range(lanes)
    )
    return f'<additional><tlLogic id="s" programID="long" type="static">{phases}</tlLogic>{loops}</additional>'


def _simulate(folder: Path, net: Path, until_s: float, seed: int) -> None:
    command = [
        program("sumo"), "--net-file", str(net), "--route-files", "x.rou.xml", "--additional-files", "x.add.xml",
        "--end", str(until_s), "--seed", str(seed), "--lateral-resolution", "0.8", "--time-to-teleport", "-1",
        "--max-depart-delay", "60", "--no-step-log", "--no-warnings", "--fcd-output", "waiting.xml",
        "--device.fcd.period", str(CYCLE_S), "--device.fcd.begin", str(WARM_UP * CYCLE_S + RED_S - 1),
        "--fcd-output.attributes", "type,pos,lane",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"saturation flow: SUMO says: {' '.join(done.stderr.split())}")


def _counts(loops: Path, kinds: Sequence[str], cycles: int) -> tuple[np.ndarray, np.ndarray]:
    """Vehicles over the stop line: by kind in the counted part of every green, and all in the part before it."""
    counts, starts = np.zeros((cycles, len(kinds))), np.zeros(cycles)
    with loops.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            cycle, at_s = divmod(float(row["instantOut_time"]), CYCLE_S)
            c, green_s = int(cycle) - WARM_UP, at_s - RED_S
            if row["instantOut_state"] == "leave" and 0 <= c < cycles and 0 <= green_s < GREEN_S:
                if green_s < STARTING_S:
                    starts[c] += 1
                else:
                    counts[c, kinds.index(row["instantOut_type"])] += 1
    return counts, starts


def _motorcycles_waiting(path: Path) -> tuple[float, float]:
    """Shares of motorcycles at the end of red: in the first metres before the stop line, and on all the approach."""
    waiting = [
        (float(vehicle.get("pos", "0")), vehicle.get("type") == MOTORCYCLE)
        for _, vehicle in ET.iterparse(path)  # noqa: S314 (written by SUMO a moment ago)
        if vehicle.tag == "vehicle" and vehicle.get("lane", "").startswith("in_")
    ]
    line_m = max((at_m for at_m, _ in waiting), default=0.0)
    front = [motorcycle for at_m, motorcycle in waiting if at_m > line_m - FRONT_M]
    return float(np.mean(front or [False])), float(np.mean([motorcycle for _, motorcycle in waiting] or [False]))


def summary(seen: Discharge) -> SaturationResult:
    """The figures of one experiment."""
    per_h = 3600 / COUNTED_S
    pcu = np.array([manual_pcu(kind) for kind in seen.kinds])
    passed = seen.counts.sum(axis=1)
    flow = float(passed.mean()) * per_h
    flow_pcu = float((seen.counts @ pcu).mean()) * per_h
    width_m = seen.lanes * seen.lane_width_m
    expected = manual()["saturation_flow_per_m"] * width_m
    motorcycles = [i for i, kind in enumerate(seen.kinds) if kind == MOTORCYCLE]
    return SaturationResult(
        mix=", ".join(f"{kind} {share:.3g}" for kind, share in seen.mix.items() if share > 0),
        width_m=width_m,
        saturation_flow_veh_per_h=flow,
        interval_veh_per_h=Z95 * float(passed.std(ddof=1)) / len(passed) ** 0.5 * per_h if len(passed) > 1 else 0.0,
        saturation_flow_pcu_per_h=flow_pcu,
        manual_pcu_per_h=expected,
        ratio=flow_pcu / expected,
        lost_s=STARTING_S - float(seen.starts.mean()) * 3600 / flow,
        cycles=len(passed),
        motorcycle_share=float(seen.counts[:, motorcycles].sum() / passed.sum()),
        front_motorcycle_share=seen.front_motorcycle_share,
        queue_motorcycle_share=seen.queue_motorcycle_share,
    )


def motorcycle_equivalent(seen: Sequence[Discharge]) -> Equivalent:
    """What a motorcycle counts in cars (see `equivalents`). Raises ValueError where none took part."""
    found = [one for one in equivalents(seen) if one.vehicle == MOTORCYCLE]
    if not found:
        raise ValueError("no motorcycle in any of the mixes")
    return found[0]


def equivalents(seen: Sequence[Discharge]) -> list[Equivalent]:
    """Equivalents in cars of motorcycles and heavy vehicles that explain the counts of all experiments.

    In a saturated window of fixed length, cars = s − Σ pcu_k · n_k: every vehicle of another kind keeps out so many
    cars. Least squares over all cycles of all mixes (Branston and van Zuylen 1978, Transportation Research 12, 47–53;
    Kimber, McDonald and Hounsell 1985). The experiments must be of one width. Raises ValueError if they are not.
    """
    if len({(s.lanes, s.lane_width_m) for s in seen}) != 1:
        raise ValueError("equivalents need experiments of one and the same width")
    groups = [g for g in ("motorcycle", "heavy") if any(CLASSES[k] == g for s in seen for k in s.kinds)]
    counted = {g: np.concatenate([_of_class(s, g) for s in seen]) for g in (*groups, "car")}
    left = np.column_stack([np.ones(len(counted["car"])), *(-counted[g] for g in groups)])
    fitted, *_ = np.linalg.lstsq(left, counted["car"], rcond=None)
    residual = counted["car"] - left @ fitted
    variance = residual @ residual / max(len(residual) - len(fitted), 1)
    error = Z95 * np.sqrt(np.diag(np.linalg.inv(left.T @ left)) * variance)
    expected = {"motorcycle": manual()["pcu_motorcycle_protected"], "heavy": manual()["pcu_heavy"]}
    return [
        Equivalent(g, float(pcu), float(e), expected[g], float(pcu) / expected[g], int(counted[g].sum()))
        for g, pcu, e in zip(groups, fitted[1:], error[1:], strict=True)
    ]


def _of_class(seen: Discharge, group: str) -> np.ndarray:
    """Vehicles of a class in each cycle."""
    return seen.counts[:, [CLASSES[kind] == group for kind in seen.kinds]].sum(axis=1)
