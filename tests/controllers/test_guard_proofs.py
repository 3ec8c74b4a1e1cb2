"""The guard proved three ways: a hypothesis state machine, every reachable state of small plans, millions of attacks."""

import numpy as np
import pytest
from controllers_bundles import PLAN
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controllers.guard import Guard
from controllers.monitor import Monitor, limits_of
from controllers.plan import GREEN, SignalPlan
from controllers.selftest import attack, explore

NONSENSE = st.sampled_from([None, -1, 99, 1.5, float("nan"), "1", 2**80, (), True])
DT_S = st.sampled_from([0.0, 0.1, 1.0, 2.5, 5.0, 40.0, float("nan"), -3.0])


class GuardUnderAttack(RuleBasedStateMachine):
    """Whatever is asked in whatever order: the monitor sees nothing, no green overstays, and the lamps go on."""

    def __init__(self):
        super().__init__()
        self.guard, self.monitor = Guard(PLAN, 3.0), Monitor(limits_of(PLAN))
        self.green_since_s, self.now_s = 0.0, 0.0

    def ask(self, wanted, dt_s, calls, walks, priority):
        self.monitor.see(self.guard.shown, dt_s if dt_s > 0 else 0.0)
        self.now_s += dt_s if dt_s > 0 else 0.0
        before = self.guard.stage, self.guard.phase
        self.guard.admit(wanted, dt_s, calls, walks, priority)
        self.monitor.see(self.guard.shown, 0.0)
        if (self.guard.stage, self.guard.phase) != before:
            self.green_since_s = self.now_s

    @rule(wanted=st.integers(0, 1) | NONSENSE, dt_s=DT_S, calls=st.none() | st.tuples(st.booleans(), st.booleans()),
          walks=st.sampled_from([None, (), (2,)]), priority=st.none() | st.integers(0, 1) | NONSENSE)  # fmt: skip
    def anything(self, wanted, dt_s, calls, walks, priority):
        self.ask(wanted, dt_s, calls, walks, priority)

    @rule(wanted=st.sampled_from([0, 1, None, 99]))
    def somebody_waits_after_the_maximum(self, wanted):
        overdue = self.guard.stage == "green" and self.now_s - self.green_since_s >= PLAN.max_green_s
        self.ask(wanted, 0.0, (True, True), (), None)
        assert not overdue or self.guard.changing

    @rule(phase=st.integers(0, 1))
    def an_emergency_gets_through(self, phase):
        for _ in range(40):
            self.ask(None, 1.0, None, (2,), phase)
        assert self.guard.phase == phase
        assert self.guard.stage == "green"

    @rule()
    def power_cut(self):
        self.guard.restart()
        self.monitor = Monitor(limits_of(PLAN))
        assert not set(self.guard.shown) & set(GREEN)

    @invariant()
    def the_monitor_sees_nothing(self):
        assert self.monitor.violations == []


GuardUnderAttack.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestGuardUnderAttack = GuardUnderAttack.TestCase


def small(**changes) -> SignalPlan:
    about = {"min_green_s": 2, "max_green_s": 6, "yellow_s": 2, "all_red_s": 1, "walk_s": 3, "clearance_s": 2} | changes
    return SignalPlan(
        "small", ("Grrr", "rGGr", "rrrG"), frozenset({(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}), (2,), **about
    )


@pytest.mark.parametrize("changes", [{}, {"all_red_s": 0}, {"walk_s": 1, "clearance_s": 0}, {"clearance_s": 7}])
def test_theory_every_state_that_a_small_plan_can_reach_is_safe(changes):
    states, transitions, violations = explore(small(**changes))
    assert states > 300
    assert transitions == states * 4 * 2 * 2 * 4  # every request in every state
    assert violations == 0


def test_the_search_would_find_a_guard_that_cuts_a_time_short(monkeypatch):
    monkeypatch.setattr(Guard, "_to_yellow", lambda guard: guard._to_all_red())
    assert explore(small())[2] > 0
    assert attack(PLAN, 20_000) > 0


def test_attacks_find_nothing():
    assert attack(PLAN, 150_000) == 0


def test_a_copy_of_a_guard_goes_on_as_the_guard_does():
    rng = np.random.default_rng(3)
    guard = Guard(PLAN)
    for _ in range(200):
        other = guard.copy()
        assert other.state == guard.state
        wanted = int(rng.integers(0, 2))
        assert guard.admit(wanted, 1.0) == other.admit(wanted, 1.0)
