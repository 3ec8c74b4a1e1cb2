"""Reading runs for the pages: opened briefly, what was read kept for all visitors (a bounded number of tables)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from twin.errors import RunError
from twin.kpi import Score, score
from twin.run import Run
from twin.runner import RUNS
from twin.scenario import Scenario

FOLDER = "TWIN_RUNS"  # environment variable with the folder of runs
MOST_LISTED = 200


class File(NamedTuple):
    """A run's file as it was at a moment: what is read of it is kept under this."""

    path: str
    changed_ns: int

    @property
    def stem(self) -> str:
        """The run's name."""
        return Path(self.path).stem


class About(NamedTuple):
    """What a list of runs tells of one; `fault` is the error of a file that is no run."""

    scenario: str
    seed: int
    months: int
    finished_utc: str
    digest: str
    fault: RunError | None


def folder() -> Path:
    """Where the runs are."""
    return Path(os.environ.get(FOLDER) or RUNS)


def files() -> list[File]:
    """Run files, the newest first."""
    found = [File(str(path), path.stat().st_mtime_ns) for path in folder().glob("*.sqlite")]
    return sorted(found, key=lambda file: -file.changed_ns)[:MOST_LISTED]


def named(stem: str) -> File | None:
    """The run of this name in the folder."""
    return next((file for file in files() if file.stem == stem), None)


def file_of(path: Path) -> File:
    """A run's file as it is now."""
    return File(str(path), path.stat().st_mtime_ns)


@st.cache_data(max_entries=1000, show_spinner=False)
def about(file: File) -> About:
    """What the list says of a run."""
    try:
        with Run.open(file.path) as run:
            told = run.provenance
            if "scenario" not in told:
                raise RunError(f"{file.path}: is a controller's log")
            return About(
                run.scenario.name, run.seed, run.scenario.horizon_months, told["finished_utc"], run.digest, None
            )
    except RunError as error:
        return About(file.stem, 0, 0, "", "", error)


def logs() -> list[File]:
    """Controllers' logs in the folder."""
    return [file for file in files() if "is a controller's log" in str(about(file).fault)]


def sound() -> list[File]:
    """Runs that open."""
    return [file for file in files() if about(file).fault is None]


def label(file: File) -> str:
    """A run in a list."""
    told = about(file)
    return f"{told.scenario} · s{told.seed} · {told.months} m · {told.finished_utc[5:16].replace('T', ' ')}"


@st.cache_data(max_entries=200, show_spinner=False)
def table(file: File, name: str) -> pd.DataFrame:
    """One table of a run; empty without columns where it has none of this name."""
    with Run.open(file.path) as run:
        return run.table(name) if run.has(name) else pd.DataFrame()


@st.cache_resource(max_entries=100, show_spinner=False)
def scores(file: File) -> list[Score]:
    """Every key figure of a run."""
    with Run.open(file.path) as run:
        return score(run)


@st.cache_resource(max_entries=100, show_spinner=False)
def scenario(file: File) -> Scenario:
    """The scenario of a run."""
    with Run.open(file.path) as run:
        return run.scenario


@st.cache_data(max_entries=100, show_spinner=False)
def dictionary(file: File) -> pd.DataFrame:
    """Every column of a run's tables with unit and description."""
    with Run.open(file.path) as run:
        return run.dictionary


def values(file: File) -> dict[str, float]:
    """The figures of a run that have a value."""
    return {one.kpi.name: one.value for one in scores(file) if one.value is not None}


def provenance(file: File) -> dict[str, Any]:
    """Who made a run with what."""
    with Run.open(file.path) as run:
        return run.provenance
