"""The readings of a live day, of one that is over or one that is still being recorded."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from twin.errors import LiveError
from twin.live.counters import MINUTE_S
from twin.live.estimate.city import Told, as_told, parameters
from twin.live.estimate.seen import columns_of
from twin.live.store import ZONE, sealed_days
from twin.live.street import Lived
from twin.module import Row
from twin.run import Run

if TYPE_CHECKING:
    import pandas as pd

STEP_S, BACK_S = 5.0, 600.0  # between moments, and how far back readings are taken in


def readings(path: Path) -> pd.DataFrame:
    """Table `live_reading` of a day's file, or of the latest day in a folder, recorded until now or sealed.

    Raises LiveError for a place without a live day, RunError for a file that is none.
    """
    path = max(days_in(path), key=lambda day: day.stat().st_mtime) if path.is_dir() else path
    found = _so_far(path) if path.suffix == ".partial" else _sealed(path)
    if found.empty:
        raise LiveError(f"{path}: holds no readings yet")
    return found


def days_in(folder: Path) -> list[Path]:
    """The files of a folder's live days in their order, those that are still being recorded last.

    Raises LiveError where it holds none.
    """
    found = [*sealed_days(folder), *sorted(folder.glob(".live-????-??-??-*.partial"))]
    if not found:
        raise LiveError(f"{folder}: holds no live day; `python -m twin live intake`, `demo` or `record` records one")
    return found


def _sealed(path: Path) -> pd.DataFrame:
    with Run.open(path) as run:
        if not run.has("live_reading"):
            raise LiveError(f"{path}: is no live day")
        return run.table("live_reading")


def _so_far(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return pd.read_sql_query("SELECT * FROM live_reading", connection)
    except (sqlite3.DatabaseError, pd.errors.DatabaseError) as error:
        raise LiveError(f"{path}: cannot be read ({error})") from error


def moment_of(table: pd.DataFrame, clock: str | None) -> float:
    """The moment [s UTC] that a clock of Trenggalek (07:30 or 07:30:05) shows on a day; its last reading's if None.

    Raises LiveError for what is no time between its first reading and a minute after its last.
    """
    first, last = (datetime.fromtimestamp(float(edge), ZONE) for edge in (table.at_s.min(), table.at_s.max()))
    if clock is None:
        return last.timestamp()
    try:
        shown = datetime.strptime(clock, "%H:%M:%S" if clock.count(":") > 1 else "%H:%M").time()
    except ValueError:
        raise LiveError(f"--at {clock}: not a time such as 07:30 or 07:30:05") from None
    asked = datetime.combine(first.date(), shown, ZONE)
    if not first <= asked <= last + timedelta(seconds=MINUTE_S):
        raise LiveError(f"--at {clock}: the day is known from {first:%H:%M:%S} to {last:%H:%M:%S}")
    return asked.timestamp()


def heard(table: pd.DataFrame, street: Lived, at_s: float, back_s: float = BACK_S) -> Told:
    """What came in from `back_s` before a moment on, of the detectors of a street as the twin knows it.

    Raises LiveError for another network's readings.
    """
    steps, minutes = int(back_s / STEP_S), int(back_s / MINUTE_S)
    at, by_zone = STEP_S * (np.arange(steps) + 1), np.zeros((steps, street.halting.shape[1]))
    asked = Lived(
        at, by_zone, by_zone, np.zeros((steps, street.phase.shape[1])), counters=street.counters,
        counted=np.zeros((minutes, len(street.counters))),
    )  # fmt: skip
    in_time = (table.at_s > at_s - back_s) & (table.at_s <= at_s)
    recent = table[in_time & table.kind.isin(["detectors", "lamps", "counters"])]
    zones, signals = columns_of(street.halting.shape[1], street.phase.shape[1])
    known = {*zones, *signals, *street.counters}
    if strange := sorted(set(recent.source) - known):
        raise LiveError(f"{strange[0]} is no detector of this network; --network says which the day is of")
    return as_told(cast(list[Row], recent.to_dict("records")), asked, at_s - back_s, parameters()["grace_s"])
