"""Optimise: the best use of a fixed budget, its front, and what a rupiah more buys, in words."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.problems import told
from dashboards.runs import File
from dashboards.text import money, number, programme, t
from twin.palette import PALETTE
from twin.programmes.facts import PROGRAMMES, inputs
from twin.programmes.portfolio import Choice, Item, Wish, best, front, items_of

BILLION = 1e9
MOST_COHORTS = 6


def page() -> None:
    """The page."""
    file = chosen()
    st.markdown(t("optimise.lead"))
    if runs.table(file, "appraisal").empty:
        st.info(t("overview.no_programmes"))
        return
    items = items_in(file)
    wish = asked(items)
    with told():
        choice = best(items, wish)
        answer(items, wish, choice)
        drawn_front(items, wish, choice)


def items_in(file: File) -> list[Item]:
    """What can be bought, out of a run's appraisal; solar's tonnes out of what its systems avoided in the run."""
    solar, options = runs.table(file, "solar_month"), runs.scenario(file).programmes
    assert options is not None  # noqa: S101 (there is an appraisal)
    offices = int(inputs(options.assumptions, "solar")["offices"].value)
    each_tco2e_year = 0.0 if solar.empty else 12 * solar.co2_avoided_kg.sum() / len(solar) / 1000
    return items_of(runs.table(file, "appraisal"), offices, MOST_COHORTS, offices * each_tco2e_year)


def asked(items: list[Item]) -> Wish:
    """The visitor's limits."""
    most = sum(one.cost_idr * one.most for one in items) / BILLION
    left, right = st.columns(2)
    budget = left.slider(
        t("optimise.budget"), 0.0, round(most, 1) + 0.1, min(3.0, round(most, 1)), 0.1, key="opt_budget"
    )
    tonnes = sum(one.co2_tco2e_year * one.most for one in items)
    co2 = right.slider(t("optimise.co2"), 0.0, float(round(tonnes)), 0.0, 1.0, key="opt_co2") if tonnes >= 1 else 0.0
    must = left.multiselect(
        t("optimise.must"), PROGRAMMES, format_func=_names(), placeholder=t("choose"), key="opt_must"
    )
    never = right.multiselect(
        t("optimise.never"), PROGRAMMES, format_func=_names(), placeholder=t("choose"), key="opt_never"
    )
    return Wish(budget * BILLION, co2, dict.fromkeys(must, 1), {key: 0 for key in never if key not in must})


def _names() -> Callable[[str], str]:
    return {key: programme(key) for key in PROGRAMMES}.__getitem__


def answer(items: list[Item], wish: Wish, choice: Choice) -> None:
    """What to buy, and the shadow prices in words."""
    columns = st.columns(3)
    columns[0].metric(t("optimise.value") + " *", money(choice.value_idr), help=t("optimise.value_help"))
    columns[1].metric(t("optimise.cost"), money(choice.cost_idr))
    columns[2].metric(t("optimise.avoided") + " *", f"{number(choice.co2_tco2e_year)} tCO2e")
    st.caption(t("optimise.range", low=money(choice.low_idr), high=money(choice.high_idr)))
    rows = [
        {
            t("column.programme"): programme(one.programme),
            t("optimise.units"): f"{choice.units[one.programme]} / {one.most}",
            t("optimise.cost"): money(one.cost_idr * choice.units[one.programme]),
            t("optimise.value"): money(one.value_idr * choice.units[one.programme]),
            t("optimise.each"): number(one.value_idr / one.cost_idr if one.cost_idr else None, 3),
        }
        for one in items
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if choice.budget_price > 1e-9:
        st.info(t("optimise.budget_price", value=money(choice.budget_price * 1e6)))
    else:
        st.info(t("optimise.budget_slack", left=money(wish.budget_idr - choice.cost_idr)))
    if wish.least_co2_tco2e_year > 0:
        key = "optimise.co2_price" if choice.co2_price_idr > 1e-6 else "optimise.co2_slack"
        st.info(t(key, value=money(choice.co2_price_idr)))
    st.caption(t("optimise.basis"))


def drawn_front(items: list[Item], wish: Wish, choice: Choice) -> None:
    """The Pareto front: value for every budget, its outer range, and where the visitor stands."""
    rows = [
        {"budget": at / BILLION, "value": one.value_idr / BILLION, "low": one.low_idr / BILLION,
         "high": one.high_idr / BILLION, "what": ", ".join(programme(key) for key, n in one.units.items() if n)}
        for at, one in front(items, wish)
    ]  # fmt: skip
    if not rows:
        return
    base = alt.Chart(pd.DataFrame(rows)).encode(x=alt.X("budget:Q", title=t("optimise.budget")))
    band = base.mark_area(opacity=0.2, color=PALETTE[0]).encode(
        y=alt.Y("low:Q", title=t("optimise.value_axis")), y2="high:Q"
    )
    line = base.mark_line(point=True, color=PALETTE[0]).encode(
        y=alt.Y("value:Q", title=t("optimise.value_axis")),
        tooltip=[
            alt.Tooltip("budget:Q", title=t("optimise.budget"), format=".2f"),
            alt.Tooltip("value:Q", title=t("optimise.value_axis"), format=".2f"),
            alt.Tooltip("what:N", title=t("optimise.chosen")),
        ],
    )
    here = pd.DataFrame([{"budget": wish.budget_idr / BILLION, "value": choice.value_idr / BILLION}])
    point = alt.Chart(here).mark_point(filled=True, size=160, color=PALETTE[5], shape="diamond")
    figures.show_chart(
        (band + line + point.encode(x="budget:Q", y=alt.Y("value:Q", title=t("optimise.value_axis")))).properties(
            height=300
        ),
        t("optimise.front"),
        t("optimise.front_basis"),
    )


page()
