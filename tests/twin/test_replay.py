"""A replay finds the first place where two runs differ."""

import json
import sqlite3
from pathlib import Path

import pytest

from twin.replay import first_difference, replay
from twin.run import Run


@pytest.fixture
def changed(tmp_path: Path, smoke_run: Path):
    """A copy of the smoke run, changed by the statements given."""

    def change(*statements: str) -> Run:
        path = tmp_path / "changed.sqlite"
        path.write_bytes(smoke_run.read_bytes())
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        return Run.open(path)

    return change


def test_a_run_replays_identically(smoke_run: Path):
    with Run.open(smoke_run) as run:
        verdict = replay(run)
    assert verdict.identical
    assert verdict.first_difference is None


def test_one_changed_bit_is_found_and_named(changed):
    with changed("UPDATE solar_total SET pv_kwh = pv_kwh * (1 + 3e-16) WHERE rowid = 2") as run:
        verdict = replay(run)
    assert not verdict.identical
    first = verdict.first_difference
    assert (first.table, first.row, first.column) == ("solar_total", 1, "pv_kwh")
    assert first.stored != first.replayed
    assert any("no longer what was sealed" in remark for remark in verdict.remarks)


def test_the_command_line_answers_no_with_code_1(changed, twin):
    with changed("UPDATE traffic_hour SET delay_s = delay_s + 1 WHERE rowid = 1") as run:
        done = twin("replay", run.path, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["identical"] is False
    first = answer["first_difference"]
    assert (first["table"], first["month"], first["row"], first["column"]) == ("traffic_hour", "2026-01", 0, "delay_s")


def test_missing_rows_and_tables_are_named(changed, smoke_run: Path):
    with Run.open(smoke_run) as whole:
        with changed("DELETE FROM solar_total WHERE rowid = 2") as run:
            assert first_difference(run, whole).stored == "no row"
        with changed("DROP TABLE solar_total", """DELETE FROM digests WHERE "table" = 'solar_total'""") as run:
            difference = first_difference(run, whole)
            assert (difference.table, difference.stored, difference.replayed) == ("solar_total", "missing", "there")


def test_a_changed_digest_is_not_identical(changed):
    with changed("UPDATE digests SET sha256 = 'x' WHERE \"table\" = 'solar_total'") as run:
        assert not replay(run).identical


def test_another_seed_gives_another_run(smoke_run: Path, tmp_path: Path):
    from twin.runner import run_scenario

    with Run.open(smoke_run) as one, Run.open(run_scenario(one.scenario, 2, tmp_path).path) as two:
        assert first_difference(one, two) is not None
