"""What comes in is judged by event time and flagged, never mended; memory is bounded whatever arrives.

A topic that is refused again and again is shut out for a while and comes back by itself; so is a flood as a whole.
"""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controllers.errors import MessageError
from twin.live.messages import Limits, Message, kinds, read
from twin.live.order import Moments, Numbers, begun
from twin.module import Row, Value

LATE_S = 30.0  # later than this after its event time a message is late
SKEW_S = 5.0  # a sender's clock this far ahead of ours is wrong
SILENT_INTERVALS = 3  # so many of its kind's intervals without a word, and a source is silent
MOST_SOURCES = 10_000
MOST_PER_S = 20_000  # messages a second; what goes beyond is counted, not read
POISON, SHUT_S = 20, 60.0  # refusals in a row that shut a topic out, and for how long


@dataclass
class Intake:
    """Judges messages one by one; `counts` tells what it saw. The same messages give the same rows."""

    counts: dict[str, int] = field(default_factory=lambda: {"taken": 0, "refused": 0, "shut_out": 0, "flooded": 0})
    _senders: OrderedDict[tuple[str, str], Numbers | Moments] = field(default_factory=OrderedDict)
    _refusals: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    second: tuple[int, int] = (0, 0)  # a second of arrival, and how many messages came in it

    def admits(self, topic: str, arrived_s: float) -> bool:
        """Whether a message is to be read (and kept) at all: no flood, and its topic is not shut out."""
        second, n = self.second
        self.second = (int(arrived_s), n + 1 if int(arrived_s) == second else 1)
        if self.second[1] > MOST_PER_S:
            self.counts["flooded"] += 1
            return False
        refused, since_s = self._refusals.get(topic[:200], (0, 0.0))
        if refused >= POISON and arrived_s - since_s < SHUT_S:
            self.counts["shut_out"] += 1
            return False
        return True

    def restore(self, counts: Mapping[str, int], second: Sequence[int]) -> None:
        """Count on from what was counted before, after the messages that were kept have been taken in again."""
        self.counts.update(counts)
        self.second = (second[0], second[1])

    def silent(self, now_s: float) -> list[tuple[str, str]]:
        """Kind and source of whoever is silent for longer than its kind allows."""
        return [key for key, one in self._senders.items() if now_s - one.at_s > silence_s(key[0])]

    def take(self, topic: str, payload: bytes, arrived_s: float) -> tuple[list[Row], list[Row]]:
        """Rows for `live_reading`, and for `live_refused` where nothing of the message can be used."""
        try:
            message = read(topic, payload)
        except MessageError as error:
            self._refuse(topic, arrived_s)
            return [], [{"arrived_s": arrived_s, "topic": topic[:200], "why": str(error)}]
        self._refusals.pop(topic[:200], None)
        self.counts["taken"] += 1
        flags = self._flags(message, arrived_s)
        shared: dict[str, Value] = {
            "at_s": message.at_s,
            "arrived_s": arrived_s,
            "kind": message.kind,
            "source": message.source,
            "boot": message.boot,
            "seq": message.seq,
        }
        limits = kinds()[message.kind]
        return [
            {**shared, "name": name, "value": value, "flags": ",".join([*flags, *_value_flags(value, limits[name])])}
            for name, value in message.values.items()
        ], []

    def _flags(self, message: Message, arrived_s: float) -> list[str]:
        flags = []
        if arrived_s - message.at_s > LATE_S:
            flags.append("late")
        if message.at_s - arrived_s > SKEW_S:
            flags.append("skew")
        key = (message.kind, message.source)
        before = self._senders.get(key)
        if before is not None and message.at_s - before.at_s > silence_s(message.kind):
            flags.append("silence")
        if before is None or not before.continues(message):
            self._senders[key] = begun(message)
            if len(self._senders) > MOST_SOURCES:
                self._senders.popitem(last=False)
        else:
            flags += before.flags(message)
        self._senders.move_to_end(key)
        return flags

    def _refuse(self, topic: str, arrived_s: float) -> None:
        self.counts["refused"] += 1
        key = topic[:200]
        n, since_s = self._refusals.pop(key, (0, arrived_s))
        served = n >= POISON and arrived_s - since_s >= SHUT_S
        self._refusals[key] = (1 if served else n + 1, arrived_s)
        if len(self._refusals) > MOST_SOURCES:
            self._refusals.popitem(last=False)


@functools.cache
def silence_s(kind: str) -> float:
    """After so long without a word a source of a kind is silent [s]; infinity where it speaks only when it must."""
    every_s = max(limits.every_s for limits in kinds()[kind].values())
    return SILENT_INTERVALS * every_s or math.inf


def _value_flags(value: float | None, limits: Limits) -> Sequence[str]:
    if value is None:
        return ("missing",)
    return () if limits.least <= value <= limits.most else ("impossible",)
