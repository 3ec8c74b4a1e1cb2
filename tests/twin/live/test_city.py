"""The whole city, shortly: lamps as the controllers decide, estimates with intervals, deaths, and nothing left behind."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from twin.errors import MissingExtraError
from twin.live.city import kept, run
from twin.live.city.estimates import came_in, estimated, known_of, rows, unlit
from twin.live.city.feed import by_value
from twin.live.city.scoring import pooled, scores
from twin.live.city.truth import Truth, travel_s
from twin.live.cli import app
from twin.live.counters import crossings_of, turned
from twin.live.estimate.judged import Judged
from twin.live.line import BEGIN_S
from twin.live.store import replay
from twin.run import Run
from twin.traffic.forecast import days, feed
from twin.traffic.networks.roads import travel_times
from twin.traffic.signals.baselines import BASELINES, decider
from twin.traffic.simulation.hour import Hour
from twin.traffic.studies.evaluate import hour

LIVED_S, TRAVEL_S = 70, 300  # of the city's time: between what happens to it; until travel times are told


def until(what):
    ends_s = time.monotonic() + 120.0
    while time.monotonic() < ends_s:
        if found := what():
            return found
        time.sleep(0.1)
    raise TimeoutError


def disturb(out, seen):
    """Kill the controller of a running city, see it come back, note the processes that are there, and press Ctrl-C."""

    def lived_until(at_s):
        until(lambda: (kept.now_of(out) or {"at_s": 0.0})["at_s"] > at_s)

    def processes():
        return [one for one in psutil.Process().children(recursive=True) if one.pid not in seen.before]

    try:
        lived_until(BEGIN_S + LIVED_S)
        commands = {one: one.cmdline() for one in processes()}
        [seen.port] = [int(words[-1]) for words in commands.values() if "twin.hil.broker" in words]
        seen.killed_s = kept.now_of(out)["at_s"] - BEGIN_S
        next(one for one, words in commands.items() if "controllers" in words).kill()
        back = "SELECT at_s FROM live_process WHERE up = 1"
        [back_s] = until(lambda: list(kept.asked(kept.newest(out), back).at_s))
        seen.back_s = back_s - BEGIN_S
        lived_until(max(back_s, BEGIN_S + TRAVEL_S) + LIVED_S)
        seen.processes = processes()
    finally:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def lived(town, tmp_path_factory):
    """What was left of a city whose controller was killed and came back, and that Ctrl-C ended."""
    out, scratch = tmp_path_factory.mktemp("city") / "live", tmp_path_factory.mktemp("scratch")
    seen = SimpleNamespace(before={one.pid for one in psutil.Process().children(recursive=True)}, processes=[])
    words = ["demo", "--network", town, "--speed", 0, "--no-page", "--out", out, "--json"]
    operator = threading.Thread(target=disturb, args=(out, seen))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        operator.start()
        done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    operator.join()
    assert done.exit_code == 0, done.output
    return SimpleNamespace(out=out, told=json.loads(done.stdout), scratch=list(scratch.iterdir()), **vars(seen))


def made_table(lived, name):
    with Run.open(lived.out / "estimates-2026-01-05.sqlite") as made:
        return made.table(name)


def test_ctrl_c_leaves_no_process_no_port_and_no_half_of_a_file(lived):
    assert len(lived.processes) >= 3
    assert not [one for one in lived.processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", lived.port), 1.0):
        pass
    assert lived.scratch == []
    ends = "2026-01-05.sqlite"
    left = sorted(path.name for path in lived.out.iterdir() if path.name != ".live.lock")
    assert left == [f"controller-{ends}", f"estimates-{ends}", f"live-{ends}", "now.json"]
    assert lived.told["ended"] == "stopped"
    assert not kept.now_of(lived.out)["running"]


def test_the_lamps_are_those_that_the_controller_decides_on(lived):
    assert lived.told["lamps_as_asked_percent"] == 100.0
    with contextlib.closing(sqlite3.connect(lived.out / "controller-2026-01-05.sqlite")) as log:
        logged = log.execute("SELECT time, junction, state FROM lamps ORDER BY rowid").fetchall()
    decided = [(round(datetime.fromisoformat(at).timestamp() - BEGIN_S), *more) for at, *more in logged]
    lamps = made_table(lived, "live_lamp")
    showed = list(zip((lamps.at_s - BEGIN_S).astype(int), lamps.junction, lamps.state, strict=True))
    dead_s = made_table(lived, "live_process").at_s.iloc[0] - BEGIN_S  # from here on another process logs
    first = [one for one in decided if one[0] < int(dead_s)]
    # its first lamps are noted before it hears the street, and its last seconds before a kill are not on the disk
    assert len(first) > 1
    assert first[1:] == showed[1 : len(first)]
    after = [state for *_, state in decided[len(first) :] if state != "ooo"]
    shown = [state for *_, state in showed]
    shown = shown[len(shown) - shown[::-1].index("ooo") :]
    n = min(len(after), len(shown))  # the street ends a moment before the controller
    assert n > 2
    assert after[:n] == shown[:n]


def test_a_controller_that_dies_comes_back_and_meanwhile_the_lamps_flash_and_estimates_widen(lived):
    assert lived.told["deaths"] == {"controller": 1, "broker": 0}
    assert lived.told["lamp_seconds_unanswered"] > 0
    lamps, table = made_table(lived, "live_lamp"), made_table(lived, "live_process")
    assert list(zip(table.process, table.up, strict=True)) == [("controller", 0), ("controller", 1)]
    flashing = lamps[lamps.state.str.fullmatch("o+")]
    assert lived.killed_s - 5 < flashing.at_s.iloc[0] - BEGIN_S < lived.back_s + 30
    assert "G" in lamps.state.iloc[-1]
    made_at = set(made_table(lived, "live_estimate").at_s - BEGIN_S)
    assert any(at % 60 for at in made_at)  # not at full minutes alone, while something is wrong


def test_estimates_have_intervals_and_the_sealed_day_gives_them_again(lived, town):
    with Run.open(lived.out / "live-2026-01-05.sqlite") as day, Run.open(
        lived.out / "estimates-2026-01-05.sqlite"
    ) as made:  # fmt: skip
        assert replay(day) == (True, None)
        readings, table = day.table("live_reading"), made.table("live_estimate")
        assert made.provenance["live_day"] == "live-2026-01-05.sqlite"
        assert not made.damaged()
    assert set(table.what) >= {"halting", "travel time"}
    assert (table.sd > 0).all()
    assert ((table.low <= table["mean"]) & (table["mean"] <= table.high)).all()
    assert table.true.notna().mean() > 0.5
    scored = {(one["what"], one["method"]): one for one in lived.told["scores"]}
    assert scored["halting", "kalman"]["covered_90_percent"] > 50
    known, heard = known_of(str(town)), by_value(readings.to_dict("records"))
    again = []
    for at_s in sorted(set(table.at_s)):
        again += rows(known, at_s, estimated(known, came_in(known, heard, at_s), at_s - BEGIN_S))
    assert [row["place"] for row in again] == list(table.place)
    for name in ("mean", "sd", "low", "high"):
        assert [row[name] for row in again] == list(table[name])


def test_without_readings_estimates_are_wider(lived, town):
    with Run.open(lived.out / "live-2026-01-05.sqlite") as day:
        heard = by_value(day.table("live_reading").to_dict("records"))
    known = known_of(str(town))
    came = came_in(known, heard, BEGIN_S + 60)
    gone = {name: getattr(came, name).copy() for name in ("vehicles", "halting")}
    for values in gone.values():
        values[-8:] = np.nan  # 40 s
    spread, wide = (estimated(known, one, 60.0)[0].sd.mean() for one in (came, replace(came, **gone)))
    assert wide > 1.5 * spread


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_page_shows_a_recorded_city(lived, monkeypatch, tmp_path, language, root):
    testing = pytest.importorskip("streamlit.testing.v1")
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("TWIN_LIVE", str(lived.out))
    monkeypatch.setenv("TWIN_RUNS", str(tmp_path))
    monkeypatch.setenv("TWIN_SERVICES", "http://127.0.0.1:9")
    page = testing.AppTest.from_file(root / "dashboards" / "app.py", default_timeout=60)
    page.session_state["lang"] = language
    page.run()
    page.switch_page("views/operations.py").run()
    assert not page.exception
    assert not page.error
    assert page.metric[0].value.endswith(" WIB")
    words = {"id": ("Kota yang diikuti", "kembaran (Kalman)"), "en": ("The followed city", "the twin's (Kalman)")}
    heading, own = words[language]
    assert page.subheader[0].value.startswith(heading)
    assert any(own in one.value.astype(str).to_numpy() for one in page.dataframe)
    assert any(lived.told["deaths"]["controller"] and ("died at" in w or "mati pukul" in w)
               for w in (one.value for one in page.warning))  # fmt: skip
    page.segmented_control(key="city_what").set_value("travel time").run()
    assert not page.exception
    assert sorted(page.selectbox(key="city_place_travel time").options) == ["ns", "ws"]


@pytest.mark.parametrize(
    ("language", "dead", "doubted"),
    [("id", "Broker mati", "Sensor yang tidak dipercaya"), ("en", "broker is dead", "Sensors that are not believed")],
)
def test_the_page_says_who_is_dead_and_who_is_not_believed(
    lived, monkeypatch, tmp_path, language, root, dead, doubted
):  # fmt: skip
    testing = pytest.importorskip("streamlit.testing.v1")
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    for name, value in (("TWIN_LIVE", lived.out), ("TWIN_RUNS", tmp_path), ("TWIN_SERVICES", "http://127.0.0.1:9")):
        monkeypatch.setenv(name, str(value))
    state = {**kept.now_of(lived.out), "running": True, "down": ["broker"], "left_out": ["camera zone-1"]}
    monkeypatch.setattr(kept, "now_of", lambda _: state)
    page = testing.AppTest.from_file(root / "dashboards" / "app.py", default_timeout=60)
    page.session_state["lang"] = language
    page.run()
    page.switch_page("views/operations.py").run()
    assert not page.exception
    assert any(dead in one.value for one in page.error)
    assert any(doubted in one.value and "camera zone-1" in one.value for one in page.warning)


def test_without_what_it_needs_it_says_so_at_once(monkeypatch):
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None if name == "streamlit" else name)
    with pytest.raises(MissingExtraError, match=r"trenggalek-twin\[dashboards\].*--no-page"):
        run.must_have(True)
    run.must_have(False)
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"trenggalek-twin\[dashboards,twin\]"):
        run.must_have(True)


def test_theory_scores_of_several_moments_are_those_of_all_their_places_together():
    rng = np.random.default_rng(1)
    moments = []
    for n in (3, 8, 5):
        mean, true = rng.normal(0, 1, (2, n))
        moments.append(Judged("halting", "veh", 100.0, "kalman", mean, rng.uniform(0.5, 2, n), true))
    moments[1].true[2] = np.nan
    [found] = pooled([row for at, one in enumerate(moments) for row in scores(float(at), [one])])
    joined = (np.concatenate([getattr(one, name) for one in moments]) for name in ("mean", "sd", "true"))
    expected = Judged("halting", "veh", 100.0, "kalman", *joined).row()
    for name in ("rmse", "crps", "covered_90_percent", "mean_sd"):
        assert found[name] == pytest.approx(expected[name])


def test_theory_travel_times_by_hand():
    """A road of 100 and 50 m, a road of 200 m, one that nobody was on: 10 s for 80 m, free flow, 40 s for 100 m."""
    driven = np.array([[10.0, 0.0, 40.0, 0.0], [80.0, 0.0, 100.0, 0.0]])
    found = travel_s(driven, np.array([100.0, 50.0, 200.0, 10.0]), np.array([8.0, 4.0, 16.0, 1.0]), np.array([0, 2, 3]))
    assert found[:2] == pytest.approx([100 * 10 / 80 + 4, 200 * 40 / 100])
    assert np.isnan(found[2])


def test_another_tool_the_truth_is_sumos_edge_data_and_routes(town, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = hour(str(town), "max_pressure", {}, 1, duration_s=600).as_json()
    (tmp_path / "roads.add.xml").write_text(
        '<additional><edgeData id="roads" begin="0" freq="300" file="roads.xml"/></additional>'
    )
    job["network"]["additional_files"].append(str(tmp_path / "roads.add.xml"))
    job["network"]["options"] += ["--vehroute-output", "vehicles.xml", "--vehroute-output.exit-times",
                                  "--vehroute-output.write-unfinished"]  # fmt: skip
    street = Hour.begin(job, BASELINES["max_pressure"], 1.0, measured=False)
    crossings, decide = crossings_of(town), decider(BASELINES["max_pressure"], street.signals, {})
    truth, sim, told = Truth(crossings, town, 10), street.sim, []
    for second in range(1, 601):
        sim.step(decide(sim.readings))
        truth.watch()
        if second % 60 == 0:
            told.append(truth.minute())
    sim.close()
    times_s = travel_times(tmp_path / "roads.xml", truth.roads, 2)
    assert np.array([told[4]["travel_s"], told[9]["travel_s"]]) == pytest.approx(times_s, rel=0.03)
    turns = turned(tmp_path / "vehicles.xml", crossings, 0.0, 10).sum(axis=0)
    assert told[8]["turned"] is None
    assert np.array(told[9]["turned"]) == pytest.approx(turns, abs=2)  # who is within the junction at the end
    assert turns.sum() > 30


def test_lamps_that_nobody_tells_for_half_a_minute_are_believed_no_longer():
    phase = np.zeros((20, 2))
    phase[5:15, 1] = np.nan
    phase[3, 0] = np.nan  # one message lost
    signals = SimpleNamespace(approaches=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    found = unlit(phase, signals)
    assert np.flatnonzero(found[:, 1]).tolist() == [11, 12, 13, 14]
    assert (found[:, 1] == found[:, 2]).all()
    assert not found[:, 0].any()


def test_days_are_at_hand_once_they_have_been_lived(monkeypatch, tmp_path, town):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))

    def lives(network, plan, folder, told):
        np.savez(folder / "day.npz", seen=np.zeros((1, 2, 3)), travel_s=np.zeros((1, 2)))

    monkeypatch.setattr(days, "_simulate", lives)
    assert not feed.at_hand(str(town))
    feed.lived_days(str(town), [])
    assert feed.at_hand(str(town))


def test_a_state_that_nobody_keeps_up_is_not_running(tmp_path):
    assert kept.now_of(tmp_path) is None
    kept.tell_now(tmp_path, {"running": True, "at_s": 1.0})
    assert kept.now_of(tmp_path)["running"]
    old_s = time.time() - 2 * kept.STALE_S
    os.utime(tmp_path / kept.NOW, (old_s, old_s))
    assert not kept.now_of(tmp_path)["running"]
