"""Sweeps carried out: one table whoever runs it, nothing done twice, nothing lost."""

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import sweep_works

from twin.errors import SweepError
from twin.sweep import local
from twin.sweep.cli import HELP
from twin.sweep.conduct import conduct, count
from twin.sweep.local import on_processes
from twin.sweep.on_ray import on_ray
from twin.sweep.plan import load
from twin.sweep.record import NAME, Record
from twin.sweep.table import Place, write_table
from twin.sweep.work import Result, Task, live

MONEY = """
scenario: smoke
set: {horizon_months: 1, traffic: null, solar: null, labour: null, carbon: null, programmes.draws: 10}
seeds: 1..2
parameters: {programmes.discount_rate_percent: [6, 12], programmes.starts.laras: [0, null]}
"""


def one_by_one(tasks):
    return ((task, live(task)) for task in tasks)


def carried_out(file: Path, runs: Path, engine=one_by_one):
    plan, record, told = load(str(file)), Record(runs), []
    rows, tally = conduct(plan, engine, runs, record, lambda *now: told.append(now))
    write_table(plan, rows, record, Place(str(runs / "table.parquet")))
    record.close()
    assert told[-1][:2] == (count(plan), count(plan))
    return pq.read_table(runs / "table.parquet"), tally


@pytest.fixture
def money(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "money.yaml").write_text(MONEY)
    return tmp_path / "money.yaml"


def test_a_row_a_run_with_parameters_figures_and_whence(money, tmp_path):
    table, tally = carried_out(money, tmp_path / "runs")
    rows = table.to_pylist()
    assert (len(rows), tally.made, tally.failed) == (8, 8, 0)
    assert [(one["point"], one["seed"]) for one in rows] == [(p, s) for p in range(4) for s in (1, 2)]
    assert [one["programmes.starts.laras"] for one in rows[:4]] == [0, 0, None, None]
    assert rows[0]["signals_npv_idr"] > rows[4]["signals_npv_idr"]  # a higher rate, a lower present value
    assert (tmp_path / "runs" / f"{rows[0]['run']}.sqlite").is_file()
    assert not [path for path in (tmp_path / "runs").iterdir() if "partial" in path.name]
    money.write_text(MONEY.replace("1..2", "1..3"))
    more, tally = carried_out(money, tmp_path / "runs")
    assert (tally.found, tally.made) == (8, 4)  # what is known is not done again
    assert [one for one in more.to_pylist() if one["seed"] < 3] == rows


def test_the_helps_question_to_duckdb_is_answered(money, tmp_path, monkeypatch, capsys):
    pytest.importorskip("duckdb", reason="of the `sweep` extra")
    money.write_text(MONEY.replace("[6, 12]", "[6]").replace("[0, null]", "[0]"))
    carried_out(money, tmp_path)
    (tmp_path / "table.parquet").rename(tmp_path / "money.parquet")
    (line,) = (line for line in HELP.splitlines() if "import duckdb" in line)
    monkeypatch.chdir(tmp_path)
    exec(shlex.split(line)[-1])
    assert "avg(pad_idr)" in capsys.readouterr().out


def test_runs_that_fail_are_rows_and_the_rest_goes_on(money, tmp_path):
    def breaks(tasks):
        return ((t, live(t if t.seed == 1 else Task(t.key, "{", t.seed, t.runs))) for t in tasks)

    swept = "solar.reserve_percent: [20, 60], solar.soc_max_percent: [50]"
    text = MONEY.replace("programmes.starts.laras: [0, null]", swept).replace("solar: null", "solar.offices: []")
    money.write_text(text.replace("[6, 12]", "[6]"))
    table, tally = carried_out(money, tmp_path / "runs", breaks)
    sound, broken, *together = table.to_pylist()
    assert (tally.made, tally.failed) == (1, 3)
    assert (sound["status"], sound["message"]) == ("done", None)
    assert sound["signals_npv_idr"] is not None
    assert (broken["status"], broken["signals_npv_idr"]) == ("failed", None)
    assert all("reserve_percent 60 lies above soc_max_percent" in one["message"] for one in together)
    _, tally = carried_out(money, tmp_path / "runs")  # what failed is tried again
    assert (tally.found, tally.made, tally.failed) == (1, 1, 2)


def test_adaptive_points_hang_on_the_file_and_the_results_alone(money, tmp_path):
    money.write_text(
        MONEY.split("seeds")[0] + "design: {method: adaptive, points: 4, batch: 2, kpi: signals_npv_idr}\n"
        "parameters: {programmes.discount_rate_percent: {low: 6, high: 12}, programmes.budget_basis: [stated, computed]}"
    )  # fmt: skip
    pytest.importorskip("optuna", reason="of the `sweep` extra")
    first, tally = carried_out(money, tmp_path / "a")

    def backwards(tasks):
        return iter([(task, live(task)) for task in tasks][::-1])

    second, _ = carried_out(money, tmp_path / "b", backwards)
    assert first.drop(["wall_s"]).equals(second.drop(["wall_s"]))
    assert len({one["programmes.discount_rate_percent"] for one in first.to_pylist()}) == 4
    assert carried_out(money, tmp_path / "a")[1].found == tally.made  # and are asked again after a stop


def test_a_closed_door_is_found_before_the_first_run(tmp_path):
    (tmp_path / "file").touch()
    for url, told in ((str(tmp_path / "file" / "x.parquet"), "cannot be written"), (str(tmp_path), "is a folder")):
        with pytest.raises(SweepError, match=told):
            Place(url)


def test_a_table_goes_to_any_url_of_fsspec(money, tmp_path):
    import fsspec

    plan, record = load(str(money)), Record(tmp_path / "runs")
    place = Place("memory://results/table.parquet")
    write_table(plan, [], record, place)
    record.close()
    assert fsspec.filesystem("memory").ls("/results", detail=False) == ["/results/table.parquet"]


def tasks(n, folder):
    return [Task(str(i), "", 1, str(folder)) for i in range(n)]


@pytest.mark.parametrize(("work", "lost"), [(sweep_works.dies_once, 0), (sweep_works.dies_always, 1)])
def test_a_worker_that_is_killed_takes_no_other_run_with_it(tmp_path, work, lost):
    found = {task.key: result for task, result in on_processes(tasks(4, tmp_path), 2, work)}
    assert sorted(found) == ["0", "1", "2", "3"]
    assert {key for key, result in found.items() if result.message} == ({"1"} if lost else set())
    assert not lost or "its worker died 3 times" in found["1"].message


def test_no_more_is_taken_than_there_are_workers_and_workers_are_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "MOST_RUNS", 2)
    taken = []
    waiting = (taken.append(task) or task for task in tasks(5, tmp_path))
    seen = on_processes(waiting, 1, sweep_works.who)
    pids = [next(seen)[1].kpis["pid"] for _ in range(1)]
    assert len(taken) == 1
    pids += [result.kpis["pid"] for _, result in seen]
    assert len(pids) == 5
    assert len(set(pids)) == 3


def test_ctrl_c_in_mid_sweep_and_the_same_command_goes_on(root, tmp_path, money):
    money.write_text(MONEY.replace("horizon_months: 1", "horizon_months: 12"))
    runs = tmp_path / "runs"
    command = [
        sys.executable,
        "-m",
        "twin",
        "sweep",
        str(money),
        "--out",
        str(tmp_path / "x.parquet"),
        "--runs",
        str(runs),
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while recorded(runs) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not (tmp_path / "x.parquet").exists()
    assert not psutil.wait_procs(in_session(process.pid), timeout=20)[1]  # no worker outlives it
    before = recorded(runs)
    assert 1 <= before < 8
    table, tally = carried_out(money, runs)
    assert (tally.found, tally.made, tally.failed) == (before, 8 - before, 0)
    undisturbed, _ = carried_out(money, tmp_path / "other")
    assert table.drop(["wall_s"]).equals(undisturbed.drop(["wall_s"]))


def test_a_worker_does_not_outlive_a_driver_that_is_killed(root, tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    driver = subprocess.Popen([sys.executable, "-m", "sweep_works", str(tmp_path)], env=environment)
    deadline = time.monotonic() + 60
    while not (told := (tmp_path / "pid")).exists() or not told.read_text():
        assert time.monotonic() < deadline, "no worker began"
        time.sleep(0.02)
    worker = psutil.Process(int(told.read_text()))
    driver.kill()
    driver.wait()
    assert not psutil.wait_procs([worker], timeout=20)[1]


def test_a_record_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match="cannot be made"):
        Record(tmp_path / "file" / "runs")
    (tmp_path / NAME).write_text("no database " * 100)
    with pytest.raises(SweepError, match="is damaged"):
        Record(tmp_path)


def test_a_full_disk_is_told_and_the_record_stays_whole(tmp_path):
    record = Record(tmp_path)
    record.keep("a", Result("", "a"))
    (pages,) = record._file.execute("PRAGMA page_count").fetchone()
    record._file.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(SweepError, match="make room, and the same command goes on"):
        record.keep("b", Result("", "x" * 1_000_000))
    record.close()
    again = Record(tmp_path)
    assert again.find("a") == Result("", "a")
    again.close()


def test_a_worker_with_other_code_makes_no_run(money, tmp_path):
    table, tally = carried_out(money, tmp_path / "runs", lambda tasks: ((t, live(replace(t, seed=9))) for t in tasks))
    assert (tally.made, tally.failed) == (0, 8)
    assert "code or packages are not the driver's" in table.to_pylist()[0]["message"]


def in_session(number: int) -> list[psutil.Process]:
    return [
        one for one in psutil.process_iter() if one.status() != psutil.STATUS_ZOMBIE and os.getsid(one.pid) == number
    ]


def recorded(runs: Path) -> int:
    try:
        with sqlite3.connect(f"file:{runs / NAME}?mode=ro", uri=True) as file:
            return file.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.Error:
        return 0


@pytest.fixture
def ray(root, monkeypatch):
    module = pytest.importorskip("ray", reason="of the `sweep` extra")
    monkeypatch.setenv("PYTHONPATH", f"{root}{os.pathsep}{root / 'tests'}")
    yield module
    module.shutdown()


@pytest.mark.slow
def test_another_tool_ray_makes_the_same_table_and_a_worker_that_is_killed_takes_no_run(money, tmp_path, ray):
    here, _ = carried_out(money, tmp_path / "local", partial(on_processes, workers=2))
    there, _ = carried_out(money, tmp_path / "ray", partial(on_ray, address=None, workers=2))
    assert here.drop(["wall_s"]).equals(there.drop(["wall_s"]))
    (tmp_path / "deaths").mkdir()
    found = dict(on_ray(tasks(4, tmp_path / "deaths"), None, 2, sweep_works.dies_once))
    assert {task.key for task, result in found.items() if not result.message} == {"0", "1", "2", "3"}


@pytest.mark.slow
def test_a_ray_node_lost_in_mid_sweep_loses_no_run(money, tmp_path, ray):
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    try:
        here, _ = carried_out(money, tmp_path / "local")
        came = 0

        def losing(tasks):
            nonlocal came
            for one in on_ray(tasks, cluster.address):
                came += 1
                if came == 2:
                    cluster.remove_node(second, allow_graceful=False)
                yield one

        there, tally = carried_out(money, tmp_path / "ray", losing)
        assert (tally.made, tally.failed) == (8, 0)
        assert here.drop(["wall_s"]).equals(there.drop(["wall_s"]))
    finally:
        ray.shutdown()
        cluster.shutdown()
