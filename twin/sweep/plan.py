"""What a sweep file says: which scenarios, with which parameters over which values, and which seeds."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import typer
from pydantic import Field, ValidationError, field_validator, model_validator

from twin.errors import FaultsError, ScenarioError, SweepError
from twin.kpi import catalogue
from twin.module import Options
from twin.scenario import Scenario, annotation_at, described, nearest, shipped
from twin.terminal import seeds_of
from twin.yaml_file import Path_, read_mapping

SHIPPED = Path(__file__).parent / "shipped"


class Parameter(Options):
    """A value of the scenario that is swept: over a list of values, or from `low` to `high`."""

    values: tuple[Any, ...] | None = Field(None, min_length=1, description="the values, of any kind")
    low: float | None = Field(None, description="least value")
    high: float | None = Field(None, description="greatest value")
    steps: int | None = Field(None, ge=2, le=10_000, description="grid: how many values from low to high")
    log: bool = Field(False, description="even in the logarithm")

    @model_validator(mode="after")
    def _sound(self) -> Parameter:
        if self.values is not None:
            if (self.low, self.high, self.steps, self.log) != (None, None, None, False):
                raise ValueError("give either a list of values or low and high")
        elif self.low is None or self.high is None:
            raise ValueError("give a list of values, or both low and high")
        elif self.low >= self.high:
            raise ValueError(f"low {self.low:g} does not lie below high {self.high:g}")
        elif self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, not {self.low:g}")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value. Raises ValueError for a list of values."""
        if self.low is None or self.high is None:
            raise ValueError("a list of values has no bounds")
        return self.low, self.high

    @property
    def ends(self) -> tuple[Any, ...]:
        """What must be possible: every value, or the ends of the range."""
        return self.bounds if self.values is None else self.values


class Design(Options):
    """Which points of the space are run."""

    method: Literal["grid", "latin_hypercube", "sobol", "adaptive"] = Field(
        "grid", description="all combinations; a Latin hypercube; a scrambled Sobol sequence; Optuna's search on a KPI"
    )
    points: int | None = Field(None, ge=1, le=1_000_000, description="how many, but for a grid")
    seed: int = Field(1, ge=0, description="of the design's own chance")
    kpi: str | None = Field(None, description="adaptive: the figure that is searched by, as its mean over the seeds")
    better: Literal["up", "down"] | None = Field(None, description="adaptive: null: as the figure's catalogue says")
    batch: int = Field(8, ge=1, le=1000, description="adaptive: points proposed at once; never the engine's business")

    @model_validator(mode="after")
    def _sound(self) -> Design:
        faults = []
        if self.method == "grid" and self.points is not None:
            faults.append("a grid has as many points as its values give; leave out points")
        if self.method != "grid" and self.points is None:
            faults.append(f"{self.method} needs points: how many")
        if self.method == "sobol" and self.points and self.points & (self.points - 1):
            below = 1 << (self.points.bit_length() - 1)
            faults.append(f"points {self.points} is no power of two; take {below} or {2 * below}")
        if self.method == "adaptive" and self.kpi is None:
            faults.append("adaptive needs kpi: the figure that is searched by")
        if self.method != "adaptive" and (self.kpi is not None or self.better is not None):
            faults.append(f"kpi and better belong to adaptive, not to {self.method}")
        if self.kpi is not None and self.kpi not in catalogue():
            faults.append(f"kpi {self.kpi!r} is no figure; {nearest(self.kpi, list(catalogue()))}")
        elif self.kpi is not None and self.better is None and catalogue()[self.kpi].better not in ("up", "down"):
            faults.append(f"say whether {self.kpi} is better up or down")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class Sweep(Options):
    """A sweep file."""

    name: str = Field("sweep", description="what it is called")
    scenario: tuple[str, ...] = Field(min_length=1, description="a scenario's name or file, or a list of them")
    set: dict[str, Any] = Field(default_factory=dict, description="values for all runs, as `solar.panels: 4`")
    seeds: tuple[int, ...] = Field((1,), min_length=1, description="as `1..5` or a list")
    design: Design = Field(default_factory=Design, description="which points are run")
    parameters: dict[str, Parameter] = Field(min_length=1, description="what is swept, as `solar.panels: [2, 4]`")

    @field_validator("scenario", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @field_validator("seeds", mode="before")
    @classmethod
    def _range(cls, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)
        try:
            return tuple(seeds_of(str(value)))
        except typer.BadParameter as error:
            raise ValueError(error.message) from None

    @field_validator("seeds")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value) or min(value) < 0:
            raise ValueError("seeds are whole numbers from 0, each given once")
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {"values": tuple(one)} if isinstance(one, list) else one for key, one in value.items()}

    @model_validator(mode="after")
    def _sound(self) -> Sweep:
        faults = [f"{path} is set and swept" for path in self.parameters if path in self.set]
        if self.design.method == "adaptive" and len(self.scenario) > 1:
            faults.append("adaptive searches in one scenario; make a sweep of each")
        for path, one in self.parameters.items():
            if self.design.method == "grid" and one.values is None and one.steps is None:
                faults.append(f"parameters.{path}: a grid needs steps between low and high, or a list")
            if self.design.method != "grid" and one.steps is not None:
                faults.append(f"parameters.{path}: steps belong to a grid, not to {self.design.method}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def load_scenario(self, name: str, point: dict[str, Any]) -> Scenario:
        """A scenario at a point of the sweep. Raises ScenarioError where its values do not go together."""
        return Scenario.load(name, overrides(self.set | point))

    def whole(self, path: str) -> bool:
        """Whether a parameter takes whole numbers only."""
        return annotation_at(Scenario, tuple(path.split("."))) is int


def overrides(values: dict[str, Any]) -> list[str]:
    """Values by path as `--set` takes them."""
    return [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in values.items()]


def read_named(path: Path, error: type[FaultsError]) -> tuple[dict[str, Any], dict[Path_, str]]:
    """A YAML file's data, named like the file where it has no name, and each key's file and line. Raises `error`."""
    try:
        data, lines = read_mapping(path)
    except ScenarioError as fault:
        raise error(fault.where, fault.faults) from None
    data.setdefault("name", path.stem)
    return data, {at: f"{path.name}:{line}" for at, line in lines.items()}


def load(source: str) -> Sweep:
    """Read a sweep file, or a shipped one by name. Raises SweepError with all faults at once."""
    path = found_as(source, SHIPPED, "sweep", SweepError)
    data, origin = read_named(path, SweepError)
    faults: list[str] = []
    try:
        sweep = Sweep.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        faults = described(Sweep, error, origin)
        sweep = _what_is_sound(data)
    beside = tuple(
        str(path.parent / name) if name not in shipped() and os.path.isfile(path.parent / name) else name
        for name in sweep.scenario
    )
    sweep = sweep.model_copy(update={"scenario": beside})
    faults += [fault for name in sweep.scenario for fault in impossible(sweep, name, origin)]
    if faults:
        raise SweepError(str(path), list(dict.fromkeys(faults)))
    return sweep


def _what_is_sound(data: dict[str, Any]) -> Sweep:
    """As much of a faulty file as can still be held against its scenarios, so that all faults are told at once."""
    found: dict[str, Any] = {"scenario": (), "set": {}, "parameters": {}}
    for name in found:
        if isinstance(data.get(name), dict) and name == "parameters":
            found[name] = {path: one for path, value in data[name].items() if (one := _parameter(value)) is not None}
            continue
        with contextlib.suppress(ValidationError):
            part = {"scenario": "-", "parameters": {"name": [1]}} | {name: data.get(name)}
            found[name] = getattr(Sweep.model_validate_json(json.dumps(part), strict=True), name)
    return Sweep.model_construct(**found)


def _parameter(value: Any) -> Parameter | None:
    with contextlib.suppress(ValidationError):
        told = {"values": value} if isinstance(value, list) else value
        return Parameter.model_validate_json(json.dumps(told), strict=True)
    return None


def shipped_in(folder: Path) -> list[str]:
    """Names of the files that come with the twin."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def found_as(source: str, folder: Path, what: str, error: type[FaultsError]) -> Path:
    """The file of `folder` that is shipped under this name, or the file of this path. Raises `error`."""
    names = shipped_in(folder)
    path = folder / f"{source}.yaml" if source in names else Path(source)
    if not os.path.isfile(path):  # also answers for names that no file can have
        raise error(source, [f"is neither a file nor a shipped {what}; {nearest(path.stem, names)}"])
    return path


def at_kind(value: float, whole: bool) -> float | int:
    """A number as the scenario takes it."""
    return round(value) if whole else value


def impossible(sweep: Sweep, name: str, origin: dict[Path_, str]) -> list[str]:
    """Faults of a scenario with what is set, and of each parameter's values on top of it."""
    base = _faults(name, {}, sweep.set, {path: origin.get(("set", path), "set") for path in sweep.set})
    line = origin.get(("scenario",), "scenario")
    found = [f"{line}: scenario {name}: {fault}" for fault in base]
    for path, one in sweep.parameters.items():
        where = {path: origin.get(("parameters", path), "parameters")}
        for value in one.ends:
            at = at_kind(value, sweep.whole(path)) if one.values is None else value
            found += [fault for fault in _faults(name, sweep.set, {path: at}, where) if fault not in base]
    return found


def _faults(name: str, under: dict[str, Any], values: dict[str, Any], where: dict[str, str]) -> list[str]:
    try:
        Scenario.load(name, overrides(under | values))
    except ScenarioError as error:
        faults = error.faults
        for path, text in zip(values, overrides(values), strict=True):
            faults = [fault.replace(f"--set {text}", where[path]) for fault in faults]
        return faults
    return []
