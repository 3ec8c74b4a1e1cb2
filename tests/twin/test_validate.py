"""The validation table: every line agrees, a model that is wrong is told, a peer that is missing is skipped."""

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from twin.cli import app
from twin.errors import ValidationTableError
from twin.programmes import personnel
from twin.validation.comparison import Comparison
from twin.validation.programmes import erlang_c_wait, in_turn_wait
from twin.validation.table import CHECKS, chosen, made

ELSEWHERE = {"queue", "webster", "pvwatts", "matching", "planner", "order-book"}  # tests/verification


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "resco" else n for n in CHECKS if n not in ELSEWHERE]
)
def test_every_comparison_agrees(name):
    rows = [one.as_row() for _, one in made([name])]
    assert rows
    assert all(row["verdict"] in ("agrees", "skipped") for row in rows), rows


def test_a_difference_is_a_share_of_theirs_or_in_their_unit():
    share = Comparison("m", "c", "w", "theory", "s", 11.0, 10.0, 0.09)
    assert (share.difference, share.agrees) == (pytest.approx(0.1), False)
    assert share.as_row()["difference"] == pytest.approx(10.0)
    assert Comparison("m", "c", "w", "theory", "people", 11.0, 10.0, 1.0, absolute=True).agrees
    assert not Comparison("m", "c", "w", "theory", "s", float("nan"), 10.0, 1.0).agrees


def test_theory_waits_of_queues_by_hand():
    assert erlang_c_wait(1, 0.7) == pytest.approx(0.7 / 0.3)
    assert erlang_c_wait(2, 0.6) == pytest.approx(0.36 / (1 - 0.36))  # M/M/2: load squared over one less it
    assert in_turn_wait(1, 0.7) == pytest.approx(0.7 / 0.3)


def test_a_wrong_model_differs_and_the_command_ends_with_1(monkeypatch):
    right = personnel.queue
    monkeypatch.setattr(personnel, "queue", lambda at, service, free: right(at, 1.1 * service, free))
    done = CliRunner().invoke(app, ["validate", "--only", "clerks", "--json"])
    assert done.exit_code == 1
    assert {row["verdict"] for row in json.loads(done.stdout)} == {"differs"}


def test_a_peer_that_is_not_installed_is_skipped_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy_financial", None)
    done = CliRunner().invoke(app, ["validate", "--only", "npv"])
    assert done.exit_code == 0
    assert "npv, numpy-financial: needs: pip install numpy-financial" in done.stdout
    assert "0 agree, 0 differ, 1 skipped" in done.stdout


def test_an_unknown_comparison_is_told_with_the_nearest():
    with pytest.raises(ValidationTableError, match="did you mean 'bass'"):
        chosen(["bas"])
    assert chosen(["npv", "bass"]) == ["bass", "npv"]
    assert np.array_equal(chosen([]), list(CHECKS))
