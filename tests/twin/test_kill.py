"""kill -9 at any moment: no half run opens, and the same command ends in the same digests."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.errors import RunError
from twin.run import Run

WORDS = ["run", "smoke", "--set", "horizon_months=6", "--set", "traffic={hour_s: 60, networks: [cologne1]}", "--json"]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of our own: networks and hours are kept in it, but no months, which would leave nothing to be killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def start(root: Path, folder: Path, *extra: str) -> subprocess.Popen:
    for path in Path(os.environ["TWIN_CACHE"]).glob("months.sqlite*"):
        path.unlink()
    command = [sys.executable, "-m", "twin", *WORDS, "--out", str(folder), *extra]
    return subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts background jobs with interrupts ignored; a person at a terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen) -> str:
    """What it said on standard error, once it has ended well."""
    error = process.communicate(timeout=300)[1]
    assert process.returncode == 0, error
    return error


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory) -> tuple[dict[str, str], float]:
    """The digests of a run that nobody disturbed, and how long it took."""
    folder = tmp_path_factory.mktemp("whole")
    began = time.monotonic()
    finish(start(root, folder))
    took = time.monotonic() - began
    with Run.open(next(folder.glob("*.sqlite"))) as run:
        return run.digests, took


def test_ten_kills_at_random_moments(root: Path, tmp_path: Path, whole):
    digests, took = whole
    moments = random.Random(20260101)
    killed = 0
    for i in range(10):
        folder = tmp_path / str(i)
        process = start(root, folder)
        time.sleep(moments.uniform(0.1, took))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        for path in folder.glob("*.sqlite"):  # only a whole run may have a name
            with Run.open(path) as run:
                assert run.digests == digests
        for path in folder.glob(".*.partial"):
            with pytest.raises(RunError):
                Run.open(path)
        finish(start(root, folder))
        with Run.open(next(folder.glob("*.sqlite"))) as run:
            assert run.digests == digests
        assert not list(folder.glob(".*.partial*"))
    assert killed >= 5, "most runs ended before the kill: nothing was tried"


def test_ctrl_c_leaves_a_resumable_checkpoint(root: Path, tmp_path: Path, whole):
    digests, _ = whole
    process = start(root, tmp_path)
    deadline = time.monotonic() + 120
    while not has_a_month(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    message = process.communicate(timeout=60)[1]
    assert process.returncode == 130, message
    assert "goes on where it stopped" in message
    assert "Traceback" not in message
    assert not list(tmp_path.glob("*.sqlite"))
    finish(start(root, tmp_path))
    with Run.open(next(tmp_path.glob("*.sqlite"))) as run:
        assert run.provenance["resumed_from_month"] >= 1
        assert run.digests == digests


def has_a_month(folder: Path) -> bool:
    for path in folder.glob(".*.partial"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                return connection.execute("SELECT count(*) FROM checkpoint").fetchone()[0] == 1
            except sqlite3.Error:
                return False
    return False


def test_two_processes_do_not_write_one_run(root: Path, tmp_path: Path):
    first, second = start(root, tmp_path), start(root, tmp_path)
    errors = [process.communicate(timeout=300)[1] for process in (first, second)]
    codes = sorted(process.returncode for process in (first, second))
    assert codes in ([0, 2], [0, 0])  # [0, 0]: the second began after the first had ended, and found its run
    if codes == [0, 2]:
        assert any("another process is running it" in error for error in errors), errors
    assert len(list(tmp_path.glob("*.sqlite"))) == 1
