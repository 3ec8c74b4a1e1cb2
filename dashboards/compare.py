"""Up to four runs side by side and through time, with history; downloads of all of them."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.exports import brief_bytes, workbook
from dashboards.problems import told
from dashboards.runs import File
from dashboards.scenarios import Base
from dashboards.tables import comparison
from dashboards.text import language, named, t
from twin.palette import PALETTE
from twin.wording import said

MOST = 4
PICKED = "compared"
SERIES = {  # table, column and what is summed over the rows of a month
    "tpt": ("labour_total", "tpt_percent"), "solar": ("solar_total", "served_kwh"),
    "balance": ("budget_balance", "closing_idr"), "benefit": ("programme_month", "benefit_idr"),
    "price": ("carbon_month", "price_close_idr"), "delay": ("traffic_hour", "delay_s"),
}  # fmt: skip
MEANS = ("delay",)


def keep(stem: str) -> None:
    """Take a run into the comparison; of more than four the oldest goes."""
    picked = [one for one in st.session_state.get(PICKED, []) if one != stem]
    st.session_state[PICKED] = [*picked, stem][-MOST:]


def comparison_panel(base: Base, folder: Path) -> None:
    """The comparison."""
    st.subheader(t("compare.title"))
    found = {file.stem: file for file in runs.sound()}
    if not found:
        st.info(t("compare.none", folder=folder))
        return
    st.session_state[PICKED] = [stem for stem in st.session_state.get(PICKED, []) if stem in found]
    stems = st.multiselect(
        t("compare.pick", most=MOST), list(found), key=PICKED, max_selections=MOST,
        placeholder=t("choose"), persist_state="session",
        format_func={stem: runs.label(file) for stem, file in found.items()}.__getitem__, help=t("compare.help"),
    )  # fmt: skip
    if not stems:
        st.info(t("compare.hint"))
        return
    picked = {runs.about(found[stem]).scenario + f" ({stem[-4:]})": found[stem] for stem in stems}
    st.dataframe(comparison({name: runs.values(file) for name, file in picked.items()}), hide_index=True)
    st.caption(t("prior.legend"))
    history(picked)
    left, right = st.columns(2)
    with left:
        figures.draw(next(reversed(picked.values())), "benefit_wedge")
    with right:
        figures.draw(next(reversed(picked.values())), "cost_curve")
    downloads(picked)


def history(picked: dict[str, File]) -> None:
    """One series of every run through its months, and the target line where the book has one."""
    what = st.selectbox(t("compare.series"), list(SERIES), format_func=named("series", SERIES), key="series")
    table, column = SERIES[what]
    rows = []
    for name, file in picked.items():
        found = runs.table(file, table)
        if found.empty:
            continue
        by_month = found.groupby("month", as_index=False)[column]
        rows.append((by_month.mean() if what in MEANS else by_month.sum()).assign(variant=name))
    if not rows:
        st.info(t("compare.no_series"))
        return
    months = said("month", language())
    chart = (
        alt.Chart(pd.concat(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title=months),
            y=alt.Y(f"{column}:Q", title=t(f"series.{what}"), scale=alt.Scale(zero=False)),
            color=alt.Color("variant:N", title=t("compare.variant"), scale=alt.Scale(range=PALETTE)),
            strokeDash=alt.StrokeDash("variant:N", title=t("compare.variant")),
            tooltip=[alt.Tooltip("month:O", title=months), alt.Tooltip("variant:N", title=t("compare.variant")),
                     alt.Tooltip(f"{column}:Q", title=t(f"series.{what}"), format=",.2f")],
        )
        .properties(height=280)
    )  # fmt: skip
    figures.show_chart(chart, t(f"series.{what}"), t("series.basis", table=table))


def downloads(picked: dict[str, File]) -> None:
    """XLSX of all, a two-page brief and the run of the last that was picked; each is made when it is asked for."""
    last = next(reversed(picked.values()))
    row = st.container(horizontal=True)
    with told():
        row.download_button(
            t("download.xlsx"), lambda: workbook(picked), "trenggalek-twin.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", on_click="ignore",
        )  # fmt: skip
        row.download_button(
            t("download.brief"), lambda: brief_bytes(last), f"{last.stem}.pdf", "application/pdf", on_click="ignore"
        )
        row.download_button(
            t("real.download_run"), Path(last.path).read_bytes, f"{last.stem}.sqlite", "application/vnd.sqlite3",
            key="download-picked", on_click="ignore",
        )  # fmt: skip
