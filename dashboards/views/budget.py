"""Budget: the waterfall of the regency's money, month by month, appraisals, and where the book does not add up."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import figures
from dashboards.chrome import chosen
from dashboards.text import number, programme, t
from twin.programmes import budget


def page() -> None:
    """The page."""
    file = chosen()
    figures.draw(file, "budget_waterfall")
    figures.draw(file, "budget_balance")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "programme_npv")
    with right:
        figures.draw(file, "cost_curve")
    figures.draw(file, "tornado")
    st.subheader(t("budget.differences"))
    st.markdown(t("budget.differences_lead"))
    rows = [
        {
            t("column.programme"): programme(one.programme),
            t("budget.item"): one.item,
            t("budget.stated"): number(one.stated_idr),
            t("budget.computed"): number(one.computed_idr),
            t("budget.difference"): number(one.difference_idr),
        }
        for one in budget.differences()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(t("budget.basis"))
    st.subheader(t("budget.elsewhere"))
    others = [
        {
            t("column.programme"): programme(one.programme),
            t("budget.item"): one.item,
            t("budget.stated"): number(one.stated),
            t("budget.computed"): number(one.computed),
            t("column.unit"): one.unit,
        }
        for one in budget.inconsistencies()
    ]
    st.dataframe(pd.DataFrame(others), hide_index=True)


page()
