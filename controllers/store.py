"""An SQLite file in the twin's run schema: a dictionary of columns, `month` first, digests (empty until it is sealed).

It survives a power cut (a rollback journal, every commit on the disk) and keeps its size (the oldest rows go first).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from controllers.errors import LogError

APPLICATION_ID, SCHEMA_VERSION = 0x54574E31, 1  # those of twin.recorder
JAKARTA = timezone(timedelta(hours=7))
SQL = {"str": "TEXT", "int": "INTEGER", "float": "REAL"}
Tables = Mapping[str, Mapping[str, tuple[str, str, str]]]  # table: column after `month`: kind, unit, description
Rows = Mapping[str, list[tuple[Any, ...]]]


class Store:
    """Appends rows. Raises LogError for a file that is something else."""

    def __init__(self, path: Path, tables: Tables, most_rows: Mapping[str, int], provenance: Mapping[str, Any]) -> None:
        self.tables, self.most_rows = tables, most_rows
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._open(path, provenance)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise LogError(f"{path}: is no log of a controller ({error}); name another file") from error
        except LogError:
            self._connection.close()
            raise

    def _open(self, path: Path, provenance: Mapping[str, Any]) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        connection.execute("BEGIN IMMEDIATE")
        if application == 0 and not found:
            self._create()
        elif application != APPLICATION_ID or not set(self.tables) <= found:
            connection.execute("ROLLBACK")
            raise LogError(f"{path}: is no log of this kind; name another file")
        unsealed = [(name, 0, "") for name in self.tables]
        connection.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", unsealed)
        pairs = [(key, json.dumps(value, sort_keys=True)) for key, value in provenance.items()]
        connection.executemany("INSERT OR REPLACE INTO provenance VALUES (?, ?)", pairs)
        connection.execute("COMMIT")

    def _create(self) -> None:
        run = self._connection.execute
        run("CREATE TABLE provenance (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
        run('CREATE TABLE dictionary ("table" TEXT, column TEXT, kind TEXT, unit TEXT, description TEXT) STRICT')
        run('CREATE TABLE digests ("table" TEXT PRIMARY KEY, rows INTEGER, sha256 TEXT) STRICT')
        for name, columns in self.tables.items():
            every = {"month": ("str", "-", "calendar month, YYYY-MM, Asia/Jakarta"), **columns}
            definition = ", ".join(f'"{column}" {SQL[kind]}' for column, (kind, _, _) in every.items())
            run(f'CREATE TABLE "{name}" ({definition}) STRICT')
            for column, about in every.items():
                run("INSERT INTO dictionary VALUES (?, ?, ?, ?, ?)", (name, column, *about))
        run(f"PRAGMA user_version={SCHEMA_VERSION}")
        run(f"PRAGMA application_id={APPLICATION_ID}")

    def append(self, rows: Rows) -> None:
        """Write rows of every table, all or none, clear them, and drop what is too old."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for name, own in rows.items():
            marks = ", ".join("?" * (1 + len(self.tables[name])))
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', own)  # noqa: S608 (our own names)
            oldest = f'DELETE FROM "{name}" WHERE rowid <= (SELECT max(rowid) FROM "{name}") - ?'  # noqa: S608
            connection.execute(oldest, (self.most_rows[name],))
        connection.execute("COMMIT")
        for own in rows.values():
            own.clear()

    def close(self) -> None:
        """Seal: the digest of every table, as the twin's runs have them."""
        with self._connection as connection:
            for name in self.tables:
                digest, n = hashlib.sha256(), 0
                for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):  # noqa: S608
                    digest.update(json.dumps(row, separators=(",", ":")).encode())
                    n += 1
                connection.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", (name, n, digest.hexdigest()))
        self._connection.close()


def stamp_of(unix_s: float) -> str:
    """Unix time in ISO 8601, UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")


def month_of(stamp: str) -> str:
    """The month in Trenggalek of a time in ISO 8601."""
    return datetime.fromisoformat(stamp).astimezone(JAKARTA).strftime("%Y-%m")
