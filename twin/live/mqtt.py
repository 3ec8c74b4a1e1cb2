"""Messages of a broker, taken in as they come: the connection comes back by itself, and what waits is bounded."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controllers.errors import ControllerError
from controllers.io.mqtt import Broker, address, client_of, start
from twin.errors import LiveError
from twin.live.messages import MOST_BYTES, ROOT_TOPIC
from twin.live.store import LiveStore

PASSWORD = "TWIN_LIVE_MQTT_PASSWORD"  # noqa: S105 (the name of a variable, no password)
MOST_WAITING = 5_000  # messages between the broker and the intake; what comes on top is counted and dropped
TURN_S = 1.0
FORBIDDEN = ("Bad user name or password", "Not authorized")


@dataclass
class Line:
    """A subscription to all live topics of a broker; `clock` says when a message arrived [s UTC]."""

    broker: Broker
    clock: Callable[[], float] = time.time
    dropped: int = 0
    connections: int = 0
    refused: str = ""
    ready: threading.Event = field(default_factory=threading.Event)
    _waiting: queue.Queue[tuple[float, str, bytes]] = field(default_factory=lambda: queue.Queue(MOST_WAITING))

    def __post_init__(self) -> None:
        self._client = client_of(self.broker, f"twin-live-{uuid.uuid4().hex[:12]}")
        self._client.on_connect, self._client.on_subscribe = self._connected, lambda *_: self.ready.set()
        self._client.on_message = self._message
        start(self._client, self.broker)

    def next(self, within_s: float) -> tuple[float, str, bytes] | None:
        """The next message: when it arrived, its topic and its payload (cut where too long); None where none came."""
        with contextlib.suppress(queue.Empty):
            return self._waiting.get(timeout=within_s)
        return None

    @property
    def connected(self) -> bool:
        """Whether there is a connection just now."""
        return bool(self._client.is_connected())

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
            return
        self.connections += 1
        client.subscribe(f"{ROOT_TOPIC}/#", qos=1)

    def _message(self, client: Any, userdata: Any, message: Any) -> None:
        try:
            self._waiting.put_nowait((self.clock(), message.topic, bytes(message.payload[: MOST_BYTES + 1])))
        except (queue.Full, UnicodeDecodeError):  # a topic that is no UTF-8 is nobody's
            self.dropped += 1


def broker_at(
    where: str, username: str | None, ca_file: Path | None, cert_file: Path | None, key_file: Path | None
) -> Broker:
    """A broker at `host:port`, with the password of the environment. Raises LiveError with what cannot be used."""
    try:
        host, port = address(where, 8883 if ca_file else 1883)
    except ControllerError as error:
        raise LiveError(f"--mqtt: {error}") from error
    files = [None if path is None else str(path) for path in (ca_file, cert_file, key_file)]
    if missing := [path for path in files if path is not None and not Path(path).is_file()]:
        raise LiveError(f"no such file: {', '.join(missing)}")
    return Broker(host, port, username, os.environ.get(PASSWORD), *files)


def intake(
    broker: Broker, folder: Path, for_s: float | None, progress: Callable[..., None] = lambda *_: None
) -> tuple[dict[str, Any], bool]:
    """Take in what a broker sends for so long, or until Ctrl-C or SIGTERM; what came, and whether it was stopped.

    A day that is over, or was followed as long as was asked, is sealed; a stopped one is left to be gone on with.
    Raises LiveError where the broker does not let us in, or was not there at all in the time given.
    """
    where, began_s, told_s = f"{broker.host}:{broker.port}", time.monotonic(), 0.0
    with LiveStore(folder) as store, asked_to_stop() as asked, contextlib.closing(Line(broker)) as line:
        while not asked.is_set() and (for_s is None or time.monotonic() - began_s < for_s):
            if line.refused in FORBIDDEN:
                raise LiveError(
                    f"{where}: {line.refused}; --username says who, {PASSWORD} in the environment the password"
                )
            _take(line.next(TURN_S), store)
            store.settle()
            if time.monotonic() - told_s >= TURN_S:
                told_s = time.monotonic()
                progress(int(told_s - began_s), None if for_s is None else int(for_s), str(store.totals["taken"]))
        line.close()
        while _take(line.next(0.0), store):
            pass
        if not line.connections and not asked.is_set():
            raise LiveError(f"{where}: no broker answered in {for_s:g} s")
        told = {**store.totals, "dropped": line.dropped, "lost_connections": max(0, line.connections - 1)}
        told["silent_sources"] = len(store.intake.silent(time.time()))
        if asked.is_set():
            store.pause()
    return {"runs": [str(path) for path in store.sealed], **told}, asked.is_set()


def _take(message: tuple[float, str, bytes] | None, store: LiveStore) -> bool:
    if message is not None:
        arrived_s, topic, payload = message
        store.take(topic, payload, arrived_s)
    return message is not None


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that no message is cut in half."""
    asked = threading.Event()
    before = {one: signal.signal(one, lambda *_: asked.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
