"""Calibration: posteriors that are known by hand, truths found again as often as promised, what cannot be told."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from twin.calibrate.plan import SHIPPED, load
from twin.calibrate.posterior import fit, posterior
from twin.calibrate.study import TRUTH_SEEDS, answer_of, recovery, told
from twin.errors import CalibrationError
from twin.sweep.plan import shipped_in
from twin.sweep.record import Record
from twin.sweep.work import Result, live

FILE = """
scenario: smoke
set: {traffic: null, solar: null, carbon: null, programmes: null, labour.people: 8000, horizon_months: 6}
data: measured.csv
points: 60
parameters:
  labour.search_effort: {low: 0.03, high: 0.3, log: true}
  labour.demand_percent: {low: 90, high: 110}
"""
DATA = "kpi,value,sd\nunemployment_percent,4.2,0.1\nlabour_time_to_hire_days,25,1\nlabour_jobless_weeks,10,0.5\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "x.yaml").write_text(FILE)
    (tmp_path / "measured.csv").write_text(DATA)
    return tmp_path


def toy(tasks):
    """A labour market that is quick: figures that curve in the effort, of which only one hangs on the demand."""
    for task in tasks:
        options = json.loads(task.scenario)["labour"]
        effort = np.log(options["search_effort"] / 0.03) / np.log(10)
        demand = (options["demand_percent"] - 90) / 20
        by_chance = np.random.default_rng(task.seed).normal(0, (0.1, 1.0, 0.25))
        yield task, Result("", "x", 0.0, {
            "unemployment_percent": 6 - 2 * effort - demand + by_chance[0],
            "labour_time_to_hire_days": 40 - 30 * effort + 8 * effort**2 + by_chance[1],
            "labour_jobless_weeks": 12 - 3 * effort + by_chance[2],
        })  # fmt: skip


def carried_out(files, what, engine=toy, name=None):
    plan, data = load(name or str(files / "x.yaml"), known_truths=name is not None)
    record = Record(files)
    nobody = lambda *_: None  # noqa: E731
    answer = answer_of(plan, data, engine, files, record, nobody)
    found = what(plan, data, answer, lambda n: recovery(plan, data, answer, n, engine, files, record, nobody))
    record.close()
    return found


def test_theory_a_straight_answer_gives_the_normal_posterior():
    rng = np.random.default_rng(3)
    shares = rng.random((4000, 1))
    answer = fit(shares, 2 + 10 * shares + rng.normal(0, 0.5, (4000, 1)))
    found = posterior(answer, np.array([7.0]), np.array([0.3]))
    sd = np.hypot(0.5, 0.3) / 10
    assert found.quantiles((0.025, 0.5, 0.975))[:, 0] == pytest.approx(
        norm.ppf([0.025, 0.5, 0.975], 0.5, sd), abs=0.004
    )
    assert found.learned[0] == pytest.approx(1 - sd * 12**0.5, abs=0.01)
    assert answer.explained[0] == pytest.approx(1 - 0.25 / (100 / 12 + 0.25), abs=0.005)


def test_a_parameter_that_no_figure_hangs_on_is_not_identified():
    rng = np.random.default_rng(4)
    shares = rng.random((500, 2))
    answer = fit(shares, 5 * shares[:, :1] + rng.normal(0, 0.1, (500, 1)))
    learned = posterior(answer, np.array([2.0]), np.zeros(1)).learned
    assert learned[0] > 0.9
    assert learned[1] < 0.05


def test_parameters_that_only_their_sum_moves_are_told_together():
    rng = np.random.default_rng(5)
    shares = rng.random((500, 2))
    found = posterior(
        fit(shares, shares.sum(axis=1, keepdims=True) + rng.normal(0, 0.01, (500, 1))), np.ones(1), np.zeros(1)
    )
    assert found.correlation[0, 1] < -0.98


def test_figures_that_the_model_cannot_make_do_not_fit(files):
    (files / "measured.csv").write_text(DATA.replace(",10,0.5", ",30,0.5"))
    found = carried_out(files, lambda plan, data, answer, _: told(plan, data, answer, posterior(answer, *arrays(data))))
    assert not found["fits"]
    assert found["misfit_probability"] < 1e-6


def test_what_is_told_has_units_intervals_and_a_verdict(files):
    found = carried_out(files, lambda plan, data, answer, _: told(plan, data, answer, posterior(answer, *arrays(data))))
    effort, demand = found["parameters"]
    assert 0.03 <= effort["low"] < effort["median"] < effort["high"] <= 0.3
    assert (effort["verdict"], demand["verdict"]) == ("identified", "partly identified")
    assert found["fits"]
    assert found["figures"][0]["own_chance"] == pytest.approx(0.1, rel=0.25)


def arrays(data):
    return np.array([one.value for one in data]), np.array([one.sd for one in data])


def test_known_truths_lie_in_their_intervals_as_often_as_promised(files):
    found = carried_out(files, lambda *a: a[-1](100))
    assert found["truths"] == 100
    for one in found["parameters"]:  # binomial: 95 ± 2.2 and 50 ± 5
        assert 87 <= one["within_95_percent"] <= 100
        assert 33 <= one["within_50_percent"] <= 67
        assert one["holds"]
        assert abs(one["bias_percent"]) < 2 * one["bias_half_width_percent"]
    effort, demand = found["parameters"]
    assert effort["error_percent"] < demand["error_percent"] < 29  # a range's own spread is 29 %
    assert effort["width_ratio"] < demand["width_ratio"] < 1
    assert [pair[:2] for pair in found["correlations"]] == [["labour.demand_percent", "labour.search_effort"]]


def test_a_reality_that_is_not_the_models_is_found_out(files):
    def other(tasks):
        for task, result in toy(tasks):
            if task.seed >= TRUTH_SEEDS:
                result.kpis["labour_time_to_hire_days"] -= 8.0
            yield task, result

    found = carried_out(files, lambda *a: a[-1](20), other)
    effort = found["parameters"][0]
    assert not found["holds"]
    assert not effort["holds"]
    assert effort["bias_percent"] > effort["bias_half_width_percent"] > 0


def test_shipped_calibrations_wait_for_their_data():
    assert shipped_in(SHIPPED) == ["carbon", "labour", "solar", "traffic"]
    for name in shipped_in(SHIPPED):
        plan, data = load(name, known_truths=True)
        assert plan.name == name
        assert all(one.value is None and one.sd > 0 for one in data)
    with pytest.raises(CalibrationError, match="has no measured value; --recovery"):
        load("solar")
    with pytest.raises(CalibrationError, match="did you mean 'solar'"):
        load("solr")


def test_runs_that_fail_are_left_out_and_too_few_are_told(files):
    def half(tasks):
        for task, result in toy(tasks):
            yield task, Result("failed") if task.seed % 2 else result

    assert carried_out(files, lambda *a: a[-1](10), half)["failed"] == 5


def test_a_scenario_without_the_figures_is_told(files):
    with pytest.raises(CalibrationError, match="has no value in any run"):
        carried_out(files, lambda *a: a, lambda tasks: ((task, Result("failed")) for task in tasks))


def test_every_fault_of_file_and_data_is_told_at_once(files):
    (files / "x.yaml").write_text(
        FILE.replace("search_effort:", "search_efort:").replace("points: 60", "points: 60\nname: x")
    )
    (files / "measured.csv").write_text(
        "kpi,value,sd\nunemployment,4,0.1\nlabour_jobless_weeks,x,1\nlabour_time_to_hire_days,1,-1\n"
    )
    with pytest.raises(CalibrationError) as error:
        load(str(files / "x.yaml"))
    for words in (
        "did you mean 'search_effort'",
        "measured.csv:2: 'unemployment' is no figure",
        "measured.csv:3: value 'x'",
        "measured.csv:4",
    ):
        assert words in str(error.value)
    for text, words in (
        (FILE.replace("60", "8"), "too few for 2 parameters"),
        (FILE.replace("measured", "nothing"), "cannot be read"),
    ):
        (files / "x.yaml").write_text(text)
        with pytest.raises(CalibrationError, match=words):
            load(str(files / "x.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_in(SHIPPED))
def test_the_shipped_calibrations_find_known_truths_again(tmp_path, name):
    found = carried_out(tmp_path, lambda *a: a[-1](20), lambda tasks: ((task, live(task)) for task in tasks), name)
    for one in found["parameters"]:  # 95 % of 20 within 95 %: fewer than 16 has a chance of 1 in 400
        assert one["within_95_percent"] >= 16
