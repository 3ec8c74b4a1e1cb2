"""Solar: where the offices' electricity comes from, a week, a day with an outage, loss of load, roll-out."""

from __future__ import annotations

import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.tables import sector_figures
from dashboards.text import t


def page() -> None:
    """The page."""
    file = chosen()
    sector_figures(file, "solar")
    figures.draw(file, "solar_energy")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "solar_week")
    with right:
        figures.draw(file, "solar_outage_day")
    figures.draw(file, "solar_loss_of_load")
    rollout = runs.table(file, "solar_rollout")
    if not rollout.empty:
        st.subheader(t("solar.rollout"))
        st.dataframe(rollout, hide_index=True)
        st.caption(t("table.basis", table="solar_rollout"))


page()
