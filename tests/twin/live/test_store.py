"""Live days as runs: recorded and taken in again to identical tables, retained as long as was asked."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from twin.errors import BusyError, LiveError
from twin.live import store as store_module
from twin.live.demo import BEGIN_S, messages
from twin.live.demo import record as take_in
from twin.live.messages import MOST_BYTES, Message, write
from twin.live.store import LiveStore, day_of, replay
from twin.live.street import Lived
from twin.run import Run

DAY_S = 86_400


@pytest.fixture
def lived():
    rng = np.random.default_rng(3)
    counts = rng.poisson(4.0, (60, 8)).astype(float)
    return Lived(np.arange(5.0, 305.0, 5.0), counts, np.minimum(counts, 2), np.zeros((60, 2)))


def sent_by(lived):
    return [*messages(lived, seed=1), (BEGIN_S + 400, "x" * 300, b"\xff" * (MOST_BYTES + 9))]


def record(lived, folder):
    with LiveStore(folder) as store:
        take_in(sent_by(lived), store)
    return store


def days(folder):
    return sorted(path.name for path in folder.glob("*.sqlite"))


def test_a_day_replays_to_identical_tables(lived, tmp_path):
    store = record(lived, tmp_path)
    with Run.open(store.sealed[0]) as run:
        assert replay(run) == (True, None)
        readings = run.table("live_reading")
        told = set(",".join(readings["flags"]).split(","))
        assert {"late", "duplicate", "out_of_order", "gap", "missing", "impossible"} <= told
        assert len(run.table("live_refused")) == store.totals["refused"] > 0
        assert run.provenance["counts"]["taken"] == store.totals["taken"]


def test_a_changed_day_is_found_out(lived, tmp_path):
    store = record(lived, tmp_path)
    connection = sqlite3.connect(store.sealed[0])
    connection.execute("UPDATE live_reading SET value = 99 WHERE rowid = 5")
    connection.commit()
    connection.close()
    with Run.open(store.sealed[0]) as run:
        identical, first = replay(run)
    assert not identical
    assert (first.table, first.row, first.column, first.stored) == ("live_reading", 4, "value", 99.0)


def test_days_are_files_and_old_ones_go(tmp_path):
    store = LiveStore(tmp_path, keep_days=2)
    for day in range(4):
        at_s = BEGIN_S + day * DAY_S
        store.take(*write(Message("battery", "office-1", "b", day, at_s, {"soc_percent": 50.0})), at_s)
    store.close()
    assert days(tmp_path) == ["live-2026-01-07.sqlite", "live-2026-01-08.sqlite"]
    assert str(day_of(BEGIN_S)) == "2026-01-05"


def test_a_second_recording_of_a_day_overwrites_nothing(lived, tmp_path):
    record(lived, tmp_path)
    record(lived, tmp_path)
    assert days(tmp_path) == ["live-2026-01-05.2.sqlite", "live-2026-01-05.sqlite"]


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from twin.live import store as store_module
from twin.live.demo import record
store_module.BATCH = 170
def until(n, total):
    if n >= 400:
        os.kill(os.getpid(), signal.SIGKILL)
with store_module.LiveStore(Path(sys.argv[1])) as store:
    record(pickle.load(sys.stdin.buffer), store, 0.0, until)
"""


def test_a_killed_recording_goes_on_and_ends_in_the_same_tables(lived, tmp_path, root):
    with Run.open(record(lived, tmp_path / "whole").sealed[0]) as run:
        whole, counts = run.digests, run.provenance["counts"]
    killed = tmp_path / "killed"
    done = subprocess.run([sys.executable, "-c", KILLED, str(killed)], cwd=root, input=pickle.dumps(sent_by(lived)))
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in killed.glob("*live-*")] == [".live-2026-01-05-feed.partial"]
    with LiveStore(killed) as store:
        assert sum(store.totals.values()) == 340  # what was written: two batches
        take_in(sent_by(lived), store)
    assert [path.name for path in killed.glob("*live-*")] == ["live-2026-01-05.sqlite"]
    with Run.open(store.sealed[0]) as run:
        assert (run.digests, run.provenance["counts"]) == (whole, counts)
        assert run.provenance["interruptions"] == 1


@pytest.mark.parametrize("stops", [(0, 1), (169, 170, 171), (50, 300, 550)])
def test_stopped_at_any_message_by_an_error_or_in_order_nothing_is_lost(lived, tmp_path, monkeypatch, stops):
    monkeypatch.setattr(store_module, "BATCH", 170)
    sent = sent_by(lived)
    with Run.open(record(lived, tmp_path / "whole").sealed[0]) as run:
        whole = run.digests
    for i, stop in enumerate(stops):
        with pytest.raises(TypeError), LiveStore(tmp_path) as store:
            take_in([*sent[:stop], (BEGIN_S, None, None)], store)
        store = LiveStore(tmp_path)
        take_in(sent[: stop + i], store)
        store.pause()
    with LiveStore(tmp_path) as store:
        take_in(sent, store)
    with Run.open(store.sealed[0]) as run:
        assert run.digests == whole


def test_killed_between_the_last_write_and_the_renaming(lived, tmp_path):
    store = record(lived, tmp_path)
    os.rename(store.sealed[0], tmp_path / ".live-2026-01-05-feed.partial")
    with LiveStore(tmp_path) as again:
        assert again.totals == store.totals
        take_in(sent_by(lived), again)
    assert days(tmp_path) == ["live-2026-01-05.sqlite"]


def test_a_day_left_unfinished_is_sealed_when_the_next_begins(tmp_path):
    for day in range(2):
        store = LiveStore(tmp_path)
        at_s = BEGIN_S + day * DAY_S
        store.take(*write(Message("battery", "office-1", "b", day, at_s, {"soc_percent": 50.0})), at_s)
        store.pause()
    assert days(tmp_path) == ["live-2026-01-05.sqlite"]
    assert (tmp_path / ".live-2026-01-06-feed.partial").is_file()


def test_two_recordings_of_a_folder_at_once_are_refused(tmp_path):
    with LiveStore(tmp_path), pytest.raises(BusyError, match="another process records there"):
        LiveStore(tmp_path)
    LiveStore(tmp_path).close()


def test_a_damaged_unfinished_day_is_told_and_not_touched(tmp_path):
    damaged = tmp_path / ".live-2026-01-05-feed.partial"
    damaged.write_bytes(b"no database" * 500)
    with pytest.raises(LiveError, match="is damaged"):
        LiveStore(tmp_path)
    assert damaged.read_bytes() == b"no database" * 500
    damaged.unlink()
    LiveStore(tmp_path).close()
