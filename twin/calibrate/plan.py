"""What a calibration file says, and the table of measured figures."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from twin.errors import CalibrationError
from twin.kpi import catalogue
from twin.module import Options
from twin.scenario import described, nearest
from twin.sweep.plan import Design, Parameter, Sweep, found_as, impossible, read_named

COLUMNS = ("kpi", "value", "sd")
SHIPPED = Path(__file__).parent / "shipped"


class Calibration(Options):
    """A calibration file."""

    name: str = Field("calibration", description="what it is called")
    scenario: str = Field(description="a scenario's name or file")
    set: dict[str, Any] = Field(default_factory=dict, description="values for all runs, as `solar.panels: 4`")
    data: str = Field(description="CSV beside this file: kpi, value (may be empty), sd (of the measurement)")
    points: int = Field(64, ge=8, le=100_000, description="runs over the ranges, each with a seed of its own")
    seed: int = Field(1, ge=0, description="of the design's own chance")
    parameters: dict[str, Parameter] = Field(min_length=1, description="what is sought, as `{low, high}` and `log`")

    @model_validator(mode="after")
    def _sound(self) -> Calibration:
        faults = [f"{path} is set and sought" for path in self.parameters if path in self.set]
        for path, one in self.parameters.items():
            if one.values is not None or one.steps is not None:
                faults.append(f"parameters.{path}: give low and high alone")
        n = len(self.parameters)
        if self.points < (least := (n + 1) * (n + 2)):
            faults.append(f"points {self.points} are too few for {n} parameters; take {least} or more")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def sweep(self) -> Sweep:
        """The runs over the ranges as a sweep."""
        return Sweep.model_construct(
            name=self.name, scenario=(self.scenario,), set=self.set, seeds=(1,), parameters=self.parameters,
            design=Design(method="latin_hypercube", points=self.points, seed=self.seed),
        )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A figure, what was measured (None: nothing yet), and the measurement's standard deviation in the same unit."""

    kpi: str
    value: float | None
    sd: float


def load(source: str, known_truths: bool = False) -> tuple[Calibration, list[Measured]]:
    """Read a calibration file, or a shipped one by name, and its data; `known_truths` need no measured values.

    Raises CalibrationError with all faults at once.
    """
    path = found_as(source, SHIPPED, "calibration", CalibrationError)
    content, origin = read_named(path, CalibrationError)
    try:
        found = Calibration.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise CalibrationError(str(path), described(Calibration, error, origin)) from error
    beside = path.parent / found.scenario
    if os.path.isfile(beside):
        found = found.model_copy(update={"scenario": str(beside)})
    measured, faults = _measured(path.parent / found.data, known_truths)
    faults = impossible(found.sweep(), found.scenario, origin) + faults
    if faults:
        raise CalibrationError(str(path), list(dict.fromkeys(faults)))
    return found, measured


def _measured(path: Path, known_truths: bool) -> tuple[list[Measured], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [], [f"data: {path}: cannot be read: {error}"]
    if missing:
        return [], [f"data: {path.name}: has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}"]
    found, faults = list[Measured](), list[str]()
    for number, row in enumerate(rows, start=2):
        at = f"data: {path.name}:{number}"
        if row["kpi"] not in catalogue():
            faults.append(f"{at}: {row['kpi']!r} is no figure; {nearest(str(row['kpi']), list(catalogue()))}")
        if row["kpi"] in [one.kpi for one in found]:
            faults.append(f"{at}: {row['kpi']} is given twice")
        if not row["value"] and not known_truths:
            faults.append(f"{at}: {row['kpi']} has no measured value; --recovery tries known truths without")
            continue
        try:
            value, sd = float(row["value"]) if row["value"] else None, float(row["sd"])
        except (TypeError, ValueError):
            faults.append(f"{at}: value {row['value']!r} and sd {row['sd']!r} must be numbers")
            continue
        if not (math.isfinite(value or 0.0) and math.isfinite(sd) and sd >= 0):
            faults.append(f"{at}: value must be a number, sd a number from 0 (they are {value} and {sd:g})")
        found.append(Measured(row["kpi"], value, sd))
    return found, faults or ([] if found else [f"data: {path.name}: has no rows"])
