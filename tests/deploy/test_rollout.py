"""Releases to junctions: fetched and proved by an updater, staged from a canary, taken back where one fails."""

import json
import os
import subprocess
import sys
import time

import pytest
from controllers_bundles import contract

from controllers.bundle import write
from controllers.updater import Updater, archive, offer
from deploy.release.folder import Shelf, differences, load, seal
from deploy.signals.rollout import RollOut, end_interrupted, stages_of
from twin.errors import TwinError

SLEEPS, ENDS = [sys.executable, "-c", "import time; time.sleep(60)"], [sys.executable, "-c", ""]


def bundle(folder, name, min_green_s=5.0):
    policy = {"kind": "rule", "rule": "max_pressure", "settings": {"min_green_s": min_green_s}}
    return write(folder, name, contract(policy=policy))


def release(folder, names, min_green_s=9.0):
    for name in names:
        bundle(folder / "policies" / name, name, min_green_s)
    return seal(folder, {"run": "test"})


class Bus:
    """Controllers with updaters, in this process: what `Monitor` is over MQTT."""

    def __init__(self, folder, names, begins) -> None:
        self.told = {name: {} for name in names}
        self.updaters = {}
        for name in names:
            first = bundle(folder / "first" / name, name)
            made = Updater(folder / "store" / name, begins.get(name, lambda _: subprocess.Popen(SLEEPS)),
                           lambda body, name=name: self.told[name].update(body), probation_s=0.5)  # fmt: skip
            made.store.mkdir(parents=True)
            made.install(first.folder)
            made._process = subprocess.Popen(SLEEPS)
            made._told("running")
            self.updaters[name] = made
        self.first = {name: one.current for name, one in self.updaters.items()}
        self.alarms = {}

    def publish(self, controller, topic, payload) -> None:
        self.updaters[controller].take(topic.removeprefix("release/"), payload)

    def controllers(self):
        return {
            name: {"online": True, "modes": ["policy"], "alarms": self.alarms.get(one.current, []),
                   "bundle": one.current, "installed": self.told[name]}
            for name, one in self.updaters.items()
        }  # fmt: skip

    def close(self) -> None:
        for one in self.updaters.values():
            one.close()


@pytest.fixture
def bus_of(tmp_path):
    made = []

    def bus(names, begins=None) -> Bus:
        made.append(Bus(tmp_path, names, begins or {}))
        return made[-1]

    yield bus
    for one in made:
        one.close()


def rolled_out(bus, made, path) -> RollOut:
    roll_out = RollOut(bus, made, path, shares=(0.5,), soak_s=0.3, answer_s=5)
    roll_out.run()
    return roll_out


def test_stages_begin_with_a_canary():
    assert stages_of("abcdefgh", (0.25, 0.5)) == [["a"], ["b"], ["c", "d"], ["e", "f", "g", "h"]]
    assert stages_of("a", (0.25,)) == [["a"]]


def test_a_good_release_reaches_every_junction(tmp_path, bus_of):
    bus = bus_of(["j1", "j2", "j3"])
    made = release(tmp_path / "release", ["j1", "j2", "j3"])
    done = rolled_out(bus, made, tmp_path / "roll-out.json")
    assert (done.state, done.why) == ("done", "")
    assert {one.current for one in bus.updaters.values()} == set(done.digests.values())
    assert {told["state"] for told in bus.told.values()} == {"running"}


def test_a_canary_that_ends_takes_the_release_back_and_spares_the_others(tmp_path, bus_of):
    def begin(folder):
        return subprocess.Popen(ENDS if "9.0" in (folder / "contract.json").read_text() else SLEEPS)

    bus = bus_of(["j1", "j2", "j3"], {"j1": begin})
    done = rolled_out(bus, release(tmp_path / "release", ["j1", "j2", "j3"]), tmp_path / "roll-out.json")
    assert done.state == "fell back"
    assert "probation" in done.why
    assert {name: one.current for name, one in bus.updaters.items()} == bus.first
    assert bus.told["j2"]["wanted"] == ""  # never offered
    (tmp_path / "killed.json").write_text(json.dumps({**done.as_json(), "state": "running"}))
    end_interrupted(tmp_path)
    assert json.loads((tmp_path / "killed.json").read_text())["state"] == "interrupted"
    assert json.loads((tmp_path / "roll-out.json").read_text())["state"] == "fell back"


def test_an_alarm_takes_all_of_them_back(tmp_path, bus_of):
    bus = bus_of(["j1", "j2"])
    made = release(tmp_path / "release", ["j1", "j2"])
    digest = load(made.folder).read("policies/j2/manifest.json")["digest"]
    bus.alarms[digest] = ["conflict: corner"]
    done = rolled_out(bus, made, tmp_path / "roll-out.json")
    assert (done.state, done.why) == ("fell back", "j2: conflict: corner")
    assert {name: one.current for name, one in bus.updaters.items()} == bus.first


def test_a_bundle_that_was_changed_on_its_way_is_refused(tmp_path, bus_of):
    bus = bus_of(["j1"])
    new = bundle(tmp_path / "new", "j1", 9.0)
    (head, body), (topic, part), *_ = offer(new.folder, new.digest)
    bus.publish("j1", head, body)
    bus.publish("j1", topic, part[:-1] + bytes([part[-1] ^ 1]))
    assert bus.told["j1"]["state"] == "refused"
    assert bus.updaters["j1"].current == bus.first["j1"]
    for junk in (b"", b"{}", b"\xff" * 300):
        bus.publish("j1", "release/offer", junk)
    assert archive(new.folder) == archive(new.folder)


def test_releases_on_the_shelf_are_rolled_back(tmp_path):
    old, new = release(tmp_path / "a", ["j1"], 5.0), release(tmp_path / "b", ["j1"], 9.0)
    (tmp_path / "same").mkdir()
    names = {row["file"]: row["what"] for row in differences(old, new)}
    assert names["policies/j1/contract.json"] == "changed"
    contracts = next(row for row in differences(old, new) if row["file"] == "policies/j1/contract.json")
    assert contracts["values"] == ["policy.settings.min_green_s: 5.0 → 9.0"]
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.current() is None
    shelf.activate(old.folder)
    with pytest.raises(TwinError, match="nothing to go back to"):
        shelf.rollback()
    shelf.activate(new.folder)
    assert shelf.current().digest == new.digest
    assert shelf.rollback().digest == old.digest
    assert [row["what"] for row in shelf.history()] == ["activate", "activate", "rollback"]
    (tmp_path / "b" / "policies" / "j1" / "golden.json").write_text("[]")
    with pytest.raises(TwinError, match="was changed after it was made"):
        shelf.activate(new.folder)


def test_over_mqtt_from_the_api_to_a_controller(tmp_path, served_with):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    broker = subprocess.Popen([sys.executable, "-m", "twin.hil.broker", "--port", str(port)], env=environment)
    first = bundle(tmp_path / "first", "corner")
    made = release(tmp_path / "data" / "made", ["corner"])
    Shelf(tmp_path / "data" / "releases").activate(_whole(made.folder).folder)
    junction = subprocess.Popen(
        [sys.executable, "-m", "controllers", "update", "--mqtt", f"127.0.0.1:{port}", "--prefix", "trenggalek/corner",
         "--store", str(tmp_path / "store"), "--bundle", str(first.folder), "--probation", "1", "--json"],
        env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        services = served_with(mqtt=f"127.0.0.1:{port}")
        heard = _until(lambda: services.ok("the-signals", "GET", "/v1/signals/controllers"))
        assert heard[0]["controller"] == "corner"
        _until(lambda: services.ok("the-signals", "GET", "/v1/signals/controllers")[0]["bundle"] == first.digest)
        began = services("the-signals", "POST", "/v1/signals/roll-outs", {"soak_s": 1.0})
        assert began.status_code == 202, began.text
        done = _until(lambda: [one for one in services.ok("the-signals", "GET", "/v1/signals/roll-outs")
                               if one["state"] in ("done", "fell back")])  # fmt: skip
        assert (done[0]["state"], done[0]["why"], done[0]["stages"]) == ("done", "", [["corner"]])
        (told,) = services.ok("the-signals", "GET", "/v1/signals/controllers")
        assert told["bundle"] == told["installed"]["digest"] != first.digest
    finally:
        for process in (junction, broker):
            process.terminate()
            process.wait(10)


def _whole(folder):
    """A release with the tables that the services ask for."""
    from deploy.release.export import _write
    from twin.carbon.facts import rows
    from twin.labour.facts import read as labour
    from twin.programmes.facts import read as programmes

    for name, table in (("market/rules.json", rows("rules.csv")), ("market/opening.json", {}),
                        ("labour/weights.json", labour("score_weights.csv")),
                        ("personnel/kinds.json", programmes("request_kinds.csv"))):  # fmt: skip
        _write(folder / name, table)
    (folder / "manifest.json").unlink()
    return seal(folder, {"run": "test"})


def _until(what, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise TimeoutError
