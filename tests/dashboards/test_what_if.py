"""What-if: levers, packages, instant answers, the real run with cancelling, comparison, saving, assumptions."""

import time

import numpy as np
import pytest

from dashboards import surrogate
from dashboards.assumptions import assumptions_of
from dashboards.jobs import Jobs
from dashboards.levers import levers, overrides, settings, standing
from dashboards.scenarios import Base, save
from dashboards.text import catalogue
from twin.errors import ScenarioError
from twin.run import Run
from twin.scenario import Scenario


def test_every_lever_of_the_baseline_can_be_moved_and_stands_still_otherwise():
    base = Scenario.load("baseline")
    there = standing(base)
    assert set(there) == set(levers())
    assert overrides(base, there) == []
    for name, lever in levers().items():
        value = {"first": "webster", "switch": True, "start": "off", "places": ("Panggul",), "hybrid": 3}.get(
            lever.kind
        )
        if value is None:
            value = lever.choices[0] if lever.choices and lever.choices[0] != there[name] else None
            value = value or (lever.choices[1] if lever.choices else type(there[name])(lever.high))
        moved = Scenario.load("baseline", settings(lever, value))
        assert standing(moved)[name] == value, name
        assert moved.digest != base.digest


def test_levers_move_and_packages_set_them(app):
    page = app("what_if", base="smoke")
    page.slider(key="panels").set_value(6).run()
    assert not page.exception
    assert "solar.panels=6" in page.code[0].value
    page.button(key="package-thrift").click().run()
    assert page.select_slider(key="start_crypto").value == "off"
    assert page.slider(key="budget_idr").value == 3_000_000_000
    page.button(key="package-reset").click().run()
    assert "--set" not in page.code[0].value
    assert not page.warning or "Session State" not in page.warning[0].value


def test_a_switch_of_the_language_keeps_the_levers(app):
    page = app("what_if", base="smoke")
    page.selectbox(key="controller").set_value("actuated").run()
    page.select_slider(key="start_solar").set_value(3).run()
    page.sidebar.radio[0].set_value("en").run()
    assert page.title[0].value == "What-if"
    assert page.selectbox(key="controller").value == "actuated"
    assert page.select_slider(key="start_solar").value == 3
    assert "traffic.controllers=[actuated]" in page.code[0].value


def test_a_run_that_was_made_is_the_instant_answer(app, smoke_run):
    page = app("what_if", base="smoke")
    assert any(smoke_run.stem in element.value for element in page.success)
    assert page.metric


def test_what_cannot_be_afforded_is_said_and_may_still_be_run(app):
    page = app("what_if", base="smoke")
    page.slider(key="budget_idr").set_value(1_000_000_000).run()
    assert page.error[0].value.startswith(catalogue()["afford.no"]["id"].split("{")[0])
    assert any(button.label == catalogue()["real.start"]["id"] for button in page.button)


def test_four_runs_at_most_are_compared_with_their_differences(app, folder):
    stems = [path.stem for path in folder.glob("*.sqlite")]
    page = app("what_if", base="smoke", compared=stems)
    assert not page.exception
    table = page.dataframe[-1].value
    assert sum(str(column).startswith("Δ") for column in table.columns) == 1


def test_the_ridge_knows_a_quadratic_and_its_error_is_that_of_left_out_runs():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (40, 2))
    y = 3 + 2 * x[:, 0] - x[:, 1] ** 2 + rng.normal(0, 0.01, 40)
    one = surrogate.fit(x, y, ["a", "b"])
    z = surrogate.expanded((np.array([[0.5, -0.5]]) - one.centre) / one.scale)
    assert one.mean + float((z @ one.weights)[0]) == pytest.approx(3.75, abs=0.05)
    residuals = []
    for left in range(len(y)):  # by hand: leave each run out, with the others' own standardisation
        rest = np.arange(len(y)) != left
        other = surrogate.fit(x[rest], y[rest], ["a", "b"])
        z = surrogate.expanded((x[[left]] - other.centre) / other.scale)
        residuals.append(y[left] - other.mean - float((z @ other.weights)[0]))
    assert one.error == pytest.approx(np.sqrt(np.mean(np.square(residuals))), rel=0.3)


def test_the_shipped_design_answers_the_baseline_and_names_what_it_does_not_know():
    values = standing(Scenario.load("baseline"))
    found = surrogate.answers("baseline", values, 12)
    assert found["solar_npv_idr"].error > 0
    fits = surrogate.fits("baseline", 12)
    assert {name for name, one in found.items() if one.useful} == {
        name for name, one in fits.items() if one.error <= surrogate.MOST_ERROR * one.spread
    }
    assert surrogate.answers("baseline", values, 24) == {}
    assert surrogate.unknown("baseline", {**values, "hybrid_junctions": 3}, 12) == ["hybrid_junctions"]
    more = surrogate.answers("baseline", {**values, "budget_idr": values["budget_idr"] + 2_000_000_000}, 12)
    assert more["budget_closing_idr"].value > found["budget_closing_idr"].value


def wait(job, seconds=120):
    until = time.monotonic() + seconds
    while not job.ended and time.monotonic() < until:
        time.sleep(0.1)
    return job


def test_a_job_tells_its_progress_and_leaves_a_run(tmp_path):
    jobs = Jobs()
    words = ["name=tiny", "traffic=null", "labour=null", "carbon=null", "horizon_months=1"]
    job = jobs.start("smoke", words, 1, tmp_path)
    assert jobs.start("smoke", words, 1, tmp_path) is job
    assert jobs.of("smoke", tuple(words[:-1])) is job
    assert wait(job).state == "done"
    with Run.open(tmp_path / f"{job.run}.sqlite") as run:
        assert run.scenario.name == "tiny"


def test_a_job_that_is_cancelled_leaves_no_run_and_a_faulty_one_says_why(tmp_path):
    jobs = Jobs()
    job = jobs.start("smoke", ["horizon_months=24"], 1, tmp_path)
    jobs.cancel(job)
    assert wait(job).state == "cancelled"
    assert not list(tmp_path.glob("*.sqlite"))
    faulty = wait(jobs.start("smoke", ["solar.panels=-1"], 1, tmp_path))
    assert faulty.state == "failed"
    assert "solar.panels" in faulty.note


def test_a_saved_variant_is_a_scenario_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_RUNS", str(tmp_path))
    base = Base("smoke", "smoke", Scenario.load("smoke"))
    path = save(base, "more-panels", ["solar.panels=4", "programmes.starts.crypto=null"], "a test")
    wanted = Scenario.load("smoke", ["solar.panels=4", "programmes.starts.crypto=null"])
    assert Scenario.load(path).digest == wanted.digest
    for name in ("smoke", "Besar", "../outside", ""):
        with pytest.raises(ScenarioError):
            save(base, name, [], "")


def test_every_assumption_has_its_value_basis_and_year_and_can_be_set():
    scenario = Scenario.load("baseline")
    rows = assumptions_of(scenario)
    assert len(rows) > 200
    assert all(row["about"] and row["basis"] and row["source"] and row["year"].isdigit() for row in rows)
    drawn = [row for row in rows if row["range"]]
    assert {row["path"].split(".")[1] for row in drawn} == {"inputs", "dynamics"}
    assert all(row["value"] == "" for row in drawn)
    again = Scenario.load("baseline", [f"{row['path']}={row['value']}" for row in rows if not row["range"]])
    assert again.digest == scenario.digest
    held = Scenario.load("baseline", [f"{drawn[0]['path']}=21"])
    assert held.digest != scenario.digest
    assert next(row["value"] for row in assumptions_of(held) if row["path"] == drawn[0]["path"]) == "21.0"


def test_a_link_brings_edited_assumptions_and_keeps_them_while_one_searches(app):
    edits = ["solar.grid_factor_tco2e_per_mwh=0.7", "programmes.dynamics.crypto.aware_p=0.05"]
    page = app("what_if", base="smoke", link={"set": [*edits, "no.such=1"]})
    assert any("no.such" in warning.value for warning in page.warning)
    for search in ("grid", "crypto", ""):
        page.text_input(key="assumption_search").set_value(search).run()
        assert not page.exception
        assert all(edit in page.code[0].value for edit in edits)
    assert page.query_params["set"] == edits
