"""An hour on the street, played: vehicles on the map at a moment, and the time-space diagram of the corridor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.runs import File
from dashboards.text import number, t
from twin.palette import PALETTE
from twin.run import Run

Played = dict[str, Any]
STEP_S = 0.6  # between frames while it plays
WINDOW_S = 600


@st.cache_resource(max_entries=8, show_spinner=False)
def played(file: File, network: str, month: str, controller: str) -> Played:
    """The hour of a run, simulated again or out of the cache."""
    from twin.traffic.studies.playback import play

    with Run.open(file.path) as run:
        return play(run, network, month, controller)


@st.cache_resource(max_entries=8, show_spinner=False)
def lanes(network: str) -> pd.DataFrame:
    """Lanes of a network as polylines."""
    from twin.traffic.networks.geometry import lane_points

    return pd.DataFrame(lane_points(network))


def hours(file: File) -> pd.DataFrame:
    """The hours that a run simulated: month, network, controller."""
    found = runs.table(file, "traffic_hour")
    return found if found.empty else found.loc[found.simulated == 1, ["month", "network", "controller"]]


def pick_hour(file: File, key: str) -> tuple[str, str, str] | None:
    """Which hour is wanted: network, month, controller; None where the run has none."""
    found = hours(file)
    if found.empty:
        st.info(t("playback.no_hours"))
        return None
    columns = st.columns(3)
    network = columns[0].selectbox(t("playback.network"), found.network.unique(), key=f"{key}-network")
    found = found[found.network == network]
    month = columns[1].selectbox(t("playback.month"), found.month.unique(), key=f"{key}-month")
    found = found[found.month == month]
    controller = columns[2].selectbox(t("playback.controller"), found.controller.unique(), key=f"{key}-controller")
    return network, month, controller


def animated(key: str, draw: Callable[[], None]) -> None:
    """A switch that plays, and what it draws again and again while it is on."""
    playing = st.toggle(t("playback.play"), key=f"{key}-playing")
    st.fragment(draw, run_every=STEP_S if playing else None)()


def moment(count: int, key: str, label: str) -> int:
    """A slider over frames; while it plays the next one comes by itself. Which frame is shown."""
    at = f"{key}-frame"
    if st.session_state.get(f"{key}-playing"):
        st.session_state[at] = (int(st.session_state.get(at, 0)) + 1) % count
    st.session_state[at] = min(int(st.session_state.get(at, 0)), count - 1)
    return st.slider(label, 0, count - 1, key=at) if count > 1 else 0


def frame_chart(hour: Played, network: str, frame: int) -> alt.Chart | alt.LayerChart:
    """Where every vehicle is at a moment, coloured by speed."""
    x = alt.X("x_m:Q", title=t("playback.east"), scale=alt.Scale(zero=False))
    y = alt.Y("y_m:Q", title=t("playback.north"), scale=alt.Scale(zero=False))
    roads = alt.Chart(lanes(network)).mark_line(color="#BBBBBB", strokeWidth=1)
    rows = [row[:4] for row in hour["frames"][frame]["vehicles"]]
    there = pd.DataFrame(rows, columns=["number", "x_m", "y_m", "speed_m_s"])
    speed = alt.Color(
        "speed_m_s:Q", title=t("playback.speed"), scale=alt.Scale(scheme="viridis", domain=[0, 15], clamp=True)
    )
    cars = alt.Chart(there).mark_circle(size=45, opacity=0.9)
    tips = [alt.Tooltip("number:Q", title=t("playback.vehicle")), alt.Tooltip("speed_m_s:Q", title=t("playback.speed"))]
    street = roads.encode(x=x, y=y, detail="lane:N", order="point:Q")
    layers = street + cars.encode(x=x, y=y, color=speed, tooltip=tips)
    return layers.properties(height=380)


def queue_line(hour: Played, frame: int) -> alt.Chart | alt.LayerChart:
    """Halting vehicles in all approach lanes together through the hour, and the moment that is shown."""
    rows = [{"at_s": one["at_s"], "veh": sum(one["queues"])} for one in hour["frames"]]
    x = alt.X("at_s:Q", title=t("playback.time"))
    line = alt.Chart(pd.DataFrame(rows)).mark_line(color=PALETTE[0])
    rule = alt.Chart(pd.DataFrame([rows[frame]])).mark_rule(color=PALETTE[5], strokeWidth=3)
    tips = [alt.Tooltip("at_s:Q", title=t("playback.time")), alt.Tooltip("veh:Q", title=t("playback.halting"))]
    return (
        line.encode(x=x, y=alt.Y("veh:Q", title=t("playback.halting")), tooltip=tips) + rule.encode(x=x)
    ).properties(height=160)


def time_space(hour: Played, from_s: float) -> alt.LayerChart:
    """Vehicles along the corridor over ten minutes, and the greens at its stop lines."""
    until_s = from_s + WINDOW_S
    rows = [
        (one["at_s"], vehicle[0], vehicle[4])
        for one in hour["frames"]
        if from_s <= one["at_s"] <= until_s
        for vehicle in one["vehicles"]
        if vehicle[4] is not None
    ]
    paths = pd.DataFrame(rows, columns=["at_s", "number", "way_m"])
    greens = [(way, max(a, from_s), min(b, until_s)) for way, a, b in hour["greens"] if a < until_s and b > from_s]
    lit = pd.DataFrame(greens, columns=["way_m", "at_s", "until_s"])
    stops = pd.DataFrame({"way_m": sorted({way for way, _, _ in hour["greens"]})})
    x = alt.X("at_s:Q", title=t("playback.time"), scale=alt.Scale(domain=[from_s, until_s]))
    y = alt.Y("way_m:Q", title=t("playback.way"))
    red = alt.Chart(stops).mark_rule(color=PALETTE[5], strokeWidth=4).encode(y=y)
    green = alt.Chart(lit).mark_rule(color="#009E73", strokeWidth=6).encode(x=x, x2="until_s:Q", y=y)
    tips = [alt.Tooltip("number:Q", title=t("playback.vehicle")), alt.Tooltip("at_s:Q", title=t("playback.time")),
            alt.Tooltip("way_m:Q", title=t("playback.way"))]  # fmt: skip
    lines = alt.Chart(paths).mark_line(color=PALETTE[0], opacity=0.7, strokeWidth=1)
    return (red + green + lines.encode(x=x, y=y, detail="number:N", tooltip=tips)).properties(height=320)


def verdict(hour: Played) -> None:
    """Whether what is played is the run's own hour."""
    values = {"played": number(hour["delay_s"]), "stored": number(hour["stored_delay_s"])}
    if hour["identical"]:
        st.success(t("playback.identical", **values))
    else:
        st.warning(t("playback.differs", **values))


def show_frame(hour: Played, network: str, frame: int, heading: str) -> None:
    """A moment: the map and the queues."""
    figures.show_chart(frame_chart(hour, network, frame), heading, t("playback.basis"))
    figures.show_chart(queue_line(hour, frame), t("playback.halting"), t("playback.basis"))
