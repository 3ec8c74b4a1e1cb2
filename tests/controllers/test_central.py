"""Central monitoring: what becomes an alarm, when it ends, and how repairs are estimated."""

import pytest

from controllers.central import MOST_ROWS, TABLES, Central
from controllers.io.messages import encode
from controllers.store import Store
from twin.run import Run


@pytest.fixture
def central(tmp_path):
    store = Store(tmp_path / "history.sqlite", TABLES, MOST_ROWS, {"prefix": "t"})
    made = Central(store)
    made.path = tmp_path / "history.sqlite"
    yield made
    store.close()


def state(modes=("policy",), alarms=()) -> bytes:
    return encode(
        {"junctions": ["J1"], "modes": list(modes), "phases": [0], "alarms": list(alarms), "bundle": "d", "time": 0}
    )


def kinds(central) -> set[str]:
    return {kind for _, kind, _ in central.alarms}


def test_what_is_wrong_becomes_an_alarm_and_ends(central):
    central.take("a", "state", state(alarms=["lamp failure: J1"]), 0.0)
    central.look(0.0)
    assert kinds(central) == {"lamp failure"}
    central.take("a", "state", state(), 1.0)
    central.look(1.0)
    assert kinds(central) == set()


def test_dark_means_offline_or_silent(central):
    central.take("a", "state", state(), 0.0)
    central.look(14.0)
    assert kinds(central) == set()
    central.look(16.0)
    assert kinds(central) == {"dark"}
    central.take("a", "state", state(), 17.0)
    central.take("a", "status", encode({"online": False}), 18.0)
    central.look(18.0)
    assert central.alarms == {("a", "dark", "J1"): 16.0} or kinds(central) == {"dark"}


def test_fallback_and_doubtful_detectors_must_last(central):
    for t in range(0, 700, 10):
        central.take("a", "state", state(("fixed_time",), ("detector: north",)), float(t))
        central.look(float(t))
        assert ("stuck detector" in kinds(central)) == (t >= 60)
        assert ("fallback too long" in kinds(central)) == (t >= 600)


def test_junk_is_counted_and_harms_nothing(central):
    for topic, payload in (("state", b"junk"), ("state", encode({"modes": 1})), ("other", state())):
        central.take("a", topic, payload, 0.0)
    central.look(0.0)
    assert central.junk == 3


def test_repairs_are_estimated_from_a_prior_then_from_those_seen(central):
    assert central.repair_h("dark") == (2.0, "prior")
    for i, hours in enumerate((1.0, 5.0, 3.0)):
        begin_s = i * 100_000.0
        central.take("a", "status", encode({"online": False}), begin_s)
        central.look(begin_s)
        central.take("a", "state", state(), begin_s + hours * 3600)
        central.look(begin_s + hours * 3600)
    assert central.repair_h("dark") == (pytest.approx(3.0), "3 repairs")


def test_the_history_opens_as_a_run_of_the_twin(central):
    central.take("a", "state", state(alarms=["flashing: J1"]), 1_767_571_200.0)
    central.look(1_767_571_200.0)
    with Run.open(central.path) as opened:
        assert opened.table("alarm")["kind"].tolist() == ["flashing"]
        assert opened.table("alarm")["basis"].tolist() == ["prior"]
        assert opened.table("status")["online"].tolist() == [1]
