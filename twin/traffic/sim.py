"""One representative hour in SUMO, and what a traffic engineer reads off it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.errors import MissingExtraError, NetworkError
from twin.traffic.network import Network

MG_PER_KG = 1e6
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measures:
    """Means over *all* demanded vehicles where nothing else is said.

    `delay_s` is time loss + departure delay; a vehicle still waiting to enter has waited so far and counts, because a
    bad controller hides its delay there. `speed_km_h` and the emissions are those of the vehicles that entered.
    """

    vehicles: int
    not_inserted: int
    arrived: int
    delay_s: float
    delay_p95_s: float
    stop_time_s: float
    stops: float
    speed_km_h: float
    throughput_veh_per_h: float
    distance_veh_km: float
    co2_kg: float
    fuel_kg: float


def simulate(network: Network, seed: int, duration_s: int = 3600, scale: float = 1.0) -> Measures:
    """Simulate from the network's begin for `duration_s` seconds under its own signal programme.

    Nobody teleports. SUMO runs in a process of its own, so that the same arguments give the same numbers to the bit
    whatever was simulated before. Raises NetworkError with SUMO's own message.
    """
    if importlib.util.find_spec("libsumo") is None:
        raise MissingExtraError('SUMO is not installed: pip install "trenggalek-twin[twin]"')
    for path in (network.net_file, network.route_file):
        if not path.is_file():
            raise NetworkError(f"{network.name}: no file {path.name}")
    with tempfile.TemporaryDirectory(prefix="twin-sumo-") as folder:
        trips = Path(folder) / "tripinfo.xml"
        job = {"command": command(network, trips, seed, scale), "end_s": network.begin_s + duration_s}
        done = subprocess.run(
            [sys.executable, "-m", "twin.traffic.worker"],
            input=json.dumps(job),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NetworkError(
                f"{network.name}: SUMO says: {done.stdout or f'nothing; it ended with code {done.returncode}'}"
            )
        return measures(read_trips(trips), duration_s)


def command(network: Network, trips: Path, seed: int, scale: float) -> list[str]:
    """SUMO's command line for an hour of a network."""
    return [
        "sumo", "--net-file", str(network.net_file), "--route-files", str(network.route_file),
        "--begin", str(network.begin_s), "--seed", str(seed), "--scale", repr(scale), "--time-to-teleport", "-1",
        "--tripinfo-output", str(trips), "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted",
        "--device.emissions.probability", "1", "--no-step-log", "--no-warnings", "--duration-log.disable",
        *network.options,
    ]  # fmt: skip


def read_trips(path: Path) -> dict[str, np.ndarray]:
    """SUMO's trip records as columns, one entry a demanded vehicle [s, m, mg]; `arrival` is −1 for the unfinished."""
    wanted = ("depart", "departDelay", "arrival", "duration", "routeLength", "waitingTime", "waitingCount", "timeLoss")
    columns: dict[str, list[float]] = {name: [] for name in (*wanted, "CO2_abs", "fuel_abs")}
    for _, element in ET.iterparse(path):  # noqa: S314 (written by SUMO a moment ago)
        if element.tag == "tripinfo":
            for name in wanted:
                columns[name].append(float(element.get(name, "0")))
            emissions = element.find("emissions")
            for name in ("CO2_abs", "fuel_abs"):
                columns[name].append(0.0 if emissions is None else float(emissions.get(name, "0")))
            element.clear()
    return {name: np.asarray(values, dtype=float) for name, values in columns.items()}


def measures(trips: dict[str, np.ndarray], duration_s: float) -> Measures:
    """Measures of the trips of `duration_s` seconds; all zero where nobody came."""
    n = len(trips["depart"])
    entered = trips["depart"] >= 0
    arrived = int(np.count_nonzero(trips["arrival"] >= 0))
    delay_s = trips["timeLoss"] + trips["departDelay"]
    distance_m, driven_s = float(trips["routeLength"][entered].sum()), float(trips["duration"][entered].sum())
    return Measures(
        vehicles=n,
        not_inserted=int(n - np.count_nonzero(entered)),
        arrived=arrived,
        delay_s=_mean(delay_s),
        delay_p95_s=float(np.quantile(delay_s, 0.95)) if n else 0.0,
        stop_time_s=_mean(trips["waitingTime"]),
        stops=_mean(trips["waitingCount"]),
        speed_km_h=3.6 * distance_m / driven_s if driven_s > 0 else 0.0,
        throughput_veh_per_h=arrived * 3600 / duration_s,
        distance_veh_km=distance_m / 1000,
        co2_kg=float(trips["CO2_abs"].sum()) / MG_PER_KG,
        fuel_kg=float(trips["fuel_abs"].sum()) / MG_PER_KG,
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
