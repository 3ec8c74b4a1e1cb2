"""Live days as bins, from their files: of days that are over, and of one that is still being recorded."""

from __future__ import annotations

import contextlib
import functools
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin.errors import DriftError
from twin.live.drift.series import WHAT, Day, day_of_rows
from twin.live.drift.watch import parameters
from twin.module import Row
from twin.run import Run

COLUMNS = ("at_s", "arrived_s", "kind", "source", "name", "value", "flags")


@dataclass(frozen=True)
class Recorded:
    """A day, and the kinds and values that it tells of."""

    day: Day
    values: frozenset[tuple[str, str]]


def day_at(path: Path) -> Recorded | None:
    """A day's file; one that is still being recorded counts until its last whole bin, and is None before its first.

    Raises RunError for no run, DriftError for one that is no live day or tells of nothing that is watched.
    """
    if path.suffix != ".partial":
        return _over(path, path.stat().st_mtime_ns if path.is_file() else 0)
    try:
        return _read(path)
    except DriftError:
        return None


@functools.lru_cache(64)
def _over(path: Path, stamp: int) -> Recorded:
    with Run.open(path) as run:
        if not run.has("live_reading"):
            raise DriftError(f"{path}: is no live day")
    return _read(path)


def _read(path: Path) -> Recorded:
    bin_s = int(parameters()["bin_s"])
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            values = frozenset(connection.execute("SELECT DISTINCT kind, name FROM live_reading"))
            last_s = connection.execute("SELECT max(arrived_s) FROM live_reading").fetchone()[0] or 0.0
            until_s = last_s // bin_s * bin_s if path.suffix == ".partial" else math.inf
            rows = (row for row in _readings(connection) if float(row["at_s"] or 0.0) <= until_s)
            return Recorded(day_of_rows(rows, bin_s), values)
    except (sqlite3.Error, DriftError) as error:
        raise DriftError(f"{path}: {error}") from error


def _readings(connection: sqlite3.Connection) -> Iterator[Row]:
    wanted = {(kind, value) for kind, value, _ in WHAT.values()}
    marks = " OR ".join(["(kind = ? AND name = ?)"] * len(wanted))
    query = f"SELECT {', '.join(COLUMNS)} FROM live_reading WHERE {marks} ORDER BY rowid"  # noqa: S608 (our own words)
    for values in connection.execute(query, [word for pair in sorted(wanted) for word in pair]):
        yield dict(zip(COLUMNS, values, strict=True))
