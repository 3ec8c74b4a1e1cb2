"""From shadow to canary to all and back: every criterion by hand, on the table's values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import RunError, ShadowError
from twin.live.shadow import promotion as p
from twin.live.shadow.promote import promote
from twin.live.shadow.run import TABLES, month_of_demo
from twin.recorder import Recorder
from twin.run import Run


def told(verdicts, in_charge=False, duration_s=900.0):
    names = {"b": "better", "w": "worse", "u": "undecided"}
    return [p.Evidence(f"r{i}", names[one], in_charge, duration_s) for i, one in enumerate(verdicts)]


def stages(evidence, stage="shadow"):
    return [one.after for one in p.decided(evidence, stage)]


def test_eight_good_windows_bring_a_policy_to_the_canary_and_no_sooner():
    assert stages(told("bbbbbbbb")) == ["shadow"] * 7 + ["canary"]
    assert stages(told("bbbbbbuu"))[-1] == "canary"  # 75 %
    assert stages(told("bbbbbuuu"))[-1] == "shadow"
    assert stages(told("bbbbbbbw"))[-1] == "shadow"
    assert stages(told("wbbbbbbbb"))[-1] == "canary"  # what is older than the latest eight is forgotten
    assert stages(told("bbbbbbbb", duration_s=600.0))[-1] == "shadow"  # 1.33 of 2 h
    assert "1.33 of 2 h" in p.decided(told("bbbbbbbb", duration_s=600.0))[-1].why


def test_a_canary_that_is_no_worse_goes_to_all_and_one_that_is_steps_back():
    assert stages(told("uuuuuuuu", True), "canary")[-1] == "all"
    assert stages(told("uwuuuuuu", True), "canary")[-1] == "all"
    assert stages(told("uwuuuwuu", True), "canary")[-1] == "canary"
    assert stages(told("uwuw", True), "canary") == ["canary", "canary", "canary", "back"]
    assert stages(told("uuwwbbbb", True), "all") == ["all", "all", "all", "back", "back", "back", "back", "back"]


def test_verdicts_of_the_shadow_do_not_count_for_the_canary():
    evidence = told("bbbbbbbb") + told("bbbbbbbb")
    assert stages(evidence)[-1] == "canary"
    assert stages(told("bbbbbbbb") + told("uuuuuuuu", True))[-1] == "all"


@given(st.text("bwu", max_size=40), st.text("bwu", max_size=40))
def test_stages_follow_one_another_and_back_is_for_good(before, after):
    path = stages(told(before) + told(after, True))
    order = {"shadow": 0, "canary": 1, "all": 2, "back": 3}
    for one, two in zip(["shadow", *path], path, strict=False):
        assert order[one] <= order[two]
        assert (one, two) not in {("shadow", "all"), ("shadow", "back")}


def test_a_verdict_of_the_old_policy_is_turned_round():
    row = {"candidate": "old", "in_charge": "new", "verdict": "better", "duration_s": 900.0}
    assert p.evidence_of(row, "r", "new") == p.Evidence("r", "worse", True, 900.0)
    assert p.evidence_of(row, "r", "old") == p.Evidence("r", "better", False, 900.0)
    assert p.evidence_of(row, "r", "third") is None


def shadow_run(path, verdict, candidate="new", network="cologne1"):
    row = {
        "in_charge": "old", "candidate": candidate, "log_vehicles": 1.0, "log_halting": 1.0, "log_passed": None,
        "verdict": verdict, "mean_s": -1.0, "sd_s": 0.1, "low_s": -1.2, "high_s": -0.8, "same_percent": 50.0,
        "heard_percent": 100.0, "duration_s": 900.0,
    }  # fmt: skip
    recorder = Recorder(path.with_suffix(".partial"), TABLES)
    recorder.append([(month_of_demo(), {"shadow": {"shadow_verdict": [row]}})], {})
    recorder.finish({"shadow": {"network": network}}, path)
    return path


def test_decisions_are_rows_of_a_run_and_the_roll_out_is_a_file(tmp_path):
    runs = [shadow_run(tmp_path / f"s{i}.sqlite", "better") for i in range(8)]
    found, rows = promote(runs, "new", "shadow", tmp_path / "out")
    assert found["stage"] == "canary"
    assert len(rows) == 8
    with Run.open(found["run"]) as run:
        assert run.table("promotion")["after"].tolist() == ["shadow"] * 7 + ["canary"]
        assert not run.damaged()
    body = json.loads((tmp_path / "out" / "roll-out.json").read_text())
    assert body == {"shares": [0.25], "soak_s": 7200}
    found, _ = promote(runs[:3], "new", "shadow", tmp_path / "again")
    assert found["stage"] == "shadow"
    assert not (tmp_path / "again" / "roll-out.json").exists()


def test_runs_that_tell_nothing_are_all_told_at_once(tmp_path):
    one = shadow_run(tmp_path / "a.sqlite", "better", "third")
    two = shadow_run(tmp_path / "b.sqlite", "better", network="cologne3")
    with pytest.raises(ShadowError, match="2 faults") as raised:
        promote([one, two], "new", "shadow", tmp_path / "out")
    assert "tells nothing of 'new'" in str(raised.value)
    assert "several networks" in str(raised.value)
    with pytest.raises(RunError):
        promote([tmp_path / "none.sqlite"], "new", "shadow", tmp_path / "out")
