"""A controller's log, played: what the lamps showed around a moment, and which alarms held."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, playback, runs
from dashboards.runs import File
from dashboards.text import t
from dashboards.uploads import uploaded
from twin.figures import LAMPS

WINDOW_S = 120
MOST_FRAMES = 2000


def log_panel() -> None:
    """Choose a log, or bring one."""
    found = {file.stem: file for file in runs.logs()}
    given = uploaded(t("log.upload"), log=True)
    if given is None and not found:
        st.info(t("log.none"))
        return
    file = given or found[st.selectbox(t("log.choose"), list(found), key="log_file")]
    lamps = runs.table(file, "lamps")
    if lamps.empty:
        st.info(t("log.no_lamps"))
        return
    dated = lamps.assign(at=pd.to_datetime(lamps.time, utc=True))
    playback.animated("log", lambda: play(file, dated))


def play(file: File, lamps: pd.DataFrame) -> None:
    """The lamps in the two minutes around a moment."""
    begin, end = lamps["at"].min(), lamps["at"].max()
    step_s = max(10.0, (end - begin).total_seconds() / MOST_FRAMES)
    frames = max(1, int((end - begin).total_seconds() // step_s) + 1)
    frame = playback.moment(frames, "log", t("log.frame"))
    now = begin + pd.Timedelta(seconds=frame * step_s)
    st.markdown(f"**{now.tz_convert('Asia/Jakarta'):%Y-%m-%d %H:%M:%S} WIB**")
    figures.show_chart(timing(lamps, now), t("log.lamps"), t("table.basis", table="lamps"))
    modes = lamps[lamps["at"] <= now].groupby("junction").last().reset_index()[["junction", "mode", "state"]]
    st.dataframe(modes, hide_index=True)
    alarms = runs.table(file, "alarm")
    if not alarms.empty:
        seen = alarms[pd.to_datetime(alarms.time, utc=True) <= now].groupby("alarm").last().reset_index()
        holding = seen[seen.holds == 1]
        for alarm in holding.alarm:
            st.error(t("log.alarm", alarm=alarm))
        if holding.empty:
            st.success(t("log.no_alarm"))


def timing(lamps: pd.DataFrame, now: pd.Timestamp) -> alt.Chart:
    """A signal-timing diagram of the window around a moment."""
    half = pd.Timedelta(seconds=WINDOW_S / 2)
    rows = []
    for junction, own in lamps.groupby("junction"):
        until = own["at"].shift(-1).fillna(now + half)
        for at, end, state in zip(own["at"], until, own.state, strict=True):
            if end > now - half and at < now + half:
                for link, letter in enumerate(state):
                    rows.append({"group": f"{junction} {link:02d}", "lamp": letter,
                                 "from_s": (max(at, now - half) - now).total_seconds(),
                                 "until_s": (min(end, now + half) - now).total_seconds()})  # fmt: skip
    colours = alt.Scale(domain=list(LAMPS), range=list(LAMPS.values()))
    return (
        alt.Chart(pd.DataFrame(rows, columns=["group", "lamp", "from_s", "until_s"]))
        .mark_bar(height=9)
        .encode(
            x=alt.X("from_s:Q", title=t("log.around")),
            x2="until_s:Q",
            y=alt.Y("group:N", title=t("log.group")),
            color=alt.Color("lamp:N", title=t("log.lamp"), scale=colours),
            tooltip=[alt.Tooltip("group:N", title=t("log.group")), alt.Tooltip("lamp:N", title=t("log.lamp"))],
        )
        .properties(height=320)
    )
