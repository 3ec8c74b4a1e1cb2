"""The table of benchmarks: what a claim reads, what counts as worse, and that the README shows the last one."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

pytest.importorskip("numba")
from benchmarks import __main__ as table
from benchmarks.claims import BENCHMARKS

FOUND = [
    {"candidate": "ModelChain loop", "times_the_peer": 1.0, "peak_mib": 400.0},
    {"candidate": "fast path", "times_the_peer": 80.0, "peak_mib": 300.0},
    {"candidate": "plain numpy", "times_the_peer": 1.0, "peak_mib": 500.0},
    {"candidate": "event-driven", "times_the_peer": 30.0, "peak_mib": 200.0},
]


@pytest.fixture
def measured(monkeypatch):
    """What `table.measured` makes of a solar benchmark that wrote FOUND, or that failed."""

    def call(found=FOUND, code: int = 0):
        def run(command, **_):
            if found is not None:
                Path(command[-1]).write_text(json.dumps(found), encoding="utf-8")
            return subprocess.CompletedProcess(command, code, "", "ended badly")

        monkeypatch.setattr(table.subprocess, "run", run)
        return table.measured("solar", BENCHMARKS["solar"], large=False)

    return call


def test_a_claim_is_read_with_its_memory_and_one_that_is_not_there_says_so(measured):
    end_to_end, ten_years, outages = measured()
    assert (end_to_end["ratio"], end_to_end["ours_mib"], end_to_end["peer_mib"]) == (80.0, 300.0, 400.0)
    assert outages["ratio"] == 30.0
    assert ten_years["failed"] == "not measured: candidate fast path x10"


def test_a_benchmark_that_fails_is_one_row_that_says_why(measured):
    (row,) = measured(None, 1)
    assert row == {"benchmark": "solar", "failed": "ended badly"}
    assert table.shown(row)["times"] == "failed"


def test_a_ratio_that_falls_by_more_than_noise_is_worse_and_a_missing_one_too(measured):
    before = {"size": "small", "rows": [row for row in measured() if "ratio" in row]}
    now = deepcopy(before)
    assert table.compared(now, before) == []
    now["rows"][0]["ratio"] *= 1 - table.SLACK + 0.01
    assert table.compared(now, before) == []
    now["rows"][0]["ratio"] = 50.0
    del now["rows"][1]["ratio"]
    first, second = table.compared(now, before)
    assert "50, and 80 before" in first
    assert "nothing, and 30 before" in second
    assert table.compared({**now, "size": "large"}, before) == []


def test_the_readme_shows_the_last_table(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    document = table.read(table.LAST)
    assert table.filled(text, document) == text
    assert table.markdown(document) in text
    assert {row["benchmark"] for row in document["rows"]} == set(BENCHMARKS)


def test_an_unknown_benchmark_is_told_with_the_nearest(root):
    command = [sys.executable, "-m", "benchmarks", "--only", "sollar"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean 'solar'?" in done.stderr
