"""Base scenarios of a what-if: the shipped ones and those that were saved beside the runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
import yaml

from dashboards import runs
from dashboards.problems import show
from dashboards.text import t
from twin.errors import ScenarioError
from twin.files import write_whole
from twin.scenario import Scenario, shipped

FOLDER = "scenarios"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Base(NamedTuple):
    """A scenario that levers are moved in; `source` is what `Scenario.load` takes."""

    name: str
    source: str
    scenario: Scenario


def saved() -> dict[str, Path]:
    """Scenarios that were saved here, by name."""
    return {path.stem: path for path in sorted((runs.folder() / FOLDER).glob("*.yaml"))}


@st.cache_resource(max_entries=50, show_spinner=False)
def _loaded(source: str, changed_ns: int) -> Scenario:
    return Scenario.load(source)


def base_choice(on_change: Callable[[], None]) -> Base | None:
    """The visitor's base scenario; None, with a message, where it cannot be read."""
    own = saved()
    names = [*shipped(), *(name for name in own if name not in shipped())]
    name = st.selectbox(
        t("what_if.base"), names, index=names.index("baseline"), key="base", bind="query-params",
        persist_state="session", help=t("what_if.base_help"), on_change=on_change,
    )  # fmt: skip
    try:
        return base_named(name)
    except ScenarioError as error:
        show(error)
        return None


def base_named(name: str) -> Base:
    """A base scenario by name. Raises ScenarioError where its file cannot be used."""
    path = saved().get(name) if name not in shipped() else None
    source = str(path) if path else name
    return Base(name, source, _loaded(source, path.stat().st_mtime_ns if path else 0))


def save(base: Base, name: str, settings: Sequence[str], description: str) -> Path:
    """Save a variant as a scenario that extends its base. Raises ScenarioError for a name that cannot be used."""
    if not NAME.fullmatch(name) or name in shipped():
        raise ScenarioError(name or "-", ["name: lower-case letters, digits, - and _, and no shipped scenario's"])
    variant = Scenario.load(base.source, [*settings, f"name={name}"])
    extends = base.name if base.name in shipped() else Path(base.source).name
    content = {"extends": extends, "name": name, "description": description, **_changed(variant, base.scenario)}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return write_whole(runs.folder() / FOLDER / f"{name}.yaml", text)


def _changed(variant: Scenario, base: Scenario) -> dict[str, object]:
    """Sections of the variant in which a value differs, with these values alone."""
    skip = {"name", "description"}
    return {k: v for k, v in _difference(variant.resolved(), base.resolved()).items() if k not in skip}


def _difference(new: dict[str, object], old: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in new.items():
        was = old.get(key)
        if isinstance(value, dict) and isinstance(was, dict):
            if inner := _difference(value, was):
                found[key] = inner
        elif value != was:
            found[key] = value
    return found
