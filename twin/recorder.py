"""Writing a run: months' rows and the checkpoint after them in one transaction; its name only when it is whole."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from twin.errors import RowError
from twin.module import SQL_TYPES, Column, Row, Rows, Table

APPLICATION_ID = 0x54574E31  # "TWN1"
SCHEMA_VERSION = 1
MONTH = Column("month", "str", "-", "calendar month, YYYY-MM, Asia/Jakarta")
OWN_TABLES = {"provenance", "dictionary", "digests", "checkpoint"}
_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,)}


def table_digest(rows: Iterable[tuple[Any, ...]]) -> tuple[int, str]:
    """Number of rows and the SHA-256 (hexadecimal) over them in order; floats to the last bit."""
    digest = _Digest()
    for row in rows:
        digest.update((row,))
    return digest.rows, digest.hexadecimal


class _Digest:
    """A table's digest, row by row."""

    def __init__(self) -> None:
        self._sha256, self.rows = hashlib.sha256(), 0

    def update(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._sha256.update("".join(map(_json, rows)).encode())
        self.rows += len(rows)

    def copy(self) -> _Digest:
        other = _Digest()
        other._sha256, other.rows = self._sha256.copy(), self.rows
        return other

    @property
    def hexadecimal(self) -> str:
        return self._sha256.hexdigest()


def select_all(connection: sqlite3.Connection, table: str) -> sqlite3.Cursor:
    """All rows of a table in the order in which they were written. `table` must come from the run's dictionary."""
    return connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')  # noqa: S608 (a name cannot be a parameter)


def checked(table: Table, row: Row) -> tuple[Any, ...]:
    """The row's values in its table's order. Raises RowError for a missing, unknown, mistyped or non-finite value."""
    names = [column.name for column in table.columns]
    if set(row) != set(names):
        raise RowError(f"{table.name}: row has {sorted(row)}, its dictionary has {sorted(names)}")
    values = []
    for column in table.columns:
        value = row[column.name]
        if value is not None:
            if not isinstance(value, _PYTHON_TYPES[column.kind]) or isinstance(value, bool):
                raise RowError(
                    f"{table.name}.{column.name}: {value!r} is a {type(value).__name__}, not a {column.kind}"
                )
            if isinstance(value, float) and not math.isfinite(value):
                raise RowError(f"{table.name}.{column.name}: {value!r}; write None where there is no value")
            value = float(value) if column.kind == "float" else value
        values.append(value)
    return tuple(values)


def all_checked(table: Table, rows: Sequence[Row]) -> Sequence[tuple[Any, ...]]:
    """As `checked`, of many rows: column by column where every value has its column's plain type, which is quicker."""
    names, width = [column.name for column in table.columns], len(table.columns)
    try:
        found = list(map(itemgetter(*names), rows)) if width > 1 and rows else []
    except KeyError:
        found = []
    if not found or any(len(row) != width for row in rows) or not _plain(table, found):
        return [checked(table, row) for row in rows]
    return found


def _plain(table: Table, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether every value is None or of its column's plain type, and finite."""
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        if not set(map(type, values)) <= {_PYTHON_TYPES[column.kind][0], type(None)}:
            return False
        if column.kind == "float" and not all(map(math.isfinite, filter(None, values))):
            return False
    return True


class Recorder:
    """The unfinished run at `path`. `months` tells how many months it already holds, `checkpoint` how to go on."""

    def __init__(self, path: Path, tables: Mapping[str, Table]) -> None:
        self.path, self.tables = path, dict(tables)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous=FULL")
        if self.connection.execute("PRAGMA application_id").fetchone()[0] == 0:
            self._create()
        self._digests = {name: _Digest() for name in self.tables}
        saved = self.connection.execute("SELECT city, digests FROM checkpoint").fetchone()
        self.checkpoint: dict[str, Any] | None = None if saved is None else self._resumed(*saved)

    def _resumed(self, city: str, digests: str) -> dict[str, Any]:
        """The checkpoint, once every row before it is seen to be what was written."""
        for name, digest in self._digests.items():
            for row in select_all(self.connection, name):
                digest.update((row,))
        if digests != self._told(self._digests, city):
            raise sqlite3.DatabaseError("its rows are no longer what was written")
        found: dict[str, Any] = json.loads(city)
        return found

    @staticmethod
    def _told(digests: Mapping[str, _Digest], city: str) -> str:
        own = {name: digest.hexadecimal for name, digest in digests.items()}
        return json.dumps([own, hashlib.sha256(city.encode()).hexdigest()])

    def _create(self) -> None:
        with self._transaction():
            self.connection.execute("CREATE TABLE provenance (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
            self.connection.execute(
                'CREATE TABLE dictionary ("table" TEXT, column TEXT, kind TEXT, unit TEXT, description TEXT) STRICT'
            )
            self.connection.execute('CREATE TABLE digests ("table" TEXT PRIMARY KEY, rows INTEGER, sha256 TEXT) STRICT')
            self.connection.execute(
                "CREATE TABLE checkpoint (id INTEGER PRIMARY KEY, city TEXT NOT NULL, digests TEXT NOT NULL) STRICT"
            )
            for table in self.tables.values():
                if table.name in OWN_TABLES:
                    raise RowError(f"{table.name}: the run store keeps this name for itself")
                columns = (MONTH, *table.columns)
                definition = ", ".join(f'"{column.name}" {SQL_TYPES[column.kind]}' for column in columns)
                self.connection.execute(f'CREATE TABLE "{table.name}" ({definition}) STRICT')
                self.connection.executemany(
                    "INSERT INTO dictionary VALUES (?, ?, ?, ?, ?)",
                    [(table.name, c.name, c.kind, c.unit, c.description) for c in columns],
                )
            self.connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            self.connection.execute(f"PRAGMA application_id={APPLICATION_ID}")

    def _transaction(self) -> _Transaction:
        return _Transaction(self.connection)

    def append(self, lived: Iterable[tuple[str, Mapping[str, Rows]]], checkpoint: Mapping[str, Any]) -> None:
        """Store months with what the modules observed in them, and the checkpoint after the last: all, or nothing."""
        digests, city = {name: digest.copy() for name, digest in self._digests.items()}, json.dumps(checkpoint)
        with self._transaction():
            for month, observed in lived:
                for rows_by_table in observed.values():
                    for name, rows in rows_by_table.items():
                        self._insert(month, name, rows, digests)
            self.connection.execute("REPLACE INTO checkpoint VALUES (1, ?, ?)", [city, self._told(digests, city)])
        self._digests = digests

    def _insert(self, month: str, name: str, rows: Sequence[Row], digests: Mapping[str, _Digest]) -> None:
        if name not in self.tables:
            raise RowError(f"{name}: is in no module's data dictionary")
        table = self.tables[name]
        marks = ", ".join("?" * (1 + len(table.columns)))
        values = [(month, *row) for row in all_checked(table, rows)]
        digests[name].update(values)
        self.connection.executemany(
            f'INSERT INTO "{name}" VALUES ({marks})',  # noqa: S608 (a name from our own dictionary)
            values,
        )

    def finish(self, provenance: Mapping[str, Any], final: Path) -> None:
        """Seal the run with its provenance and the digest of every table, and give it its name."""
        with self._transaction():
            for name, digest in self._digests.items():
                self.connection.execute("INSERT INTO digests VALUES (?, ?, ?)", [name, digest.rows, digest.hexadecimal])
            self.connection.executemany(
                "INSERT INTO provenance VALUES (?, ?)", [(key, json.dumps(value)) for key, value in provenance.items()]
            )
            self.connection.execute("DROP TABLE checkpoint")
        self.close()
        publish(self.path, final)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.connection.execute("COMMIT")
        finally:
            if self.connection.in_transaction:  # a full disk ends it by itself
                self.connection.execute("ROLLBACK")


def publish(path: Path, final: Path) -> None:
    """Give a finished file its name, durably: after a power cut it is there whole, or not at all."""
    os.replace(path, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
