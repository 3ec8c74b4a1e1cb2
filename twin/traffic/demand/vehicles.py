"""Who drives: the mix of vehicles as SUMO types, and the runs of ambulances and fire engines."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

import numpy as np

from twin.files import read_rows
from twin.traffic.folders import DATA, SKETCH

MOTORCYCLE = "motorcycle"
MIX = "mix"
ATTRIBUTES = {  # SUMO's name of an attribute -> our column
    "vClass": "vclass",
    "length": "length_m",
    "width": "width_m",
    "maxSpeed": "max_speed_m_per_s",
    "minGap": "min_gap_m",
    "speedFactor": "speed_factor",
    "emissionClass": "emission_class",
}
OWN_COLUMNS = {"vehicle", "share", "share_of_other_than_motorcycles", "source", "confidence", *ATTRIBUTES.values()}


@functools.cache
def parameters() -> dict[str, float]:
    """Values of `data/demand_parameters.csv` by name; units, sources and confidence stand there."""
    return {row["name"]: float(row["value"]) for row in read_rows(DATA / "demand_parameters.csv")}


@functools.cache
def kinds() -> tuple[str, ...]:
    """The kinds of vehicles of the mix (`sketch/vehicles.csv`)."""
    return tuple(row["vehicle"] for row in read_rows(SKETCH / "vehicles.csv"))


def vehicle_mix(motorcycle_share: float) -> dict[str, float]:
    """Share of every kind [-], adding up to 1; those other than motorcycles share the rest as `vehicles.csv` says."""
    rows = read_rows(SKETCH / "vehicles.csv")
    return {
        row["vehicle"]: motorcycle_share
        if row["vehicle"] == MOTORCYCLE
        else (1 - motorcycle_share) * float(row["share_of_other_than_motorcycles"])
        for row in rows
    }


def vehicle_type(row: Mapping[str, str], **more: str) -> str:
    """A vType, without its end, from a row of a vehicle table; `more` are attributes as SUMO names them.

    Columns that are not ours are SUMO's own attributes; an empty cell leaves SUMO's value.
    """
    named = {attribute: row[column] for attribute, column in ATTRIBUTES.items() if row.get(column)}
    driving = {name: value for name, value in row.items() if name not in OWN_COLUMNS and value}
    attributes = {"id": row["vehicle"], **named, **driving, **more}
    return "<vType " + " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())


def mix_xml(mix: Mapping[str, float]) -> str:
    """The vTypeDistribution `mix`: one type a kind, drawn by its share; a kind of no share can still be named."""
    lines = [
        "    " + vehicle_type(
            row,
            probability=f"{mix[row['vehicle']]:.9g}",
        ) + "/>"
        for row in read_rows(SKETCH / "vehicles.csv")
    ]  # fmt: skip
    return "\n".join([f'  <vTypeDistribution id="{MIX}">', *lines, "  </vTypeDistribution>"]) + "\n"


def emergency_types_xml() -> str:
    """SUMO types of the emergency vehicles, all with the blue-light device (they pass red lights, others make room)."""
    return "".join(
        f"  {vehicle_type(row, vClass='emergency', guiShape='emergency')}>"
        '<param key="has.bluelight.device" value="true"/></vType>\n'
        for row in read_rows(DATA / "emergency_vehicles.csv")
    )


def emergency_xml(paths: Sequence[Sequence[str]], per_h: float, *, begin_s: float, duration_s: float, seed: int) -> str:
    """Runs with blue light: a Poisson number of them at random times, one line each, in order of departure.

    `paths` are the ways that a run may take (edge ids), all equally likely: where the town's hospital and fire station
    lie is not known to the sketch. The ids are `ambulance.0`, `fire_engine.1`, ….
    """
    rng = np.random.default_rng([seed, 2])
    rows = read_rows(DATA / "emergency_vehicles.csv")
    shares = np.array([float(row["share"]) for row in rows])
    departs_s = np.sort(rng.uniform(begin_s, begin_s + duration_s, rng.poisson(per_h * duration_s / 3600)))
    lines = []
    for i, depart_s in enumerate(departs_s):
        kind = rows[rng.choice(len(rows), p=shares / shares.sum())]["vehicle"]
        edges = " ".join(paths[int(rng.integers(len(paths)))])
        lines.append(
            f'  <vehicle id="{kind}.{i}" depart="{depart_s:.2f}" type="{kind}" departLane="best" departSpeed="max">'
            f'<route edges="{edges}"/></vehicle>\n'
        )
    return "".join(lines)
