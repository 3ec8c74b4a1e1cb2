"""A street out of a log: what was seen at each decision comes again, as fast as it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from controllers.io import Seen, Shown, Tick
from controllers.policy import readings_of


class ReplayStreet:
    """A log's decisions (`controllers.log.decisions`) as a Driver; `shown` gathers what was then told."""

    def __init__(self, decisions: Sequence[dict[str, Any]]) -> None:
        self._left = list(decisions)[::-1]
        self._last_s: float | None = None
        self.shown: list[Shown] = []

    def wait(self) -> Tick:
        """The next decision's readings."""
        if not self._left:
            return Tick(0.0, None, last=True)
        one = self._left.pop()
        now_s = datetime.fromisoformat(one["time"]).timestamp()
        dt_s, self._last_s = now_s - (self._last_s if self._last_s is not None else now_s), now_s
        readings, priority = readings_of(one["readings"])
        return Tick(max(dt_s, 0.0), Seen(readings.vehicles, readings.halting, readings.walk_calls, tuple(priority)))

    def show(self, shown: Shown) -> None:
        """Keep what is told."""
        self.shown.append(shown)

    def close(self) -> None:
        """Nothing is open."""
