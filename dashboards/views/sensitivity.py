"""Sensitivity: which assumptions decide a figure, where such an analysis lies beside the runs."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.text import number, t, title, unit_of
from twin.kpi import catalogue
from twin.palette import PALETTE
from twin.sensitivity.table import Found, of_scenario


def page() -> None:
    """The page."""
    file = chosen()
    told = runs.about(file)
    found = of_scenario(runs.folder(), told.digest)
    names = {kpi: title(catalogue()[kpi]) for kpi in (found.figures if found else ()) if kpi in catalogue()}
    if found is None or not names:
        st.info(t("sensitivity.none", scenario=told.scenario))
        return
    st.markdown(t("sensitivity.lead"))
    if found.label["code_digest"] != runs.provenance(file)["code_digest"]:
        st.warning(t("sensitivity.other_code"))
    kpi = st.selectbox(t("column.figure"), list(names), format_func=names.__getitem__, key="sensitivity_kpi",
                       bind="query-params", persist_state="session")  # fmt: skip
    rows, below = found.figures[kpi], label(found)
    unit = unit_of(rows[0]["kpi_unit"])
    effect = t("sensitivity.effect", unit=unit)
    figures.show_chart(bars(rows, "mu_star", "half_width", effect), f"{names[kpi]}: {effect}", below)
    if any(row["total"] is not None for row in rows):
        share = t("sensitivity.total")
        figures.show_chart(bars(rows, "total", "total_half_width", share), f"{names[kpi]}: {share}", below)
    st.dataframe(as_table(rows, effect), hide_index=True)
    st.caption(t("sensitivity.note", varied=rows[0]["varied"], walks=rows[0]["walks"]))


def label(found: Found) -> str:
    """What a table was made of, when, and with which code."""
    one = found.label
    return t("sensitivity.label", scenario=one["scenario"], digest=one["digest"][:12], seeds=one["seeds"],
             made=one["made_utc"], code=one["code_digest"][:12])  # fmt: skip


def basis(row: dict[str, Any]) -> str:
    """What an assumption's range stands on."""
    return t(f"confidence.{row['confidence']}")


def bars(rows: list[dict[str, Any]], value: str, half_width: str, axis: str) -> alt.LayerChart:
    """A bar an assumption with its 95 % interval, coloured by what the range stands on."""
    shown = pd.DataFrame(
        {
            "assumption": row["assumption"], "value": row[value], "basis": basis(row),
            "low": row[value] - row[half_width], "high": row[value] + row[half_width],
        }
        for row in rows if row[value] is not None
    )  # fmt: skip
    names = alt.Y("assumption:N", sort=None, title=None, axis=alt.Axis(labelLimit=320))
    colour = alt.Color("basis:N", title=t("assumptions.basis"), scale=alt.Scale(range=PALETTE))
    tooltip = [
        alt.Tooltip("assumption:N", title=t("assumptions.path")),
        alt.Tooltip("value:Q", title=axis, format=",.3g"), alt.Tooltip("basis:N", title=t("assumptions.basis")),
    ]  # fmt: skip
    base = alt.Chart(shown).encode(y=names)
    drawn = base.mark_bar().encode(x=alt.X("value:Q", title=axis), color=colour, tooltip=tooltip)
    return (drawn + base.mark_rule().encode(x="low:Q", x2="high:Q")).properties(height=26 * len(shown) + 20)


def as_table(rows: list[dict[str, Any]], effect: str) -> pd.DataFrame:
    """The same in figures, with ranges, directions and sources."""
    return pd.DataFrame(
        {
            t("assumptions.path"): row["assumption"] + (" *" if row["confidence"] == "prior" else ""),
            t("sensitivity.range"): f"{number(row['low'])} … {number(row['high'])}",
            t("column.unit"): unit_of(row["unit"]),
            effect: f"{number(row['mu_star'])} ± {number(row['half_width'], 2)}",
            t("sensitivity.direction"): t(f"direction.{row['direction']}"),
            t("sensitivity.total"): "–" if row["total"] is None
            else f"{number(row['total'], 2)} ± {number(row['total_half_width'], 1)}",
            t("assumptions.basis"): basis(row),
            t("column.source"): row["source"],
        }
        for row in rows
    )  # fmt: skip


page()
