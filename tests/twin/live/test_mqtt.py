"""Messages of a real broker (the embedded one, a process of its own): taken in, bounded, and back after it was gone."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from controllers.io.mqtt import client_of, start
from twin.errors import LiveError
from twin.hil.run import Loop
from twin.live import mqtt
from twin.live.demo import messages, publish
from twin.live.messages import MOST_BYTES, ROOT_TOPIC, Message, write
from twin.live.mqtt import PASSWORD, Line, broker_at, intake
from twin.live.store import LiveStore, replay
from twin.live.street import Lived
from twin.run import Run


@pytest.fixture
def loop(tmp_path):
    loop = Loop(Path(), tmp_path, "embedded")
    loop.start_broker()
    yield loop
    loop.end()


def reading(seq):
    return write(Message("detectors", "zone-1", "b", seq, time.time(), {"vehicles": 3.0}))


def until(true):
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("waited 20 s in vain")


def test_a_broker_that_goes_and_comes_back_is_followed(loop, tmp_path):
    broker = broker_at(f"127.0.0.1:{loop.port}", None, None, None, None)
    street, seen = client_of(broker, "street"), []

    def live():  # in a thread, since signals are the main thread's
        start(street, broker)
        until(street.is_connected)
        n = 0
        while max(seen, default=0) < 2:  # until our line has connected twice
            street.publish(*reading(n))
            n += 1
            time.sleep(0.05)
            if n == 20:
                os.killpg(loop.broker.pid, signal.SIGKILL)
                loop.broker.wait()
                loop.start_broker()
        for n in range(1000, 1010):
            street.publish(*reading(n), qos=1).wait_for_publish(20)
        street.publish(f"{ROOT_TOPIC}/detectors/zone-1", b"x" * (MOST_BYTES + 9), qos=1).wait_for_publish(20)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    class Watched(Line):
        def next(self, within_s):
            seen.append(self.connections)
            return super().next(within_s)

    thread = threading.Thread(target=live, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mqtt, "Line", Watched)
        thread.start()
        found, stopped = intake(broker, tmp_path / "live", None)
    thread.join(20)
    street.loop_stop()
    assert stopped
    assert found["lost_connections"] >= 1
    assert found["taken"] >= 20
    assert (found["refused"], found["dropped"], found["runs"]) == (1, 0, [])
    with LiveStore(tmp_path / "live") as store:
        assert store.totals["taken"] == found["taken"]
    with Run.open(store.sealed[0]) as run:
        assert replay(run) == (True, None)
        assert set(range(1000, 1010)) <= set(run.table("live_reading")["seq"])


def test_a_flood_is_bounded_and_what_does_not_fit_is_counted(loop, monkeypatch):
    monkeypatch.setattr(mqtt, "MOST_WAITING", 100)
    broker = broker_at(f"127.0.0.1:{loop.port}", None, None, None, None)
    line, street = Line(broker), client_of(broker, "street")
    assert line.ready.wait(20)
    start(street, broker)
    until(street.is_connected)
    for n in range(1000):
        street.publish(*reading(n))
    until(lambda: line.dropped == 900)
    assert sum(line.next(0.0) is not None for _ in range(200)) == 100
    line.close()
    street.disconnect()
    street.loop_stop()


def test_the_street_publishes_and_its_day_replays(tmp_path):
    rng = np.random.default_rng(3)
    counts = rng.poisson(4.0, (12, 4)).astype(float)
    lived = Lived(np.arange(5.0, 65.0, 5.0), counts, np.minimum(counts, 2), np.zeros((12, 1)))
    sent = messages(lived, seed=1)
    with LiveStore(tmp_path) as store:
        publish(sent[:30], store, 60.0)
        assert sum(store.totals.values()) == 30
        left = [one for one in sent if one[0] > store.arrived_s]
        publish(sent, store, 60.0)  # goes on after the last that was kept
    assert sum(store.totals.values()) == 30 + len(left) > 40
    with Run.open(store.sealed[0]) as run:
        assert replay(run) == (True, None)


def test_what_cannot_be_followed_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD, "secret")
    assert broker_at("h:1", "twin", None, None, None).password == "secret"
    for where, ca, why in (("h:x", None, "no host:port"), ("h", tmp_path / "no.pem", "no such file")):
        with pytest.raises(LiveError, match=why):
            broker_at(where, None, ca, None, None)
    with pytest.raises(LiveError, match="no broker answered in 1 s"):
        intake(broker_at("127.0.0.1:1", None, None, None, None), tmp_path, 1.0)
    monkeypatch.setattr(Line, "__post_init__", lambda self: setattr(self, "refused", "Not authorized"))
    monkeypatch.setattr(Line, "close", lambda self: None)
    with pytest.raises(LiveError, match=PASSWORD):
        intake(broker_at("127.0.0.1:1", None, None, None, None), tmp_path, 1.0)
    assert list(tmp_path.glob("*.sqlite")) == []
