"""MQTT: a street's controller behind a broker. Topics and bodies: `controllers.io.messages`.

The connection comes back by itself; until then the loop goes on without readings. `paced` by the clock turns come at a
fixed rate and take the newest message; paced by the street there is a turn for every message, and one without a message
whenever none has come for a second.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from controllers.errors import ControllerError, MessageError
from controllers.io import Seen, Shown, Tick
from controllers.io.messages import decode, encode, place_of, seen_of, tick_of
from controllers.site import Site

IDLE_S = 1.0  # without a message for so long, a turn without one
STATE_S = 5.0  # the state is told again after so long
KEEP_ALIVE_S = 10


@dataclass(frozen=True)
class Broker:
    """Where a broker is and how to get in; the password comes from the environment, never from a file of ours."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None  # TLS with this certificate authority
    cert_file: str | None = None
    key_file: str | None = None


def client_of(broker: Broker, name: str, will: tuple[str, bytes] | None = None) -> paho.Client:
    """A client, not yet connected: TLS, name and password, last will, small packets at once."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.ca_file is not None:
        context = ssl.create_default_context(cafile=broker.ca_file)
        if broker.cert_file is not None:
            context.load_cert_chain(broker.cert_file, broker.key_file)
        client.tls_set_context(context)
    if will is not None:
        client.will_set(*will, qos=1, retain=True)
    client.reconnect_delay_set(1, 10)
    client.on_socket_open = _at_once
    return client


def start(client: paho.Client, broker: Broker) -> None:
    """Connect now, or as soon as the broker is there."""
    with contextlib.suppress(OSError):
        client.connect(broker.host, broker.port, KEEP_ALIVE_S)
        client.loop_start()
        return
    client.connect_async(broker.host, broker.port, KEEP_ALIVE_S)
    client.loop_start()


def _at_once(client: Any, userdata: Any, sock: Any) -> None:
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class MqttStreet:
    """A street behind a broker, as a Driver; `dropped` counts messages that were junk, late or double."""

    def __init__(
        self, broker: Broker, site: Site, prefix: str, bundle: str, *, paced_by_street: bool = False, hz: float = 2.0
    ) -> None:
        self.site, self.prefix, self.bundle = site, prefix, bundle
        self.dropped = {"junk": 0, "old": 0}
        self._by_street, self._period_s = paced_by_street, 1.0 / hz
        self._arrived: queue.Queue[tuple[str, int, float, Seen]] = queue.Queue(256)
        self._place: tuple[str, int] | None = None
        self._advanced_s, self._turned_s = 0.0, time.monotonic()
        self._told: tuple[Any, float] | None = None
        self._client = client_of(broker, f"controller-{bundle[:12]}-{prefix}", (f"{prefix}/status", _status(False)))
        self._client.on_connect, self._client.on_message = self._connected, self._message
        start(self._client, broker)

    def wait(self) -> Tick:
        """Wait for the next turn, by the street's messages or by the clock."""
        return self._wait_for_street() if self._by_street else self._wait_for_clock()

    def _wait_for_street(self) -> Tick:
        began_s = time.monotonic()
        while (left_s := IDLE_S - (time.monotonic() - began_s)) > 0:
            try:
                boot, seq, tick_s, seen = self._arrived.get(timeout=left_s)
            except queue.Empty:
                break
            if (before := self._newer(boot, seq)) is not None:
                gone_s = 0.0 if before < 0 else max(0.0, (seq - before) * tick_s - self._advanced_s)
                self._advanced_s = 0.0
                return Tick(gone_s, seen)
        self._advanced_s += IDLE_S
        return Tick(IDLE_S, None)

    def _wait_for_clock(self) -> Tick:
        due_s = self._turned_s + self._period_s
        time.sleep(max(0.0, due_s - time.monotonic()))
        newest: Seen | None = None
        with contextlib.suppress(queue.Empty):
            while True:
                boot, seq, _, seen = self._arrived.get_nowait()
                if self._newer(boot, seq) is not None:
                    newest = seen
        now_s = time.monotonic()
        dt_s, self._turned_s = now_s - self._turned_s, now_s
        return Tick(dt_s, newest)

    def _newer(self, boot: str, seq: int) -> int | None:
        """The number of the message before it (−1 for the first of a run), or None for one that is not newer."""
        same = self._place is not None and self._place[0] == boot
        before = self._place[1] if same and self._place is not None else -1
        if seq <= before:
            self.dropped["old"] += 1
            return None
        self._place = (boot, seq)
        return before

    def show(self, shown: Shown) -> None:
        """Publish lamps, and the state where it changed."""
        boot, seq = self._place or ("", 0)
        if self._place is not None:
            self._client.publish(f"{self.prefix}/lamps", encode({"boot": boot, "seq": seq, "lamps": list(shown.lamps)}))
        state = {"modes": list(shown.modes), "phases": list(shown.phases), "alarms": list(shown.alarms)}
        now_s = time.monotonic()
        if self._told is None or self._told[0] != state or now_s - self._told[1] >= STATE_S:
            self._told = (state, now_s)
            names = [plan.name for plan in self.site.plans]
            body = {**state, "junctions": names, "bundle": self.bundle, "time": time.time(), "dropped": self.dropped}
            self._client.publish(f"{self.prefix}/state", encode(body), qos=1, retain=True)

    def close(self) -> None:
        """Say goodbye."""
        self._client.publish(f"{self.prefix}/status", _status(False), qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe(f"{self.prefix}/detectors", qos=0)
            client.publish(f"{self.prefix}/status", _status(True), qos=1, retain=True)

    def _message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            body = decode(bytes(message.payload))
            one = (*place_of(body), tick_of(body), seen_of(body, self.site))
        except MessageError:
            self.dropped["junk"] += 1
            return
        if self._arrived.full():
            with contextlib.suppress(queue.Empty):
                self._arrived.get_nowait()
        self._arrived.put_nowait(one)


def _status(online: bool) -> bytes:
    return encode({"online": online})


def address(text: str, port_else: int = 1883) -> tuple[str, int]:
    """`host` or `host:port`. Raises ControllerError."""
    host, _, port = text.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise ControllerError(f"{text!r} is no host:port")
    return host, int(port or port_else)
