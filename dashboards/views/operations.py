"""Operations: a followed city, and junctions and services as they are now, from the central monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import central, city
from dashboards.problems import told
from dashboards.release import release_panel
from dashboards.text import number, t

LOOK_S = 2.0


def page() -> None:
    """The page; it looks again every two seconds."""
    st.markdown(t("operations.lead"))
    st.fragment(followed, run_every=LOOK_S)()
    st.fragment(live, run_every=LOOK_S)()
    release_panel()


def followed() -> None:
    """The city that is followed."""
    with told():
        city.panel()


def live() -> None:
    """Services, alarms, junctions."""
    cells = st.columns(2)
    for cell, (name, answer) in zip(cells, central.services().items(), strict=True):
        known = {"ok": "good", "alive": "good", "ready": "good", "off": "off"}
        cell.metric(t(f"operations.{name}"), t(f"operations.{known[answer]}") if answer in known else answer)
    path = central.history()
    if not path.is_file():
        st.info(t("operations.none", path=path))
        return
    with told():
        alarms(path)
        junctions(path)


def alarms(path: central.Path) -> None:
    """What is wrong, the worst first."""
    found = central.alarms(path)
    if not found:
        st.success(t("operations.no_alarm"))
    for one in sorted(found, key=lambda alarm: (alarm["kind"] != "dark", alarm["since"])):
        words = {
            **one,
            "since": one["since"][:19].replace("T", " "),
            "hours": number(one["repair_h"]),
        }
        text = t("operations.dark" if one["kind"] == "dark" else "operations.alarm", **words)
        st.error(text)


def junctions(path: central.Path) -> None:
    """Every controller that was ever heard."""
    rows = [
        {
            t("operations.controller"): one["controller"],
            t("operations.state"): state(one),
            t("operations.junctions"): ", ".join(one["junctions"]),
            t("operations.modes"): ", ".join(one["modes"]),
            t("operations.alarms"): ", ".join(one["alarms"]),
            t("operations.silent"): number(one["silent_s"], 3),
            t("operations.bundle"): one["bundle"][:12],
        }
        for one in central.controllers(path)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(t("operations.basis", path=path))


def state(one: Mapping[str, Any]) -> str:
    """On, silent or off, in a word."""
    if not one["online"]:
        return t("operations.offline")
    return t("operations.online") if one["silent_s"] <= central.SILENT_S else t("operations.unheard")


page()
