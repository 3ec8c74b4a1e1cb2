"""Intervals over seeds."""

import pytest
from scipy import stats

from twin.compare import compare, interval
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario


def test_theory_the_interval_by_hand():
    # 1, 2, 3: mean 2, s = 1, t(0.975, 2) = 4.302653
    result = interval([1.0, 2.0, 3.0])
    assert result.mean == 2.0
    assert result.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert interval([5.0]).half_width is None


def test_another_tool_agrees_on_the_interval():
    values = [3.1, 2.7, 9.4, 4.4, 5.0]
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    result = interval(values)
    assert (result.mean - result.half_width, result.mean + result.half_width) == pytest.approx((low, high))


def test_differences_are_paired_by_seed(tmp_path):
    more = Scenario.load("smoke", ["solar.panels=4", "name=more", "traffic=null"])
    base = Scenario.load("smoke", ["traffic=null"])
    runs = [Run.open(run_scenario(s, seed, tmp_path).path) for s in (base, more) for seed in (1, 2, 3)]
    row = next(row for row in compare(runs) if row["name"] == "solar_pv_kwh")
    first, second = row["scenarios"]
    by_hand = [b.table("solar_total").pv_kwh.sum() - a.table("solar_total").pv_kwh.sum()
               for a, b in zip(runs[:3], runs[3:], strict=True)]  # fmt: skip
    assert first["difference"] is None
    assert second["difference"]["n"] == 3
    assert second["difference"]["mean"] == pytest.approx(sum(by_hand) / 3)
    for run in runs:
        run.close()
