"""Edit the list of an office's appliances from the command line and keep it as a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from twin.errors import ScenarioError
from twin.files import write_whole
from twin.solar.office.load import Appliance, appliances_of, mean_day_kwh

YEAR = 2026


def edited(have: Sequence[Appliance], add: Sequence[str], remove: Sequence[str]) -> tuple[Appliance, ...]:
    """The list (the table's where a scenario has none) after changes; raises ScenarioError with every fault."""
    found = {one.name: one for one in (have or appliances_of("office"))}
    faults = []
    for name in remove:
        if found.pop(name, None) is None:
            faults.append(f"--remove {name}: no such appliance; there are: {', '.join(found)}")
    for text in add:
        try:
            name, watts, count, schedule = text.split(":")
            found[name] = Appliance(name=name, power_w=float(watts), count=int(count), schedule=schedule)  # type: ignore[arg-type]
        except ValidationError as error:
            faults += [f"--add {text}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        except ValueError:
            faults.append(f"--add {text}: expected NAME:WATTS:COUNT:SCHEDULE, as in lamp:10:4:night")
    if faults:
        raise ScenarioError("appliances", faults)
    return tuple(found.values())


def rows_of(appliances: Sequence[Appliance]) -> list[dict[str, Any]]:
    """One row an appliance with what it uses on an average day, and a last row with all of them."""
    rows = [{**one.model_dump(), "kwh_per_day": mean_day_kwh([one], YEAR)} for one in appliances]
    total = {"name": "all", "power_w": None, "count": None, "schedule": None}
    return [*rows, {**total, "kwh_per_day": mean_day_kwh(appliances, YEAR)}]


def write_scenario(appliances: Sequence[Appliance], extends: str, to: Path) -> None:
    """A scenario whose offices use what these appliances use; whole or not at all."""
    base = extends if not Path(extends).is_file() else str(Path(extends).resolve())
    solar = {"load_kwh_per_day": None, "appliances": [one.model_dump() for one in appliances]}
    write_whole(to, yaml.safe_dump({"extends": base, "solar": solar}, allow_unicode=True, sort_keys=False))
