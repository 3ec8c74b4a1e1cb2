"""Roll-outs whose services were killed: found at the next start, resumed or aborted by an engineer, nothing twice."""

import contextlib
import json
import signal

import httpx
import pytest
from junctions import release, street, until, whole
from visitors import PASSWORD, Visitor

from deploy.app.problems import ProblemError
from deploy.release.folder import Shelf
from deploy.signals import rollout
from deploy.signals.roll_outs import RollOuts
from deploy.signals.rollout import RollOut

NAMES = ["j1", "j2", "j3"]
R = "/v1/signals/roll-outs"


class Killed(BaseException):
    """Nothing after it is done."""


class Dying:
    """The street, until the message at which the services are killed: the one before it was the last to go out."""

    def __init__(self, bus, messages: int) -> None:
        self.bus, self.left, self.controllers = bus, messages, bus.controllers

    def publish(self, *message) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        self.bus.publish(*message)


@pytest.fixture
def killed_at(tmp_path, bus_of, monkeypatch):
    """A roll-out to three junctions killed at a message, the bus, the release, and what the next start makes of it."""

    monkeypatch.setattr(rollout, "LOOK_S", 0.02)

    def kill(messages: int):
        bus, made = bus_of(NAMES), release(tmp_path / "release", NAMES)
        begun = RollOut(Dying(bus, messages), made, tmp_path / "outs" / "20260105080000.json", shares=(), soak_s=0.1)
        with pytest.raises(Killed):
            begun.run()
        return bus, made, begun, RollOuts(tmp_path / "outs")

    return kill


def until_ended(roll_out) -> None:
    roll_out._thread.join(20)


# an offer here is two messages: its head, and the one part of a small bundle
@pytest.mark.parametrize("messages", range(6))
def test_killed_anywhere_it_waits_and_is_resumed_with_nothing_done_twice(killed_at, messages):
    bus, made, begun, next_start = killed_at(messages)
    (row,) = next_start.listed()
    assert (row["state"], next_start.current) == ("interrupted", None)
    switched = len(bus.begun)
    with pytest.raises(ProblemError, match="resume or abort"):
        next_start.begin(bus, made, (), 0.1)
    assert len(bus.begun) == switched  # nothing went on by itself
    resumed = next_start.resume(bus, made, row["id"])
    until_ended(resumed)
    assert (resumed.state, resumed.why) == ("done", "")
    assert {name: one.current for name, one in bus.updaters.items()} == begun.digests
    assert sorted(bus.begun) == sorted((name, begun.digests[name][:16]) for name in NAMES)  # once each
    with pytest.raises(ProblemError, match="is done"):
        next_start.resume(bus, made, row["id"])


@pytest.mark.parametrize("messages", [0, 1, 2, 3])
def test_killed_anywhere_it_is_aborted_and_everybody_has_what_they_had(killed_at, messages):
    bus, _, begun, next_start = killed_at(messages)
    ended = next_start.end(bus, begun.path.stem)
    assert (ended["state"], ended["why"]) == ("fell back", "it was aborted")
    assert {name: one.current for name, one in bus.updaters.items()} == bus.first
    asked = {name for name, _ in bus.begun}
    assert asked <= set(ended["offered"])
    bus.publish("j1", "release/part/0", b"late")  # the part of an offer that was taken back
    assert bus.updaters["j1"].current == bus.first["j1"]
    with pytest.raises(ProblemError, match="under way or interrupted"):
        next_start.end(bus, begun.path.stem)


def test_what_failed_while_nobody_watched_goes_back_when_resumed(killed_at):
    bus, made, begun, next_start = killed_at(4)
    bus.alarms[begun.digests["j1"]] = ["conflict: corner"]  # of the canary's stage, which was over
    resumed = next_start.resume(bus, made, begun.path.stem)
    until_ended(resumed)
    assert (resumed.state, resumed.why) == ("fell back", "j1: conflict: corner")
    assert {name: one.current for name, one in bus.updaters.items()} == bus.first


def test_another_release_or_a_silent_junction_is_not_resumed(killed_at, tmp_path):
    bus, made, begun, next_start = killed_at(2)
    other = release(tmp_path / "other", NAMES, min_green_s=8.0)
    with pytest.raises(ProblemError, match="not in force"):
        next_start.resume(bus, other, begun.path.stem)
    silent = Dying(bus, 99)
    silent.controllers = dict
    with pytest.raises(ProblemError, match="not heard since the start: j1, j2, j3"):
        next_start.resume(silent, made, begun.path.stem)
    assert "not heard since the start: j1" in next_start.end(silent, begun.path.stem)["why"]


def test_killed_while_going_back_it_can_only_go_back(killed_at, tmp_path):
    bus, made, begun, _ = killed_at(4)
    row = json.loads(begun.path.read_text())
    begun.path.write_text(json.dumps({**row, "state": "going back", "why": "j2: conflict: corner"}))
    next_start = RollOuts(tmp_path / "outs")
    assert next_start.listed()[0]["why"].startswith("j2: conflict: corner; the services were killed")
    with pytest.raises(ProblemError, match="was going back"):
        next_start.resume(bus, made, begun.path.stem)
    assert next_start.end(bus, begun.path.stem)["state"] == "fell back"
    assert {name: one.current for name, one in bus.updaters.items()} == bus.first


@pytest.mark.slow
def test_kill_9_in_a_roll_out_over_mqtt(tmp_path, server_with):
    made = release(tmp_path / "data" / "made", ["corner"])
    Shelf(tmp_path / "data" / "releases").activate(whole(made.folder).folder)
    with contextlib.ExitStack() as stack:
        broker, first = stack.enter_context(street(tmp_path, "corner"))
        server = server_with(TWIN_DEPLOY_MQTT=broker)
        admin = {"Authorization": f"Bearer {server.first['token']}"}
        account = {"name": "dishub", "password": PASSWORD, "roles": ["signals"]}
        assert httpx.post(f"{server.url}/v1/accounts", json=account, headers=admin).status_code == 201
        login = httpx.post(f"{server.url}/v1/login", json={"name": "dishub", "password": PASSWORD})
        theirs = {"Authorization": f"Bearer {login.json()['access_token']}"}
        client = stack.enter_context(httpx.Client(base_url=server.url, headers=theirs))

        def bundle_in_charge() -> str:
            return next((one["bundle"] for one in client.get("/v1/signals/controllers").json()), "")

        until(lambda: bundle_in_charge() == first)
        began = client.post(R, json={"soak_s": 600}).json()
        until(lambda: bundle_in_charge() not in ("", first))
        server.stop(signal.SIGKILL)
        server.start()
        (found,) = client.get(R).json()
        assert (found["id"], found["state"], found["offered"]) == (began["id"], "interrupted", ["corner"])
        assert client.post(R, json={}).json()["reason"] == "interrupted"
        until(lambda: bundle_in_charge() not in ("", first))
        assert client.post(f"{R}/{found['id']}/resume").status_code == 202
        assert client.post(f"{R}/{found['id']}/resume").json()["reason"] == "under_way"
        until(lambda: client.get(R).json()[0]["state"] == "running")
        assert client.delete(f"{R}/{found['id']}").json()["state"] == "fell back"
        until(lambda: bundle_in_charge() == first)


def test_an_engineer_resumes_or_aborts_on_a_page(tmp_path, served_with):
    row = {"id": "20260105080000", "release": "0" * 64, "state": "running", "why": "", "stage": 0, "soak_s": 1.0,
           "stages": [["corner"]], "before": {"corner": "1" * 64}, "offered": ["corner"]}  # fmt: skip
    path = tmp_path / "data" / "signals" / "roll-outs" / f"{row['id']}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(row))
    services = served_with(mqtt="127.0.0.1:9")  # a broker that nobody is at
    visitor = Visitor(services)
    visitor.log_in("the-seeker")
    assert services.client.get("/sinyal").status_code == 403
    visitor = Visitor(services)
    visitor.log_in("the-signals")
    visitor.see("/sinyal")
    assert "terputus: layanan mati mendadak" in visitor.text
    refused = visitor.send(f"/sinyal/{row['id']}/resume")
    assert refused.status_code == 409
    assert "not in force" in refused.text
    visitor.see("/sinyal")
    forged, visitor.token = visitor.token, "0" * 64
    assert visitor.send(f"/sinyal/{row['id']}/end").status_code == 403
    visitor.token = forged
    assert visitor.send(f"/sinyal/{row['id']}/end").status_code == 303
    visitor.see("/sinyal")
    assert "dikembalikan" in visitor.text
    assert json.loads(path.read_text())["state"] == "fell back"
    assert "roll-out stopped" in [one.action for one in services.app.state.audit.entries(5)]
