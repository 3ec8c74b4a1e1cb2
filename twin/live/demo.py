"""A simulated Trenggalek as the city: its detectors and lamps publish, the twin's store listens."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from controllers.io.mqtt import Broker, client_of, start
from twin.errors import LiveError
from twin.hil.broker import LOOPBACK
from twin.live.counters import MINUTE_S
from twin.live.line import BEGIN_S, bodies, on_the_way, told
from twin.live.messages import ROOT_TOPIC
from twin.live.mqtt import Line
from twin.live.store import LiveStore
from twin.live.street import Lived, live_hour
from twin.provenance import code_digest
from twin.terminal import tell

MQTT_SPEED = 60.0  # a broker needs a clock: "as fast as can be" is so many times life
CONNECTED_S, IDLE_S = 20.0, 1.0  # real time within which the broker lets us in; after which nothing more comes


def messages(lived: Lived, seed: int) -> list[tuple[float, str, bytes]]:
    """(arrival [s UTC], topic, payload) in the order of arrival: everything the street tells, with a line's faults."""
    rng, counting = np.random.default_rng([seed, 14]), np.random.default_rng([seed, 19])
    sent: list[tuple[float, str, bytes]] = []
    for seq, at_s in enumerate(BEGIN_S + lived.at_s):
        passed = None if lived.passed is None else lived.passed[seq]
        for kind, source, values in bodies(lived.vehicles[seq], lived.halting[seq], passed, lived.phase[seq]):
            sent += on_the_way(kind, source, seq, float(at_s), values, rng)
    for minute, counts in enumerate(lived.counted):
        at_s = BEGIN_S + (minute + 1) * MINUTE_S
        for source, n in zip(lived.counters, counts, strict=True):
            sent += on_the_way("counters", source, minute, at_s, {"passed": told(n)}, counting)
    return sorted(sent, key=lambda one: one[0])


def demo(
    network: str, seed: int, duration_s: int, scale: float, speed: float, folder: Path,
    progress: Callable[..., None] = lambda *_: None, mqtt: bool = False,
) -> LiveStore:  # fmt: skip
    """Live an hour of the city and record it; `speed` times as fast as life, or as fast as can be for 0.

    With `mqtt` the street publishes to an embedded broker of this machine, and what comes from there is taken in.

    Stopped at any moment, the same call goes on with the recording and ends in the same tables (over a broker: with
    what was sent after the last message that was kept).
    """
    asked = json.dumps([network, seed, duration_s, scale, mqtt, code_digest()])
    with LiveStore(folder, name=f"demo-{hashlib.sha256(asked.encode()).hexdigest()[:12]}") as store:
        sent = messages(live_hour(network, seed, duration_s, scale, loops=True), seed)
        if mqtt:
            publish(sent, store, speed or MQTT_SPEED, progress)
        else:
            record(sent, store, speed, progress)
    return store


def record(
    sent: list[tuple[float, str, bytes]], store: LiveStore, speed: float = 0.0,
    progress: Callable[..., None] = lambda *_: None,
) -> None:  # fmt: skip
    """Hand messages to a store at their times of arrival, from the one on that it has not seen."""
    seen = sum(store.totals.values())
    from_s = sent[seen][0] if seen < len(sent) else 0.0
    began_s = time.monotonic()
    for n, (arrived_s, topic, payload) in enumerate(sent[seen:], seen + 1):
        if speed > 0:
            time.sleep(max(0.0, (arrived_s - from_s) / speed - (time.monotonic() - began_s)))
        store.take(topic, payload, arrived_s)
        if n % 100 == 0:
            progress(n, len(sent))


def publish(
    sent: list[tuple[float, str, bytes]], store: LiveStore, speed: float,
    progress: Callable[..., None] = lambda *_: None,
) -> None:  # fmt: skip
    """Publish messages to an embedded broker in their time, and hand what its line brings to a store.

    Raises LiveError where the broker does not let us in.
    """
    from twin.hil.run import Loop

    ahead = [one for one in sent if store.arrived_s is None or one[0] > store.arrived_s]
    from_s, began_s = ahead[0][0] if ahead else 0.0, math.inf

    def now_s() -> float:
        return from_s + max(0.0, time.monotonic() - began_s) * speed

    def drain(within_s: float) -> bool:
        if (message := line.next(within_s)) is not None:
            arrived_s, topic, payload = message
            store.take(topic, payload, arrived_s)
        return message is not None

    with tempfile.TemporaryDirectory(prefix="twin-live-") as folder:
        loop = Loop(Path(), Path(folder), "embedded")
        loop.start_broker()
        broker = Broker(LOOPBACK, loop.port)
        tell(f"broker at {broker.host}:{broker.port}, topics {ROOT_TOPIC}/#")
        line, street = Line(broker, now_s), client_of(broker, "street")
        start(street, broker)
        try:
            if not line.ready.wait(CONNECTED_S):
                raise LiveError(f"{broker.host}:{broker.port}: the embedded broker let nobody in for {CONNECTED_S:g} s")
            began_s = time.monotonic()
            for n, (due_s, topic, payload) in enumerate(ahead, 1):
                while (left_s := (due_s - now_s()) / speed) > 0:
                    drain(left_s)
                street.publish(topic, payload)
                progress(n, len(ahead))
            while drain(IDLE_S):
                pass
        finally:
            line.close()
            street.disconnect()
            street.loop_stop()
            loop.end()
    if line.dropped:
        tell(f"{line.dropped} messages were dropped: the intake was too slow for this speed")
