"""The levers of a what-if: what a planner may move, and what of a scenario that sets."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files import read_rows
from twin.places import PlacesOptions
from twin.scenario import Scenario

DATA = Path(__file__).parent / "data"
OFF = "off"  # of a start: the programme does not run
SKETCH = tuple(f"J{number}" for number in range(1, 6))  # signals of the traffic network `trenggalek`


@dataclass(frozen=True)
class Lever:
    """One lever; `kind` says how it is moved and what it sets, `source` where its usual value is from."""

    name: str
    programme: str
    kind: str
    path: str
    low: float
    high: float
    step: float
    choices: tuple[str, ...]
    unit: str
    source: str
    year: str
    confidence: str


@functools.cache
def levers() -> Mapping[str, Lever]:
    """Every lever by name, in the order of the table."""
    return {
        row["lever"]: Lever(
            row["lever"], row["programme"], row["kind"], row["path"],
            float(row["low"] or 0), float(row["high"] or 0), float(row["step"] or 0),
            tuple(row["choices"].split()), row["unit"], row["source"], row["year"], row["confidence"],
        )
        for row in read_rows(DATA / "levers.csv")
    }  # fmt: skip


@functools.cache
def offices() -> Mapping[str, tuple[str, ...]]:
    """Codes of the village offices of every kecamatan."""
    found: dict[str, list[str]] = {}
    for site in PlacesOptions().sites():
        found.setdefault(site.kecamatan, []).append(site.code)
    return {name: tuple(codes) for name, codes in sorted(found.items())}


def present(scenario: Scenario, lever: Lever) -> Any:
    """Where a lever stands in a scenario; None where the scenario does not simulate what it moves."""
    value: Any = scenario
    for key in lever.path.split("."):
        if value is None:
            return None
        value = getattr(value, key)
    match lever.kind:
        case "first":
            return value[0]
        case "hybrid":
            return len(value) if "trenggalek" in scenario.traffic.networks else None  # type: ignore[union-attr]
        case "places":
            return tuple(name for name, codes in offices().items() if value == "all" or set(codes) & set(value))
        case "start":
            return OFF if value is None else value
    if lever.path == "solar.tariff_idr_per_kwh" and value is None:
        return scenario.solar.tariff  # type: ignore[union-attr]
    return value


def settings(lever: Lever, value: Any) -> list[str]:
    """What a lever's value sets, as the `--set` of the command line."""
    match lever.kind:
        case "first":
            return [f"{lever.path}=[{value}]"]
        case "hybrid":  # only the sketch has junctions of these names: the reference network is left out
            junctions = ", ".join(SKETCH[: int(value)])
            return [f"{lever.path}=[{junctions}]", "traffic.networks=[trenggalek]"]
        case "places":
            codes = [code for name in value for code in offices()[name]]
            return [f"{lever.path}={json.dumps(codes)}"]
        case "start":
            return [f"{lever.path}={'null' if value == OFF else value}"]
        case "switch":
            return [f"{lever.path}={str(value).lower()}"]
        case "float":
            return [f"{lever.path}={float(value):.10g}"]
    return [f"{lever.path}={value}"]


def overrides(base: Scenario, values: Mapping[str, Any]) -> list[str]:
    """The settings of all levers that do not stand where the base scenario has them."""
    return [
        setting
        for name, value in values.items()
        if value != present(base, levers()[name])
        for setting in settings(levers()[name], value)
    ]


def standing(scenario: Scenario) -> dict[str, Any]:
    """Where every lever stands in a scenario; levers of what it does not simulate are left out."""
    found = {name: present(scenario, lever) for name, lever in levers().items()}
    return {name: value for name, value in found.items() if value is not None}
