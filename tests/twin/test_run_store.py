"""The run file: rows only, sealed, whole or not there."""

import math
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import Counter

from twin.errors import RowError, RunError
from twin.module import Column, Table
from twin.recorder import Recorder, all_checked, checked, table_digest
from twin.run import Run, find
from twin.runner import run_key, run_scenario
from twin.scenario import Scenario

TABLE = Table("things", (Column("n", "int", "-", ""), Column("x", "float", "m", ""), Column("word", "str", "-", "")))


def test_a_row_must_be_its_dictionarys():
    assert checked(TABLE, {"n": 1, "x": 2, "word": None}) == (1, 2.0, None)
    for row, what in [
        ({"n": 1, "x": 2.0}, "row has"),
        ({"n": 1, "x": 2.0, "word": "a", "more": 1}, "row has"),
        ({"n": 1.5, "x": 2.0, "word": "a"}, "things.n"),
        ({"n": True, "x": 2.0, "word": "a"}, "things.n"),
        ({"n": 1, "x": math.nan, "word": "a"}, "things.x"),
        ({"n": 1, "x": math.inf, "word": "a"}, "things.x"),
    ]:
        with pytest.raises(RowError, match=what):
            checked(TABLE, row)


WORDS = st.none() | st.integers(-9, 9) | st.floats() | st.booleans() | st.text(max_size=3)


@given(st.lists(st.fixed_dictionaries({"n": WORDS, "x": WORDS, "word": WORDS}, optional={"more": WORDS}), max_size=4))
@settings(max_examples=100, deadline=None)
def test_many_rows_are_checked_as_each_one(rows):
    def told(check):
        try:
            return repr(list(check()))
        except RowError as error:
            return str(error)

    assert told(lambda: all_checked(TABLE, rows)) == told(lambda: [checked(TABLE, row) for row in rows])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))))
def test_what_is_stored_comes_back_to_the_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("runs") / "x.partial"
    recorder = Recorder(path, {"things": TABLE})
    recorder.append([("2026-01", {"m": {"things": [{"n": n, "x": x, "word": None} for n, x in values]}})], {})
    rows = recorder.connection.execute("SELECT * FROM things ORDER BY rowid").fetchall()
    recorder.close()
    assert rows == [("2026-01", n, x, None) for n, x in values]


def test_the_digest_sees_the_last_bit():
    one = table_digest([("2026-01", 0.1 + 0.2)])
    assert one != table_digest([("2026-01", 0.3)])
    assert one == table_digest([("2026-01", 0.1 + 0.2)])


def test_a_months_rows_are_stored_whole_or_not_at_all(tmp_path: Path):
    recorder = Recorder(tmp_path / "x.partial", {"things": TABLE})
    good, bad = {"n": 1, "x": 1.0, "word": ""}, {"n": 1, "x": math.nan, "word": ""}
    with pytest.raises(RowError):
        recorder.append([("2026-01", {"m": {"things": [good, bad]}})], {"months_lived": 1})
    assert recorder.connection.execute("SELECT count(*) FROM things").fetchone() == (0,)
    assert recorder.connection.execute("SELECT count(*) FROM checkpoint").fetchone() == (0,)
    recorder.close()


def test_an_unknown_table_is_refused(tmp_path: Path):
    recorder = Recorder(tmp_path / "x.partial", {"things": TABLE})
    with pytest.raises(RowError, match="no module's data dictionary"):
        recorder.append([("2026-01", {"m": {"thongs": []}})], {})
    recorder.close()


def test_the_same_scenario_and_seed_find_their_run(tmp_path: Path):
    scenario = Scenario(name="empty", horizon_months=2)
    first = run_scenario(scenario, 1, tmp_path)
    again = run_scenario(scenario.model_copy(update={"name": "other", "description": "words"}), 1, tmp_path)
    assert (first.reused, again.reused) == (False, True)
    assert again.path == first.path
    assert not run_scenario(scenario, 2, tmp_path).reused
    assert not run_scenario(scenario, 1, tmp_path, fresh=True).reused
    assert run_key(scenario, 1) != run_key(scenario.model_copy(update={"horizon_months": 3}), 1)


def test_a_damaged_run_is_run_again(tmp_path: Path):
    scenario = Scenario(name="empty", horizon_months=2)
    path = run_scenario(scenario, 1, tmp_path).path
    path.write_bytes(path.read_bytes()[:5000])
    assert not run_scenario(scenario, 1, tmp_path).reused


def test_only_finished_runs_open(tmp_path: Path, smoke_run: Path):
    with pytest.raises(RunError, match="no such run"):
        Run.open(tmp_path / "nothing.sqlite")
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to be looked at as one " * 20)
    with pytest.raises(RunError, match="damaged or no run"):
        Run.open(text)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(RunError, match="no run of the twin"):
        Run.open(other)
    half = tmp_path / "half.sqlite"
    Recorder(half, {"things": TABLE}).close()
    with pytest.raises(RunError, match="unfinished"):
        Run.open(half)
    newer = tmp_path / "newer.sqlite"
    newer.write_bytes(smoke_run.read_bytes())
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version=999")
    with pytest.raises(RunError, match="schema 999"):
        Run.open(newer)


def test_a_truncated_run_never_opens_with_a_traceback(tmp_path: Path, smoke_run: Path):
    whole = smoke_run.read_bytes()
    for size in range(0, len(whole) - 1, max(1, len(whole) // 12)):
        cut = tmp_path / "cut.sqlite"
        cut.write_bytes(whole[:size])
        with pytest.raises(RunError):
            Run.open(cut)


def test_tables_come_back_typed_and_described(smoke_run: Path):
    with Run.open(smoke_run) as run:
        described = set(zip(run.dictionary["table"], run.dictionary["column"], strict=True))
        for name in run.tables:
            table = run.table(name)
            assert table.columns[0] == "month"
            assert {(name, column) for column in table.columns} <= described
        assert not run.damaged()
        assert run.provenance["versions"]["numpy"]
        with pytest.raises(RunError, match="did you mean 'solar_month'"):
            run.table("solar_moth")


def test_a_run_is_found_by_the_beginning_of_its_name(tmp_path: Path):
    path = run_scenario(Scenario(name="empty", horizon_months=1), 1, tmp_path).path
    assert find("empty", tmp_path) == path
    assert find(str(path), tmp_path) == path
    with pytest.raises(RunError, match="valid: empty-s1"):
        find("emptyy-s1", tmp_path)
    second = run_scenario(Scenario(name="empty", horizon_months=1), 2, tmp_path).path
    assert find("empty", tmp_path) == second  # the newest
    assert find("empty-s1", tmp_path) == path


def test_a_module_that_raises_leaves_a_resumable_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scenario = Scenario(name="empty", horizon_months=5)
    monkeypatch.setattr("twin.city.modules_of", lambda scenario: [Counter("a", fail_in=4)])
    with pytest.raises(RuntimeError, match="a module that raises"):
        run_scenario(scenario, 1, tmp_path, remember=False)
    assert not list(tmp_path.glob("*.sqlite"))
    monkeypatch.setattr("twin.city.modules_of", lambda scenario: [Counter("a")])
    resumed = run_scenario(scenario, 1, tmp_path, remember=False)
    assert 1 <= resumed.resumed_from <= 3
    whole = run_scenario(scenario, 1, tmp_path / "whole")
    with Run.open(resumed.path) as a, Run.open(whole.path) as b:
        assert a.digests == b.digests
