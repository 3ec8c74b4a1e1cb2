"""Reading a run: one SQLite file that anyone can open, score, compare and replay."""

from __future__ import annotations

import json
import sqlite3
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from twin.errors import RunError
from twin.kpi import Scores, score
from twin.recorder import APPLICATION_ID, SCHEMA_VERSION, select_all, table_digest
from twin.scenario import Scenario, nearest


class Run:
    """A finished run. Open one with `Run.open(path)`; it is only ever read.

        >>> run = Run.open("runs/smoke-s1-….sqlite")
        >>> run["solar_total"]  # the same as run.table("solar_total"); Tab completes the names
        >>> run.kpis

    It holds its file open: use it in `with`, or close it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection = path, connection

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a finished run. Raises RunError for anything else, and says what it is."""
        path = Path(path)
        if not path.is_file():
            raise RunError(f"{path}: no such run; `python -m twin list` shows the runs there are")
        _must_be_whole(path)
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
            if application != APPLICATION_ID:
                raise RunError(f"{path}: is an SQLite file, but no run of the twin")
            if version != SCHEMA_VERSION:
                raise RunError(
                    f"{path}: has run schema {version}; this twin reads schema {SCHEMA_VERSION}. Run its scenario again"
                )
            if "checkpoint" in tables:
                raise RunError(f"{path}: is an unfinished run; the `python -m twin run` that began it goes on with it")
            for name in tables:
                select_all(connection, name).fetchone()
        except (sqlite3.DatabaseError, ValueError, RunError) as error:  # SQLite may quote bytes that are no text
            connection.close()
            if isinstance(error, RunError):
                raise
            raise RunError(f"{path}: is damaged or no run of the twin ({error}); run its scenario again") from error
        return cls(path, connection)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Who made this run with what: versions, platform, revision, scenario, seed, wall time."""
        return {key: json.loads(value) for key, value in self.connection.execute("SELECT key, value FROM provenance")}

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario as it was resolved for this run."""
        return Scenario.validated(self.provenance["scenario"], str(self.path))

    @property
    def seed(self) -> int:
        """The seed of this run."""
        return int(self.provenance["seed"])

    @property
    def digest(self) -> str:
        """Digest of the scenario."""
        return str(self.provenance["digest"])

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every table as it was when the run was sealed."""
        return dict(self.connection.execute('SELECT "table", sha256 FROM digests ORDER BY rowid'))

    @cached_property
    def dictionary(self) -> pd.DataFrame:
        """Every column of every table with unit and description."""
        return pd.read_sql_query("SELECT * FROM dictionary", self.connection)

    @property
    def tables(self) -> list[str]:
        """Names of the tables of rows."""
        return list(self.digests)

    def has(self, name: str) -> bool:
        """Whether the run has this table (a sector that was switched off wrote none)."""
        return name in self.digests

    def table(self, name: str) -> pd.DataFrame:
        """One table, in the order in which it was written. Raises RunError if the run has none of this name."""
        self._must_have(name)
        cursor = select_all(self.connection, name)
        columns = [column[0] for column in cursor.description]
        return pd.DataFrame.from_records(cursor.fetchall(), columns=columns, coerce_float=True)

    __getitem__ = table

    def _ipython_key_completions_(self) -> list[str]:
        return self.tables

    @cached_property
    def kpis(self) -> Scores:
        """Every key figure, against the source book's targets."""
        return score(self)

    def _repr_html_(self) -> str:
        from twin.html import run_html

        return run_html(self)

    def damaged(self) -> list[str]:
        """Tables whose rows are no longer what was sealed."""
        return [n for n, sha256 in self.digests.items() if table_digest(select_all(self.connection, n))[1] != sha256]

    def _must_have(self, name: str) -> None:
        if name not in self.digests:
            raise RunError(f"{self.path}: has no table {name!r}; {nearest(name, self.tables)}")


def _must_be_whole(path: Path) -> None:
    """A cut file can still answer some queries: its length must be what its header says (SQLite file format, 1.3)."""
    with path.open("rb") as file:
        header = file.read(100)
    page_bytes = int.from_bytes(header[16:18], "big")
    expected = (65536 if page_bytes == 1 else page_bytes) * int.from_bytes(header[28:32], "big")
    if header.startswith(b"SQLite format 3\0") and path.stat().st_size < expected:
        raise RunError(f"{path}: is cut short ({path.stat().st_size} of {expected} bytes); run its scenario again")


def find(name: str, folder: Path) -> Path:
    """The run file that `name` means: a path, or the beginning of a file name in `folder`; of several, the newest."""
    path = Path(name)
    if path.exists():
        return path
    fits = [p for p in folder.glob("*.sqlite") if p.name.startswith(name)]
    if fits:
        return max(fits, key=lambda p: p.stat().st_mtime_ns)
    have = [p.stem for p in sorted(folder.glob("*.sqlite"))]
    raise RunError(f"{name}: no such run; {nearest(name, have) if have else f'there are no runs in {folder}'}")
