"""What the twin hears of the city, and the last of it: the feed by the city's clock, the controllers, the lamps."""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controllers.errors import MessageError
from controllers.io.messages import decode, is_number
from twin.live.line import BEGIN_S, CLOCK
from twin.live.mqtt import Line
from twin.module import Row

PREFIX = "trenggalek/junctions"  # of the controller's topics
KEEP_S = {"counters": 3660.0}  # for so long readings are kept, by kind
KEEP_OTHERS_S = 1260.0
Heard = Mapping[tuple[str, str], Sequence[Row]]  # readings by kind and name, in their order of arrival


class Feed(Line):
    """A subscription to the city: its feed, its clock, its controllers. A message has arrived when that clock says."""

    now_s = BEGIN_S

    def __post_init__(self) -> None:
        self.clock = lambda: self.now_s
        super().__post_init__()

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        super()._connected(client, userdata, flags, reason, properties)
        if not reason.is_failure:
            client.subscribe([(CLOCK, 0), *((f"{PREFIX}/{topic}", 1) for topic in ("lamps", "state", "status"))])

    def _message(self, client: Any, userdata: Any, message: Any) -> None:
        if message.topic == CLOCK:
            with contextlib.suppress(MessageError):
                self.now_s = clock_of(bytes(message.payload))["at_s"]
        super()._message(client, userdata, message)


def clock_of(payload: bytes) -> dict[str, Any]:
    """The body of a message of the city's clock. Raises MessageError."""
    body = decode(payload)
    if body.get("at_s") is None or not is_number(body["at_s"]) or not isinstance(body.get("lamps"), list):
        raise MessageError("no time, or no lamps")
    return body


class Lately:
    """The readings of the last minutes, by kind and name."""

    def __init__(self) -> None:
        self._rows: defaultdict[tuple[str, str], deque[Row]] = defaultdict(deque)

    def take(self, rows: Iterable[Row]) -> None:
        """Remember readings."""
        for row in rows:
            self._rows[str(row["kind"]), str(row["name"])].append(row)

    def heard(self, now_s: float) -> Heard:
        """What is remembered; readings that arrived too long before `now_s` are forgotten."""
        for (kind, _), rows in self._rows.items():
            while rows and float(rows[0]["arrived_s"] or 0.0) < now_s - KEEP_S.get(kind, KEEP_OTHERS_S):
                rows.popleft()
        return self._rows


def by_value(rows: Iterable[Row]) -> Heard:
    """A day's readings by kind and name."""
    lately = Lately()
    lately.take(rows)
    return lately.heard(0.0)
