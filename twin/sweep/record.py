"""The record of a folder of runs: what became of every run of its sweeps, kept the moment it is known."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twin.errors import SweepError
from twin.sweep.work import Result, as_json, from_json

NAME = ".sweeps.record"


class Record:
    """One SQLite file; several sweeps may write it at once. A run that failed is kept too, and tried again."""

    def __init__(self, runs: Path) -> None:
        self.path = runs / NAME
        try:
            runs.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, well INTEGER, result TEXT)")
        except sqlite3.OperationalError as error:
            raise SweepError(str(self.path), [f"cannot be written: {error}; name another folder by --runs"]) from error
        except sqlite3.DatabaseError as error:
            told = f"is damaged ({error}); delete it: the runs beside it are found again"
            raise SweepError(str(self.path), [told]) from error
        except OSError as error:
            raise SweepError(f"--runs {runs}", [f"cannot be made: {error.strerror}"]) from error

    def find(self, key: str) -> Result | None:
        """What became of a run."""
        found = self._file.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
        return None if found is None else from_json(found[0])

    def has(self, key: str) -> bool:
        """Whether a run is known to have gone well."""
        return self._file.execute("SELECT 1 FROM results WHERE key = ? AND well", (key,)).fetchone() is not None

    def keep(self, key: str, result: Result) -> None:
        """Keep what became of a run. Raises SweepError where the disk is full, or somebody holds the file."""
        row = (key, int(not result.message), as_json(result))
        try:
            self._file.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", row)
        except sqlite3.Error as error:
            told = f"cannot be written: {error}; make room, and the same command goes on"
            raise SweepError(str(self.path), [told]) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
