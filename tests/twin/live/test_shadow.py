"""A candidate in the shadow: by hand and by theory, that it changes nothing, and that its run can be checked."""

import json

import numpy as np
import pytest
from scipy import stats

from twin.errors import ShadowError
from twin.live.shadow import counterfactual as theory
from twin.live.shadow import run as shadow_run
from twin.live.shadow import street, study
from twin.live.shadow.counterfactual import belief, counterfactual, features, regressed, verdict, within
from twin.live.shadow.policies import policies_of
from twin.run import Run
from twin.traffic.simulation.detectors import DetectorOptions

NETWORK = "cologne1"


def told(vehicles, delay_s):
    """A window as it was lived, without loops: everybody stands."""
    return {"seen": {"vehicles": vehicles, "halting": vehicles}, "measures": {"delay_s": delay_s}}


def test_an_interval_without_zero_decides():
    assert [verdict(-3.0, -1.0), verdict(1.0, 2.0), verdict(-1.0, 1.0)] == ["better", "worse", "undecided"]


def test_another_tool_the_prediction_of_a_line_is_that_of_scipy():
    rng = np.random.default_rng(1)
    x = rng.normal(size=20)
    y = 2 + 3 * x + rng.normal(size=20)
    line, at = stats.linregress(x, y), 0.7
    mean, covariance, leverage, free = regressed(x[:, None], y[:, None], np.array([[at]]))
    assert mean[0, 0] == pytest.approx(line.intercept + line.slope * at)
    assert covariance[0, 0] == pytest.approx(np.sum((y - line.intercept - line.slope * x) ** 2) / 18)
    assert leverage[0, 0] == pytest.approx(1 / 20 + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    assert free == 18
    with pytest.raises(ValueError, match="too few"):
        regressed(x[:3, None], y[:3, None], np.array([[at]]))


@pytest.mark.parametrize("windows", [1, 4])
def test_theory_the_interval_holds_what_really_differs_as_often_as_it_says(windows, monkeypatch):
    """Cities whose delays depend on their demand, and on what is their own, as the draws' do; only counts are seen."""
    monkeypatch.setattr(theory, "parameters", lambda: {"level_percent": 90, "model_error_percent": 0})
    rng, held, runs = np.random.default_rng(2), 0, 200

    def lives(cities, n=1):
        demand, its_own, its_other = (rng.normal(0, sd, (cities, 1)) for sd in (0.15, 0.05, 0.05))
        demand = (demand + rng.normal(0, 0.02, (cities, n))).ravel()
        seen = np.exp(3 + demand)
        own = np.exp(3.5 + 2 * demand + np.repeat(its_own, n))
        other = own * np.exp(-0.05 - 0.5 * demand + np.repeat(its_other, n))
        return [told([s], a) for s, a in zip(seen, own, strict=True)], [
            told([s], b) for s, b in zip(seen, other, strict=True)
        ]

    for _ in range(runs):
        (own, other), (city_own, city_other) = lives(16), lives(1, windows)
        found = counterfactual([one["seen"] for one in city_own], own, other)
        true = np.mean(
            [b["measures"]["delay_s"] - a["measures"]["delay_s"] for a, b in zip(city_own, city_other, strict=True)]
        )
        held += found.low_s <= true <= found.high_s
    assert held / runs == pytest.approx(0.9, abs=0.064)  # three standard errors


def test_a_zone_that_never_reported_is_left_out_on_both_sides():
    own = [told([float(n), 100.0 * n], 10.0 + n) for n in range(2, 9)]
    other = [told([float(n), 100.0 * n], 12.0 + n) for n in range(2, 9)]
    whole = counterfactual([{"vehicles": [5.0, 500.0], "halting": [5.0, 500.0]}], own, other)
    blind = counterfactual([{"vehicles": [5.0, None], "halting": [5.0, None]}], own, other)
    assert blind.mean_s == pytest.approx(2.0, abs=0.05)
    assert blind.mean_s == pytest.approx(whole.mean_s, abs=0.02)
    assert features(own[0]["seen"], np.array([True, False])) == pytest.approx(np.log([2.0, 2.0]))


def test_the_belief_is_spread_and_the_same_again():
    draws = belief(NETWORK, 20, 7)
    assert draws == belief(NETWORK, 20, 7)
    assert draws != belief(NETWORK, 20, 8)
    assert len({draw.seed for draw in draws}) == 20
    assert min(d.scale for d in draws) < 0.85 < 1.15 < max(d.scale for d in draws)
    assert all(5 <= d.detectors.miss_percent <= 20 for d in draws)
    assert len({d.drivers for d in draws}) == 3


def test_a_city_that_looks_like_no_draw_is_read_off_at_the_rim_and_less_is_said_of_it():
    rng = np.random.default_rng(5)
    seen = np.exp(rng.normal(3, 0.2, 16))
    own = [told([s], s) for s in seen]
    other = [told([s], 0.9 * s**1.1 * np.exp(rng.normal(0, 0.02))) for s in seen]
    rim, far = (counterfactual([{"vehicles": [v], "halting": [v]}], own, other) for v in (seen.max(), 4 * seen.max()))
    assert far.mean_s == pytest.approx(rim.mean_s, rel=0.1)
    assert far.sd_s > 3 * rim.sd_s
    x = np.column_stack([np.log(seen), np.log(seen)])
    assert within(x, np.array([[9.0, 9.0]]))[0] == pytest.approx(x[np.abs(x[:, 0] - x[:, 0].mean()).argmax()], abs=0.3)
    assert within(x, x) == pytest.approx(x)


def test_policies_say_all_their_faults_at_once():
    with pytest.raises(ShadowError) as raised:
        policies_of(["max_presure", "actuated", "sotl:platoon=3", "max_pressure:min_green_s=long"], NETWORK)
    text = str(raised.value)
    assert "4 faults" in text
    assert "did you mean 'max_pressure'" in text
    assert "proposes nothing" in text
    assert "did you mean 'platoon_veh'" in text
    assert "a number" in text
    [one] = policies_of(["max_pressure:min_green_s=7,decision_s=2"], NETWORK)
    assert one.told["settings"]["min_green_s"] == 7
    assert one.decision_s == 2


def test_pairs_differ_and_are_the_same_again():
    pool = policies_of(["max_pressure", "sotl", "max_pressure:min_green_s=5"], NETWORK)
    pairs = study.pairs_of(pool, 20, 1)
    assert len(pairs) == 3
    assert {frozenset((a.name, b.name)) for a, b in pairs} == {
        frozenset((a.name, b.name)) for a in pool for b in pool if a != b
    }
    assert pairs == study.pairs_of(pool, 20, 1)


def test_a_summary_by_hand():
    right = {"verdict": "better", "true_verdict": "better", "estimate_s": -2.0, "true_s": -1.0, "believed_s": -1.0,
             "low_s": -3.0, "high_s": -1.0, "covered": True, "windows": []}  # fmt: skip
    wrong = {
        **right,
        "verdict": "worse",
        "estimate_s": 1.0,
        "true_s": -1.0,
        "low_s": 0.5,
        "high_s": 1.5,
        "covered": False,
    }
    unsure = {**right, "verdict": "undecided", "estimate_s": 0.0, "true_s": 0.0, "low_s": -1.0, "high_s": 1.0}
    found = study.summary([right, wrong, unsure])
    assert found["agree_percent"] == pytest.approx(100 / 3)
    assert found["decided_right_sign_percent"] == 50
    assert (
        found["said_worse_true_better"] == found["said_better_true_better"] == found["said_undecided_true_better"] == 1
    )
    assert found["covered_percent"] == pytest.approx(200 / 3)
    assert found["rmse_s"] == pytest.approx(np.sqrt((1 + 4 + 0) / 3))


@pytest.fixture(scope="module")
def windows():
    one, two = policies_of(["max_pressure:min_green_s=5", "sotl"], NETWORK)
    conditions = (NETWORK, one.told, 1, 75, 1.2, None, DetectorOptions(dropout_percent=10))
    alone, shadowed = street.lived([street.window(*conditions), street.window(*conditions, two.told)])
    return alone, shadowed


def test_a_candidate_in_the_shadow_changes_nothing(windows):
    alone, shadowed = windows
    assert alone["measures"] == shadowed["measures"]
    assert alone["seen"] == shadowed["seen"]
    assert alone["rows"] == []
    rows = shadowed["rows"]
    assert any(row["wanted"] != row["proposed"] for row in rows)
    for row in rows:  # the guard lets nobody leave a green that has not lasted
        if row["readings"]["green_s"][0] < 5:
            assert row["proposed_next"] == row["readings"]["phase"]


def test_a_shadows_run_is_checked_and_a_changed_one_found(windows, tmp_path, monkeypatch):
    monkeypatch.setattr(shadow_run, "lived", lambda jobs, *_: _lives(jobs, windows[1]))
    path, row = shadow_run.shadow(NETWORK, "max_pressure:min_green_s=5", "sotl", 1, 120, 1.2, 0, 9, None, tmp_path)
    assert row["verdict"] == "better"
    assert list(tmp_path.glob(".*")) == []
    with Run.open(path) as run:
        assert shadow_run.replay(run) == (True, None)
        assert len(run.table("shadow_draw")) == 9
        rows = run.table("shadow_decision")
        first = {**json.loads(rows["readings"][0]), "vehicles": [0.0] * 8, "halting": [0.0] * 8}
        assert len(rows) == len(windows[1]["rows"])
        monkeypatch.setattr(shadow_run, "answered", lambda *_: [[9]] * len(rows))
        same, why = shadow_run.replay(run)
    assert not same
    assert "decision 1" in why
    assert first["vehicles"] != json.loads(rows["readings"][5])["vehicles"]


def _lives(jobs, shadowed):
    """The city's window as it was lived; in the twin's the candidate's delay is a fifth less."""
    if len(jobs) == 1:
        return [shadowed]
    rng = np.random.default_rng(1)
    half = len(jobs) // 2
    seen = [
        {name: (np.array(counts) * rng.uniform(0.8, 1.2)).tolist() for name, counts in shadowed["seen"].items()}
        for _ in range(half)
    ]
    own = [{"seen": one, "measures": {"delay_s": 20.0 + i}} for i, one in enumerate(seen)]
    return own + [told([], 0.8 * one["measures"]["delay_s"] + rng.normal(0, 0.1)) for one in own]


def test_a_controllers_log_is_a_street_too(windows, tmp_path, monkeypatch):
    rows = windows[1]["rows"]
    log = [{"first": int(i == 0), "readings": row["readings"], "answer": row["wanted"]} for i, row in enumerate(rows)]
    monkeypatch.setattr(shadow_run, "decisions", lambda _: log)
    [candidate] = policies_of(["sotl"], NETWORK)
    found, seen, duration_s = shadow_run._of_log(tmp_path, candidate, shadow_run.signals_for(NETWORK))
    assert [row["proposed"] for row in found] == [row["proposed"] for row in rows]
    assert duration_s == rows[-1]["at_s"] - rows[0]["at_s"]
    assert seen["vehicles"][0] == pytest.approx(
        np.mean([row["readings"]["vehicles"][0] for row in rows if row["readings"]["vehicles"][0] is not None])
    )
    monkeypatch.setattr(shadow_run, "lived", lambda jobs, *_: _lives(jobs, windows[1]))
    path, row = shadow_run.shadow(NETWORK, "max_pressure", "sotl", 1, 900, 1.0, 0, 9, tmp_path / "log", tmp_path)
    assert row["log_passed"] is None  # a cabinet has cameras alone
    assert row["duration_s"] == duration_s
    with Run.open(path) as run:
        assert shadow_run.replay(run) == (True, None)
        assert set(run.table("shadow_decision")["proposed_next"]) == {""}
    log[3]["first"] = 1
    with pytest.raises(ShadowError, match="without a restart"):
        shadow_run._of_log(tmp_path, candidate, shadow_run.signals_for(NETWORK))


def test_too_few_draws_and_a_late_take_over_are_refused(tmp_path):
    with pytest.raises(ShadowError, match="too few"):
        shadow_run.shadow(NETWORK, "webster", "sotl", 1, 120, 1.0, 0, 3, None, tmp_path)
    with pytest.raises(ShadowError, match="no such log"):
        shadow_run.shadow(NETWORK, "webster", "sotl", 1, 120, 1.0, 0, 8, tmp_path / "none.sqlite", tmp_path)
    with pytest.raises(ShadowError, match="not before the end"):
        shadow_run.shadow(NETWORK, "webster", "sotl", 1, 120, 1.0, 120, 8, None, tmp_path)
