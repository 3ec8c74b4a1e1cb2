"""The hour without control: its programme by hand, and that no control causes less delay."""

import json
from pathlib import Path

import pytest

from controllers.plan import SignalPlan
from twin.errors import NetworkError
from twin.traffic.studies.evaluate import baselines
from twin.traffic.studies.uncontrolled import open_xml, uncontrolled


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))


def test_theory_every_vehicle_has_green_and_nobody_walks():
    plan = SignalPlan("a & b", phases=("GrrG", "rGgr"), crossings=(3,))
    assert open_xml([plan]) == (
        '<additional><tlLogic id="a &amp; b" type="static" programID="uncontrolled" offset="0">'
        '<phase duration="86400" state="GGGr"/></tlLogic></additional>'
    )


def test_nobody_waits_for_a_signal_and_no_control_causes_less_delay():
    (free,) = uncontrolled("cologne1", [3], duration_s=900)
    (rule,) = baselines(["cologne1"], ["max_pressure"], [3], duration_s=900)
    assert free["vehicles"] == rule["vehicles"] > 200
    assert free["stop_time_s"] < 1.0 < rule["stop_time_s"]
    assert free["delay_s"] < 0.6 * rule["delay_s"]


def test_a_wider_demand_is_another_hour_and_a_network_that_is_not_there_is_named():
    few, many = (uncontrolled("cologne1", [3], duration_s=300, scale=scale)[0]["vehicles"] for scale in (0.5, 1.5))
    assert 2 * few < many
    with pytest.raises(NetworkError, match="cologne1"):
        uncontrolled("cologne", [3])


def test_the_command_prints_a_row_a_seed(twin):
    told = twin("traffic", "uncontrolled", "--network", "junction-5", "--seeds", "1..2", "--scale", "0.2", "--json")
    assert told.returncode == 0, told.stderr
    rows = json.loads(told.stdout)
    assert [(row["network"], row["controller"], row["seed"]) for row in rows] == [
        ("junction-5", "uncontrolled", 1),
        ("junction-5", "uncontrolled", 2),
    ]
