"""Morris's screening: effects that are known by hand, what is varied, and what is said of the rest."""

import json

import numpy as np
import pytest

pytest.importorskip("SALib", reason="of the `sweep` extra")

from twin.errors import ScenarioError, SensitivityError, SweepError
from twin.programmes.appraisal import annuity, appraise, tornado
from twin.programmes.dynamics import drawn
from twin.programmes.facts import inputs, programmes
from twin.scenario import Scenario, annotation_at
from twin.sensitivity.assumptions import Assumption, stated, without_range
from twin.sensitivity.morris import effects, trajectories
from twin.sensitivity.screening import decompose, screen, wanted
from twin.sensitivity.sobol import samples, shares
from twin.sensitivity.table import keep, of_scenario, path_of, read
from twin.sweep.record import Record
from twin.sweep.work import Result, live

MONEY_ALONE = ["traffic=null", "solar=null", "labour=null", "carbon=null", "horizon_months=1", "programmes.draws=10"]


def three(highs=(1.0, 10.0, 100.0)):
    return [Assumption(name, 0.0, high, "-", "", "prior") for name, high in zip("abc", highs, strict=True)]


def test_theory_effects_of_a_straight_and_of_a_crossed_figure():
    walks = trajectories(three(), 8, 1)
    a, b, c = walks.T
    straight, used = effects(three(), walks, (2 * a - b + 0 * c).tolist(), 1)
    assert used == 8
    assert {one.assumption.path: one.mu for one in straight} == pytest.approx(
        {"a": 2.0, "b": -10.0, "c": 0.0}, abs=1e-9
    )
    assert all(one.sigma == pytest.approx(0, abs=1e-9) and one.half_width < 1e-9 for one in straight)
    assert [one.assumption.path for one in straight] == ["b", "a", "c"]
    assert [one.direction(8) for one in straight] == ["down", "up", "unclear"]
    crossed = {one.assumption.path: one for one in effects(three(), walks, (a * c).tolist(), 1)[0]}
    assert crossed["a"].sigma > 10
    assert crossed["b"].mu_star == pytest.approx(0, abs=1e-9)


def test_walks_in_which_the_figure_is_missing_are_left_out():
    walks = trajectories(three(), 3, 1)
    values = walks[:, 0].tolist()
    values[5] = None
    found, used = effects(three(), walks, values, 1)
    assert used == 2
    assert found[0].mu == pytest.approx(1.0)
    assert effects(three(), walks, [None] * 12, 1) == ([], 0)


def test_everything_with_a_range_that_the_scenario_stands_on_is_varied():
    every = {one.path: one for one in stated(Scenario.load("baseline"))}
    assert every["programmes.dynamics.crypto.aware_p"].high == 0.1
    assert (every["labour.information_gain"].low, every["labour.information_gain"].high) == (0, 1.5)
    assert "programmes.inputs.aipreneur.tax_percent" not in every  # its range is a point
    part = Scenario.load(
        "smoke", [*MONEY_ALONE, "programmes.starts.crypto=null", "programmes.inputs.laras.hours_saved=0.2"]
    )
    less = {one.path for one in stated(part)}
    assert not [path for path in less if "crypto" in path or path.startswith(("labour", "solar", "carbon"))]
    assert "programmes.inputs.laras.hours_saved" not in less
    assert "programmes.appraisal_years" in without_range(part)


def test_every_path_with_a_range_is_a_place_in_the_scenario():
    scenario = Scenario.load("baseline")
    every = stated(scenario, levers=True)
    whole = [annotation_at(Scenario, tuple(one.path.split("."))) is int for one in every]
    assert len({one.path for one in every}) == len(every)
    middle = [
        f"{one.path}={round((one.low + one.high) / 2) if w else one.high}" for one, w in zip(every, whole, strict=True)
    ]
    assert Scenario.load("baseline", middle).digest != scenario.digest


def test_every_sector_has_assumptions_and_levers_come_when_asked_for():
    scenario = Scenario.load("baseline")
    assumptions, both = ({one.path for one in stated(scenario, levers)} for levers in (False, True))
    for path in (
        "traffic.demand_scale",
        "solar.losses_percent",
        "labour.search_effort",
        "carbon.wtp_idr",
        "traffic.events.dark_turn_s",
    ):
        assert path in assumptions
    assert {one.path for one in stated(scenario, levers=True) if one.confidence == "decision"} == both - assumptions
    assert "solar.rollout.trainers" in both
    assert "solar.rollout.trainers" not in {one.path for one in stated(Scenario.load("smoke"), levers=True)}
    assert not both & set(without_range(scenario))


def test_theory_shares_of_ishigamis_function():
    """Ishigami and Homma 1990 with a = 7, b = 0.1: shares in closed form."""
    angles = [Assumption(name, -np.pi, np.pi, "-", "", "prior") for name in "abc"]
    a, b, c = samples(angles, 1024, 1).T
    found, used = shares(angles, (np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)).tolist(), 1)
    assert used == 1024
    assert [one.first for one in found] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.04)
    assert [one.total for one in found] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.04)
    assert all(0 < one.total_half_width < 0.15 for one in found)


def test_base_points_in_which_the_figure_is_missing_are_left_out():
    values = samples(three(), 8, 1)[:, 2].tolist()
    values[7] = None
    assert shares(three(), values, 1)[1] == 7
    assert shares(three(), [None] * 40, 1) == ([], 0)
    assert shares(three(), [1.0] * 40, 1) == ([], 8)


def straight(tasks):
    """Unemployment that hangs on three of labour's assumptions, by 3, 4 and 0 over their ranges."""
    for task in tasks:
        labour = json.loads(task.scenario)["labour"]
        effort, demand = (labour["search_effort"] - 0.074) / 0.024, (labour["demand_percent"] - 95) / 10
        yield task, Result("", "x", 0.0, {"unemployment_percent": 9 - 3 * effort - 4 * demand})


def test_theory_what_is_screened_is_decomposed_and_kept_as_a_table(tmp_path):
    alone = [
        "traffic=null",
        "solar=null",
        "carbon=null",
        "programmes=null",
        "horizon_months=1",
        "labour.employer_share=0.3",
    ]
    asked = wanted("smoke", alone, ["unemployment_percent"], ["labour"], "1", 4)
    record, nobody = Record(tmp_path), lambda *_: None
    screened = screen(asked, straight, tmp_path, record, nobody)
    assert "labour.information_gain" in screened["varied"]
    assert "labour.employer_share" not in screened["varied"]  # held
    found = decompose(asked, screened, 64, straight, tmp_path, record, nobody)
    record.close()
    assert found["decomposed"] == ["labour.search_effort", "labour.demand_percent"]
    assert found["runs"] == screened["runs"] + 64 * 4
    first, second = found["figures"]["unemployment_percent"]["effects"]
    assert (first["assumption"], second["assumption"]) == ("labour.demand_percent", "labour.search_effort")
    assert (first["mu_star"], second["mu_star"]) == pytest.approx((4.0, 3.0))
    assert (first["total"], second["first"]) == pytest.approx((16 / 25, 9 / 25), abs=0.03)

    path = keep(found, tmp_path)
    kept = of_scenario(tmp_path, Scenario.load("smoke", alone).digest)
    assert path == path_of(tmp_path, found["digest"])
    assert kept.code_is_this
    assert kept.label["scenario"] == "smoke"
    row = kept.figures["unemployment_percent"][0]
    assert (row["total"], row["mu_star"], row["confidence"]) == (first["total"], first["mu_star"], "prior")
    assert of_scenario(tmp_path, "f" * 64) is None

    keep(found | {"figures": {"labour_jobless_weeks": found["figures"]["unemployment_percent"]}}, tmp_path)
    assert list(read(path).figures) == ["labour_jobless_weeks", "unemployment_percent"]
    path.write_text(path.read_text().replace(kept.label["code_digest"], "other"))
    keep(found, tmp_path)
    assert list(read(path).figures) == ["unemployment_percent"]
    path.write_text("assumption\nx\n")
    with pytest.raises(SensitivityError, match="columns of a sensitivity table; delete it"):
        read(path)
    assert keep(found, tmp_path) == path


def test_theory_a_yearly_cost_moves_the_present_value_by_its_annuity(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    asked = wanted("smoke", MONEY_ALONE, ["laras_npv_idr", "crypto_npv_idr"], ["programmes.inputs.laras"], "1", 2)
    record = Record(tmp_path)
    run = lambda tasks: ((task, live(task)) for task in tasks)  # noqa: E731
    found = screen(asked, run, tmp_path, record, lambda *_: None)
    assert (found["runs"], found["failed"], found["found"]) == (10, 0, 0)
    by_name = {row["assumption"].rsplit(".")[-1]: row for row in found["figures"]["laras_npv_idr"]["effects"]}
    cost = inputs("twin", "laras")["operation_idr_year"]
    years = min(10, programmes()["laras"].life_years)
    assert by_name["operation_idr_year"]["mu"] == pytest.approx(
        -float(cost.high - cost.low) * annuity(0.1, years), abs=3
    )
    assert by_name["operation_idr_year"]["sigma"] == pytest.approx(0, abs=3)
    assert by_name["questions_year"]["mu"] > 0
    assert found["figures"]["crypto_npv_idr"]["remark"] == "nothing that was varied moves it"
    assert "programmes.inputs.crypto.gain_percent" in found["other_ranges"]
    again = screen(asked, run, tmp_path, record, lambda *_: None)
    assert again["found"] == 10
    assert json.dumps(again["figures"]) == json.dumps(found["figures"])
    lost = screen(
        asked,
        lambda tasks: ((t, Result("lost")) for t in tasks),
        tmp_path / "b",
        Record(tmp_path / "b"),
        lambda *_: None,
    )
    assert (lost["failed"], lost["figures"]["laras_npv_idr"]["walks"]) == (10, 0)
    record.close()


def test_faults_of_a_screening_are_told_at_once():
    with pytest.raises(SweepError, match=r"did you mean 'laras_npv_idr'(.|\n)*--only programmes.input"):
        wanted("smoke", [], ["laras_npv"], ["programmes.input"], "1", 2)


def test_a_held_assumption_changes_no_draw_of_the_others():
    free, held = (drawn("twin", "crypto", np.random.default_rng(1), h) for h in ({}, {"aware_q": 0.5}))
    assert held == free | {"aware_q": 0.5}
    one = appraise("twin", "laras", "stated", 0.1, 10, 50, np.random.default_rng(1), {"questions_year": 8000.0})
    other = appraise("twin", "laras", "stated", 0.1, 10, 50, np.random.default_rng(1))
    assert one.npv_p90_idr - one.npv_p10_idr < other.npv_p90_idr - other.npv_p10_idr
    assert "questions_year" not in {
        s.input.name for s in tornado("twin", "laras", "stated", 0.1, 10, {"questions_year": 8000.0})
    }


def test_a_held_assumption_that_nobody_knows_is_told_with_the_nearest():
    with pytest.raises(ScenarioError) as error:
        Scenario.load("smoke", ["programmes.dynamics.crypto.aware_qq=1", "programmes.inputs.larras.wage_idr_h=1"])
    assert "did you mean 'aware_q'" in str(error.value)
    assert "did you mean 'laras'" in str(error.value)
