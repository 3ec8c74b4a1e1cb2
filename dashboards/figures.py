"""The twin's charts on a page: in the visitor's language, with unit, interval, source and prior by them.

The charts themselves are `twin.figures`, which the report draws too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import runs
from dashboards.runs import File
from dashboards.text import language, programme, t, unit_of
from twin.figures import FIGURES, Basis, bases
from twin.palette import PALETTE
from twin.run import Run
from twin.wording import said, unit_said, worded

Spec = dict[str, Any]
SILENT = {"aria": False, "mark": {"aria": False}}  # the chart has one text for readers of the screen, not one a mark
AROUND_PX = 110  # for legend, axis and its title, which would otherwise eat the chart
AXIS_Y = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleBaseline": "bottom", "titleX": -48,
          "titleY": -6}  # fmt: skip
LEGEND = {"orient": "bottom", "columns": 2, "labelLimit": 240, "symbolLimit": 40}  # below the chart: fits a phone


@st.cache_resource(max_entries=300, show_spinner=False)
def _spec(file: File, name: str, code: str) -> Spec | None:
    """A figure of a run as Vega-Lite; kept, and never changed by who draws it."""
    with Run.open(file.path) as run:
        chart = FIGURES[name](run)
    if chart is None:
        return None
    spec = chart.to_dict()
    del spec["width"]
    return told(spec, bases()[name], units(file), code)


@st.cache_resource(max_entries=100, show_spinner=False)
def units(file: File) -> Mapping[str, str]:
    """The unit of every column of a run that has one."""
    rows = runs.dictionary(file)
    return dict(rows.loc[rows.unit != "-", ["column", "unit"]].to_numpy().tolist())


def told(spec: Spec, basis: Basis, unit_of: Mapping[str, str], code: str) -> Spec:
    """A chart in a language, its tooltips with units and with what it stands on."""
    spec = worded(spec, code)
    stands_on = {
        said("source", code): said(basis.source, code),
        said("interval", code): said(basis.interval, code),
        said("stands on a prior", code): said(basis.prior or "no", code),
    }
    for view in _views(spec):
        tooltip = view.get("encoding", {}).get("tooltip")
        if not isinstance(tooltip, list):
            continue
        for entry in tooltip:
            label, unit = said(entry["field"], code), unit_of.get(entry["field"], "")
            entry["title"] = f"{label} [{unit_said(unit, code)}]" if unit else label
        for number, (label, text) in enumerate(stands_on.items()):
            view.setdefault("transform", []).append({"calculate": json.dumps(text), "as": f"basis_{number}"})
            tooltip.append({"field": f"basis_{number}", "type": "nominal", "title": label})
    return spec


def _views(spec: Spec) -> Iterator[Spec]:
    """The chart and its layers."""
    yield spec
    for layer in spec.get("layer", []):
        yield from _views(layer)


def caption(basis: Basis) -> str:
    """What a figure stands on, in a line."""
    interval, source, prior = (said(text, language()) for text in (basis.interval, basis.source, basis.prior))
    line = t("figure.basis", unit=unit_of(basis.unit), interval=interval, source=source)
    return f"{line} {t('figure.prior', note=prior)}" if basis.prior else line


def draw(file: File, name: str) -> bool:
    """Draw a figure of a run with its basis; says so where the run has not what it needs. Whether it was drawn."""
    spec = _spec(file, name, language())
    if spec is None:
        st.info(t("figure.missing", source=said(bases()[name].source, language())))
        return False
    show(spec, caption(bases()[name]))
    return True


def show(spec: Spec, below: str) -> None:
    """A Vega-Lite chart over the page's width, its title above it as text so that it wraps on a phone."""
    heading = spec.get("title")
    st.markdown(f"**{heading}**")
    drawn = {**spec, "config": {**spec.get("config", {}), "legend": LEGEND, "axisY": AXIS_Y, **SILENT}}
    del drawn["title"]
    if isinstance(spec.get("height"), int):
        drawn["height"] = spec["height"] + AROUND_PX
    st.vega_lite_chart(drawn, width="stretch", theme=None, alt=f"{heading}. {below}")
    st.caption(below)


def show_chart(chart: alt.Chart | alt.LayerChart, heading: str, below: str) -> None:
    """A chart of the pages' own (comparisons of several runs), already in the visitor's language."""
    show({**chart.to_dict(), "title": heading}, below)


def money_so_far(so_far: pd.DataFrame) -> alt.Chart:
    """Cost and benefit of every programme up to a moment [million Rp]."""
    rows = so_far.melt("programme", ["cost_idr", "benefit_idr"], "flow", "idr")
    rows["programme"] = [programme(key) for key in rows.programme]
    rows["flow"] = [t(f"flow.{flow}") for flow in rows.flow]
    rows["million_idr"] = rows.idr / 1e6
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y("programme:N", title=None),
            yOffset="flow:N",
            x=alt.X("million_idr:Q", title=t("flow.axis"), scale=alt.Scale(type="symlog", constant=10)),
            color=alt.Color("flow:N", title=None, scale=alt.Scale(range=[PALETTE[0], PALETTE[1]])),
            tooltip=[
                alt.Tooltip("programme:N", title=t("column.programme")),
                alt.Tooltip("flow:N", title=t("column.what")),
                alt.Tooltip("million_idr:Q", title=t("flow.axis"), format=",.1f"),
            ],
        )
        .properties(height=300)
    )
