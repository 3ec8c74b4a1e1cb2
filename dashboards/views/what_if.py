"""What-if: move levers, get an instant answer with its error, then the real run; compare, share, save, download."""

from __future__ import annotations

import streamlit as st

from dashboards import runs
from dashboards.answer import instant, real_run
from dashboards.assumptions import assumptions_panel
from dashboards.compare import comparison_panel
from dashboards.panel import back_to_base, lever_panel, packages_panel
from dashboards.problems import told
from dashboards.scenarios import base_choice
from dashboards.text import t


def page() -> None:
    """The page: levers left, answers right; on a phone one under the other."""
    st.markdown(t("what_if.lead"))
    base = base_choice(back_to_base)
    if base is None:
        return
    packages_panel(base)
    left, right = st.columns([2, 3])
    below = st.container()
    with left:
        values = lever_panel(base)
    with below:
        edits = assumptions_panel(base)
    with right:
        with told():
            variant = instant(base, values, edits)
        with told():
            real_run(base, variant)
    st.divider()
    with told():
        comparison_panel(base, runs.folder())


page()
