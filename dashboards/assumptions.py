"""The panel of assumptions: every value of the scenario with its unit and source, and each can be edited."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from dashboards.levers import levers
from dashboards.scenarios import Base
from dashboards.text import t
from twin.files import read_rows
from twin.programmes.facts import DATA as PROGRAMME_DATA
from twin.scenario import Scenario

SECTIONS = ("solar", "carbon", "labour", "traffic", "programmes")
SCALAR = (bool, int, float, str)
YEARS = {"book": "2025", "2019": "2019", "2021": "2021", "2024": "2024"}


def assumptions_of(scenario: Scenario) -> list[dict[str, Any]]:
    """Every single value of a scenario: path, value, what it is, what it stands on, and of which year."""
    found: list[dict[str, Any]] = []
    for section in SECTIONS:
        model = getattr(scenario, section)
        if model is not None:
            _walk(section, model, found)
    by_path = {lever.path: lever for lever in levers().values()}
    for row in found:
        if (lever := by_path.get(row["path"])) is not None:
            row |= {"basis": lever.confidence, "source": lever.source, "year": lever.year}
    return found


def _walk(path: str, model: BaseModel, found: list[dict[str, Any]]) -> None:
    for name, field in type(model).model_fields.items():
        value, at = getattr(model, name), f"{path}.{name}"
        if isinstance(value, BaseModel):
            _walk(at, value, found)
        elif value is None or isinstance(value, SCALAR):
            about = field.description or ""
            basis = next((word for word in ("prior", "calibrated", "book") if word in about), "model")
            year = next((year for word, year in YEARS.items() if word in about), "2026")
            written = "null" if value is None else json.dumps(value).strip('"')
            found.append({"path": at, "value": written, "about": about, "source": about, "year": year,
                          "basis": "stated" if basis == "book" else basis})  # fmt: skip


def assumptions_panel(base: Base) -> list[str]:
    """Edit any assumption; what was edited, as `--set` takes it."""
    with st.expander(t("assumptions.title")):
        st.markdown(t("assumptions.lead"))
        rows = pd.DataFrame(assumptions_of(base.scenario))
        if rows.empty:
            return []
        wanted = st.text_input(t("assumptions.search"), key="assumption_search").lower()
        rows["basis"] = [t(f"confidence.{basis}") for basis in rows.basis]
        seen = rows[
            rows.path.str.contains(wanted, regex=False) | rows.about.str.lower().str.contains(wanted, regex=False)
        ]
        edited = st.data_editor(
            seen, hide_index=True, disabled=["path", "about", "basis", "source", "year"],
            key=f"assumptions-{base.name}-{wanted}",
            column_config={name: t(f"assumptions.{name}") for name in rows.columns}, height=320,
        )  # fmt: skip
        kept: dict[str, str] = st.session_state.setdefault(f"edits-{base.name}", {})
        for path, old, new in zip(seen.path, seen.value, edited.value, strict=True):
            if new is not None and new != old:
                kept[path] = str(new)
            else:
                kept.pop(path, None)
        if kept:
            st.info(t("assumptions.edited", list=", ".join(f"{path} = {value}" for path, value in kept.items())))
        st.markdown(t("assumptions.tables"))
        st.dataframe(pd.DataFrame(read_rows(PROGRAMME_DATA / "inputs.csv")), hide_index=True, height=240)
    return [f"{path}={value}" for path, value in kept.items()]
