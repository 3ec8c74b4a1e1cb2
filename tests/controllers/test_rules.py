"""The rules on junctions small enough to decide by hand."""

import numpy as np
import pytest

from controllers.plan import SignalPlan
from controllers.rules import RULES, Junctions, Readings, fixed_time, max_pressure, self_organising

# Two junctions of two phases: links 0 and 1; zones 0, 1 at the first, 2, 3 at the second; the first feeds zone 2.
PLANS = tuple(
    SignalPlan(name, ("Gr", "rG"), frozenset({(0, 1)}), programme=((0, 20.0), (1, 10.0)), offset_s=offset)
    for name, offset in (("A", 0.0), ("B", 7.0))
)
JUNCTIONS = Junctions.of(PLANS, zone_of=((0, 1), (2, 3)), exit_of=((2, -1), (-1, -1)), zones=4)


def readings(vehicles, halting=None, time_s=0.0, phase=(0, 0), green_s=(30.0, 30.0)) -> Readings:
    seen = np.array(vehicles, dtype=float)
    return Readings(
        time_s, seen, seen if halting is None else np.array(halting, dtype=float), np.zeros(0), np.array(phase),
        np.array(green_s),
    )  # fmt: skip


def test_theory_junctions_know_which_zone_each_phase_serves():
    assert JUNCTIONS.green.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert JUNCTIONS.exit_green.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_theory_max_pressure_takes_the_fuller_phase_after_its_minimum():
    decide = max_pressure(JUNCTIONS, min_green_s=10)
    assert decide(readings([1, 5, 4, 2])).tolist() == [1, 0]
    assert decide(readings([1, 5, 2, 4], green_s=(5.0, 10.0))).tolist() == [0, 1]
    assert decide(readings([3, 3, 3, 3])).tolist() == [0, 0]  # no need to change


def test_theory_max_pressure_counts_what_its_settings_say():
    vehicles, halting = [6, 5, 4, 0], [1, 5, 0, 0]
    assert max_pressure(JUNCTIONS)(readings(vehicles, halting))[0] == 0
    assert max_pressure(JUNCTIONS, halting_weight=1.0)(readings(vehicles, halting))[0] == 1
    assert max_pressure(JUNCTIONS, exit_weight=1.0)(readings(vehicles, halting))[0] == 1  # 6 − 4 < 5
    assert max_pressure(JUNCTIONS, switch_bonus_veh=4.0)(readings([1, 5, 0, 0], phase=(0, 0)))[0] == 0
    assert max_pressure(JUNCTIONS)(readings([np.nan, 1, 0, 0]))[0] == 1  # a dead camera sees nobody


def test_theory_self_organising_integrates_the_red():
    decide = self_organising(JUNCTIONS, threshold_veh_s=20, min_green_s=5, platoon_veh=3)
    waits = [decide(readings([0, 3, 0, 0], time_s=t)).tolist() for t in (0.0, 5.0, 10.0)]
    assert waits == [[0, 0], [0, 0], [1, 0]]  # 3 vehicles × 5 s = 15 is below 20; × 10 s is above
    keeps = self_organising(JUNCTIONS, threshold_veh_s=20, platoon_veh=3)
    assert [keeps(readings([2, 9, 0, 0], time_s=t))[0] for t in (0.0, 5.0)] == [0, 0]  # a platoon of 2 is not cut


def test_theory_fixed_time_follows_the_clock_and_the_offset():
    decide = fixed_time(JUNCTIONS)  # 20 s + 5 s, 10 s + 5 s: a cycle of 40 s
    nobody = [0, 0, 0, 0]
    assert [decide(readings(nobody, time_s=t)).tolist() for t in (0.0, 24.0, 25.0, 31.0, 32.0, 39.0, 40.0)] == [
        [0, 1], [0, 0], [1, 0], [1, 0], [1, 1], [1, 1], [0, 1],
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_names_a_phase_that_there_is(rule: str):
    rng = np.random.default_rng(1)
    decide = RULES[rule](JUNCTIONS)
    for step in range(200):
        wanted = decide(readings(rng.poisson(3, 4), time_s=5.0 * step, phase=rng.integers(0, 2, 2)))
        assert wanted.shape == (2,)
        assert set(wanted.tolist()) <= {0, 1}
