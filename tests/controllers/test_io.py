"""Messages, MQTT over a real broker, pins with a fake chip, logs and their replay."""

import json
import queue
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from controllers_bundles import PLAN, SITE, contract, network, network_contract

from controllers.bundle import write
from controllers.cli import main
from controllers.errors import ControllerError, LogError, MessageError
from controllers.io import Seen, Shown, Tick
from controllers.io.gpio import GpioStreet
from controllers.io.messages import decode, encode, lamps_of, place_of, seen_body, seen_of, tick_of
from controllers.io.mqtt import Broker, MqttStreet, client_of, start
from controllers.io.replay import ReplayStreet
from controllers.log import Log, decisions
from controllers.loop import Cabinet, run
from controllers.policy import SignalPolicy
from twin.hil.broker import fits
from twin.run import Run

SEEN = Seen(
    np.array([3.0, np.nan]),
    np.array([1.0, np.nan]),
    (frozenset({2}),),
    (None,),
    (False,),
    (0.4,),
    {"voltage_v": 220.0},
    5.0,
)
SCHEMA = json.loads((Path(__file__).parents[2] / "controllers" / "io" / "schema.json").read_text())


def valid(kind: str, body: dict) -> None:
    jsonschema.validate(body, {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]})


def test_a_message_comes_back_and_fits_the_schema():
    body = decode(encode(seen_body(SEEN, "a", 7, 1.0)))
    valid("detectors", body)
    back = seen_of(body, SITE)
    assert np.array_equal(back.vehicles, SEEN.vehicles, equal_nan=True)
    assert (back.walk_calls, back.priority, back.flashing, back.lamp_a) == (
        (frozenset({2}),),
        (None,),
        (False,),
        (0.4,),
    )
    assert (place_of(body), tick_of(body)) == (("a", 7), 1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"vehicles": [1.0]}, {"vehicles": [1.0, "2"]}, {"vehicles": None}, {"halting": [True, 1.0]}, {"walk_calls": [["x"]]},
        {"priority": [1.5]}, {"flashing": [1]}, {"supply": []}, {"supply": {"voltage_v": None}}, {"clock_s": "now"},
        {"vehicles": [1.0, 10**400]}, {"supply": {"voltage_v": 10**400}}, {"clock_s": float("inf")},
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_the_site_is_refused(change):
    with pytest.raises(MessageError):
        seen_of({**seen_body(SEEN, "a", 7, 1.0), **change}, SITE)


@pytest.mark.parametrize(
    "payload", [b"", b"junk", b"{}", b"[]\n00000000", encode({"a": 1})[:-1] + b"0", b"\xff" * 300_000]
)
def test_junk_is_refused(payload):
    with pytest.raises(MessageError):
        decode(payload)


def test_no_flipped_bit_of_a_message_goes_unseen():
    payload = encode(seen_body(SEEN, "a", 7, 1.0))
    for place in range(len(payload)):
        broken = bytearray(payload)
        broken[place] ^= 1
        try:
            assert decode(bytes(broken)) == decode(payload)  # a hexadecimal digit may change its case at most
        except MessageError:
            continue


def test_lamps_that_do_not_fit_are_refused():
    assert lamps_of({"lamps": ["Grr"]}, SITE) == ["Grr"]
    for lamps in ([], ["Gr"], ["GrX"], "Grr", [3]):
        with pytest.raises(MessageError):
            lamps_of({"lamps": lamps}, SITE)


def test_wildcards_of_the_embedded_broker():
    assert fits("a/+/c", "a/b/c")
    assert fits("a/#", "a/b/c")
    assert not fits("a/+", "a/b/c")
    assert not fits("a/b/c", "a/b")


@pytest.fixture
def broker():
    """The embedded broker, a process of its own."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "twin.hil.broker", "--port", str(port)], cwd=Path(__file__).parents[2]
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            break
        except OSError:
            time.sleep(0.05)
    yield Broker("127.0.0.1", port)
    process.kill()
    process.wait()


def listening(broker: Broker, *topics: str) -> tuple:
    """A client that hears topics; its messages are in a queue."""
    heard, ready = queue.Queue(), queue.Queue()
    client = client_of(broker, f"test-{topics[0]}")
    client.on_message = lambda c, u, m: heard.put((m.topic, m.payload, m.retain))
    client.on_connect = lambda c, *_: c.subscribe([(topic, 1) for topic in topics])
    client.on_subscribe = lambda *_: ready.put(True)
    start(client, broker)
    ready.get(timeout=20)
    return client, heard


def heard_on(heard: queue.Queue, topic: str) -> dict:
    while True:
        found, payload, _ = heard.get(timeout=20)
        if found == topic:
            return decode(payload)


def test_a_street_over_mqtt_drops_what_is_old_double_or_junk(broker):
    client, heard = listening(broker, "t/lamps", "t/state", "t/status")
    street = MqttStreet(broker, SITE, "t", "digest", paced_by_street=True)
    assert heard_on(heard, "t/status") == {"online": True}
    for payload in (
        encode(seen_body(SEEN, "a", 3, 1.0)), b"junk", encode(seen_body(SEEN, "a", 3, 1.0)),
        encode(seen_body(SEEN, "a", 2, 1.0)), encode(seen_body(SEEN, "a", 6, 1.0)), encode(seen_body(SEEN, "b", 0, 1.0)),
    ):  # fmt: skip
        client.publish("t/detectors", payload)
    turns = [street.wait() for _ in range(3)]
    assert [tick.dt_s for tick in turns] == [0.0, 3.0, 0.0]  # first, three later, a new run of the street's unit
    assert all(tick.seen is not None for tick in turns)
    street.show(Shown(["Grr"], ["policy"], [0], ["detector: camera-east"]))
    lamps, state = heard_on(heard, "t/lamps"), heard_on(heard, "t/state")
    valid("lamps", lamps)
    valid("state", state)
    assert lamps == {"boot": "b", "seq": 0, "lamps": ["Grr"]}
    assert street.dropped == {"junk": 1, "old": 2}
    assert street.wait() == Tick(1.0, None)  # nothing for a second
    street.close()
    assert heard_on(heard, "t/status") == {"online": False}
    client.disconnect()
    client.loop_stop()


def test_the_broker_says_so_when_a_controller_is_gone(broker):
    client, heard = listening(broker, "t/status")
    street = MqttStreet(broker, SITE, "t", "digest")
    assert heard_on(heard, "t/status") == {"online": True}
    street._client.loop_stop()
    street._client._sock_close()  # as if its electricity were gone
    assert heard_on(heard, "t/status") == {"online": False}
    client.disconnect()
    client.loop_stop()
    late, retained = listening(broker, "t/#")
    assert retained.get(timeout=20)[2]  # whoever comes later hears it too
    late.disconnect()
    late.loop_stop()


class FakeChip:
    def __init__(self):
        self.lines, self.closed = {}, False

    def set(self, values):
        self.lines.update(values)

    def get(self, lines):
        return {line: self.lines.get(line, False) for line in lines}

    def close(self):
        self.closed = True


WIRING = {
    "chip": "fake", "heartbeat": 1, "lamps": [
        {"red": 10, "amber": 11, "green": 12}, {"red": 20, "amber": 21, "green": 22}, {"red": 30, "green": 32}],
    "detectors": {"camera-north": 40, "camera-east": 41}, "buttons": {"2": 42}, "fault": 43,
}  # fmt: skip


def test_pins_show_every_lamp_and_read_detectors_and_buttons():
    chip = FakeChip()
    street = GpioStreet(SITE, WIRING, chip, hz=1000)
    street.show(Shown(["Gyr"], ["policy"], [0]))
    lit = {line for line, on in chip.lines.items() if on}
    assert lit == {1, 12, 21, 30}
    chip.lines |= {40: True, 42: True}
    seen = street.wait().seen
    assert seen.vehicles.tolist() == [1.0, 0.0]
    assert seen.walk_calls == (frozenset({2}),)
    chip.lines[42] = False
    assert street.wait().seen.walk_calls == (frozenset({2}),)  # remembered until it walks
    street.show(Shown(["rGG"], ["policy"], [1]))
    assert chip.lines[1] is False  # the heartbeat
    assert street.wait().seen.walk_calls == (frozenset(),)
    chip.lines[43] = True
    assert street.wait().seen.flashing == (True,)
    street.close()
    assert chip.closed


def test_a_wiring_that_does_not_fit_is_refused_with_all_faults():
    broken = {**WIRING, "lamps": WIRING["lamps"][:2], "detectors": {"camera-nort": 10}, "buttons": {"0": 42}}
    with pytest.raises(ControllerError) as caught:
        GpioStreet(SITE, broken, FakeChip())
    for words in ("2 groups are wired", "no zone 'camera-nort'", "link 0 is no crossing", "line 10 is wired twice"):
        assert words in str(caught.value)


class Scripted:
    """A street of counts that change, for so many seconds."""

    def __init__(self, seconds: int):
        self.t, self.seconds = 0, seconds

    def wait(self):
        self.t += 1
        counts = np.array([3.0 + self.t % 4, 1.0 + self.t // 7 % 9])
        priority = (1,) if 60 <= self.t < 70 else (None,)
        seen = Seen(
            counts,
            counts / 2,
            (frozenset({2} if self.t % 20 < 3 else ()),),
            priority,
            (False,),
            (),
            {"voltage_v": 221.0},
        )
        return Tick(1.0, seen, last=self.t > self.seconds)

    def show(self, shown):
        pass

    def close(self):
        pass


@pytest.fixture
def logged(tmp_path):
    """A bundle and the log of 200 seconds under it."""
    bundle = write(tmp_path / "b", "tiny", network_contract(), network())
    log = Log(tmp_path / "log.sqlite", SITE, {"bundle": "tiny"}, begin_s=1_767_571_200.0)
    run(Cabinet(bundle.runner, flash=False), Scripted(200), log)
    return bundle.folder, tmp_path / "log.sqlite"


def test_a_log_opens_as_a_run_of_the_twin(logged):
    with Run.open(logged[1]) as opened:
        lamps, alarms, supply = (opened.table(name) for name in ("lamps", "alarm", "supply"))
        assert set(PLAN.phases) <= set(lamps["state"])
        assert set(lamps["month"]) == {"2026-01"}
        assert len(alarms) == 0
        assert supply["value"].tolist() == [221.0] * 4
        assert set(opened.digests) == {"lamps", "decision", "alarm", "supply", "hires"}
        assert len(opened.table("decision")) == 40


def test_high_resolution_events_come_in_the_order_of_a_phases_life(logged):
    with Run.open(logged[1]) as opened:
        events = opened.table("hires")
    for phase in (1, 2):
        own = events[(events["parameter"] == phase) & events["event_id"].isin([1, 7, 8, 9, 10, 11])][
            "event_id"
        ].tolist()
        first = own.index(1)
        assert own[first : first + 6] == [1, 7, 8, 9, 10, 11]
    assert {21, 22, 45, 82, 89, 90, 102, 104} <= set(events["event_id"])


def test_a_replay_gives_the_same_decisions_and_a_forged_log_is_told(logged, capsys):
    bundle, log = logged
    assert main(["replay", str(bundle), str(log), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"decisions": 40, "different": 0, "first_difference": None}
    with sqlite3.connect(log) as connection:
        connection.execute("UPDATE decision SET answer = '[7]' WHERE rowid = 9")
    connection.close()
    assert main(["replay", str(bundle), str(log), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["different"] == 1
    assert main(["run", str(bundle), "--from-log", str(log), "--json"]) == 0


def test_a_replayed_street_gives_back_what_was_seen(logged):
    street = ReplayStreet(decisions(logged[1]))
    assert run(Cabinet(SignalPolicy(contract(), None), flash=False), street) == 40
    assert len(street.shown) == 40


def test_a_log_goes_on_after_a_restart_keeps_its_size_and_refuses_other_files(tmp_path, logged, monkeypatch):
    from controllers import log as logs

    monkeypatch.setitem(logs.MOST_ROWS, "decision", 30)
    log = Log(logged[1], SITE, {})
    run(Cabinet(SignalPolicy(contract(), None)), Scripted(50), log)
    rows = decisions(logged[1])
    assert len(rows) == 30
    assert sum(row["first"] for row in rows) == 1
    (tmp_path / "letter.txt").write_text("dear mayor" * 1000)
    with pytest.raises(LogError):
        Log(tmp_path / "letter.txt", SITE, {})
    with pytest.raises(LogError):
        decisions(tmp_path / "letter.txt")


def test_a_log_survives_a_kill(tmp_path):
    code = (
        "import sys, os\nfrom pathlib import Path\nfrom controllers_bundles import SITE, contract\n"
        "from controllers.log import Log\nfrom controllers.loop import Cabinet\nfrom controllers.policy import SignalPolicy\n"
        "from controllers.io import Seen\nimport numpy as np\n"
        "log, cabinet = Log(Path(sys.argv[1]), SITE, {}), Cabinet(SignalPolicy(contract(), None))\n"
        "for t in range(100):\n"
        "    lamps = cabinet.turn(float(t), Seen(np.array([1.0 + t % 3, 2.0]), np.zeros(2)))\n"
        "    log.note(float(t), cabinet, lamps)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    path = tmp_path / "log.sqlite"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=root, env={"PYTHONPATH": f"{root}:{root / 'tests'}"}
    )
    assert done.returncode == -9
    assert len(decisions(path)) >= 18  # all but the last five seconds of twenty decisions
