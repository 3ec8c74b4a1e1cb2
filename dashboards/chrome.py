"""What all pages share: the list of pages, and the choice of the run that they look at."""

from __future__ import annotations

import streamlit as st

from dashboards import runs
from dashboards.jobs import jobs
from dashboards.progress import follow
from dashboards.runs import File
from dashboards.text import t

PAGES = (
    "overview",
    "what_if",
    "optimise",
    "traffic",
    "solar",
    "carbon",
    "labour",
    "services",
    "budget",
    "sensitivity",
    "replay",
    "operations",
)  # fmt: skip  (without icons: the browser would fetch the page's from the internet for its tab)


def sidebar() -> None:
    """Which run the pages look at; runs that do not open are named."""
    found = runs.sound()
    broken = len(runs.files()) - len(found) - len(runs.logs())
    with st.sidebar:
        if found:
            labels = {file.stem: runs.label(file) for file in found}
            st.selectbox(
                t("run.choose"), list(labels), key="run", bind="query-params", persist_state="session",
                format_func=labels.__getitem__, help=t("run.help"),
            )  # fmt: skip
        if broken:
            st.warning(t("run.broken", n=broken))
        st.caption(t("app.not_a_prediction"))


def chosen() -> File:
    """The run that the pages look at. Without any, offers to make one and ends the page."""
    stem = st.session_state.get("run")
    file = runs.named(stem) if stem else None
    if file is None:
        first_run()
        st.stop()
    return file


def first_run() -> None:
    """What to do where there is no run yet."""
    st.info(t("run.none", folder=runs.folder()))
    if st.button(t("run.make_smoke"), type="primary"):
        st.session_state["first_job"] = jobs().start("smoke", [], 1, runs.folder()).key
    job = jobs().get(st.session_state.get("first_job", ""))
    if job is not None:
        follow(job)
