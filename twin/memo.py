"""What modules did in a month, kept by what they did it with: a what-if lives again only what it changes.

A module's month follows from its section of the scenario, its chance, the months before, and the tables of others that
it read. Its months form a chain: the key of the next one is a digest of the key of this one and of what was read in it.
Where the chain of an earlier run has a month that read the same, its rows are taken and the module is not even built.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from twin.errors import MemoLostError
from twin.module import Module, Row, Rows, Seen, State, Table
from twin.provenance import code_digest

MOST_BYTES = 1 << 30  # of rows and states; the longest unused go first
Reads = dict[str, str]  # "module table column …" -> digest of what was read


class Lived(NamedTuple):
    """A month as it is kept: its number in the store, what was read in it, its rows, and the generator after it."""

    number: int
    reads: str
    rows: Rows
    rng: dict[str, Any]


class Memo:
    """The store, one file. It is a help and never a need: what it cannot read or write, it does without."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes, self.used = most_bytes, list[int]()
        self._path = path
        self._file: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error, ValueError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _opened(path)

    def find(self, key: str, seen: Seen) -> Lived | None:
        """The month under this key that read what is now seen."""
        for number, reads in self._ask("SELECT number, reads FROM months WHERE key = ?", key):
            told = _unpacked(reads)
            if told is not None and all(seen.digest(*name.split()) == digest for name, digest in told.items()):
                for (packed,) in self._ask("SELECT rows FROM months WHERE number = ?", number):
                    if (month := _unpacked(packed)) is not None and month["key"] == key:
                        self.used.append(number)
                        return Lived(number, _listed(told), month["rows"], month["rng"])
        return None

    def state(self, number: int) -> State:
        """The module after a month that was found. Raises MemoLostError if it is no longer there."""
        for (state,) in self._ask("SELECT state FROM months WHERE number = ?", number):
            if (found := _unpacked(state)) is not None:
                return found
        raise MemoLostError(f"month {number} is no longer in the cache")

    def keep(self, key: str, reads: str, rows: Rows, state: State, rng: Mapping[str, Any]) -> None:
        """Keep a month."""
        self._ask(
            "INSERT OR REPLACE INTO months (key, reads, used, rows, state) VALUES (?, ?, ?, ?, ?)",
            key, _packed(json.loads(reads)), time.time(), _packed({"key": key, "rows": rows, "rng": rng}),
            _packed(state),
        )  # fmt: skip

    def close(self) -> None:
        """Note what was used, and make room."""
        self._ask("BEGIN IMMEDIATE")
        for number in self.used:
            self._ask("UPDATE months SET used = ? WHERE number = ?", time.time(), number)
        held = self._ask("SELECT number, coalesce(length(rows) + length(state), 0) FROM months ORDER BY used DESC")
        beyond = np.cumsum([size for _, size in held]) > self.most_bytes
        for (number, _), drop in zip(held, beyond.tolist(), strict=True):
            if drop:
                self._ask("DELETE FROM months WHERE number = ?", number)
        self._ask("COMMIT")
        self._give_up()

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        if self._file is None:
            return []
        try:
            return self._file.execute(statement, values).fetchall()
        except (sqlite3.Error, ValueError) as error:  # damaged, full, locked for too long: the run goes on without
            self._give_up()
            if not isinstance(error, sqlite3.OperationalError):  # damaged; SQLite may quote bytes that are no text
                self._path.unlink(missing_ok=True)
            return []

    def _give_up(self) -> None:
        if self._file is not None:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
        self._file = None


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _begun(path)
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, ValueError):  # not a database: killed while it was made, or overwritten
        path.unlink(missing_ok=True)
        return _begun(path)


def _begun(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=NORMAL")
    file.execute(
        "CREATE TABLE IF NOT EXISTS months (number INTEGER PRIMARY KEY, key TEXT, reads BLOB, used REAL,"
        " rows BLOB, state BLOB, UNIQUE (key, reads))"
    )
    return file


def _unpacked(packed: Any) -> dict[str, Any] | None:
    """What was kept; None where its checksum (zlib's) says that it is something else by now."""
    try:
        found: dict[str, Any] = json.loads(zlib.decompress(packed))
        return found
    except (zlib.error, ValueError, TypeError):
        return None


def _packed(part: Any) -> bytes:
    return zlib.compress(json.dumps(part).encode(), 1)


def _listed(reads: Mapping[str, str]) -> str:
    return json.dumps(reads, sort_keys=True)


class Remembering:
    """A module that lives a month only where the memo has none like it; else it hands on what is kept."""

    def __init__(self, module: Module, memo: Memo) -> None:
        self.module, self.memo = module, memo
        self.name: str = module.name
        self.tables: Mapping[str, Table] = module.tables
        self.rows: Rows = {}
        self.awake = False  # whether `module` stands where the chain stands
        self.kept: int | None = None  # the kept month that the chain stands after

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Begin the chain; the module itself is reset when it first has to live."""
        self.scenario, self.rng, self.first = scenario, rng, rng.bit_generator.state
        told = {name: _plain(part) for name, part in vars(scenario).items()}
        self.key = _digest(code_digest(), self.name, told, rng.bit_generator.state)

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Take the month from the memo, or live it and keep it."""
        lived = self.memo.find(self.key, seen)
        if lived is None:
            reads = self._live(month, seen)
        else:
            self.rows, reads, self.awake, self.kept = lived.rows, lived.reads, False, lived.number
            self.rng.bit_generator.state = lived.rng
        self.key = _digest(self.key, reads)

    def _live(self, month: pd.Period, seen: Seen) -> str:
        self._wake()
        watched = _Watched(seen)
        self.module.step(month, watched)
        self.rows = self.module.observe()
        reads = _listed(watched.reads)
        self.memo.keep(self.key, reads, self.rows, self.module.state(), self.rng.bit_generator.state)
        return reads

    def _wake(self) -> None:
        if self.awake:
            return
        if self.kept is None:
            self.module.reset(self.scenario, self.rng)
            self.awake = True
        else:
            self._stand(self.memo.state(self.kept))

    def _stand(self, state: State) -> None:
        """Bring the module to a state, by a reset with the chance that it began with, as in a city that resumes."""
        now = self.rng.bit_generator.state
        self.rng.bit_generator.state = self.first
        self.module.reset(self.scenario, self.rng)
        self.rng.bit_generator.state = now
        self.module.restore(state)
        self.awake = True

    def observe(self) -> Rows:
        """The rows of the month."""
        return self.rows

    def state(self) -> State:
        """The module's state, whoever lived the month."""
        if self.awake or self.kept is None:
            self._wake()
            return self.module.state()
        return self.memo.state(self.kept)

    def restore(self, state: State) -> None:
        """Continue from a state, which begins a chain of its own."""
        self._stand(state)
        self.key = _digest(self.key, state, self.rng.bit_generator.state)


class _Watched(Seen):
    """Notes which tables are read."""

    def __init__(self, seen: Seen) -> None:
        super().__init__({})
        self._seen, self.reads = seen, Reads()

    def rows(self, module: str, table: str, *columns: str) -> Sequence[Row]:
        name = (module, table, *columns)
        self.reads[" ".join(name)] = self._seen.digest(*name)
        return self._seen.rows(*name)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _plain(part: Any) -> Any:
    return part.model_dump(mode="json") if hasattr(part, "model_dump") else str(part)
