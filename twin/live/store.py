"""Live days kept as runs: what arrived and what was made of it, a file a day, the oldest removed."""

from __future__ import annotations

import datetime
import itertools
import os
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from twin.live.intake import Intake
from twin.live.messages import MOST_BYTES
from twin.module import Row, read_tables
from twin.provenance import provenance
from twin.recorder import Recorder
from twin.replay import Difference, first_difference
from twin.run import Run

TABLES = read_tables(Path(__file__).parent / "tables.csv")
ZONE = ZoneInfo("Asia/Jakarta")
BATCH = 5_000  # messages held in memory before they are written
KEEP_DAYS = 31


def day_of(at_s: float) -> datetime.date:
    """The calendar day in Trenggalek."""
    return datetime.datetime.fromtimestamp(at_s, ZONE).date()


class LiveStore:
    """Takes messages as they arrive; `close` seals the day. Each day begins with an intake that remembers nothing."""

    def __init__(self, folder: Path, keep_days: int = KEEP_DAYS) -> None:
        self.folder, self.keep_days = folder, keep_days
        self.sealed: list[Path] = []
        self.intake = Intake()
        self.totals = dict(self.intake.counts)
        self._day: datetime.date | None = None
        self._recorder: Recorder | None = None
        self._held: dict[str, list[Row]] = {}

    def take(self, topic: str, payload: bytes, arrived_s: float) -> list[Row]:
        """Judge and keep a message; returns its readings."""
        day = day_of(arrived_s)
        if self._day is None or day > self._day:
            self._begin(day)
        if not self.intake.admits(topic, arrived_s):
            return []
        cut = payload[: MOST_BYTES + 1]
        readings, refused = self.intake.take(topic, cut, arrived_s)
        message: Row = {"arrived_s": arrived_s, "topic": topic, "payload": cut.decode("latin-1")}
        for name, rows in (("live_message", [message]), ("live_reading", readings), ("live_refused", refused)):
            self._held[name].extend(rows)
        if len(self._held["live_message"]) >= BATCH:
            self._write()
        return readings

    def _begin(self, day: datetime.date) -> None:
        self.close()
        self._day, self.intake = day, Intake()
        handle, name = tempfile.mkstemp(prefix=f".live-{day}-", suffix=".partial", dir=_made(self.folder))
        os.close(handle)
        self._recorder = Recorder(Path(name), TABLES)
        self._held = {table: [] for table in TABLES}

    def _write(self) -> None:
        if self._recorder is not None and self._day is not None:
            self._recorder.append([(f"{self._day:%Y-%m}", {"live": self._held})], {"counts": self.intake.counts})
            self._held = {table: [] for table in TABLES}

    def close(self) -> None:
        """Write what is held, seal the day's run, and remove days older than are to be kept."""
        if self._recorder is None or self._day is None:
            return
        self._write()
        told = {**provenance(), "live_day": str(self._day), "counts": self.intake.counts}
        names = itertools.chain([""], (f".{n}" for n in itertools.count(2)))
        final = next(path for n in names if not (path := self.folder / f"live-{self._day}{n}.sqlite").exists())
        self._recorder.finish(told, final)
        self.sealed.append(final)
        self.totals = {name: n + self.intake.counts[name] for name, n in self.totals.items()}
        self._recorder = None
        self._retain(self._day)

    def _retain(self, today: datetime.date) -> None:
        oldest = today - datetime.timedelta(days=self.keep_days - 1)
        for path in self.folder.glob("live-????-??-??*.sqlite"):
            if datetime.date.fromisoformat(path.name[5:15]) < oldest:
                path.unlink()


def replay(run: Run) -> tuple[bool, Difference | None]:
    """Take a live day's messages in again and compare every table to the last bit."""
    messages = run.table("live_message")
    with tempfile.TemporaryDirectory(prefix="twin-live-") as folder:
        store = LiveStore(Path(folder))
        for arrived_s, topic, payload in messages[["arrived_s", "topic", "payload"]].itertuples(index=False):
            store.take(topic, payload.encode("latin-1"), arrived_s)
        store.close()
        if not store.sealed:
            return not len(messages), None
        with Run.open(store.sealed[0]) as again:
            difference = first_difference(run, again)
            return difference is None and run.digests == again.digests and not run.damaged(), difference


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
