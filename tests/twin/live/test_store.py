"""Live days as runs: recorded and taken in again to identical tables, retained as long as was asked."""

import sqlite3

import numpy as np
import pytest

from twin.live.demo import BEGIN_S, messages
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


def record(lived, folder):
    store = LiveStore(folder)
    for arrived_s, topic, payload in messages(lived, seed=1):
        store.take(topic, payload, arrived_s)
    store.take("x" * 300, b"\xff" * (MOST_BYTES + 9), BEGIN_S + 400)
    store.close()
    return store


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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live-2026-01-07.sqlite", "live-2026-01-08.sqlite"]
    assert str(day_of(BEGIN_S)) == "2026-01-05"


def test_a_second_recording_of_a_day_overwrites_nothing(lived, tmp_path):
    record(lived, tmp_path)
    record(lived, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["live-2026-01-05.2.sqlite", "live-2026-01-05.sqlite"]
