"""The guard: whatever is asked, the independent monitor finds nothing; and every plan that could harm is refused."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.errors import PlanError
from controllers.guard import Guard
from controllers.monitor import Limits, Monitor
from controllers.plan import SignalPlan

# A crossroads: links 0–3 north-south (2, 3 turn and yield), 4–7 east-west, 8 a crossing that walks with north-south.
PHASES = ("GGggrrrrG", "rrGGrrrrr", "rrrrGGggr", "rrrrrrGGr")
CONFLICTS = frozenset(
    {(a, b) for a in (0, 1, 2, 3) for b in (4, 5, 6, 7)} | {(0, 3), (1, 2), (4, 7), (5, 6)} | {(b, 8) for b in (4, 5)}
)
PLAN = SignalPlan(
    "crossroads", PHASES, CONFLICTS, (8,), min_green_s=5, max_green_s=40, yellow_s=3, all_red_s=2, walk_s=6, clearance_s=8,
    programme=((0, 30), (1, 6), (2, 30), (3, 6)),
)  # fmt: skip
LIMITS = Limits(PLAN.conflicts, frozenset(PLAN.crossings), 5, 3, 2, 6, 8)


def watched(requests) -> tuple[Monitor, Guard]:
    """Run a guard over requests (wanted, dt_s, calls, walks, priority) and let the monitor see the lamps."""
    guard, monitor = Guard(PLAN), Monitor(LIMITS)
    shown = guard.shown
    for wanted, dt_s, calls, walks, priority in requests:
        monitor.see(shown, dt_s)
        shown = guard.admit(wanted, dt_s, calls, walks, priority)
    monitor.see(shown, 0.0)
    return monitor, guard


ANY_REQUEST = st.tuples(
    st.none() | st.integers(-3, 6),
    st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 17.0]),
    st.none() | st.lists(st.booleans(), min_size=4, max_size=4),
    st.none() | st.sampled_from([(), (8,), (3,)]),
    st.none() | st.integers(-1, 5),
)


@given(st.lists(ANY_REQUEST, max_size=200))
@settings(max_examples=200, deadline=None)
def test_theory_nothing_that_is_asked_violates_the_plan(requests):
    monitor, _ = watched(requests)
    assert monitor.violations == []


def test_theory_random_requests_for_two_simulated_days():
    rng = np.random.default_rng(20260101)
    n = 60_000
    wanted, priority = rng.integers(-1, 5, n).tolist(), rng.integers(-40, 4, n).tolist()
    dt_s, calls = rng.choice([0.1, 1.0, 5.0], n).tolist(), (rng.random((n, 4)) < 0.5).tolist()
    walks = [(8,) if pressed else () for pressed in rng.random(n) < 0.3]
    requests = zip(wanted, dt_s, calls, walks, [p if p >= 0 else None for p in priority], strict=True)
    monitor, guard = watched(requests)
    assert monitor.violations == []
    assert guard.time_s == pytest.approx(sum(dt_s))
    assert min(guard.served_s) > 0.9 * guard.time_s  # every phase was shown again and again


def test_theory_the_times_of_one_change_by_hand():
    guard = Guard(PLAN)
    story = [(0.0, guard.shown)]
    for second in range(1, 60):
        shown = guard.admit(2 if second > 3 else 0, 1.0, walks=(8,))
        if shown != story[-1][1]:
            story.append((float(second), shown))
    assert story == [
        (0.0, "rrrrrrrrr"),  # start: all red
        (2.0, "GGggrrrrG"),  # the first phase of the programme, walking
        (8.0, "GGggrrrrr"),  # 6 s of walk (more than 5 s of green): clearance
        (16.0, "yyyyrrrrr"),  # 8 s later yellow
        (19.0, "rrrrrrrrr"),  # 3 s later all red
        (21.0, "rrrrGGggr"),  # 2 s later the wanted phase
    ]


def test_theory_a_stream_that_keeps_its_green_sees_no_yellow():
    guard = Guard(PLAN)
    shown = [guard.admit(1 if second > 3 else 0, 1.0, walks=()) for second in range(1, 30)]
    assert {state[2] for state in shown[2:]} == {"g", "G"}  # link 2 is green in phases 0 and 1
    assert "y" in {state[0] for state in shown}


def test_maximum_green_ends_only_for_a_call_and_for_the_longest_waiting():
    def phase_after(seconds, calls):
        guard = Guard(PLAN)
        for _ in range(seconds):
            guard.admit(0, 1.0, calls, ())
        return guard.phase

    assert phase_after(41, [True, False, True, False]) == 0
    assert phase_after(50, [True, False, True, False]) == 2
    assert phase_after(200, [True, False, False, False]) == 0
    assert phase_after(50, None) == 1  # nobody knows: everybody waits, and phase 1 comes first


def test_a_button_starts_a_walk_within_the_green_but_not_too_late():
    guard = Guard(PLAN)
    for _ in range(10):
        guard.admit(0, 1.0, (), ())
    assert guard.shown == "GGggrrrrr"
    assert guard.admit(0, 1.0, (), (8,)) == "GGggrrrrG"
    late = Guard(PLAN)
    for _ in range(38):
        late.admit(0, 1.0, [True, False, False, False], ())
    assert late.admit(0, 1.0, None, (8,)) == "GGggrrrrr"


def test_an_emergency_goes_first_safely_and_outlasts_the_maximum():
    guard, monitor = Guard(PLAN), Monitor(LIMITS)
    shown = guard.shown
    for second in range(1, 100):
        monitor.see(shown, 1.0)
        shown = guard.admit(0, 1.0, None, (8,), priority=2 if second >= 10 else None)
    assert guard.phase == 2
    assert guard.green_s > PLAN.max_green_s
    assert monitor.violations == []


def test_back_from_the_dark_all_is_red_first():
    guard = Guard(PLAN)
    for _ in range(20):
        guard.admit(2, 1.0)
    guard.restart()
    assert guard.shown == "rrrrrrrrr"
    assert guard.admit(2, 1.0) == "rrrrrrrrr"
    assert guard.admit(2, 1.0) == "GGggrrrrG"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phases": ()}, "has no phase"),
        ({"phases": ("GGggrrrrG", "rr")}, "phase 1 has 2 links, phase 0 has 9"),
        ({"phases": ("GGggrrrrG", "rrrrrrrrr")}, "phase 1 gives nobody green"),
        ({"phases": ("GGxgrrrrG",)}, "phase 0 has 'x'"),
        ({"phases": ("GrrrGrrrr",)}, "gives links 0 and 4 green with right of way"),
        ({"conflicts": frozenset({(0, 99)})}, "conflict 0-99 is no pair"),
        ({"crossings": (12,)}, "crossing 12 is no link"),
        ({"yellow_s": 0.0}, "yellow_s is 0.0"),
        ({"yellow_s": float("nan")}, "yellow_s is nan"),
        ({"all_red_s": -1.0}, "all_red_s is -1.0"),
        ({"max_green_s": 1.0}, "max_green_s is 1.0, below min_green_s"),
        ({"programme": ((7, 30.0),)}, "programme step 0 names phase 7"),
        ({"programme": ((0, 0.0),)}, "programme step 0 lasts 0.0 s"),
    ],
)
def test_a_plan_that_could_harm_is_refused(change, words):
    with pytest.raises(PlanError) as caught:
        dataclasses.replace(PLAN, **change)
    assert words in str(caught.value)
    assert str(caught.value).startswith("signal plan crossroads: ")


def test_all_faults_of_a_plan_are_told_at_once():
    with pytest.raises(PlanError) as caught:
        SignalPlan("x", ("GG", "rr"), frozenset({(0, 1)}), yellow_s=0)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("story", "rule"),
    [
        ([("GGggrrrrr", 9.0), ("GGggGGrrr", 9.0)], "conflict"),
        ([("rrrrrrrrr", 2.0), ("GGggrrrrr", 3.0), ("yyyyrrrrr", 3.0)], "minimum green"),
        ([("GGggrrrrr", 9.0), ("yyyyrrrrr", 1.0), ("rrrrrrrrr", 9.0), ("GGggrrrrr", 9.0), ("yyyyrrrrr", 1.0),
          ("rrrrrrrrr", 2.0)], "yellow"),
        ([("GGggrrrrr", 9.0), ("rrrrrrrrr", 9.0)], "yellow"),
        ([("GGggrrrrr", 9.0), ("yyyyrrrrr", 3.0), ("rrrrGGggr", 9.0)], "clearance"),
        ([("GGggrrrrG", 9.0), ("yyyyrrrrr", 3.0), ("rrrrrrrrr", 2.0), ("rrrrGGggr", 9.0)], "clearance"),
    ],
)  # fmt: skip
def test_the_monitor_sees_what_is_wrong(story, rule):
    monitor = Monitor(LIMITS)
    for state, dt_s in story:
        monitor.see(state, dt_s)
    assert rule in {violation.rule for violation in monitor.violations}


@pytest.mark.parametrize("wanted", [-2, 99, None])
def test_a_phase_that_there_is_not_does_not_outlast_the_maximum_green(wanted):
    plan = SignalPlan("two", ("Gr", "rG"), frozenset({(0, 1)}), min_green_s=5, max_green_s=20)
    guard = Guard(plan)
    shown = [guard.admit(wanted, 1.0, [True, True]) for _ in range(60)]
    assert "rG" in shown
    assert max(len(run) for run in "".join("G" if s == "Gr" else " " for s in shown).split()) <= 21
