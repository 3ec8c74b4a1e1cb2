"""A candidate in the shadow of a street that is heard just now: by hand, over a broker, beside a recorder; and silence."""

import json
import os
import signal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from controllers.io.mqtt import client_of, start
from twin.errors import LiveError
from twin.hil.run import Loop
from twin.live.demo import BEGIN_S
from twin.live.messages import Message, write
from twin.live.mqtt import broker_at
from twin.live.shadow import follow as following
from twin.live.shadow import run as shadow_run
from twin.live.shadow.counterfactual import Estimate
from twin.live.shadow.feeds import BrokerFeed, FolderFeed
from twin.live.shadow.moments import Moments
from twin.live.shadow.policies import policies_of
from twin.live.store import LiveStore
from twin.run import Run

NETWORK, ZONES, STEP_S, LAG_S = "cologne1", 8, 5.0, 1.0


@pytest.fixture(scope="module")
def signals():
    return shadow_run.signals_for(NETWORK)


@pytest.fixture(scope="module")
def candidate():
    return policies_of(["sotl:threshold_veh_s=30"], NETWORK)[0]


def reading(kind, source, name, k, value, late_s=0.2):
    at_s = BEGIN_S + STEP_S * k
    return {"at_s": at_s, "arrived_s": at_s + late_s, "kind": kind, "source": source, "name": name, "value": value,
            "flags": ""}  # fmt: skip


def told(k, zones=range(ZONES), phase=None):
    """What the street tells at a moment: zone z holds z vehicles and one more each second moment, half of them halt."""
    rows = [reading("lamps", "signal-0", "phase", k, float(k // 4 % 2 if phase is None else phase))]
    for z in zones:
        rows += [reading("detectors", f"zone-{z}", name, k, v) for name, v in
                 (("vehicles", z + k % 2), ("halting", z / 2), ("passed", 1.0))]  # fmt: skip
    return rows


def heard(moments, steps, only=lambda _: {}):
    """The windows that are over after these moments."""
    return [window for k in steps for window in moments.hear(told(k, **only(k)), BEGIN_S + STEP_S * k + LAG_S)]


def test_what_a_candidate_is_asked_by_hand(signals, candidate):
    proposed = []
    moments = Moments(signals, candidate, 60, LAG_S, proposed.append)
    [window] = heard(moments, range(13))
    assert (window.begin_s, len(window.rows), window.heard_percent) == (BEGIN_S, 12, 100.0)
    assert len(proposed) == 13  # the first of the next window too
    first, third = window.rows[0]["readings"], window.rows[3]["readings"]
    assert (third["vehicles"], third["halting"]) == ([z + 1.0 for z in range(ZONES)], [z / 2 for z in range(ZONES)])
    assert [row["readings"]["phase"] for row in window.rows] == [[k // 4 % 2] for k in range(12)]
    lost_s = signals.plans[0].lost_s
    assert first["green_s"] == [0.0]
    assert third["green_s"] == [max(0.0, 3 * STEP_S - lost_s)]
    assert [row["wanted"] for row in window.rows] == [[k // 4 % 2] for k in range(1, 13)]  # what the lamps did next
    seen = window.means(50)
    assert seen["vehicles"] == pytest.approx([z + 0.5 for z in range(ZONES)])
    assert seen["passed"] == pytest.approx([720.0] * ZONES)  # one in 5 s, in veh/h
    again = shadow_run.answered(candidate.told, signals, [row["readings"] for row in window.rows])
    assert [row["proposed"] for row in window.rows] == again
    assert any(a != b for a, b in pairwise(again))


def test_what_is_not_heard_is_no_reading(signals, candidate):
    moments = Moments(signals, candidate, 100, LAG_S)
    [window] = heard(moments, range(21), only=lambda k: {"zones": range(ZONES if k % 2 else ZONES - 2 * (k > 0))})
    assert window.heard_percent == pytest.approx(100 * (1 - 9 * 2 / (20 * ZONES)))
    blind = Moments(signals, candidate, 100, LAG_S)
    [window] = heard(blind, range(21), only=lambda k: {"zones": range(ZONES if k < 5 else 3)})
    assert [one is None for one in window.means(50)["vehicles"]] == [False] * 3 + [True] * 5
    late = Moments(signals, candidate, 100, LAG_S)
    list(late.hear(told(0), BEGIN_S + LAG_S))
    too_late = reading("detectors", "zone-0", "vehicles", 1, 9.0, late_s=30.0)
    list(late.hear([*told(1, zones=range(1, ZONES)), too_late], BEGIN_S + STEP_S + LAG_S))
    assert late.window.rows[1]["readings"]["vehicles"][:2] == [None, 2.0]


def test_lamps_that_were_never_told_are_not_guessed_and_another_street_is_refused(signals, candidate):
    moments = Moments(signals, candidate, 60, LAG_S)
    for k in range(4):
        list(moments.hear([row for row in told(k) if row["kind"] != "lamps"], BEGIN_S + STEP_S * k + LAG_S))
    assert (len(moments.window.seen), moments.window.rows) == (4, [])
    with pytest.raises(LiveError, match="zone-8 is no detector"):
        list(moments.hear([reading("detectors", "zone-8", "vehicles", 4, 1.0)], BEGIN_S + 30))
    with pytest.raises(LiveError, match="shows phase 9, and"):
        list(moments.hear(told(4, phase=9), BEGIN_S + 4 * STEP_S + LAG_S))


def test_theory_half_the_readings_widen_an_interval_by_the_root_of_two():
    whole = Estimate(-2.0, 1.0, -3.5, -0.5)
    half = whole.heard(50)
    assert (half.mean_s, half.sd_s) == (-2.0, pytest.approx(2**0.5))
    assert (half.low_s, half.high_s) == (pytest.approx(-2 - 1.5 * 2**0.5), pytest.approx(-2 + 1.5 * 2**0.5))
    assert (whole.verdict, half.verdict) == ("better", "undecided")
    assert whole.heard(100) == whole


class Street:
    """A feed of what a street tells, moment by moment, that is stopped by SIGTERM at its end."""

    lag_s = LAG_S

    def __init__(self, turns):
        self.turns = iter(turns)

    def rows(self):
        if (rows := next(self.turns, None)) is None:
            os.kill(os.getpid(), signal.SIGTERM)
            return []
        return rows

    def gone(self):
        return ""

    def close(self):
        pass


def answers_of(jobs, *_):
    """The twin's windows: seen as the street is, within a fifth; under the candidate a fifth less delay."""
    rng, n = np.random.default_rng(1), len(jobs) // 2
    usual = {"vehicles": np.arange(ZONES) + 0.5, "halting": np.arange(ZONES) / 2, "passed": np.full(ZONES, 720.0)}
    seen = [{name: (v * rng.uniform(0.8, 1.2)).tolist() for name, v in usual.items()} for _ in range(n)]
    own = [{"seen": one, "measures": {"delay_s": 20.0 + i}} for i, one in enumerate(seen)]
    return own + [
        {"seen": {}, "measures": {"delay_s": 0.8 * a["measures"]["delay_s"] + rng.normal(0, 0.1)}} for a in own
    ]


def test_windows_are_judged_as_they_close_and_a_silent_one_is_not(tmp_path: Path, monkeypatch, capsys):
    """Three windows of a minute: heard, with a fifth of it heard, and with three quarters; then it is stopped."""
    turns = [told(k) if k < 12 or (k >= 24 and k % 4) else told(k, zones=range(2)) for k in range(40)]
    monkeypatch.setattr(following, "feed_at", lambda _: lambda: Street(turns))
    monkeypatch.setattr(following, "lived", answers_of)
    found, stopped = following.follow("x:1", NETWORK, "max_pressure", "sotl", 1, 60, 16, None, tmp_path)
    assert stopped
    verdicts = [one["verdict"] for one in found["told"]]
    assert verdicts == ["better", "withheld", "better"]
    assert (found["windows"], found["better"], found["withheld"], found["not_judged_s"]) == (3, 2, 1, 15.0)
    first, silent, third = found["told"]
    assert silent["run"] is None
    assert silent["heard_percent"] == pytest.approx(25)
    assert third["heard_percent"] == pytest.approx(100 * (3 + 1 / 4) / 4)
    assert third["high_s"] - third["low_s"] > first["high_s"] - first["low_s"]
    assert "verdict withheld" in capsys.readouterr().err
    lines = [json.loads(line) for line in Path(found["log"]).read_text().splitlines()]
    assert len(lines) == found["proposals"] == 39  # the last moment could still have had a reading on its way
    for one in (first, third):
        with Run.open(Path(one["run"])) as run:
            assert shadow_run.replay(run) == (True, None)
            rows = run.table("shadow_decision")
            assert len(rows) == 12
            logged = {line["at_s"]: line["proposed"] for line in lines}
            assert [json.loads(p) for p in rows["proposed"]] == [logged[at_s] for at_s in rows["at_s"]]


def test_whoever_is_silent_is_told_of_once_and_time_goes_on(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(following.time, "monotonic", lambda: now[0])
    clock = following._Clock(SimpleNamespace(lag_s=1.0, gone=lambda: "the broker is gone"))
    assert clock.at(BEGIN_S) == BEGIN_S
    for now[0] in (110.0, 120.0, 130.0):
        assert clock.at(None) == BEGIN_S + now[0] - 100
    assert capsys.readouterr().err.count("nothing heard for 20 s: the broker is gone") == 1
    assert clock.at(BEGIN_S + 5) == BEGIN_S + 5  # its clock is what it says
    assert "heard again" in capsys.readouterr().err


def test_a_recorder_is_followed_from_now_on_and_over_midnight(tmp_path: Path):
    def take(store, k, at_s):
        store.take(*write(Message("lamps", "signal-0", "b", k, at_s, {"phase": 1.0})), at_s)

    with LiveStore(tmp_path) as store:
        take(store, 0, BEGIN_S)
        store.write()
        feed = FolderFeed(tmp_path)
        take(store, 1, BEGIN_S + 5)
        store.write()
        assert [row["at_s"] for row in feed.rows()] == [BEGIN_S + 5]  # and what was before is over
        take(store, 2, BEGIN_S + 10)
        take(store, 3, BEGIN_S + 86400)  # seals the day and begins the next
        store.write()
        assert [row["at_s"] for row in feed.rows()] == [BEGIN_S + 10, BEGIN_S + 86400]
        assert feed.gone() == ""
    assert feed.rows() == []
    assert feed.gone() == "nobody records there"


def test_a_broker_is_followed_and_missed_when_it_is_gone(tmp_path: Path):
    loop = Loop(Path(), tmp_path, "embedded")
    loop.start_broker()
    broker = broker_at(f"127.0.0.1:{loop.port}", None, None, None, None)
    feed, street = BrokerFeed(broker), client_of(broker, "street")
    try:
        assert feed.line.ready.wait(20)
        start(street, broker)
        street.publish(*write(Message("detectors", "zone-1", "b", 1, BEGIN_S, {"vehicles": 3.0})), qos=1)
        rows = next(rows for _ in range(20) if (rows := feed.rows()))
        assert [(row["source"], row["value"]) for row in rows] == [("zone-1", 3.0)]
        assert feed.gone() == ""
        loop.end()
        assert any(feed.gone() for _ in range(20) if feed.rows() == [])
        feed.line.refused = "Not authorized"
        with pytest.raises(LiveError, match="Not authorized"):
            feed.rows()
    finally:
        feed.close()
        street.disconnect()
        street.loop_stop()
        loop.end()


def test_a_street_that_cannot_be_followed_is_told(tmp_path: Path, monkeypatch):
    with pytest.raises(LiveError, match="no host:port"):
        following.feed_at("nowhere:x")
    monkeypatch.setattr(following, "feed_at", lambda _: lambda: Street([[]]))
    monkeypatch.setattr(following, "lived", answers_of)
    monkeypatch.setattr(Street, "rows", lambda self: [])
    with pytest.raises(LiveError, match=r"x:1: nothing was heard in 0.01 s"):
        following.follow("x:1", NETWORK, "max_pressure", "sotl", 1, 60, 16, 0.01, tmp_path)
