"""The panel of assumptions: every value of the scenario with its unit and source, and each can be edited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from dashboards.levers import levers
from dashboards.scenarios import Base
from dashboards.text import t
from twin.programmes.dynamics import ranges
from twin.programmes.facts import PROGRAMMES, inputs
from twin.scenario import Scenario

SECTIONS = ("solar", "carbon", "labour", "traffic", "programmes")
SCALAR = (bool, int, float, str)
LINKED, LOOK = "set", "assumptions-look"  # the parameter of the address; how often another search was made
YEARS = {"book": "2025", "2019": "2019", "2021": "2021", "2024": "2024"}


def assumptions_of(scenario: Scenario) -> list[dict[str, Any]]:
    """Every single value of a scenario: path, value, range, what it is, what it stands on, and of which year.

    The programmes' inputs and parameters have a range that they are drawn from, and a value only where one is held.
    """
    found: list[dict[str, Any]] = []
    for section in SECTIONS:
        model = getattr(scenario, section)
        if model is not None:
            _walk(section, model, found)
    by_path = {lever.path: lever for lever in levers().values()}
    for row in found:
        if (lever := by_path.get(row["path"])) is not None:
            row |= {"basis": lever.confidence, "source": lever.source, "year": lever.year}
    return [*found, *_drawn(scenario)]


def _drawn(scenario: Scenario) -> Iterator[dict[str, Any]]:
    options = scenario.programmes
    if options is None:
        return
    for key in PROGRAMMES:
        for section, table in (("inputs", inputs), ("dynamics", ranges)):
            held = getattr(options, section).get(key, {})
            for name, one in table(options.assumptions, key).items():
                low, mode, high = (f"{float(end):g}" for end in (one.low, one.value, one.high))
                yield {
                    "path": f"programmes.{section}.{key}.{name}", "value": str(held.get(name, "")),
                    "range": f"{low} … {mode} … {high} {one.unit}".removesuffix(" -"), "about": name.replace("_", " "),
                    "source": one.source, "basis": one.confidence, "year": _year(one.source),
                }  # fmt: skip


def _year(text: str) -> str:
    return next((year for word, year in YEARS.items() if word in text), "2026")


def _walk(path: str, model: BaseModel, found: list[dict[str, Any]]) -> None:
    for name, field in type(model).model_fields.items():
        value, at = getattr(model, name), f"{path}.{name}"
        if isinstance(value, BaseModel):
            _walk(at, value, found)
        elif value is None or isinstance(value, SCALAR):
            about = field.description or ""
            basis = next((word for word in ("prior", "calibrated", "book") if word in about), "model")
            written = "null" if value is None else json.dumps(value).strip('"')
            found.append({"path": at, "value": written, "range": "", "about": about, "source": about,
                          "year": _year(about), "basis": "stated" if basis == "book" else basis})  # fmt: skip


def assumptions_panel(base: Base) -> list[str]:
    """Edit any assumption; what was edited, as `--set` takes it. The page's address holds it too, as `set`."""
    with st.expander(t("assumptions.title")):
        st.markdown(t("assumptions.lead"))
        rows = pd.DataFrame(assumptions_of(base.scenario))
        if rows.empty:
            return []
        own = dict(zip(rows.path, rows.value, strict=True))
        kept: dict[str, str] = st.session_state.setdefault(f"edits-{base.name}", _linked(own))
        wanted = st.text_input(t("assumptions.search"), key="assumption_search", on_change=_look_anew).lower()
        key = f"assumptions-{base.name}-{st.session_state.setdefault(LOOK, 0)}"
        began: dict[str, str] = st.session_state.setdefault(f"{key}-began", dict(kept))  # the editor adds its own edits
        rows["shown"] = [began.get(path, value) for path, value in own.items()]
        rows["basis"] = [t(f"confidence.{basis}") for basis in rows.basis]
        seen = rows[
            rows.path.str.contains(wanted, regex=False) | rows.about.str.lower().str.contains(wanted, regex=False)
        ]
        fixed = ["path", "range", "about", "basis", "source", "year"]
        edited = st.data_editor(
            seen, hide_index=True, disabled=fixed, key=key, height=320,
            column_order=["path", "shown", *fixed[1:]],
            column_config={"shown": t("assumptions.value"), **{name: t(f"assumptions.{name}") for name in fixed}},
        )  # fmt: skip
        for path, old, new in zip(seen.path, seen.value, edited.shown, strict=True):
            if new is not None and new != old:
                kept[path] = str(new)
            else:
                kept.pop(path, None)
        if kept:
            st.info(t("assumptions.edited", list=", ".join(f"{path} = {value}" for path, value in kept.items())))
    settings = [f"{path}={value}" for path, value in kept.items()]
    if st.query_params.get_all(LINKED) != settings:
        st.query_params[LINKED] = settings
    return settings


def _look_anew() -> None:
    """Another search, another editor: it begins with all edits so far."""
    st.session_state[LOOK] += 1


def _linked(own: Mapping[str, str]) -> dict[str, str]:
    """Edits that the page's address brings; one of an assumption that there is not is told and left out."""
    found = dict(setting.partition("=")[::2] for setting in st.query_params.get_all(LINKED))
    if unknown := [path for path in found if path not in own]:
        st.warning(t("assumptions.unknown", list=", ".join(unknown)))
    return {path: value for path, value in found.items() if path in own and value != own[path]}
