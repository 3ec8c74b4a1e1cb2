"""A job on a page: how far it is, cancelling, and what became of it."""

from __future__ import annotations

import streamlit as st

from dashboards.jobs import Job, jobs
from dashboards.text import t

LOOK_S = 1.0


def follow(job: Job) -> None:
    """Show a job until it ends, then run the page again with what came out."""
    if not job.ended:
        _watch(job.key)
    elif job.state == "failed":
        st.error(t("job.failed"))
        with st.expander(t("problem.details")):
            st.code(job.note or "–", language=None, wrap_lines=True)
    elif job.state == "cancelled":
        st.info(t("job.cancelled"))


@st.fragment(run_every=LOOK_S)
def _watch(key: str) -> None:
    job = jobs().get(key)
    if job is None or job.ended:
        st.rerun()
    note = t("job.queued") if job.state == "queued" else t("job.running", month=job.note or "…")
    st.progress(job.progress, text=note)
    if st.button(t("job.cancel"), key=f"cancel-{key}"):
        jobs().cancel(job)
        st.rerun()
