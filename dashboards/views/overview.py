"""Overview: nine programmes at a glance, targets with probability, money, net zero, and the map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.maps import village_map
from dashboards.problems import told
from dashboards.runs import File
from dashboards.tables import targets_table
from dashboards.text import money, number, programme, t
from twin.programmes.facts import PROGRAMMES

NET_ZERO_UNIT = 1000  # MWh in GWh


def page() -> None:
    """The page."""
    file = chosen()
    scenario = runs.scenario(file)
    st.markdown(t("overview.lead", name=scenario.name, months=scenario.horizon_months, start=scenario.start))
    top_figures(file)
    st.subheader(t("overview.programmes"))
    cards(file)
    st.subheader(t("overview.targets"))
    with told():
        targets_table(file)
    figures.draw(file, "targets")
    left, right = st.columns(2)
    with left:
        st.subheader(t("overview.money"))
        figures.draw(file, "programme_money")
    with right:
        st.subheader(t("overview.net_zero"))
        net_zero(file)
    st.subheader(t("overview.map"))
    with told():
        village_map(file)


def top_figures(file: File) -> None:
    """Four figures of the whole city."""
    values = runs.values(file)
    met = [one.kpi.met(one.value) for one in runs.scores(file)]
    known = [one for one in met if one is not None]
    columns = [*st.columns(2), *st.columns(2)]
    columns[0].metric(
        t("overview.targets_met"), t("overview.of", n=sum(known), of=len(known)), help=t("overview.targets_help")
    )
    columns[1].metric(t("overview.pad") + " *", money(values.get("pad_idr")), help=t("prior.help"))
    columns[2].metric(t("overview.left") + " *", money(values.get("budget_closing_idr")), help=t("prior.help"))
    columns[3].metric(
        t("overview.unemployment") + " *", number(values.get("unemployment_percent")) + " %", help=t("prior.help")
    )


def cards(file: File) -> None:
    """Each programme: does it pay, how surely, and which targets are met."""
    rows = runs.table(file, "appraisal")
    if rows.empty:
        st.info(t("overview.no_programmes"))
        return
    by_key = {row["programme"]: row for row in rows.to_dict("records")}
    months = (
        runs.table(file, "programme_month")
        .groupby("programme")[["active", "cost_idr", "benefit_idr"]]
        .sum()
        .to_dict("index")
    )
    for number_, key in enumerate(PROGRAMMES):
        if number_ % 3 == 0:  # row by row, so that a phone shows them in order too
            columns = st.columns(3)
        with columns[number_ % 3].container(border=True):
            st.markdown(f"**{programme(key)}**")
            if key not in by_key:
                st.caption(t("overview.not_started"))
                continue
            one = by_key[key]
            mark = r" \*" if one["prior"] else ""
            st.markdown(
                t(
                    "card.npv",
                    value=money(one["npv_p50_idr"]),
                    mark=mark,
                    low=money(one["npv_p10_idr"]),
                    high=money(one["npv_p90_idr"]),
                )
            )
            st.progress(
                float(one["probability_npv_positive"]),
                text=t("card.pays", share=number(100 * one["probability_npv_positive"], 3)),
            )
            if key in months:
                own = months[key]
                st.caption(
                    t("card.run", cost=money(own["cost_idr"]), benefit=money(own["benefit_idr"]))
                    if own["active"]
                    else t("overview.not_started")
                )
            verdicts = [
                s.kpi.met(s.value) for s in runs.scores(file) if s.kpi.programme == key and s.kpi.target is not None
            ]
            judged = [one for one in verdicts if one is not None]
            st.caption(t("card.targets", met=sum(judged), judged=len(judged), all=len(verdicts)))


def net_zero(file: File) -> None:
    """What is emitted beside what is measured as avoided, a year; then the wedges."""
    balance = net_zero_rows(file)
    if balance is not None:
        emitted, avoided = balance.emitted.sum(), balance.avoided.sum()
        st.markdown(
            t(
                "net_zero.line",
                avoided=number(avoided),
                emitted=number(emitted),
                share=number(100 * avoided / emitted, 3),
            )
        )
        shown = balance.assign(what=[t(f"net_zero.{key}") for key in balance.what])
        st.dataframe(
            shown.rename(
                columns={"what": t("column.what"), "emitted": t("net_zero.emitted"), "avoided": t("net_zero.avoided")}
            ),
            hide_index=True,
        )
        st.caption(t("net_zero.basis"))
    figures.draw(file, "carbon_wedge")


def net_zero_rows(file: File) -> pd.DataFrame | None:
    """Emissions of electricity, and measured reductions by activity, tCO2e for a year; None without either sector."""
    scenario, measured = runs.scenario(file), runs.table(file, "carbon_mrv")
    if scenario.solar is None or measured.empty:
        return None
    electricity = scenario.solar.regency_electricity_mwh_per_year * scenario.solar.grid_factor_tco2e_per_mwh
    year = 12 / scenario.horizon_months
    avoided = (measured.groupby("activity").measured_tco2e.sum() * year).to_dict()
    rows = [{"what": "electricity", "emitted": electricity, "avoided": 0.0}]
    rows += [{"what": name, "emitted": 0.0, "avoided": float(value)} for name, value in avoided.items()]
    return pd.DataFrame(rows)


page()
