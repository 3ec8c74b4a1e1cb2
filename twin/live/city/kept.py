"""What the twin made of the city it follows, beside the day's file: a run of its own tables, and this second's state.

`estimates-DAY.sqlite` is the run, `.estimates.partial` while it is written, `now.json` the state. Whoever reads them
needs nothing of the processes that are running.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import LiveError
from twin.files import write_whole
from twin.live.store import day_of
from twin.module import Row, read_tables
from twin.provenance import provenance
from twin.recorder import Recorder

if TYPE_CHECKING:
    import pandas as pd

TABLES = read_tables(Path(__file__).parent / "tables.csv")
UNFINISHED, NOW = ".estimates.partial", "now.json"
STALE_S = 15.0  # a state that is older was left by a process that was killed


class Record:
    """Writes the tables, a minute at once; what an earlier process left unfinished in the folder is begun anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / UNFINISHED).unlink(missing_ok=True)
        self._recorder = Recorder(folder / UNFINISHED, TABLES)
        self._held: dict[str, list[Row]] = {name: [] for name in TABLES}

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Hold rows until the next write."""
        self._held[table] += rows

    def write(self, at_s: float) -> None:
        """Write what is held: it is on the disk when this returns."""
        self._recorder.append([(f"{day_of(at_s):%Y-%m}", {"city": self._held})], {"at_s": at_s})
        self._held = {name: [] for name in TABLES}

    def finish(self, day: Path, facts: Mapping[str, Any]) -> Path:
        """Seal the run beside the day's file, under the same ending."""
        final = day.with_name(day.name.replace("live-", "estimates-", 1))
        self._recorder.finish({**provenance(), "live_day": day.name, **facts}, final)
        return final

    def discard(self) -> None:
        """Leave nothing."""
        self._recorder.close()
        (self.folder / UNFINISHED).unlink(missing_ok=True)


def tell_now(folder: Path, state: Mapping[str, Any]) -> None:
    """Say what is so in this second."""
    write_whole(folder / NOW, json.dumps(state))


def now_of(folder: Path) -> dict[str, Any] | None:
    """The state that was told last; None where none was. One that nobody keeps up is not `running`."""
    path = folder / NOW
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        old_s = time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        return None
    return {**state, "running": state["running"] and old_s < STALE_S}


def newest(folder: Path) -> Path | None:
    """The run that is being written in a folder, or the last one that was."""
    if (folder / UNFINISHED).is_file():
        return folder / UNFINISHED
    return max(folder.glob("estimates-*.sqlite"), key=lambda path: path.stat().st_mtime_ns, default=None)


def asked(path: Path, query: str, values: Sequence[Any] = ()) -> pd.DataFrame:
    """What an SQL query of a run's tables finds, also while it is written. Raises LiveError."""
    import pandas as pd

    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return pd.read_sql_query(query, connection, params=tuple(values))
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        raise LiveError(f"{path}: cannot be read ({error})") from error
