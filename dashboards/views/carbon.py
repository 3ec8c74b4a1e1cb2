"""Carbon: prices and candles, depth, volume, offsets; alerts of the surveillance and the ledger's conservation."""

from __future__ import annotations

import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.runs import File
from dashboards.tables import sector_figures
from dashboards.text import number, t


def page() -> None:
    """The page."""
    file = chosen()
    sector_figures(file, "ecobalance")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "carbon_candles")
    with right:
        figures.draw(file, "carbon_depth")
    figures.draw(file, "carbon_price")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "carbon_volume")
    with right:
        figures.draw(file, "carbon_offset")
    alerts(file)
    ledger(file)


def alerts(file: File) -> None:
    """What the surveillance found."""
    st.subheader(t("carbon.alerts"))
    found = runs.table(file, "carbon_alert")
    if found.empty:
        st.success(t("carbon.no_alerts"))
    else:
        st.dataframe(found, hide_index=True)
        st.caption(t("table.basis", table="carbon_alert"))


def ledger(file: File) -> None:
    """Whether every tonne is accounted for."""
    months = runs.table(file, "carbon_month")
    if months.empty:
        return
    st.subheader(t("carbon.ledger"))
    last = months.iloc[-1]
    parts = {name: number(float(last[name])) for name in ("issued", "spe_grk", "tokens", "retired", "cancelled")}
    show = st.success if months.conserved.all() else st.error
    show(t("carbon.conserved" if months.conserved.all() else "carbon.not_conserved", **parts))


page()
