"""Where a street that is followed is heard: a broker, or the folder in which another process records its day."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from controllers.io.mqtt import Broker
from twin.errors import LiveError
from twin.live.estimate.city import parameters
from twin.live.intake import Intake
from twin.live.mqtt import FORBIDDEN, Line
from twin.live.store import HOLD_S
from twin.module import Row

TURN_S = 1.0
COLUMNS = ("at_s", "arrived_s", "kind", "source", "name", "value", "flags")
NEWS = f"SELECT rowid, {', '.join(COLUMNS)} FROM live_reading WHERE rowid > ? ORDER BY rowid"  # noqa: S608 (our own names)


class Feed(Protocol):
    """Tells readings as they come; a reading may be `lag_s` on the way."""

    lag_s: float

    def rows(self) -> list[Row]:
        """What has come since this was last asked; it waits a moment where nothing has."""

    def gone(self) -> str:
        """Why nothing can come, as far as one can know; else nothing."""

    def close(self) -> None:
        """Let go."""


@dataclass
class BrokerFeed:
    """All live topics of a broker, judged as an intake judges them. Raises LiveError where it lets nobody in."""

    broker: Broker
    lag_s: float = field(default_factory=lambda: parameters()["grace_s"])

    def __post_init__(self) -> None:
        self.line, self._intake = Line(self.broker), Intake()

    def rows(self) -> list[Row]:
        """What came within a turn, all that waits at once."""
        if self.line.refused in FORBIDDEN:
            raise LiveError(f"{self.broker.host}:{self.broker.port}: {self.line.refused}")
        found: list[Row] = []
        within_s = TURN_S
        while (message := self.line.next(within_s)) is not None:
            arrived_s, topic, payload = message
            if self._intake.admits(topic, arrived_s):
                found += self._intake.take(topic, payload, arrived_s)[0]
            within_s = 0.0
        return found

    def gone(self) -> str:
        """Whether there is a connection."""
        return "" if self.line.connected else "the broker is gone"

    def close(self) -> None:
        """Leave the broker."""
        self.line.close()


@dataclass
class FolderFeed:
    """The day that is being recorded into a folder, from its present end on, and the days after it."""

    folder: Path
    lag_s: float = field(default_factory=lambda: parameters()["grace_s"] + HOLD_S)
    _seen: dict[int, int] = field(default_factory=dict)  # of a file (it is renamed when its day is over): the last row

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise LiveError(f"{self.folder}: no such folder; `python -m twin live intake` records into one")
        for file, path in self._days():
            self._seen[file] = max(
                (row for (row,) in _read(path, "SELECT max(rowid) FROM live_reading") if row), default=0
            )

    def rows(self) -> list[Row]:
        """What was written since, by whole transactions of the recorder."""
        found: list[Row] = []
        for file, path in self._days():
            for row, *values in _read(path, NEWS, self._seen.get(file, 0)):
                self._seen[file] = row
                found.append(dict(zip(COLUMNS, values, strict=True)))
        if not found:
            time.sleep(TURN_S)
        return found

    def gone(self) -> str:
        """Whether anybody is recording."""
        return "" if any(self.folder.glob(".live-*.partial")) else "nobody records there"

    def close(self) -> None:
        """Nothing is held."""

    def _days(self) -> list[tuple[int, Path]]:
        """The files of the last two days, by their numbers: a day that is over may have had a last word."""
        found = []
        for path in (*self.folder.glob("live-????-??-??*.sqlite"), *self.folder.glob(".live-????-??-??-*.partial")):
            with contextlib.suppress(FileNotFoundError):  # renamed in the meantime
                told = path.stat()
                found.append((told.st_mtime, told.st_ino, path))
        return [(file, path) for _, file, path in sorted(found)[-2:]]


def _read(path: Path, query: str, *words: int) -> list[tuple[Any, ...]]:
    """Rows of a day's file; none where it is only being made, or was just renamed."""
    with contextlib.suppress(sqlite3.DatabaseError):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(connection):
            return connection.execute(query, words).fetchall()
    return []
