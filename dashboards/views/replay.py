"""Replay: any run month by month, or its hours on the street, or a controller's log; two runs in step."""

from __future__ import annotations

import streamlit as st

from dashboards import figures, playback, runs
from dashboards.chrome import chosen
from dashboards.lamps import log_panel
from dashboards.maps import month_map
from dashboards.problems import show, told
from dashboards.runs import File
from dashboards.text import money, named, number, t
from dashboards.uploads import uploaded

KINDS = ("months", "street", "log")
NONE = "-"


def page() -> None:
    """The page."""
    kind = st.segmented_control(
        t("replay.what"), KINDS, format_func=named("kind", KINDS), default=KINDS[0], key="replay_kind", required=True
    )
    if kind == "log":
        with told():
            log_panel()
        return
    first = uploaded(t("replay.upload")) or chosen()
    second = other(first)
    both = [first] if second is None else [first, second]
    with told():
        if kind == "months":
            playback.animated("months", lambda: months(both))
        else:
            street(both)
    broken()


def other(first: File) -> File | None:
    """A second run to play in step with the first."""
    found = {file.stem: file for file in runs.sound() if file.stem != first.stem}
    labels = {NONE: t("replay.alone"), **{stem: runs.label(file) for stem, file in found.items()}}
    return found.get(
        st.selectbox(t("replay.second"), list(labels), format_func=labels.__getitem__, key="replay_second")
    )


def months(both: list[File]) -> None:
    """The same month of each run: figures, map, money so far."""
    names = [sorted(runs.table(file, "budget_balance").get("month", [])) for file in both]
    every = sorted(set().union(*names))
    if not every:
        st.info(t("replay.no_months"))
        return
    at = playback.moment(len(every), "months", t("replay.month_slider"))
    st.markdown(f"### {every[at]}")
    for file, column in zip(both, st.columns(len(both)), strict=True):
        with column:
            one_month(file, every[at])


def one_month(file: File, month: str) -> None:
    """A run in one month."""
    st.caption(runs.label(file))
    cells = st.columns(3)
    balance = _at(file, "budget_balance", "closing_idr", month)
    cells[0].metric(t("overview.left") + " *", money(balance))
    cells[1].metric("TPT *", f"{number(_at(file, 'labour_total', 'tpt_percent', month))} %")
    cells[2].metric(t("replay.price") + " *", money(_at(file, "carbon_month", "price_close_idr", month)))
    month_map(file, month)
    done = runs.table(file, "programme_month")
    if not done.empty:
        so_far = done[done.month <= month].groupby("programme", as_index=False)[["cost_idr", "benefit_idr"]].sum()
        figures.show_chart(figures.money_so_far(so_far), t("replay.money"), t("table.basis", table="programme_month"))


def _at(file: File, table: str, column: str, month: str) -> float | None:
    found = runs.table(file, table)
    if found.empty:
        return None
    rows = found.loc[found.month == month, column]
    return None if rows.empty else float(rows.iloc[0])


def street(both: list[File]) -> None:
    """The same hour of each run on the map, in step."""
    wanted = playback.pick_hour(both[0], "street")
    if wanted is None:
        return
    with st.spinner(t("playback.simulating")):
        played = [playback.played(file, *_as_there(file, wanted)) for file in both if not playback.hours(file).empty]
    for hour in played:
        playback.verdict(hour)
    playback.animated("street", lambda: in_step(played, wanted[0]))


def _as_there(file: File, wanted: tuple[str, str, str]) -> tuple[str, str, str]:
    """The wanted hour, under the controller that the run had where it had another."""
    network, month, controller = wanted
    found = playback.hours(file)
    there = found[(found.network == network) & (found.month == month)].controller
    return network, month, controller if controller in set(there) or there.empty else str(there.iloc[0])


def in_step(hours: list[playback.Played], network: str) -> None:
    """The frames of all hours at one moment."""
    frame = playback.moment(min(len(hour["frames"]) for hour in hours), "street", t("playback.frame"))
    for hour, column in zip(hours, st.columns(len(hours)), strict=True):
        with column:
            minute = hour["frames"][frame]["at_s"] / 60
            playback.show_frame(hour, network, frame, t("playback.at", network=network, minute=f"{minute:.1f}"))


def broken() -> None:
    """Files that do not open, and why."""
    faults = [
        fault for file in runs.files() if (fault := runs.about(file).fault) is not None and file not in runs.logs()
    ]
    if faults:
        st.subheader(t("replay.broken"))
    for fault in faults:
        show(fault)


page()
