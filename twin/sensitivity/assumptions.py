"""The assumptions of a scenario that state a range, its levers, and those numbers of it that state none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files import read_rows
from twin.labour import facts as labour_facts
from twin.programmes.dynamics import ranges
from twin.programmes.facts import PROGRAMMES, Input, inputs
from twin.scenario import Scenario
from twin.traffic import folders as traffic_folders

DATA = Path(__file__).parent / "data"
SCENARIO_RANGES, LEVER_RANGES = DATA / "scenario_ranges.csv", DATA / "lever_ranges.csv"
OWN_TABLES = {  # section of a scenario -> the sector's own table, of which the scenario sets some
    "labour": labour_facts.DATA / "jobtren.csv",
    "traffic.events": traffic_folders.DATA / "event_parameters.csv",
}


@dataclass(frozen=True)
class Assumption:
    """A number with its stated range; `path` is where a scenario holds it. A lever's confidence is `decision`."""

    path: str
    low: float
    high: float
    unit: str
    source: str
    confidence: str


def stated(scenario: Scenario, levers: bool = False) -> list[Assumption]:
    """Every assumption with a range wider than a point that this scenario stands on, and its `levers` if asked for."""
    found = list(_of_programmes(scenario))
    for table in (SCENARIO_RANGES, *([LEVER_RANGES] if levers else [])):
        rows = read_rows(table)
        found += [_assumption(row["path"], row) for row in rows if _section(scenario, row["path"].rpartition(".")[0])]
    for path, table in OWN_TABLES.items():
        if (section := _section(scenario, path)) is not None:
            fields = type(section).model_fields
            found += [_assumption(f"{path}.{row['name']}", row) for row in read_rows(table) if row["name"] in fields]
    return [one for one in found if one.low < one.high]


def without_range(scenario: Scenario) -> list[str]:
    """Numbers that the scenario sets and that state no range: nobody can say how far they may be off."""
    known = {one.path for one in stated(scenario, levers=True)}
    return [path for path in _numbers(scenario.resolved(), "") if path not in known]


def _section(scenario: Scenario, path: str) -> Any:
    """The section of a scenario at a path; None where it is not simulated."""
    section: Any = scenario
    for key in path.split("."):
        section = None if section is None else getattr(section, key)
    return section


def _of_programmes(scenario: Scenario) -> Iterator[Assumption]:
    if scenario.programmes is None:
        return
    options = scenario.programmes
    for key in PROGRAMMES:
        if getattr(options.starts, key) is None:
            continue
        for section, table in (("inputs", inputs), ("dynamics", ranges)):
            held: Mapping[str, float] = getattr(options, section).get(key, {})
            for name, one in table(options.assumptions, key).items():
                if name not in held:
                    yield _of_input(f"programmes.{section}.{key}.{name}", one)


def _of_input(path: str, one: Input) -> Assumption:
    return Assumption(path, float(one.low), float(one.high), one.unit, one.source, one.confidence)


def _assumption(path: str, row: Mapping[str, str]) -> Assumption:
    return Assumption(path, float(row["low"]), float(row["high"]), row["unit"], row["source"], row["confidence"])


def _numbers(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _numbers(one, f"{path}.{key}" if path else key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path
