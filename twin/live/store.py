"""Live days kept as runs: what arrived and what was made of it, a file a day, the oldest removed.

A day that is not over is `.live-DAY-NAME.partial`: a store of the same name and folder goes on with it, whatever ended
the one before. A killed process loses what it held for at most `HOLD_S`.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import filelock

from twin.errors import BusyError, LiveError, RunError
from twin.live.intake import Intake
from twin.live.messages import MOST_BYTES
from twin.module import Row, read_tables
from twin.provenance import provenance
from twin.recorder import Recorder, publish
from twin.run import Run

if TYPE_CHECKING:
    from twin.replay import Difference

TABLES = read_tables(Path(__file__).parent / "tables.csv")
ZONE = ZoneInfo("Asia/Jakarta")
BATCH, HOLD_S = 5_000, 10.0  # messages held in memory before they are written, and for how long at most
KEEP_DAYS = 31
INDEX = "CREATE INDEX IF NOT EXISTS live_reading_source ON live_reading (kind, source, name)"


def day_of(at_s: float) -> datetime.date:
    """The calendar day in Trenggalek."""
    return _day_of_hour(int(at_s // 3600))


@functools.lru_cache(4)
def _day_of_hour(hour: int) -> datetime.date:
    """Of an hour since 1970: the zone is whole hours from UTC."""
    return datetime.datetime.fromtimestamp(3600 * hour, ZONE).date()


def sealed_days(folder: Path) -> list[Path]:
    """The files of a folder's days that are over, oldest first."""
    found = folder.glob("live-????-??-??*.sqlite")
    return sorted(found, key=lambda path: (path.name[:15], len(path.name), path.name))


class LiveStore:
    """Takes messages as they arrive. Each day begins with an intake that remembers nothing.

    With `indexed` a source's readings are found without reading the whole day, which costs some of the intake's rate.
    `close` seals the day; `pause` leaves it to be gone on with, as does an exception in a `with` of the store.
    Raises BusyError while another process records into the folder, LiveError for an unfinished day that is damaged.
    """

    def __init__(self, folder: Path, keep_days: int = KEEP_DAYS, name: str = "feed", indexed: bool = False) -> None:
        self.folder, self.keep_days, self.name, self.indexed = folder, keep_days, name, indexed
        folder.mkdir(parents=True, exist_ok=True)
        self.sealed: list[Path] = []
        self.intake = Intake()
        self.interruptions = 0
        self.arrived_s: float | None = None  # when the last message arrived
        self._before = dict.fromkeys(self.intake.counts, 0)
        self._day: datetime.date | None = None
        self._recorder: Recorder | None = None
        self._held: dict[str, list[Row]] = {}
        self._written_s = time.monotonic()
        self._lock = filelock.FileLock(folder / ".live.lock")
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BusyError(f"{folder}: another process records there; wait for it, or name another --out") from None
        try:
            for partial in sorted(folder.glob(f".live-????-??-??-{name}.partial")):
                self._begin(datetime.date.fromisoformat(partial.name[6:16]))
        except BaseException:
            self._let_go()
            raise

    @property
    def totals(self) -> dict[str, int]:
        """What the intakes of all days saw."""
        return {name: n + self.intake.counts[name] for name, n in self._before.items()}

    def take(self, topic: str, payload: bytes, arrived_s: float) -> list[Row]:
        """Judge and keep a message; returns its readings."""
        day = day_of(arrived_s)
        if self._day is None or day > self._day:
            self._begin(day)
        self.arrived_s = arrived_s
        if not self.intake.admits(topic, arrived_s):
            return []
        cut = payload[: MOST_BYTES + 1]
        readings, refused = self.intake.take(topic, cut, arrived_s)
        held = self._held
        held["live_message"].append({"arrived_s": arrived_s, "topic": topic, "payload": cut.decode("latin-1")})
        held["live_reading"] += readings
        held["live_refused"] += refused
        self.settle()
        return readings

    def settle(self) -> None:
        """Write what is held where it is much, or was held for long."""
        if len(self._held.get("live_message", ())) >= BATCH or time.monotonic() - self._written_s >= HOLD_S:
            self.write()

    @property
    def days(self) -> list[Path]:
        """The files of all days that are kept, oldest first; the last may be unfinished."""
        unfinished = [] if self._recorder is None else [self._recorder.path]
        return sealed_days(self.folder) + unfinished

    def close(self) -> None:
        """Write what is held and seal the day's run."""
        self._seal()
        self._let_go()

    def pause(self) -> None:
        """Write what is held; the day is left to be gone on with."""
        self.write()
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._let_go()  # what is held may be half of a message

    def _begin(self, day: datetime.date) -> None:
        """Open the day's unfinished file, where there is one with what an earlier process made of its messages."""
        self._seal()
        partial = self.folder / f".live-{day}-{self.name}.partial"
        if (counts := _sealed_counts(partial)) is not None:  # killed between the last write and the renaming
            publish(partial, self._free_name(day))
            self._before = {name: n + counts[name] for name, n in self._before.items()}
            self._day = None
            return
        self._day = day
        try:
            self._recorder = Recorder(partial, TABLES)
            if self.indexed:
                self._recorder.connection.execute(INDEX)
            self._restore(self._recorder)
        except sqlite3.DatabaseError as error:
            raise LiveError(f"{partial}: is damaged ({error}); move it away, and the day is begun again") from error
        self._held = {table: [] for table in TABLES}

    def _restore(self, recorder: Recorder) -> None:
        if recorder.checkpoint is None:
            return
        kept = recorder.connection.execute("SELECT topic, payload, arrived_s FROM live_message ORDER BY rowid")
        for topic, payload, arrived_s in kept:
            self.intake.take(topic, payload.encode("latin-1"), arrived_s)
            self.arrived_s = arrived_s
        self.intake.restore(recorder.checkpoint["counts"], recorder.checkpoint["second"])
        self.interruptions = recorder.checkpoint["interruptions"] + 1

    def write(self) -> None:
        """Write what is held: it is on the disk when this returns."""
        self._written_s = time.monotonic()
        if self._recorder is not None and self._day is not None:
            told = {"counts": self.intake.counts, "second": self.intake.second, "interruptions": self.interruptions}
            self._recorder.append([(f"{self._day:%Y-%m}", {"live": self._held})], told)
            self._held = {table: [] for table in TABLES}

    def _seal(self) -> None:
        """Seal the day that is open, remove days older than are to be kept, and forget all."""
        if self._recorder is not None and self._day is not None:
            self.write()
            counts = {"counts": self.intake.counts, "interruptions": self.interruptions}
            self._recorder.finish({**provenance(), "live_day": str(self._day), **counts}, self._free_name(self._day))
            self._recorder = None
            self._retain(self._day)
        self._before, self.intake, self.interruptions = self.totals, Intake(), 0

    def _free_name(self, day: datetime.date) -> Path:
        names = itertools.chain([""], (f".{n}" for n in itertools.count(2)))
        final = next(path for n in names if not (path := self.folder / f"live-{day}{n}.sqlite").exists())
        self.sealed.append(final)
        return final

    def _retain(self, today: datetime.date) -> None:
        oldest = today - datetime.timedelta(days=self.keep_days - 1)
        for path in self.folder.glob("live-????-??-??*.sqlite"):
            if datetime.date.fromisoformat(path.name[5:15]) < oldest:
                path.unlink()

    def _let_go(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        self._lock.release()


def _sealed_counts(partial: Path) -> dict[str, int] | None:
    try:
        with Run.open(partial) as run:
            counts: dict[str, int] = run.provenance["counts"]
            return counts
    except RunError:
        return None


def replay(run: Run) -> tuple[bool, Difference | None]:
    """Take a live day's messages in again and compare every table to the last bit."""
    from twin.replay import first_difference  # brings the whole city

    messages = run.table("live_message")
    with tempfile.TemporaryDirectory(prefix="twin-live-") as folder:
        with LiveStore(Path(folder)) as store:
            for arrived_s, topic, payload in messages[["arrived_s", "topic", "payload"]].itertuples(index=False):
                store.take(topic, payload.encode("latin-1"), arrived_s)
        if not store.sealed:
            return not len(messages), None
        with Run.open(store.sealed[0]) as again:
            difference = first_difference(run, again)
            return difference is None and run.digests == again.digests and not run.damaged(), difference
