"""Many days on a network as a traffic office has them: what detectors saw of every road, and how long it took.

A day repeats the network's own demand over the hours, scaled by a daily profile and by chance. It is simulated in a
fresh process and kept by its digest. Pedestrians are left out, and so is the sublane model unless it is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import NetworkError
from twin.files import cache_folder, read_rows
from twin.traffic.folders import DATA, code_digest, process_environment
from twin.traffic.networks.check import check
from twin.traffic.networks.files import Network, elements
from twin.traffic.networks.roads import RoadWatch, roads_of, travel_times
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.simulation.batch import Progress
from twin.traffic.simulation.detectors import DetectorOptions

if TYPE_CHECKING:
    from twin.traffic.simulation.sim import TrafficSim  # brings libsumo, which only the fresh process loads

INTERVAL_S, QUARTER_S, HOUR_S = 300, 900, 3600


@dataclass(frozen=True)
class DayPlan:
    """One day to live: `level` multiplies the demand [-]; None draws it, as `data/day_variation.csv` says."""

    seed: int
    begin_h: int = 5
    hours: int = 6
    peak: float = 1.0
    level: float | None = None
    controller: str = "shipped"
    sublane: bool = False
    detectors: DetectorOptions = field(default_factory=lambda: DetectorOptions(loops=True))


@dataclass(frozen=True)
class Day:
    """`seen` (intervals, roads, signs): means of vehicles in view and halting [veh], vehicles passed [veh], NaN where
    unseen. `travel_s` (intervals, roads): mean travel time, NaN where nobody drove. Intervals of INTERVAL_S."""

    seen: np.ndarray
    travel_s: np.ndarray


@functools.cache
def _table(name: str, key: str) -> dict[str, float]:
    return {row[key]: float(row["value"]) for row in read_rows(DATA / name)}


def demand_factors(plan: DayPlan) -> np.ndarray:
    """Multiple of the network's demand in every quarter hour of the day (4·hours,) [-].

    The daily profile × the day's level × a first-order autoregressive wander; the seed is the only source of chance.
    """
    rng = np.random.default_rng([plan.seed, 11])
    vary = _table("day_variation.csv", "name")
    shares = np.array([_table("day_profile.csv", "hour")[str(h)] for h in range(24)])
    at_h = plan.begin_h + (np.arange(4 * plan.hours) + 0.5) / 4
    drawn = float(np.exp(rng.normal(0, vary["day_level_sd"])))
    wander, memory = np.zeros(len(at_h)), vary["quarter_memory"]
    for q, push in enumerate(rng.normal(0, vary["quarter_sd"], len(at_h))):
        wander[q] = push if q == 0 else memory * wander[q - 1] + np.sqrt(1 - memory**2) * push
    level = drawn if plan.level is None else plan.level
    return plan.peak * level * np.interp(at_h, np.arange(25) + 0.5, np.append(shares, shares[0])) * np.exp(wander)


def day_routes(network: Network, plan: DayPlan) -> str:
    """The day's vehicles as a SUMO route file: those of the network's own demand, again and again, thinned or copied.

    Every vehicle moves to a random time of its quarter hour; a flow becomes Poisson arrivals of its mean rate.
    """
    rng = np.random.default_rng([plan.seed, 12])
    heads: list[str] = []
    lines: list[tuple[float, int, str]] = []
    for time_s, element in _drawn(network, plan, rng, heads):
        element.set("depart", f"{time_s:.2f}")
        element.set("id", f"{element.get('id')}.{len(lines)}")
        lines.append((time_s, len(lines), ET.tostring(element, encoding="unicode").strip()))
    if not lines:
        raise NetworkError(f"{network.name}: its demand has no vehicle, trip or flow that a day could repeat")
    return "\n".join(["<routes>", *heads, *(line for _, _, line in sorted(lines)), "</routes>"]) + "\n"


def _drawn(
    network: Network, plan: DayPlan, rng: np.random.Generator, heads: list[str]
) -> Iterator[tuple[float, ET.Element]]:
    """Departures of the day; what they refer to (types, routes) lands in `heads`."""
    factors = demand_factors(plan)
    quarters = max((network.end_s - network.begin_s) // QUARTER_S, 1)
    again = [np.arange(q, len(factors), quarters) for q in range(quarters)]  # the day's quarters that repeat quarter q
    for path in network.demand_files:
        *_, (_, root) = elements(path)
        for element in root:
            if element.tag in ("vType", "vTypeDistribution", "route", "routeDistribution"):
                heads.append(ET.tostring(element, encoding="unicode").strip())
            elif element.tag in ("vehicle", "trip", "flow"):
                for q, mean in _means(element, network, quarters):
                    for there in again[q]:
                        whole, part = divmod(mean * factors[there], 1)
                        flow = element.tag == "flow"
                        n = rng.poisson(mean * factors[there]) if flow else int(whole) + (rng.random() < part)
                        for at_s in rng.uniform(0, QUARTER_S, n):
                            yield plan.begin_h * HOUR_S + there * QUARTER_S + at_s, _vehicle(element)


def _vehicle(element: ET.Element) -> ET.Element:
    """A copy of the element without what tells its time."""
    told = ("begin", "end", "period", "vehsPerHour", "number", "probability", "depart")
    kept = {name: value for name, value in element.attrib.items() if name not in told}
    route = "route" in kept or element.find("route") is not None
    copy = ET.Element("vehicle" if route else "trip", kept)
    copy.extend(list(element))
    return copy


def _means(element: ET.Element, network: Network, quarters: int) -> Iterator[tuple[int, float]]:
    """(quarter of the network's time, expected vehicles in it) of a vehicle, trip or flow."""
    if element.tag != "flow":
        q = int((float(element.get("depart", "0")) - network.begin_s) // QUARTER_S)
        if 0 <= q < quarters:
            yield q, 1.0
        return
    begin_s, end_s = (float(element.get(k, v)) for k, v in (("begin", network.begin_s), ("end", network.end_s)))
    per_s = _rate(element, end_s - begin_s)
    for q in range(quarters):
        from_s = network.begin_s + q * QUARTER_S
        if (shared_s := min(end_s, from_s + QUARTER_S) - max(begin_s, from_s)) > 0:
            yield q, per_s * shared_s


def _rate(flow: ET.Element, lasts_s: float) -> float:
    """Mean vehicles a second of a flow, in the ways in which SUMO lets one say it."""
    period = flow.get("period", "")
    if period.startswith("exp("):
        return float(period[4:-1])
    if period:
        return 1 / float(period)
    if per_hour := flow.get("vehsPerHour"):
        return float(per_hour) / HOUR_S
    return float(flow.get("probability") or float(flow.get("number", "0")) / lasts_s)


def simulated_days(network: Network, plans: Sequence[DayPlan], progress: Progress | None = None) -> list[Day]:
    """The days in the order of their plans, each simulated once and kept in the cache folder.

    Raises NetworkError if no road of the network ends at a signal, else FaultsError with all that `netcheck` finds.
    """
    if not any(road.watched for road in roads_of(network.net_file)):
        raise NetworkError(f"{network.name}: no road ends at a signal, so no detector sees one")
    days: list[Day] = []
    with ThreadPoolExecutor(min(len(plans), os.cpu_count() or 1)) as pool:
        for day in pool.map(functools.partial(_kept, network), plans):
            days.append(day)
            if progress is not None:
                progress(len(days), len(plans))
    return days


def place_of(network: Network, plan: DayPlan) -> Path:
    """Where a day is kept once it has been simulated."""
    told = [network.digest(), _told(plan), code_digest()]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "days" / f"{digest[:20]}.npz"


def _told(plan: DayPlan) -> dict[str, Any]:
    return {**asdict(plan), "detectors": plan.detectors.model_dump()}


def _kept(network: Network, plan: DayPlan) -> Day:
    place = place_of(network, plan)
    with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):  # not there, or damaged
        return _day(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".living-", dir=place.parent) as folder:
        _simulate(network, plan, Path(folder), _told(plan))
        os.replace(Path(folder) / "day.npz", place)
    return _day(place)


def _day(place: Path) -> Day:
    with np.load(place) as kept:
        return Day(kept["seen"], kept["travel_s"])


def _simulate(network: Network, plan: DayPlan, folder: Path, told: dict[str, Any]) -> None:
    """Live the day in a fresh process, in `folder`, from files under names of fixed length (see `hour.live`)."""
    (folder / "routes.xml").write_text(day_routes(network, plan), encoding="utf-8")
    check(network)
    words = list(network.options)
    if not plan.sublane and "--lateral-resolution" in words:
        del words[words.index("--lateral-resolution") : words.index("--lateral-resolution") + 2]
    files = {"net": network.net_file, **{f"add{i}": path for i, path in enumerate(network.additional_files)}}
    names = {name: name + (".xml.gz" if path.suffix == ".gz" else ".xml") for name, path in files.items()}
    for name, path in files.items():
        (folder / names[name]).symlink_to(path.absolute())
    job = {"plan": told, "options": words, "net": names.pop("net"), "additional": list(names.values())}
    done = subprocess.run(
        [sys.executable, "-m", "twin.traffic.forecast.days"],
        input=json.dumps(job), capture_output=True, text=True, cwd=folder, env=process_environment(), check=False,
    )  # fmt: skip
    if not (folder / "day.npz").is_file():
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NetworkError(f"{network.name}: {said[-1] if said else 'a simulated day ended without an answer'}")


def _live(job: dict[str, Any]) -> None:
    """Inside the fresh process and the day's folder: simulate, watch, and write `day.npz`."""
    from twin.traffic.signals.baselines import BASELINES, decider

    plan = DayPlan(**{**job["plan"], "detectors": DetectorOptions(**job["plan"]["detectors"])})
    begin_s, intervals = plan.begin_h * HOUR_S, plan.hours * HOUR_S // INTERVAL_S
    network = Network("day", Path(job["net"]), Path("routes.xml"), begin_s)
    signals = signals_of(network.net_file, plan.detectors.camera_range_m)
    baseline = BASELINES[plan.controller]
    roads = [road for road in roads_of(network.net_file) if road.watched]
    watch, seen = RoadWatch(roads, signals), []
    decide = decider(baseline, signals, baseline.defaults) if baseline.rule is not None else None
    sim = _started(job, plan, network, signals)
    for interval in range(intervals):
        while sim.time_s < begin_s + (interval + 1) * INTERVAL_S:
            watch.see(sim.step(decide(sim.readings) if decide is not None else None))
        seen.append(watch.interval())
    sim.close()
    np.savez_compressed("day.npz", seen=np.array(seen), travel_s=travel_times(Path("roads.xml"), roads, intervals))


def _started(job: dict[str, Any], plan: DayPlan, network: Network, signals: Signals) -> TrafficSim:
    """The day's simulation, which writes every edge's travel time of every interval to `roads.xml`."""
    from twin.traffic.signals.baselines import BASELINES, sumo_logic_xml
    from twin.traffic.simulation.sim import TrafficSim

    baseline = BASELINES[plan.controller]
    additional = [*job["additional"], "roads.add.xml"]
    edges = f'<edgeData id="roads" begin="{network.begin_s}" freq="{INTERVAL_S}" file="roads.xml"/>'
    Path("roads.add.xml").write_text(f"<additional>{edges}</additional>")
    if baseline.sumo is not None:
        Path("logic.add.xml").write_text(sumo_logic_xml(signals.plans, baseline.sumo, baseline.defaults))
        additional.append("logic.add.xml")
    options = [
        "--net-file", job["net"], "--route-files", "routes.xml", "--begin", str(network.begin_s),
        "--seed", str(plan.seed), "--time-to-teleport", "-1", "--no-step-log", "--no-warnings",
        "--duration-log.disable", *job["options"],
    ]  # fmt: skip
    return TrafficSim(
        network, signals, options, additional=additional, decision_s=baseline.defaults.get("decision_s", 5.0),
        detectors=plan.detectors, seed=plan.seed, guarded=baseline.rule is not None,
    )  # fmt: skip


if __name__ == "__main__":
    _live(json.load(sys.stdin))
