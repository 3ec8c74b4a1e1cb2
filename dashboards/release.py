"""A release of a run for junctions and services, as a ZIP: `python -m deploy export` in a process of its own."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import streamlit as st

from dashboards import runs
from dashboards.problems import told
from dashboards.runs import File
from dashboards.text import t
from twin.errors import RunError


@st.cache_data(max_entries=4, show_spinner=False)
def release(file: File) -> bytes:
    """Bundles of the junctions, market rules, weights, index and configs. Raises RunError with the exporter's words."""
    with tempfile.TemporaryDirectory(prefix="twin-release-") as scratch:
        out = Path(scratch) / "release"
        command = [sys.executable, "-W", "ignore", "-m", "deploy", "export", file.path, "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RunError(f"{file.path}: no release could be made: {done.stderr.strip()}")
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(out.rglob("*")):
                archive.write(path, path.relative_to(out))
    return kept.getvalue()


def release_panel() -> None:
    """Make the release of the chosen run, then download it."""
    st.subheader(t("release.title"))
    st.markdown(t("release.lead"))
    stem = st.session_state.get("run")
    file = runs.named(stem) if stem else None
    if file is None:
        st.info(t("release.no_run"))
        return
    made = f"release-{file.stem}"
    if st.button(t("release.make"), key="make-release"):
        st.session_state[made] = True
    if st.session_state.get(made):
        with told():
            with st.spinner(t("release.making")):
                content = release(file)
            st.download_button(t("release.download"), content, f"{file.stem}.zip", "application/zip", on_click="ignore")
