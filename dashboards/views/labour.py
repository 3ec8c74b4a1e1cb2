"""Labour: unemployment, the Beveridge curve, spells, and who gains."""

from __future__ import annotations

import streamlit as st

from dashboards import figures
from dashboards.chrome import chosen
from dashboards.tables import sector_figures
from dashboards.text import t


def page() -> None:
    """The page."""
    file = chosen()
    st.info(t("labour.prior"))
    sector_figures(file, "jobtren")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "labour_unemployment")
        figures.draw(file, "labour_duration")
    with right:
        figures.draw(file, "beveridge")
        figures.draw(file, "who_gains")


page()
