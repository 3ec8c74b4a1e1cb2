"""What is remembered of a source, so that a message that was told before, or comes out of order, is known as such."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from twin.live.messages import Message

WINDOW = 256  # numbers of a sender, or moments of a value, that are remembered against duplicates
Flags = Sequence[str]


@dataclass
class Numbers:
    """Of a boot of a sender that numbers its messages: highest number and event time, and a bit for each number."""

    boot: str
    seq: int
    at_s: float
    seen: int = 1

    @classmethod
    def begun(cls, message: Message) -> Numbers:
        """With its first message."""
        return cls(message.boot, message.seq or 0, message.at_s)

    def continues(self, message: Message) -> bool:
        """Whether a message is of the same boot, and numbered too."""
        return message.boot == self.boot and message.seq is not None

    def flags(self, message: Message) -> Flags:
        """What a message's number tells of it; it is remembered."""
        seq = message.seq or 0
        ahead = seq - self.seq
        if ahead <= 0:
            again = ahead <= -WINDOW or bool(self.seen >> -ahead & 1)
            self.seen |= 1 << -ahead if ahead > -WINDOW else 0
            return ("duplicate",) if again else ("out_of_order",)
        backwards = message.at_s < self.at_s
        self.seen = ((self.seen << ahead) | 1) & ((1 << WINDOW) - 1) if ahead < WINDOW else 1
        self.seq, self.at_s = seq, max(message.at_s, self.at_s)
        return (*(("gap",) if ahead > 1 else ()), *(("out_of_order",) if backwards else ()))


@dataclass
class Moments:
    """Of a source that numbers nothing: the event times of each of its values. Gaps cannot be told, silence can."""

    boot: str
    at_s: float
    seen: dict[str, OrderedDict[float, None]] = field(default_factory=dict)

    @classmethod
    def begun(cls, message: Message) -> Moments:
        """With its first message."""
        made = cls(message.boot, message.at_s)
        made.flags(message)
        return made

    def continues(self, message: Message) -> bool:
        """Whether a message is of the same boot, and without a number too."""
        return message.boot == self.boot and message.seq is None

    def flags(self, message: Message) -> Flags:
        """What a message's event time tells of it; it is remembered.

        A duplicate has nothing new: every value was told of that moment, or of one older than is remembered.
        """
        news, backwards = False, False
        for name in message.values:
            seen = self.seen.setdefault(name, OrderedDict())
            forgotten = len(seen) == WINDOW and message.at_s < next(iter(seen))
            backwards |= bool(seen) and message.at_s < next(reversed(seen))
            if message.at_s in seen or forgotten:
                continue
            news = True
            seen[message.at_s] = None
            if backwards:
                self.seen[name] = seen = OrderedDict.fromkeys(sorted(seen))
            if len(seen) > WINDOW:
                seen.popitem(last=False)
        self.at_s = max(self.at_s, message.at_s)
        return ("duplicate",) if not news else ("out_of_order",) if backwards else ()


def begun(message: Message) -> Numbers | Moments:
    """What is remembered of a source with its first message."""
    return Moments.begun(message) if message.seq is None else Numbers.begun(message)
