"""An hour of demand: day types, growth, and from counts (or a labelled prior of them) to a SUMO route file."""

from __future__ import annotations

import difflib
import functools
import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import CountsError
from twin.files import cache_folder, read_rows, write_whole
from twin.traffic.demand.counts import QUARTER_S, Counts, Turn, vehicle_turns
from twin.traffic.demand.pedestrians import pedestrians_xml, walker_types_xml
from twin.traffic.demand.sampling import Departure, Way, Ways, candidate_ways, sampled
from twin.traffic.demand.vehicles import emergency_types_xml, emergency_xml, mix_xml, parameters, vehicle_mix
from twin.traffic.folders import DATA, SKETCH, code_digest
from twin.traffic.networks.files import Network, read_net
from twin.traffic.networks.locate import locate

QUARTERS = 4
PRIOR = "the sketch's demand: a prior, no counts"


@dataclass(frozen=True)
class DayType:
    """A sort of hour (`data/day_types.csv`): all of it is a prior until somebody counts.

    `demand` is the factor on the sketch's inflow and attraction by group of entries [-], `profile` the share of the
    hour in each quarter (adding up to 1), `motorcycle_share_shift` what the share of motorcycles gains [-].
    """

    name: str
    demand: Mapping[str, float]
    profile: tuple[float, ...]
    motorcycle_share_shift: float
    pedestrians_per_h: float


@functools.cache
def day_types() -> dict[str, DayType]:
    """Every day type by name."""
    found: dict[str, dict[str, float]] = {}
    for row in read_rows(DATA / "day_types.csv"):
        found.setdefault(row["day_type"], {})[row["name"]] = float(row["value"])
    return {
        name: DayType(
            name,
            {key.removeprefix("demand_"): value for key, value in values.items() if key.startswith("demand_")},
            tuple(values[f"quarter_{i + 1}"] for i in range(QUARTERS)),
            values["motorcycle_share_shift"],
            values["pedestrians_per_h"],
        )
        for name, values in found.items()
    }


def day_type(name: str) -> DayType:
    """The day type of this name. Raises CountsError for another word, with the nearest one."""
    known = day_types()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise CountsError("day type", [f"unknown day type {name!r}; {hint}known: {', '.join(known)}"])
    return known[name]


def growth_factor(percent_per_year: float, years: float) -> float:
    """Compound growth [-]: (1 + p/100)^years."""
    return float((1 + percent_per_year / 100) ** years)


def employment_factor(
    employment: float, baseline_employment: float | None = None, elasticity: float | None = None
) -> float:
    """Demand against the baseline's [-]: 1 + elasticity · (employment / baseline − 1), never below 0.

    Where nothing is given: the source book's employment and a labelled prior (`data/demand_parameters.csv`).
    """
    given = parameters()
    baseline = given["baseline_employment"] if baseline_employment is None else baseline_employment
    slope = given["employment_elasticity"] if elasticity is None else elasticity
    return max(0.0, 1 + slope * (employment / baseline - 1))


def gravity(inflow: np.ndarray, attraction: np.ndarray) -> np.ndarray:
    """Trips from every entry to every exit, shape (n, n), in the unit of `inflow`.

    Each inflow is shared among the others by their attraction; nobody leaves where he came in.
    """
    weight = np.tile(np.asarray(attraction, dtype=float), (len(inflow), 1))
    np.fill_diagonal(weight, 0.0)
    return np.asarray(inflow, dtype=float)[:, None] * weight / weight.sum(axis=1, keepdims=True)


def origin_destination(kind: DayType) -> dict[tuple[str, str], float]:
    """The sketch's vehicles an hour from entry edge to exit edge on a day of this type: a prior."""
    entries = read_rows(SKETCH / "demand.csv")
    group = {row["entry"]: row["group"] for row in read_rows(DATA / "entry_groups.csv")}
    factor = np.array([kind.demand[group[row["entry"]]] for row in entries])
    inflow, attraction = (
        factor * np.array([float(row[column]) for row in entries]) for column in ("inflow_veh_per_h", "attraction")
    )
    trips = gravity(inflow, attraction)
    return {
        (origin["in_edge"], to["out_edge"]): float(trips[i, j])
        for i, origin in enumerate(entries)
        for j, to in enumerate(entries)
        if i != j
    }


def sketch_ways(kind: DayType, net: Any) -> dict[Way, float]:
    """The sketch's ways [veh/h]: everybody takes the fastest."""
    trips = origin_destination(kind)
    return {way: trips[way[0], way[-1]] for way in Ways(net).fastest() if trips.get((way[0], way[-1]))}


def synthetic_counts(kind: DayType, net: Any, begin_s: int = 7 * 3600) -> Counts:
    """Expected turning counts at the sketch's signals in the hour from `begin_s` [s of the day]: a prior."""
    turns = [
        Turn(at, *edges)
        for edges, at in sorted(vehicle_turns(net).items())
        if net.getNode(at).getType() == "traffic_light"
    ]
    hour = dict.fromkeys(((turn.from_edge, turn.to_edge) for turn in turns), 0.0)
    for way, veh_per_h in sketch_ways(kind, net).items():
        for pair in itertools.pairwise(way):
            if pair in hour:
                hour[pair] += veh_per_h
    veh = np.outer([hour[turn.from_edge, turn.to_edge] for turn in turns], kind.profile)
    return Counts(PRIOR, begin_s, tuple(turns), veh, prior=True)


def hour_routes(
    kind: str,
    *,
    seed: int,
    scale: float = 1.0,
    motorcycle_share: float | None = None,
    pedestrians_per_h: float | None = None,
    emergency_per_h: float | None = None,
) -> Path:
    """A route file for an hour of the Trenggalek sketch on a day of this type; made once for the same arguments.

    `scale` multiplies the vehicles [-]; `motorcycle_share` is a weekday's, and the day type shifts it. What is None
    comes from the tables, priors all. Departures begin at 0. Raises CountsError for an unknown day type.
    """
    network, day = locate("trenggalek"), day_type(kind)
    net = read_net(network.net_file)
    share = (parameters()["motorcycle_share"] if motorcycle_share is None else motorcycle_share) + (
        day.motorcycle_share_shift
    )
    return routes_from_counts(
        network,
        synthetic_counts(day, net).scaled(scale),
        vehicle_mix(min(1.0, max(0.0, share))),
        seed,
        ways=sketch_ways(day, net),
        pedestrians_per_h=day.pedestrians_per_h if pedestrians_per_h is None else pedestrians_per_h,
        emergency_per_h=parameters()["emergency_per_h"] if emergency_per_h is None else emergency_per_h,
    )


def routes_from_counts(
    network: Network,
    counts: Counts,
    mix: Mapping[str, float],
    seed: int,
    to: Path | None = None,
    *,
    ways: Mapping[Way, float] | None = None,
    pedestrians_per_h: float = 0.0,
    emergency_per_h: float = 0.0,
) -> Path:
    """A route file for any network that reproduces the counts: written to `to`, or kept in the cache if that is None.

    The first quarter begins at `network.begin_s`. `mix` are the shares of the kinds of vehicles, for counts of all
    together; `ways` the ways that vehicles may take, with their weights (else `candidate_ways`). The same arguments
    give the same bytes. Raises CountsError for turns that no way passes, NetworkError for walkers without sidewalks.
    """
    asked = (counts.begin_s, counts.turns, counts.veh.tobytes(), sorted(mix.items()), seed, network.begin_s)
    more = (sorted(ways.items()) if ways else None, pedestrians_per_h, emergency_per_h, network.net_file.read_bytes())
    digest = hashlib.sha256(repr((asked, more, code_digest("demand"))).encode()).hexdigest()
    final = to or cache_folder() / "demand" / f"{digest[:20]}.rou.xml"
    if to is None and final.is_file():
        return final
    net = read_net(network.net_file)
    hour: dict[str, Any] = {"begin_s": network.begin_s, "duration_s": QUARTER_S * counts.quarters, "seed": seed}
    chosen = candidate_ways(net, counts.turns) if ways is None else ways
    parts = [vehicles_xml(sampled(counts, chosen, seed=seed, begin_s=network.begin_s))]
    if pedestrians_per_h > 0:
        parts.append(pedestrians_xml(net, pedestrians_per_h, **hour))
    if emergency_per_h > 0:
        parts.append(emergency_xml(list(Ways(net).fastest()), emergency_per_h, **hour))
    types = mix_xml(mix) + walker_types_xml() + emergency_types_xml()
    return write_whole(final, "<routes>\n" + types + by_departure(*parts) + "</routes>\n")


def vehicles_xml(departures: list[Departure]) -> str:
    """The vehicles as route-file text, one line each."""
    return "".join(
        f'  <vehicle id="v{i}" depart="{departure.depart_s:.2f}" type="{departure.type}" departLane="best"'
        f' departSpeed="max"><route edges="{" ".join(departure.edges)}"/></vehicle>\n'
        for i, departure in enumerate(departures)
    )


def by_departure(*texts: str) -> str:
    """Route-file lines, one vehicle or person each, merged in the order of departure that SUMO asks for."""
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    return "".join(sorted(lines, key=lambda line: float(re.findall(r'depart="([^"]*)"', line)[0])))
