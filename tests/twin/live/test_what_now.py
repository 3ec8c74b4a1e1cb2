"""What now: a present state that is met, an event that is felt, and questions that cannot be answered."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from twin.errors import FaultsError, LiveError
from twin.live.day import heard, moment_of, readings
from twin.live.demo import BEGIN_S
from twin.live.estimate.city import Told
from twin.live.messages import Message, write
from twin.live.store import ZONE, LiveStore
from twin.live.street import Lived
from twin.live.what_now import warm
from twin.live.what_now.present import Present, present, rim
from twin.live.what_now.question import Question, checked, jobs, told
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation import batch
from twin.traffic.simulation.batch import live


def day_in(folder: Path, sources=("zone-0", "zone-1"), steps=60) -> Path:
    with LiveStore(folder) as store:
        for k in range(1, steps + 1):
            at_s = BEGIN_S + 5.0 * k
            for source in sources:
                values = {"vehicles": 4.0 + k % 2, "halting": 3.0}
                store.take(*write(Message("detectors", source, "b", k, at_s, values)), at_s + 0.2)
            store.take(*write(Message("lamps", "signal-0", "b", k, at_s, {"phase": k // 6 % 2})), at_s + 0.2)
            if k % 12 == 0:
                store.take(*write(Message("counters", "in:a", "b", k, at_s, {"passed": 12.0})), at_s + 0.2)
    return store.sealed[0]


def usual_street(n=200) -> Lived:
    """Two zones of one signal, few vehicles; 8 a minute come in by `a` and 2 by `b`."""
    rng = np.random.default_rng(1)
    halting = rng.poisson(0.5, (n, 2)).astype(float)
    phase = (np.arange(n) // 6 % 2).astype(float)[:, None]
    counted = np.tile([8.0, 2.0], (n // 12, 1))
    return Lived(
        5.0 * (np.arange(n) + 1),
        halting + rng.poisson(1.0, (n, 2)),
        halting,
        phase,
        counters=("in:a", "in:b"),
        counted=counted,
    )


SIGNALS = SimpleNamespace(junctions=SimpleNamespace(green=np.eye(2)), zones=((("a_0", 1.0),), (("b_0", 1.0),)))


def test_the_present_is_what_detectors_told_and_the_demand_what_counters_did(tmp_path: Path):
    believed = usual_street()
    table = readings(day_in(tmp_path))
    at_s = moment_of(table, None)
    assert at_s == BEGIN_S + 300
    came = heard(table, believed, at_s)
    assert np.isnan(came.halting[:60]).all()  # the day is shorter than what is looked back at
    assert (came.halting[60:] == 3).all()
    now = present(believed, came, SIGNALS, rim(believed.counters, {"a"}), at_s)
    assert now.mean[:, 0] == pytest.approx(3 / 0.9, abs=0.7)  # a camera is believed to overlook a tenth
    assert now.demand_scale == pytest.approx(12 / 8)
    assert now.silent_percent == 0
    blind = Told(np.full_like(came.halting, np.nan), np.full_like(came.vehicles, np.nan), came.phase,
                 np.full_like(came.counted, np.nan))  # fmt: skip
    nothing = present(believed, blind, SIGNALS, rim(believed.counters, {"a"}), at_s)
    assert (nothing.demand_scale, nothing.silent_percent) == (1.0, 100.0)
    assert (nothing.sd[:, 0] > now.sd[:, 0]).all()
    assert nothing.mean[:, 0] == pytest.approx(believed.halting.mean(axis=0), abs=0.3)


def test_moments_and_days_that_cannot_be_are_told(tmp_path: Path):
    believed = usual_street()
    table = readings(day_in(tmp_path))
    first = datetime.fromtimestamp(BEGIN_S, ZONE)
    assert moment_of(table, f"{first:%H}:03") == BEGIN_S + 180
    for clock, words in (("25:00", "not a time"), ("later", "not a time"), ("12:00", "known from")):
        with pytest.raises(LiveError, match=words):
            moment_of(table, clock)
    other = readings(day_in(tmp_path / "other", sources=("zone-7",)))
    with pytest.raises(LiveError, match="--network"):
        heard(other, believed, BEGIN_S + 300)
    (tmp_path / "none").mkdir()
    with pytest.raises(LiveError, match="holds no live day"):
        readings(tmp_path / "none")


def test_a_day_that_is_being_recorded_is_read_as_far_as_it_is_written(tmp_path: Path):
    store = LiveStore(tmp_path)
    for k in range(1, 13):
        store.take(*write(Message("lamps", "signal-0", "b", k, BEGIN_S + 5.0 * k, {"phase": 1.0})), BEGIN_S + 5.0 * k)
    store.pause()
    table = readings(tmp_path)
    assert len(table) == 12
    assert moment_of(table, None) == BEGIN_S + 60


def test_all_faults_of_a_question_are_told_at_once_with_the_nearest(town: Path):
    signals = signals_of(town, 200.0)
    asked = Question(close=("ws_7",), dark=("S",), ambulance=("wz", "se"))
    with pytest.raises(FaultsError) as caught:
        checked(asked, locate(str(town)), signals)
    assert sorted(caught.value.faults) == [
        "--ambulance: no road 'wz'; valid: ns, se, sn, ws",
        "--close: no lane 'ws_7'; did you mean 'ws_1'?",
        "--dark: no signal 'S'",
    ]
    with pytest.raises(FaultsError, match="nothing is asked"):
        checked(Question(), locate(str(town)), signals)
    with pytest.raises(FaultsError, match="no way leads from se to ws"):
        checked(Question(ambulance=("se", "ws")), locate(str(town)), signals)
    with pytest.raises(FaultsError, match="two roads or more"):
        checked(Question(ambulance=("ws",)), locate(str(town)), signals)
    with pytest.raises(FaultsError, match="no way from"):
        checked(Question(close=("ns_0",)), locate(str(town)), signals)


def test_from_the_present_state_an_event_is_felt(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Queues of 8 where the street is else nearly empty; then the signal is dark, and an ambulance has priority.

    Demand is scaled up, so that vehicles have copies on the same route, and some of them arrive in the warm-up.
    """
    monkeypatch.setattr(warm, "WARM_S", 120)
    ways = ("ws se", "ws sn", "ns se")
    cars = "".join(f'<vehicle id="v{k}" depart="{9 * k}"><route edges="{ways[k % 3]}"/></vehicle>' for k in range(60))
    (tmp_path / "cars.rou.xml").write_text(f"<routes>{cars}</routes>")
    street, signals = f"{town}+{tmp_path}/cars.rou.xml", signals_of(town, 200.0)
    n = len(signals.zones)
    queued = Present(BEGIN_S, np.tile([8.0, 0.0], (n, 1)), np.full((n, 2), 1e-3), np.ones(1), 1.64, 0.0)
    asked = Question(dark=("s",), ambulance=("ws", "se"))
    filled = warm.warm_ups(street, queued.demand_scale, [1, 2])
    assert [one.scale for one in filled] == [1.6, 1.6]
    states = warm.warmed(filled)
    monkeypatch.setattr(batch, "_Workers", lambda *_: pytest.fail("warmed up again"))
    assert warm.warmed(filled) == states
    monkeypatch.undo()
    to_live = jobs(asked, signals, queued, 3, filled, states)
    *answers, again = live([*to_live, to_live[1]], worker="twin.live.what_now.ahead")
    assert again == answers[1]  # the same seed, the same bits
    without, with_event = answers[::2], answers[1::2]
    for a, b in zip(without, with_event, strict=True):
        assert (a["off_veh"], a["usual_off_veh"]) == (b["off_veh"], b["usual_off_veh"])  # paired until the event
        assert a["off_veh"] < 2.5 < 4 < a["usual_off_veh"]
        assert a["minutes"] == pytest.approx(3)
        assert a["ambulance_s"] is not None
        assert 25 < a["ambulance_s"] < 180
    found = told(asked, signals, queued, list(zip(without, with_event, strict=True)))
    by_name = {one["figure"]: one for one in found["figures"]}
    assert set(by_name) == {"time in the network a vehicle", "halting vehicles", "ambulance's travel time"}
    spent = by_name["time in the network a vehicle"]
    assert spent["difference"] == pytest.approx(spent["with"] - spent["without"])
    assert abs(by_name["halting vehicles"]["difference"]) > 0.05
    assert found["asked"] == {"dark": ["s"], "ambulance": ["ws", "se"]}
    assert len(found["worst_lanes"]) == min(3, n)
