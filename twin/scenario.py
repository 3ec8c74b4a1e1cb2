"""The scenario: one frozen, validated file is the whole experiment."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from twin.carbon.options import CarbonOptions
from twin.errors import PlacesError, ScenarioError
from twin.labour.options import LabourOptions
from twin.module import Options
from twin.places import PlacesOptions, load_positions
from twin.programmes.options import ProgrammesOptions
from twin.scenarios import SHIPPED, shipped
from twin.solar.options import SolarOptions
from twin.traffic.options import TrafficOptions
from twin.yaml_file import Path_, parse_value, read_mapping

LABELS = {"name", "description"}  # what a scenario is called changes no result, so the digest leaves it out


class Scenario(Options):
    """What is simulated, for how long, with which assumptions. A section that is null is not simulated."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = Field(
        "scenario", description="what the run file is called: lower-case letters, digits, - and _"
    )
    description: str = Field("", description="one line for people")
    start: Annotated[str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")] = Field(
        "2026-01", description="first month, YYYY-MM (Asia/Jakarta)"
    )
    horizon_months: int = Field(12, ge=1, le=240, description="how many months are simulated [month]")
    places: PlacesOptions = Field(default_factory=PlacesOptions, description="where the village offices are")
    traffic: TrafficOptions | None = Field(None, description="the traffic twin")
    solar: SolarOptions | None = Field(None, description="the solar twin")
    labour: LabourOptions | None = Field(None, description="the labour market")
    carbon: CarbonOptions | None = Field(None, description="the carbon market")
    programmes: ProgrammesOptions | None = Field(
        None, description="the nine programmes' money, and the regional budget"
    )

    @property
    def start_month(self) -> pd.Period:
        """The first month as a pandas period."""
        return pd.Period(self.start, freq="M")

    def resolved(self) -> dict[str, Any]:
        """Every value in force, as JSON data: what is stored with a run and can be run again."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) over the resolved content without the scenario's name and description."""
        content = {key: value for key, value in self.resolved().items() if key not in LABELS}
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def _repr_html_(self) -> str:
        from twin.html import scenario_html

        return scenario_html(self)

    @classmethod
    def load(cls, source: str | Path, overrides: Sequence[str] = ()) -> Scenario:
        """Load a shipped scenario by name, or a YAML file, with `a.b=c` overrides on top.

        Raises ScenarioError with all faults at once.
        """
        data, origin = _layers(source, ())
        faults = _override(data, overrides, origin)
        faults += _inline_positions(data, origin)
        data.pop("extends", None)
        return cls.validated(data, str(source), origin, faults)

    @classmethod
    def validated(
        cls, data: dict[str, Any], where: str, origin: dict[Path_, str] | None = None, faults: Sequence[str] = ()
    ) -> Scenario:
        """Validate plain data; `origin` tells a key's file and line. Raises ScenarioError with all faults at once."""
        try:
            scenario = cls.model_validate_json(json.dumps(data), strict=True)
        except ValidationError as error:
            raise ScenarioError(where, [*faults, *described(cls, error, origin or {})]) from error
        if faults:
            raise ScenarioError(where, list(faults))
        return scenario


def nearest(word: str, valid: Sequence[str]) -> str:
    """What to write instead: the nearest valid spelling, or all of them where none is near."""
    near = difflib.get_close_matches(word, valid, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(sorted(valid))}"


def _find(source: str | Path, base: Path | None) -> Path:
    text = str(source)
    if text in shipped():
        return SHIPPED / f"{text}.yaml"
    path = Path(text) if base is None else base / text
    if os.path.isfile(path):  # also answers for names that no file can have
        return path
    what = "is a folder" if os.path.isdir(path) else "is neither a file nor a shipped scenario"
    raise ScenarioError(text, [f"{what}; {nearest(Path(text).stem, shipped())}"])


def _layers(source: str | Path, above: tuple[Path, ...]) -> tuple[dict[str, Any], dict[Path_, str]]:
    """Data of a file laid over what it extends, and for every key the `file:line` it comes from."""
    path = _find(source, above[-1].parent if above else None)
    if path.resolve() in [p.resolve() for p in above]:
        raise ScenarioError(str(path), ["extends itself: " + " -> ".join(p.name for p in (*above, path))])
    own, lines = read_mapping(path)
    own_origin = {at: f"{path.name}:{line}" for at, line in lines.items()}
    own.setdefault("name", path.stem.lower())
    bases = own.get("extends", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise ScenarioError(
            str(path), [f"{own_origin[('extends',)]}: extends: expected a scenario's name, or a list of names"]
        )
    data: dict[str, Any] = {}
    origin: dict[Path_, str] = {}
    for base in bases:
        try:
            base_data, base_origin = _layers(base, (*above, path))
        except ScenarioError as error:
            if error.where == base:  # not found: say which line asked for it
                raise ScenarioError(
                    str(path), [f"{own_origin[('extends',)]}: extends {base}: {error.faults[0]}"]
                ) from None
            raise
        data = _merge(data, base_data)
        origin |= base_origin
    # A file's relative places table is looked for beside that file, not beside whoever extends it.
    places = own.get("places")
    if isinstance(places, dict) and isinstance(places.get("file"), str):
        places["file"] = str(path.parent / places["file"])
    return _merge(data, own), origin | own_origin


def _merge(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        return {key: _merge(under.get(key), over[key]) if key in over else under[key] for key in {**under, **over}}
    return over


def _override(data: dict[str, Any], overrides: Sequence[str], origin: dict[Path_, str]) -> list[str]:
    faults = []
    for text in overrides:
        path, equals, value_text = text.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            faults.append(f"--set {text}: expected --set section.key=value")
            continue
        try:
            value = parse_value(value_text)
        except yaml.YAMLError:
            faults.append(f"--set {text}: {value_text!r} is not a YAML value")
            continue
        node = data
        for i, key in enumerate(keys[:-1]):
            if node.get(key) is None:
                node[key] = {}
            elif not isinstance(node[key], dict):
                faults.append(f"--set {text}: {'.'.join(keys[: i + 1])} is {node[key]!r}, which holds no keys")
                break
            node = node[key]
        else:
            node[keys[-1]] = value
            origin[tuple(keys)] = f"--set {text}"
    return faults


def _inline_positions(data: dict[str, Any], origin: dict[Path_, str]) -> list[str]:
    """Replace `places.file` by the positions in it, so that the resolved scenario needs no other file."""
    places = data.get("places")
    if not isinstance(places, dict) or places.get("file") is None:
        return []
    file, at = places["file"], origin.get(("places", "file"), "places.file")
    if not isinstance(file, str):
        return []  # left to the validation, which says what was expected
    try:
        positions = load_positions(Path(file))
    except PlacesError as error:
        return [f"{at}: places.file: {error.where}: {fault}" for fault in error.faults]
    del places["file"]
    places["positions"] = [position.model_dump(mode="json") for position in positions]
    return []


def described(model: type[BaseModel], error: ValidationError, origin: dict[Path_, str]) -> list[str]:
    """One line for each fault that pydantic found in a file of ours; `origin` tells a key's file and line."""
    return list(dict.fromkeys(_describe(model, dict(fault), origin) for fault in error.errors()))


def _describe(model: type[BaseModel], fault: dict[str, Any], origin: dict[Path_, str]) -> str:
    """One line for a fault that pydantic found: file and line, path of keys, value, what instead."""
    loc: Path_ = fault["loc"]
    path = ".".join(map(str, loc)) or "(whole file)"
    line = next((origin[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in origin), "")
    prefix = f"{line}: {path}" if line else path
    value = json.dumps(fault.get("input"), ensure_ascii=False, default=str)
    value = value if len(value) <= 60 else value[:57] + "..."
    if fault["type"] == "extra_forbidden":
        return f"{prefix}: unknown key (value {value}); {nearest(str(loc[-1]), _keys_at(model, loc[:-1]))}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "literal_error" and isinstance(fault.get("input"), str):
        expected = [word.strip(" '") for word in fault["ctx"]["expected"].replace(" or ", ", ").split(",")]
        message += f"; {nearest(fault['input'], expected)}"
    return f"{prefix}: {message} (value {value})"


def _keys_at(model: type[BaseModel], loc: Path_) -> list[str]:
    """Valid keys of the mapping at `loc`."""
    annotation = annotation_at(model, loc)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return []


def annotation_at(model: type[BaseModel], loc: Path_) -> Any:
    """Type of the value at `loc`, without its None; None where there is no such place."""
    annotation: Any = model
    for step in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and step in annotation.model_fields:
            annotation = annotation.model_fields[str(step)].annotation
        else:
            annotation = next(iter(typing.get_args(annotation)[-1:] or (None,)))
        if isinstance(annotation, types.UnionType):
            annotation = next(arg for arg in typing.get_args(annotation) if arg is not types.NoneType)
    return annotation
