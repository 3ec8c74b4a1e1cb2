"""The cabinet turn by turn: start, fallbacks and the way back, failing policies, pre-emption; and never a violation."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from controllers_bundles import PLAN, SITE, contract
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.io import Seen, Tick
from controllers.loop import Cabinet, run
from controllers.policy import SignalPolicy
from controllers.safety import ACTUATED, FIXED_TIME, POLICY, Detectors, Preemption, Safety, safety_of

WELL = ([3.0, 1.0], [1.0, 0.0])


def seen(vehicles=(3.0, 1.0), halting=(1.0, 0.0), walks=(), priority=None, flashing=False, **more) -> Seen:
    counts = np.array(vehicles, dtype=float), np.array(halting, dtype=float)
    return Seen(*counts, (frozenset(walks),), (priority,), (flashing,), **more)


def moving(t: int, **more) -> Seen:
    """Counts that change: nothing is stuck."""
    return seen((3.0 + t % 3, 1.0 + t % 2), (1.0, 0.0), **more)


@pytest.fixture
def cabinet():
    made = Cabinet(SignalPolicy(contract(), None))
    yield made
    made.close()


def live(cabinet, seconds: range, look=moving) -> list[tuple[str, str]]:
    """Lamps and mode at every second."""
    found = []
    for t in seconds:
        lamps = cabinet.turn(float(t), look(t))
        found.append((lamps[0], cabinet.modes[0]))
    return found


def test_theory_the_start_is_amber_that_flashes_then_all_red_then_the_first_phase(cabinet):
    lamps = [state for state, _ in live(cabinet, range(9))]
    assert lamps == ["ooo"] * 5 + ["rrr"] * 2 + ["Grr"] * 2


@pytest.mark.parametrize(
    "vehicles",
    [(np.nan, 1.0), (-1.0, 1.0), (1e6, 1.0), (np.inf, 1.0), (0.0, 1.0)],
    ids=["NaN", "negative", "impossible", "infinite", "fewer than halt"],
)
def test_theory_a_doubtful_detector_means_actuated_then_fixed_time_then_back(cabinet, vehicles):
    live(cabinet, range(20))
    assert cabinet.modes == [POLICY]
    broken = live(cabinet, range(20, 200), lambda t: seen(vehicles, (2.0, 0.0)))
    modes = [mode for _, mode in broken]
    assert modes[0] == ACTUATED
    assert modes.index(FIXED_TIME) == 120
    healed = [mode for _, mode in live(cabinet, range(200, 300))]
    assert healed.index(POLICY) == 60
    assert cabinet.monitors[0].violations == []


def test_readings_that_stop_coming_are_stale(cabinet):
    live(cabinet, range(20))
    modes = [mode for _, mode in live(cabinet, range(20, 40), lambda t: None)]
    assert modes[0] == POLICY
    assert modes[-1] == ACTUATED
    assert "no readings" in cabinet.health.alarms


def test_a_detector_that_never_changes_is_stuck():
    detectors = Detectors(SITE, Safety(stuck_s=100.0), 0.0)
    for t in range(101):
        detectors.see(np.array([4.0, 0.0]), np.zeros(2), float(t))
    assert detectors.believed(100.0).tolist() == [False, True]  # an empty street does not change either
    detectors.see(np.array([5.0, 0.0]), np.zeros(2), 101.0)
    assert detectors.believed(101.0).all()


def test_a_flapping_detector_ends_in_fixed_time_not_in_turns(cabinet):
    def flapping(t):
        return seen((np.nan, 1.0)) if t // 5 % 2 else moving(t)

    modes = {mode for _, mode in live(cabinet, range(400), flapping)[200:]}
    assert modes == {FIXED_TIME}


def test_fixed_time_repeats_the_programmes_cycle(cabinet):
    lamps = [state for state, _ in live(cabinet, range(700), lambda t: None)][300:]
    assert set(PLAN.phases) <= set(lamps)
    assert lamps[:-45] == lamps[45:]  # 20 s and 15 s of green, twice 5 s lost


def test_a_policy_that_fails_or_hangs_does_not_stop_the_lamps(cabinet, monkeypatch):
    live(cabinet, range(20))
    release, policy = threading.Event(), cabinet.policy.decide
    object.__setattr__(cabinet.safety, "deadline_s", 0.05)
    monkeypatch.setattr(cabinet.policy, "decide", lambda *_: release.wait(30))
    hung = live(cabinet, range(20, 60))
    assert {mode for _, mode in hung} == {ACTUATED}
    assert len({state for state, _ in hung}) > 1
    assert cabinet.health.lates >= 7
    assert "policy late" in cabinet.health.alarms
    release.set()
    assert cabinet._running.result(30)
    object.__setattr__(cabinet.safety, "deadline_s", 10.0)  # from here on a busy machine must not be taken for a fault

    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(cabinet.policy, "decide", fails)
    failed = live(cabinet, range(60, 100))
    assert {mode for _, mode in failed} == {ACTUATED}  # the detectors are well: no fixed time
    assert "policy failed: ZeroDivisionError" in cabinet.health.alarms
    monkeypatch.setattr(cabinet.policy, "decide", policy)
    assert live(cabinet, range(100, 180))[-1][1] == POLICY


HANGS = """
import time
import numpy as np
from controllers.io import Seen
from controllers.loop import Cabinet
from controllers.policy import SignalPolicy
from controllers_bundles import contract

cabinet = Cabinet(SignalPolicy(contract(), None))
cabinet.policy.decide = lambda *_: time.sleep(600)
cabinet.turn(0.0, Seen(np.ones(2), np.zeros(2), (frozenset(),), (None,), (False,)))
cabinet.close()
print(cabinet.health.lates)
"""


def test_a_policy_that_hangs_does_not_keep_the_process(root):
    path = os.pathsep.join(map(str, (root, root / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", HANGS],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "1\n", done.stderr


def test_after_flashing_all_is_red_first(cabinet):
    assert live(cabinet, range(20))[-1][0] != "rrr"
    flashing = live(cabinet, range(20, 25), lambda t: moving(t, flashing=True))
    assert {state for state, _ in flashing} == {"rrr"}
    assert [state for state, _ in live(cabinet, range(25, 29))][-1] in PLAN.phases


def test_theory_preemption_enters_safely_lapses_and_recovers(cabinet):
    live(cabinet, range(30), lambda t: seen((5.0 + t % 2, 0.0)))
    assert cabinet.guards[0].phase == 0
    asked = [s for s, _ in live(cabinet, range(30, 60), lambda t: seen((5.0 + t % 2, 0.0), priority=1))]
    assert asked[-1][1] == "G"
    assert {"yrr", "rrr"} <= set(asked)
    after = [s for s, _ in live(cabinet, range(60, 100), lambda t: seen((5.0 + t % 2, 0.0)))]
    assert after[-1] == "Grr"
    hold = Preemption(100.0)
    assert [hold.admit(1, t) for t in (0.0, 99.0, 100.0, 150.0)] == [1, 1, None, None]
    assert hold.admit(None, 151.0) is None
    assert hold.admit(1, 152.0) == 1


@pytest.mark.parametrize("phase", [-1, 7, 10**9])
def test_a_request_for_a_phase_that_there_is_not_is_nobodys(cabinet, phase):
    assert {mode for _, mode in live(cabinet, range(30), lambda t: moving(t, priority=phase))} == {POLICY}


def test_lamps_without_current_and_a_weak_supply_are_alarms(cabinet):
    supply = {"voltage_v": 150.0, "battery_percent": 80.0}
    live(cabinet, range(10), lambda t: moving(t, lamp_a=(0.0,), supply=supply))
    assert {"lamp failure: corner", "supply: voltage_v 150"} <= set(cabinet.health.alarms)
    live(cabinet, range(10, 12), lambda t: moving(t, lamp_a=(0.4,), supply={}))
    assert not any("lamp" in alarm or "supply" in alarm for alarm in cabinet.health.alarms)


def test_a_violation_that_the_cabinets_own_monitor_sees_makes_the_lamps_flash(cabinet):
    live(cabinet, range(20))
    cabinet.guards[0].shown = "rGG" if cabinet.guards[0].shown == "Grr" else "Grr"
    assert live(cabinet, range(20, 30))[-1][0] == "ooo"
    assert (
        live(cabinet, range(30, 60), lambda t: moving(t, flashing=True))[-1][0] == "ooo"
    )  # somebody must come and look
    assert "conflict: corner" in cabinet.health.alarms


ANY_COUNT = st.sampled_from([0.0, 1.0, 7.0, -2.0, 1e9, float("nan"), float("inf")])
ANY_TURN = st.tuples(
    st.sampled_from([0.1, 0.5, 1.0, 3.0, 30.0]),
    st.none() | st.tuples(ANY_COUNT, ANY_COUNT, ANY_COUNT, ANY_COUNT, st.booleans(), st.none() | st.integers(-1, 5),
                          st.sampled_from([False] * 9 + [True])),
)  # fmt: skip


@given(st.lists(ANY_TURN, max_size=80))
@settings(max_examples=40, deadline=None)
def test_theory_whatever_is_seen_the_lamps_keep_to_the_plan(turns):
    cabinet, now_s = Cabinet(SignalPolicy(contract(), None)), 0.0
    for dt_s, told in turns:
        now_s += dt_s
        one = None
        if told is not None:
            *counts, pressed, priority, flashing = told
            one = seen(counts[:2], counts[2:], (2,) if pressed else (), priority, flashing)
        cabinet.turn(now_s, one)
        assert cabinet.monitors[0].violations == []
    cabinet.close()


def test_the_loop_runs_a_driver_to_its_end_and_closes_it():
    class Street:
        def __init__(self):
            self.told, self.closed = [], False

        def wait(self):
            return Tick(1.0, moving(len(self.told)), last=len(self.told) == 20)

        def show(self, shown):
            self.told.append(shown)

        def close(self):
            self.closed = True

    street = Street()
    assert run(Cabinet(SignalPolicy(contract(), None)), street) == 20
    assert street.closed
    assert street.told[-1].lamps[0] in PLAN.phases


def test_safety_settings_are_checked_all_at_once():
    told = {**vars(Safety()), "deadline_s": "soon", "stale_s": -1.0}
    with pytest.raises(Exception, match="deadline_s") as caught:
        safety_of(told)
    assert "stale_s" in str(caught.value)
