"""The panel of levers, and the policy packages that set many of them at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st
import yaml

from dashboards.levers import OFF, Lever, levers, offices, standing
from dashboards.scenarios import Base, base_named
from dashboards.text import language, named, programme, t, unit_of
from twin.errors import ScenarioError
from twin.wording import said

DATA = Path(__file__).parent / "data"
OPEN = ("city", "signals", "solar")  # groups that are unfolded at first
SCHEDULE = "schedule"
LARGE = "localized"  # large numbers with thousands as the browser writes them


@functools.cache
def packages() -> Mapping[str, Mapping[str, Any]]:
    """Policy packages: lever values by name of the package."""
    with (DATA / "packages.yaml").open(encoding="utf-8") as file:
        read: dict[str, dict[str, Any]] = yaml.safe_load(file)
    return read


def packages_panel(base: Base) -> None:
    """A button a package; it moves its levers and leaves the others."""
    st.caption(t("packages.lead"))
    own = standing(base.scenario)
    row = st.container(horizontal=True)
    for name, wanted in packages().items():
        row.button(
            t(f"package.{name}"), key=f"package-{name}", help=t(f"package.{name}_help"), on_click=_apply,
            args=({lever: value for lever, value in wanted.items() if lever in own},),
        )  # fmt: skip
    row.button(t("packages.reset"), key="package-reset", on_click=_apply, args=(own,))


def _apply(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        st.session_state[name] = list(value) if isinstance(value, tuple) else value


def back_to_base() -> None:
    """Put all levers where the base that was just chosen has them."""
    with suppress(ScenarioError):  # the page itself says what is wrong with it
        _apply(standing(base_named(st.session_state["base"]).scenario))


def lever_panel(base: Base) -> dict[str, Any]:
    """All levers of the base scenario; where they stand now."""
    st.subheader(t("what_if.levers"))
    own = standing(base.scenario)
    values: dict[str, Any] = {}
    shown = [levers()[name] for name in own]
    groups = dict.fromkeys(_group(lever) for lever in shown)
    for group in groups:
        with st.expander(programme(group) if group != SCHEDULE else t("what_if.schedule"), expanded=group in OPEN):
            for lever in (one for one in shown if _group(one) == group):
                values[lever.name] = control(lever, own[lever.name])
    return {name: values[name] for name in own}


def _group(lever: Lever) -> str:
    return SCHEDULE if lever.kind == "start" else lever.programme


def control(lever: Lever, default: Any) -> Any:
    """The control of one lever; its value is part of the page's address."""
    label = (
        t(f"lever.{lever.name}")
        + (f" [{unit_of(lever.unit)}]" if lever.unit else "")
        + (" *" if lever.confidence == "prior" else "")
    )
    told = t(
        "lever.help",
        source=said(lever.source, language()),
        year=lever.year,
        confidence=t(f"confidence.{lever.confidence}"),
    )
    common: dict[str, Any] = {"key": lever.name, "help": told, "bind": "query-params", "persist_state": "session"}
    if lever.kind == "switch":
        return st.toggle(label, value=default, **common)
    if lever.choices:
        return st.selectbox(label, lever.choices, index=lever.choices.index(default),
                            format_func=named("choice", lever.choices), **common)  # fmt: skip
    if lever.kind == "places":
        return tuple(
            st.multiselect(label, list(offices()), default=list(default), placeholder=t("choose"), **common)
        ) or tuple(default)
    if lever.kind == "start":
        months = [OFF, *range(int(lever.low), int(lever.high) + 1)]
        return st.select_slider(
            label, months, value=default, format_func={month: _month(month) for month in months}.__getitem__, **common
        )
    number = float if lever.kind == "float" else int
    low, high, step = (number(x) for x in (lever.low, lever.high, lever.step))
    return st.slider(
        label,
        min(low, default),
        max(high, default),
        number(default),
        step,
        format=LARGE if high >= 1e6 else None,
        **common,
    )


def _month(value: Any) -> str:
    return t("start.off") if value == OFF else t("start.month", n=int(value) + 1)
