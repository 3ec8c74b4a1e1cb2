"""Releases to junctions: fetched and proved by an updater, staged from a canary, taken back where one fails."""

import subprocess

import pytest
from junctions import ENDS, SLEEPS, bundle, release, street, until, whole

from controllers.updater import archive, offer
from deploy.release.folder import Shelf, differences, load
from deploy.signals.rollout import RollOut, stages_of
from twin.errors import TwinError


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
    made = release(tmp_path / "data" / "made", ["corner"])
    Shelf(tmp_path / "data" / "releases").activate(whole(made.folder).folder)
    with street(tmp_path, "corner") as (broker, first):
        services = served_with(mqtt=broker)
        heard = until(lambda: services.ok("the-signals", "GET", "/v1/signals/controllers"))
        assert heard[0]["controller"] == "corner"
        until(lambda: services.ok("the-signals", "GET", "/v1/signals/controllers")[0]["bundle"] == first)
        began = services("the-signals", "POST", "/v1/signals/roll-outs", {"soak_s": 1.0})
        assert began.status_code == 202, began.text
        done = until(lambda: [one for one in services.ok("the-signals", "GET", "/v1/signals/roll-outs")
                              if one["state"] in ("done", "fell back")])  # fmt: skip
        assert (done[0]["state"], done[0]["why"], done[0]["stages"]) == ("done", "", [["corner"]])
        (told,) = services.ok("the-signals", "GET", "/v1/signals/controllers")
        assert told["bundle"] == told["installed"]["digest"] != first
