"""What is done to a controller in the loop, and when: seconds after the begin of the hour."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

BROKER, CONTROLLER = "broker killed", "controller killed"
DELAYED, DOUBLED, REORDERED, CORRUPTED, LOST = "messages delayed", "duplicated", "reordered", "corrupted", "lost"
CLOCK, DEAD = "clock jumps", "a detector says NaN"


@dataclass(frozen=True)
class Fault:
    """One fault, from and until [s after the begin]."""

    kind: str
    from_s: int
    until_s: int


def schedule(first_s: int = 120, lasts_s: int = 40, every_s: int = 240) -> list[Fault]:
    """Every kind of fault once, one after the other, with time to recover in between."""
    kinds = (DELAYED, DOUBLED, REORDERED, CORRUPTED, LOST, CLOCK, DEAD, CONTROLLER, BROKER)
    return [Fault(kind, first_s + i * every_s, first_s + i * every_s + lasts_s) for i, kind in enumerate(kinds)]


@dataclass
class Line:
    """The wire from the street to the broker: `send` publishes, unless a fault holds. `random` is its only chance."""

    send: Callable[[bytes], None]
    random: Random
    delay_ticks: int = 7
    _waiting: list[tuple[int, int, bytes]] = field(default_factory=list)
    _count: int = 0

    def publish(self, tick: int, payload: bytes, faults: set[str]) -> None:
        """Send a message, or do to it what the present faults do."""
        self._count += 1
        due = tick
        if DELAYED in faults:
            due += self.delay_ticks
        if REORDERED in faults:
            due += self.random.choice((0, 2, 5))
        if CORRUPTED in faults and self.random.random() < 0.7:
            payload = self._corrupted(payload)
        if not (LOST in faults and self.random.random() < 0.7):
            heapq.heappush(self._waiting, (due, self._count, payload))
            if DOUBLED in faults:
                heapq.heappush(self._waiting, (due + self.random.choice((0, 1)), self._count, payload))
        while self._waiting and self._waiting[0][0] <= tick:
            self.send(heapq.heappop(self._waiting)[2])

    def _corrupted(self, payload: bytes) -> bytes:
        """A flipped bit, a message cut short, junk, or a count that no street has with a check sum that fits."""
        how = self.random.randrange(4)
        if how == 0:
            broken = bytearray(payload)
            broken[self.random.randrange(len(broken))] ^= 1 << self.random.randrange(8)
            return bytes(broken)
        if how == 1:
            return payload[: self.random.randrange(len(payload))]
        if how == 2:
            return self.random.randbytes(64)
        text = payload.rpartition(b"\n")[0].replace(b'"vehicles":[', b'"vehicles":[1e9,', 1)
        return text + f"\n{zlib.crc32(text):08x}".encode()
