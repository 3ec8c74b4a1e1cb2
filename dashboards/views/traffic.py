"""Traffic: delay, lamps, queues; the hour of a run played again, and its time-space diagram."""

from __future__ import annotations

import streamlit as st

from dashboards import figures, playback
from dashboards.chrome import chosen
from dashboards.problems import told
from dashboards.runs import File
from dashboards.tables import sector_figures
from dashboards.text import t


def page() -> None:
    """The page."""
    file = chosen()
    sector_figures(file, "signals")
    figures.draw(file, "traffic_delay")
    left, right = st.columns(2)
    with left:
        figures.draw(file, "signal_timing")
    with right:
        figures.draw(file, "traffic_queues")
    st.subheader(t("traffic.playback"))
    with told():
        play_again(file)


def play_again(file: File) -> None:
    """The hour on the map and along the corridor, once it is asked for: it takes some seconds."""
    wanted = playback.pick_hour(file, "traffic")
    if wanted is None or not st.toggle(t("playback.start"), key="traffic-start", help=t("playback.start_help")):
        return
    with st.spinner(t("playback.simulating")):
        hour = playback.played(file, *wanted)
    playback.verdict(hour)
    playback.animated("traffic", lambda: animation(hour, wanted[0]))
    if hour["greens"]:
        last = max(0, int(hour["frames"][-1]["at_s"]) - playback.WINDOW_S)
        from_s = st.slider(t("playback.window"), 0, last, 0, 60, key="traffic-window") if last else 0
        figures.show_chart(playback.time_space(hour, from_s), t("playback.time_space"), t("playback.time_space_basis"))


def animation(hour: playback.Played, network: str) -> None:
    """The map through the hour."""
    frame = playback.moment(len(hour["frames"]), "traffic", t("playback.frame"))
    minute = hour["frames"][frame]["at_s"] / 60
    playback.show_frame(hour, network, frame, t("playback.at", network=network, minute=f"{minute:.1f}"))


page()
