"""The services' own live store: what comes in over HTTP is judged and on the disk before it is answered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deploy.app.gate import Metrics
from twin.live.messages import Message, write
from twin.live.readings import Latest, history, newest
from twin.live.store import LiveStore
from twin.module import Row

DAYS_OF_LATEST = 2  # a source that was silent since the day before yesterday is told of no more


class Desk:
    """One thread has the store; requests wait for it. Raises BusyError, LiveError as the store does."""

    def __init__(self, folder: Path, metrics: Metrics) -> None:
        self.metrics, self.latest, self.refused = metrics, Latest(), 0
        self._thread = ThreadPoolExecutor(1, "live")
        self._store = self._thread.submit(LiveStore, folder, indexed=True).result()
        for path in self._store.days[-DAYS_OF_LATEST:]:
            self.latest.take(newest(path))

    def take(self, messages: Sequence[Message]) -> list[list[Row]]:
        """The readings made of each message, in order; none of one that came in a flood."""
        return self._thread.submit(self._take, messages).result()

    def refuse(self, count: int = 1) -> None:
        """Count what could not be read as a reading at all."""
        self.refused += count
        self.metrics.live.labels("refused").inc(count)

    def history(
        self, stream: tuple[str, str, str], order: str, descending: bool, after_s: float, skip: int, top: int
    ) -> tuple[list[Row], int]:
        """Readings of a value over the days that are kept, and how many there are (`twin.live.readings`)."""
        asked = (stream, order, descending, after_s, skip, top)
        return self._thread.submit(lambda: history(self._store.days, *asked)).result()

    def state(self) -> dict[str, Any]:
        """What came in since the start of the services' day, and who is silent."""
        return self._thread.submit(self._state).result()

    def close(self) -> None:
        """Leave the day to be gone on with."""
        self._thread.submit(self._store.pause).result()
        self._thread.shutdown()

    def _take(self, messages: Iterable[Message]) -> list[list[Row]]:
        taken = [self._store.take(*write(message), time.time()) for message in messages]
        self._store.write()
        for rows in taken:
            self.latest.take(rows)
            self.metrics.live.labels("taken" if rows else "flooded").inc()
        return taken

    def _state(self) -> dict[str, Any]:
        counts = {name: self._store.totals[name] for name in ("taken", "flooded")}
        silent = sorted(":".join(key) for key in self._store.intake.silent(time.time()))
        return {
            **counts, "refused": self.refused, "sources": len(self.latest.sources()), "silent": silent,
            "days": [path.name for path in self._store.days],
        }  # fmt: skip
