"""A followed city on the operations page: what it does, what the twin makes of it, and how far that can be believed.

Reads what `twin.live.city` keeps in the folder of live days, of a city that is running or of the last one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.text import named, number, t, unit_of
from twin.figures import LAMPS
from twin.live.city import kept
from twin.live.city.scoring import pooled
from twin.palette import PALETTE

FOLDER = "TWIN_LIVE"  # environment variable with the folder of live days
WHAT = ("halting", "turning", "travel time")
RECENT_S, AFTER_S = 600.0, 120.0  # an outage is told for so long; estimates until so long after it belong to it
WIDE = 1.5  # times the usual spread, from which estimates are said to be wide
MOST_SHOWN = 6
State = Mapping[str, Any]


def folder() -> Path:
    """Where the live days are."""
    return Path(os.environ.get(FOLDER) or runs.folder() / "live")


def panel() -> None:
    """The city, from its state and its tables; says how to get one where there is none."""
    state, path = kept.now_of(folder()), kept.newest(folder())
    if state is None or path is None:
        st.caption(t("operations.no_city"))
        return
    st.subheader(t("operations.city", network=state["network"]))
    minutes = kept.asked(path, "SELECT * FROM live_minute ORDER BY at_s")
    headline(state, minutes)
    disturbances(state, path, minutes)
    lamps(state)
    if minutes.empty:
        st.info(t("operations.first_minute"))
        return
    feed(minutes.iloc[-1])
    estimates(path)
    scores(path)
    forecast(state, path)


def clock(at_s: float, form: str = "%H:%M:%S") -> str:
    """The time of day in Trenggalek."""
    return pd.Timestamp(at_s, unit="s", tz="Asia/Jakarta").strftime(form)


def headline(state: State, minutes: pd.DataFrame) -> None:
    """The city's time, its pace, and how far the twin is behind it."""
    cells = st.columns(4)
    cells[0].metric(t("operations.city_time"), f"{clock(state['at_s'])} WIB")
    pace = f"×{number(round(state['pace'], 1), 3)}" if state["running"] else t("operations.over")
    cells[1].metric(t("operations.pace"), pace)
    last = None if minutes.empty else minutes.iloc[-1]
    lag_s, ready_s, took_s = (None if last is None else last[name] for name in ("lag_p95_s", "ready_s", "took_s"))
    cells[2].metric(t("operations.lag"), f"{number(lag_s, 3)} s", help=t("operations.lag_help"))
    cells[3].metric(t("operations.ready_after"), f"+{number(ready_s, 3)} s", help=t("operations.ready_help"))
    speed = number(state["speed"], 3) if state["speed"] else t("operations.fastest")
    st.caption(t("operations.pace_note", speed=speed, took=number(took_s, 2)))
    if not state["running"]:
        st.info(t("operations.city_over"))


def disturbances(state: State, path: Path, minutes: pd.DataFrame) -> None:
    """What is dead or was lately, what the controllers complain of, and whether estimates are wider for it."""
    spread = kept.asked(
        path,
        "SELECT at_s, avg(sd) AS mean_sd FROM live_estimate WHERE what = 'halting' AND method = 'kalman' "
        "GROUP BY at_s ORDER BY at_s",
    )
    usual = float(spread.mean_sd.median()) if len(spread) else float("nan")
    for name in state["down"] if state["running"] else ():
        st.error(t(f"operations.{name}_dead"))
    if not state["down"] and not state["online"] and state["running"]:
        st.error(t("operations.controller_dead"))
    events = kept.asked(path, "SELECT at_s, process, up FROM live_process ORDER BY rowid")
    for process, own in events.groupby("process"):
        ups = own[own.up == 1]
        if ups.empty or process in state["down"] or state["at_s"] - ups.at_s.iloc[-1] > RECENT_S:
            continue
        back_s = float(ups.at_s.iloc[-1])
        dead_s = float(own[(own.up == 0) & (own.at_s <= back_s)].at_s.iloc[-1])
        during = spread[(spread.at_s >= dead_s) & (spread.at_s <= back_s + AFTER_S)]
        words = {"at": clock(dead_s), "back": clock(back_s), "usual": number(usual, 2)}
        wide = number(float(during.mean_sd.max()) if len(during) else None, 2)
        st.warning(t(f"operations.{process}_back", **words, wide=wide))
    if len(spread) and spread.mean_sd.iloc[-1] > WIDE * usual:
        words = {"now": number(float(spread.mean_sd.iloc[-1]), 2), "usual": number(usual, 2)}
        st.warning(t("operations.wide", **words, silent=number(float(minutes.silent_percent.iloc[-1]), 2)))
    if state.get("left_out"):
        st.warning(t("operations.left_out", n=len(state["left_out"]), sensors=", ".join(state["left_out"])))
    if state["alarms"]:
        worst = sorted(state["alarms"], key=lambda alarm: (alarm.startswith("detector"), alarm))
        st.warning(t("operations.city_alarms", n=len(worst), alarms="; ".join(worst[:MOST_SHOWN])))


def lamps(state: State) -> None:
    """Every junction's lamps as the street shows them, and the control that it is under."""
    rows = [
        {"junction": f"{name} · {state['modes'].get(name, '–')}", "group": i, "lamp": letter}
        for name, shown in state["lamps"].items()
        for i, letter in enumerate(shown)
    ]
    colours = alt.Scale(domain=list(LAMPS), range=list(LAMPS.values()))
    tips = [alt.Tooltip("junction:N", title=t("operations.junctions")), alt.Tooltip("lamp:N", title=t("log.lamp"))]
    base = alt.Chart(pd.DataFrame(rows, columns=["junction", "group", "lamp"])).encode(
        x=alt.X("group:O", title=t("log.group"), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("junction:N", title=None),
        tooltip=tips,
    )
    boxes = base.mark_rect(stroke="white").encode(color=alt.Color("lamp:N", title=t("log.lamp"), scale=colours))
    letters = base.mark_text(fontSize=11, color="black").encode(text="lamp:N")
    count = max(1, len(state["lamps"]))
    figures.show_chart(
        (boxes + letters).properties(height=26 * count), t("operations.lamps_now"), t("operations.lamps_basis")
    )


def feed(last: pd.Series) -> None:
    """What came in during the last minute, and what was odd about it."""
    flags = list(json.loads(last["flags"]).items())[:MOST_SHOWN]
    told = ", ".join(f"{t(f'operations.flag_{flag}')} {number(n)}" for flag, n in flags) or t("operations.no_flags")
    words = {"messages": number(last["messages"]), "refused": number(last["refused"]), "flags": told}
    st.markdown(t("operations.feed", **words, silent=number(float(last["silent_percent"]), 2)))


def estimates(path: Path) -> None:
    """One place through time, estimate and interval beside the truth; and all places at the last minute."""
    st.markdown(f"**{t('operations.estimates')}**")
    there = set(kept.asked(path, "SELECT DISTINCT what FROM live_estimate").what)
    kinds = [what for what in WHAT if what in there]
    name_of = named("operations.what", kinds)
    what = st.segmented_control(
        t("operations.what"), kinds, format_func=name_of, default="halting", key="city_what", required=True
    )
    last = kept.asked(
        path, "SELECT * FROM live_estimate WHERE what = ? AND method = 'kalman' AND at_s = (SELECT max(at_s) FROM "
        "live_estimate WHERE what = ?)", (what, what),
    )  # fmt: skip
    busiest = kept.asked(
        path, "SELECT place FROM live_estimate WHERE what = ? AND method = 'kalman' GROUP BY place "
        "ORDER BY avg(mean) DESC", (what,),
    )  # fmt: skip
    place = st.selectbox(t("operations.place"), list(busiest.place), key=f"city_place_{what}")
    rows = kept.asked(path, "SELECT * FROM live_estimate WHERE what = ? AND place = ? ORDER BY at_s", (what, place))
    heading = t("operations.estimate_of", what=name_of(what), place=place)
    figures.show_chart(through_time(rows), heading, t("operations.estimate_basis"))
    with st.expander(t("operations.all_places", at=clock(float(last.at_s.iloc[0]), "%H:%M"))):
        st.dataframe(shown(last), hide_index=True)


def through_time(rows: pd.DataFrame) -> alt.LayerChart:
    """Interval, estimate, what knows less, and the truth as points."""
    local = pd.to_datetime(rows.at_s, unit="s", utc=True).dt.tz_convert("Asia/Jakarta").dt.tz_localize(None)
    rows = rows.assign(at=local)
    own, less = rows[rows.method == "kalman"], rows[rows.method != "kalman"]
    series = {key: t(f"operations.{key}") for key in ("estimate", "knows_less", "truth")}
    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(series.values()), range=[PALETTE[0], PALETTE[1], PALETTE[7]]),
    )
    x = alt.X("at:T", title=t("operations.city_time"), axis=alt.Axis(format="%H:%M"))
    unit = f"[{unit_of(own.unit.iloc[0])}]"
    axis = alt.Y("mean:Q", title=unit)
    tips = [alt.Tooltip("at:T", title=t("operations.city_time"), format="%H:%M"), alt.Tooltip("series:N", title=" "),
            alt.Tooltip("mean:Q", title=unit, format=".2f")]  # fmt: skip
    band = alt.Chart(own).mark_area(opacity=0.25, color=PALETTE[0]).encode(x=x, y=alt.Y("low:Q", title=""), y2="high:Q")
    lines = pd.concat([own.assign(series=series["estimate"]), less.assign(series=series["knows_less"])])
    line = alt.Chart(lines).mark_line().encode(x=x, y=axis, color=colour, tooltip=tips)
    true = own.dropna(subset=["true"]).assign(series=series["truth"])
    points = alt.Chart(true.assign(mean=true["true"])).mark_point(filled=True, size=45, opacity=1)
    return (band + line + points.encode(x=x, y=axis, color=colour, tooltip=tips)).properties(height=240)


def shown(last: pd.DataFrame) -> pd.DataFrame:
    """The places of a minute as a table, the widest first."""
    rows = [
        {
            t("operations.place"): row["place"],
            t("operations.estimate"): number(row["mean"], 3),
            t("operations.interval"): f"{number(row['low'], 3)} – {number(row['high'], 3)}",
            t("operations.truth"): number(row["true"], 3),
        }
        for row in last.sort_values("sd", ascending=False).to_dict("records")
    ]
    return pd.DataFrame(rows)


def scores(path: Path) -> None:
    """How good the estimates have been, beside what knows less."""
    table = kept.asked(path, "SELECT * FROM live_score")
    if table.empty:
        return
    recent = table[table.at_s > table.at_s.max() - RECENT_S].to_dict("records")
    rows = [
        {
            t("operations.what"): t(f"operations.what.{one['what']}"),
            t("operations.method"): t(f"operations.method.{one['method']}"),
            "RMSE": f"{number(one['rmse'], 3)} {unit_of(one['unit'])}",
            "CRPS": f"{number(one['crps'], 3)} {unit_of(one['unit'])}",
            t("operations.inside"): f"{number(one['covered_90_percent'], 3)} %",
            t("operations.spread"): f"{number(one['mean_sd'], 3)} {unit_of(one['unit'])}",
        }
        for one in pooled(recent)
    ]
    st.markdown(f"**{t('operations.scores')}**")
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(t("operations.scores_basis"))


def forecast(state: State, path: Path) -> None:
    """Flow and travel time of the next hour, by road, with 90 % intervals."""
    st.markdown(f"**{t('operations.forecast')}**")
    if not state["forecast"]:
        st.info(t("operations.no_days", network=state["network"]))
        return
    table = kept.asked(path, "SELECT * FROM live_forecast WHERE at_s = (SELECT max(at_s) FROM live_forecast)")
    rows = []
    for road, own in table.groupby("road", sort=False):
        row = {t("operations.road"): road}
        for one in own.to_dict("records"):
            flow = f"{number(one['flow_veh_per_h'], 3)} ({number(one['flow_low'], 3)}–{number(one['flow_high'], 3)})"
            time = f"{number(one['travel_s'], 3)} ({number(one['low_s'], 3)}–{number(one['high_s'], 3)})"
            row[t("operations.flow_in", minutes=one["in_min"])] = flow
            row[t("operations.time_in", minutes=one["in_min"])] = time
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(t("operations.forecast_basis"))
