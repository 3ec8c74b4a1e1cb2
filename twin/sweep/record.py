"""The record of a folder of runs: what became of every run of its sweeps, kept the moment it is known."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twin.sweep.work import Result, as_json, from_json

NAME = ".sweeps.record"


class Record:
    """One SQLite file; several sweeps may write it at once. A run that failed is kept too, and tried again."""

    def __init__(self, runs: Path) -> None:
        runs.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(runs / NAME, timeout=60.0, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, well INTEGER, result TEXT)")

    def find(self, key: str) -> Result | None:
        """What became of a run."""
        found = self._file.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
        return None if found is None else from_json(found[0])

    def has(self, key: str) -> bool:
        """Whether a run is known to have gone well."""
        return self._file.execute("SELECT 1 FROM results WHERE key = ? AND well", (key,)).fetchone() is not None

    def keep(self, key: str, result: Result) -> None:
        """Keep what became of a run."""
        row = (key, int(not result.message), as_json(result))
        self._file.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", row)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
