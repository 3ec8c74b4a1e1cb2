"""What a traffic engineer reads off one simulation: SUMO's output files in, numbers out."""

from __future__ import annotations

import csv
import functools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.files import read_rows
from twin.traffic.folders import DATA

MG_PER_KG = 1e6
TRIPS, WALKS, CONFLICTS = "trips.csv", "walks.csv", "conflicts.xml"
NUMBERS = (
    "depart", "departDelay", "arrival", "duration", "routeLength", "waitingTime", "waitingCount", "timeLoss",
)  # fmt: skip
EMISSIONS = ("CO2_abs", "NOx_abs", "fuel_abs")
SLOW_WALKERS = frozenset({"elderly", "child", "disabled"})
# SUMO's codes of encounters that it sees where streams merge or cross (5–16 under way, 17 both are past). Not among
# them: followers on a lane (2, 3) and "collisions" (111). The device knows no lateral places, so motorcycles side by
# side in a lane are both to it; at junctions, too, 111 is known to be false (eclipse-sumo/sumo #7411, #13918).
JUNCTION_ENCOUNTERS = frozenset(map(str, range(5, 18)))
NO_JUNCTION_ENCOUNTERS = "2 3 4 18 111"


@dataclass(frozen=True)
class Measures:
    """Means over *all* demanded vehicles where nothing else is said; None where there is nothing to take a mean of.

    `delay_s` is time loss + departure delay; a vehicle still waiting to enter has waited so far and counts, because a
    bad controller hides its delay there. `speed_km_h` and the emissions are those of the vehicles that entered.
    `person_delay_s` is the mean over persons: those in vehicles by `data/occupancy.csv`, and those on foot. Emergency
    vehicles are those of `data/emergency_vehicles.csv`; their travel time is from the wished departure, so far if still
    under way. `pedestrian_wait_s` is time at standstill of each person who walked (that is, at crossings), so far if
    still under way; the slow are the elderly, children and disabled. Conflicts are pairs of vehicles whose ways cross
    or merge, counted once, that came closer than `data/conflict_thresholds.csv` allows. Queues are halting vehicles on
    an approach. What SUMO does not tell is the caller's to add: violations, electricity (`electricity.py`).
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
    nox_kg: float
    person_delay_s: float
    queue_mean_veh: float | None = None
    queue_max_veh: float | None = None
    emergency_vehicles: int = 0
    emergency_travel_time_s: float | None = None
    emergency_delay_s: float | None = None
    pedestrians: int = 0
    pedestrian_wait_s: float | None = None
    slow_pedestrian_wait_s: float | None = None
    pedestrian_time_loss_s: float | None = None
    conflicts: int | None = None
    conflicts_ttc: int | None = None
    conflicts_pet: int | None = None
    red_light_violations: int | None = None
    signal_electricity_kwh: float | None = None
    signal_plts_percent: float | None = None


def output_options(*, conflicts: bool = False) -> list[str]:
    """SUMO's command-line words for the outputs that `read` reads, written into the present folder.

    Conflicts (SUMO's SSM device on every vehicle) about double the time that SUMO takes.
    """
    words = [
        "--tripinfo-output", TRIPS, "--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted",
        "--personinfo-output", WALKS, "--device.emissions.probability", "1",
    ]  # fmt: skip
    if conflicts:
        ttc_s, pet_s = thresholds()
        words += [
            "--device.ssm.probability", "1", "--device.ssm.file", CONFLICTS, "--device.ssm.measures", "TTC PET",
            "--device.ssm.thresholds", f"{ttc_s} {pet_s}", "--device.ssm.range", "20", "--device.ssm.extratime", "1",
            "--device.ssm.exclude-conflict-types", NO_JUNCTION_ENCOUNTERS,
        ]  # fmt: skip
    return words


def read(folder: Path, duration_s: float, queues: np.ndarray | None = None, **told: Any) -> Measures:
    """Measures of a simulation of `duration_s` seconds whose outputs (`output_options`) lie in `folder`.

    `queues`: halting vehicles, float (times, approaches), sampled evenly; NaN where nothing was seen. `told` are
    fields of `Measures` that SUMO does not tell.
    """
    conflicts = folder / CONFLICTS
    return measures(
        read_trips(folder / TRIPS),
        duration_s,
        walks=read_walks(folder / WALKS),
        conflicts=count_conflicts(conflicts) if conflicts.is_file() else None,
        queues=queues,
        **told,
    )


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of one of SUMO's CSV files; SUMO writes an empty file, or none, where there was nobody."""
    if not path.is_file():
        return [], []
    with path.open(newline="", encoding="utf-8") as file:
        lines = [row for row in csv.reader(file, delimiter=";") if row]
    return (lines[0], lines[1:]) if lines else ([], [])


def read_trips(path: Path) -> dict[str, np.ndarray]:
    """SUMO's trip records (CSV) as columns, one entry a demanded vehicle [s, m, mg], and `vType`.

    `depart` is −1 for those that never entered, `arrival` is −1 for the unfinished. Emissions are 0 without the device.
    """
    header, rows = _rows(path)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    found = dict(zip(header, columns, strict=True))
    nothing = ("0",) * len(rows)
    names = {**{n: f"tripinfo_{n}" for n in NUMBERS}, **{n: f"emissions_{n}" for n in EMISSIONS}}
    trips = {name: np.array([float(v or 0) for v in found.get(column, nothing)]) for name, column in names.items()}
    return {**trips, "vType": np.array(found.get("tripinfo_vType", ()), dtype=str)}


def read_walks(path: Path) -> dict[str, np.ndarray]:
    """SUMO's person records (CSV) as columns, one entry a person who set out: `walker` (class), waiting and loss [s].

    The class is what stands before the dot of a person's id. SUMO gives no time loss for an unfinished walk: it is at
    least the time waited.
    """
    header, rows = _rows(path)
    persons = {row[0]: dict(zip(header, row, strict=True)) for row in rows}  # a row for every walk of a person
    out = [p for p in persons.values() if float(p["personinfo_depart"]) >= 0]
    wait_s = np.array([float(p["personinfo_waitingTime"]) for p in out])
    loss_s = np.array([float(p["personinfo_timeLoss"]) for p in out])
    walkers = np.array([p["personinfo_id"].split(".")[0] for p in out], dtype=str)
    return {"walker": walkers, "waitingTime": wait_s, "timeLoss": np.maximum(loss_s, wait_s)}


@functools.cache
def thresholds() -> tuple[float, float]:
    """Time to collision and post-encroachment time [s] below which an encounter is a conflict."""
    values = {row["measure"]: float(row["value"]) for row in read_rows(DATA / "conflict_thresholds.csv")}
    return values["ttc"], values["pet"]


def count_conflicts(path: Path) -> tuple[int, int, int]:
    """Pairs of vehicles in conflict in a file of SUMO's SSM device: all, by time to collision, by post-encroachment.

    A pair counts once, though both report it and both measures may.
    """
    pairs: dict[str, set[frozenset[str]]] = {"minTTC": set(), "PET": set()}
    bars = dict(zip(pairs, thresholds(), strict=True))
    for _, element in ET.iterparse(path):  # noqa: S314 (written by SUMO a moment ago)
        if element.tag != "conflict":
            continue
        for measure in element:
            value, kind = measure.get("value", "NA"), measure.get("type", "NA")
            if measure.tag in pairs and kind in JUNCTION_ENCOUNTERS and float(value) < bars[measure.tag]:
                pairs[measure.tag].add(frozenset((element.get("ego", ""), element.get("foe", ""))))
        element.clear()
    return len(pairs["minTTC"] | pairs["PET"]), len(pairs["minTTC"]), len(pairs["PET"])


@functools.cache
def occupancy() -> dict[str, float]:
    """Persons in a vehicle by its kind; `other` for the rest."""
    return {row["vehicle"]: float(row["value"]) for row in read_rows(DATA / "occupancy.csv")}


@functools.cache
def emergency_kinds() -> tuple[str, ...]:
    """The kinds of emergency vehicles."""
    return tuple(row["vehicle"] for row in read_rows(DATA / "emergency_vehicles.csv"))


def persons_in(kinds: Sequence[str] | np.ndarray) -> np.ndarray:
    """Persons in each vehicle of these kinds, float (vehicles,); what stands after an @ is a variant of a kind."""
    persons = occupancy()
    return np.array([persons.get(kind.partition("@")[0], persons["other"]) for kind in kinds], dtype=float)


def person_delay_s(kinds: Sequence[str] | np.ndarray, delay_s: np.ndarray, walk_loss_s: np.ndarray) -> float:
    """Mean delay of a person [s]: everybody in vehicles of these `kinds` and with this delay, and everybody on foot."""
    persons = persons_in(kinds)
    everybody = persons.sum() + len(walk_loss_s)
    return float((persons @ delay_s + walk_loss_s.sum()) / everybody) if everybody > 0 else 0.0


def measures(
    trips: dict[str, np.ndarray],
    duration_s: float,
    *,
    walks: dict[str, np.ndarray] | None = None,
    conflicts: tuple[int, int, int] | None = None,
    queues: np.ndarray | None = None,
    **told: Any,
) -> Measures:
    """Measures of the trips of `duration_s` seconds; zero or None where nobody came (see `read`)."""
    n = len(trips["depart"])
    entered = trips["depart"] >= 0
    arrived = int(np.count_nonzero(trips["arrival"] >= 0))
    delay_s = trips["timeLoss"] + trips["departDelay"]
    distance_m, driven_s = float(trips["routeLength"][entered].sum()), float(trips["duration"][entered].sum())
    emergency = np.isin(trips["vType"], emergency_kinds())
    walker = (walks or {}).get("walker", np.zeros(0, dtype=str))
    wait_s, loss_s = ((walks or {}).get(name, np.zeros(0)) for name in ("waitingTime", "timeLoss"))
    mean_veh, max_veh = queue_sizes(queues)
    every, by_ttc, by_pet = conflicts or (None, None, None)
    return Measures(
        vehicles=n,
        not_inserted=int(n - np.count_nonzero(entered)),
        arrived=arrived,
        delay_s=_mean(delay_s) or 0.0,
        delay_p95_s=float(np.quantile(delay_s, 0.95)) if n else 0.0,
        stop_time_s=_mean(trips["waitingTime"]) or 0.0,
        stops=_mean(trips["waitingCount"]) or 0.0,
        speed_km_h=3.6 * distance_m / driven_s if driven_s > 0 else 0.0,
        throughput_veh_per_h=arrived * 3600 / duration_s,
        distance_veh_km=distance_m / 1000,
        co2_kg=float(trips["CO2_abs"].sum()) / MG_PER_KG,
        fuel_kg=float(trips["fuel_abs"].sum()) / MG_PER_KG,
        nox_kg=float(trips["NOx_abs"].sum()) / MG_PER_KG,
        person_delay_s=person_delay_s(trips["vType"], delay_s, loss_s),
        queue_mean_veh=mean_veh,
        queue_max_veh=max_veh,
        emergency_vehicles=int(np.count_nonzero(emergency)),
        emergency_travel_time_s=_mean((trips["duration"] + trips["departDelay"])[emergency]),
        emergency_delay_s=_mean(delay_s[emergency]),
        pedestrians=len(walker),
        pedestrian_wait_s=_mean(wait_s),
        slow_pedestrian_wait_s=_mean(wait_s[np.isin(walker, list(SLOW_WALKERS))]),
        pedestrian_time_loss_s=_mean(loss_s),
        conflicts=every,
        conflicts_ttc=by_ttc,
        conflicts_pet=by_pet,
        **told,
    )


def queue_sizes(queues: np.ndarray | None) -> tuple[float | None, float | None]:
    """Halting vehicles on an approach, mean over times and approaches, and the most at any time on any approach.

    `queues` is float (times, approaches); what was not seen (NaN) is left out. None where nothing was seen.
    """
    seen = np.zeros(0) if queues is None else queues[~np.isnan(queues)]
    return (float(seen.mean()), float(seen.max())) if seen.size else (None, None)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
