"""Files that a visitor brings: kept in a folder of this server while it runs, checked before anything reads them."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import streamlit as st

from dashboards import runs
from dashboards.problems import show
from dashboards.runs import File
from twin.errors import RunError
from twin.run import Run

MOST_FILES = 20


@st.cache_resource(show_spinner=False)
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="twin-uploads-"))


def uploaded(label: str, log: bool = False) -> File | None:
    """A run (or a controller's log) that was brought; None, with a message where it is something else."""
    given = st.file_uploader(label, type=["sqlite"], key="upload-log" if log else "upload-run")
    if given is None:
        return None
    content = given.getvalue()
    path = _folder() / f"{hashlib.sha256(content).hexdigest()[:16]}.sqlite"
    if not path.exists():
        path.write_bytes(content)
        for old in sorted(_folder().glob("*.sqlite"), key=lambda one: one.stat().st_mtime_ns)[:-MOST_FILES]:
            old.unlink()
    try:
        with Run.open(path) as run:
            if log != ("scenario" not in run.provenance):
                words = "is a controller's log" if not log else "is an SQLite file, but no run or log of the kind"
                raise RunError(f"{given.name}: {words}")
    except RunError as error:
        show(error)
        return None
    return runs.file_of(path)
