"""The figures of a run, and the honesty of their catalogue."""

import math

from twin.kpi import Kpi, catalogue, score
from twin.run import Run

NINE = {"signals", "crypto", "podcast", "aipreneur", "solar", "ecobalance", "laras", "personnel", "jobtren"}


def test_each_of_the_nine_programmes_is_judged():
    assert {kpi.programme for kpi in catalogue().values()} >= NINE


def test_a_figure_without_a_function_has_no_value_and_says_so(smoke_run):
    with Run.open(smoke_run) as run:
        for s in score(run):
            if s.kpi.fn is None:
                assert s.value is None
                assert "not modelled yet" in s.kpi.formula, s.kpi.name


def test_values_are_finite_numbers(smoke_run):
    with Run.open(smoke_run) as run:
        values = {s.kpi.name: s.value for s in score(run)}
    assert all(value is None or math.isfinite(value) for value in values.values())
    present = [name for name, value in values.items() if value is not None]
    assert {"traffic_delay_s", "solar_yield_kwh_per_kwp", "pad_idr", "iso37122_7_4_decentralised_percent",
            "iso37122_7_10_stations_per_ev"} <= set(present)  # fmt: skip


def test_a_run_without_a_sector_scores_none(tmp_path):
    from twin.runner import run_scenario
    from twin.scenario import Scenario

    with Run.open(run_scenario(Scenario(name="empty", horizon_months=1), 1, tmp_path).path) as run:
        assert all(s.value is None for s in score(run))


def test_targets_are_met_in_the_right_direction():
    def kpi(op: str) -> Kpi:
        return Kpi("x", "solar", "", "", "%", "up", 80.0, op, "", "", "", False, "")

    assert kpi(">=").met(80.0) is True
    assert kpi(">=").met(79.9) is False
    assert kpi("<=").met(79.9) is True
    assert kpi("<=").met(80.1) is False
    assert kpi(">=").met(None) is None
