"""Who is not believed: found by drift, kept beside the days, left out of what is estimated from them until it fits again."""

import json
import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from twin.errors import FaultsError, LiveError
from twin.live.cli import app
from twin.live.day import readings
from twin.live.demo import BEGIN_S, messages, record
from twin.live.drift.cusum import Alarm
from twin.live.drift.liars import SERIES_OF, Liar, fits_again
from twin.live.drift.run import doubts
from twin.live.drift.series import WHAT
from twin.live.shadow.moments import Window
from twin.live.store import ZONE, LiveStore
from twin.live.street import Lived
from twin.live.trust import FILE, SENSORS, Doubt, keep, kept, left_out, named, trusted, trusted_of


def row(at_s, source="zone-0", name="vehicles", kind="detectors"):
    return {"at_s": at_s, "arrived_s": at_s, "kind": kind, "source": source, "name": name, "value": 1.0, "flags": ""}


def test_what_a_sensor_told_from_then_until_then_is_left_out_by_hand():
    told = [row(at_s, name=name) for at_s in (0.0, 10.0, 20.0) for name in ("vehicles", "halting", "passed")]
    camera = Doubt("camera zone-0", 10.0, 20.0)
    left = left_out(told, [camera])
    assert [(one["at_s"], one["name"]) for one in left] == [
        (0.0, "vehicles"), (0.0, "halting"), (0.0, "passed"), (10.0, "passed"),
        (20.0, "vehicles"), (20.0, "halting"), (20.0, "passed"),
    ]  # fmt: skip
    assert trusted(pd.DataFrame(told), [camera]).to_dict("records") == left
    assert len(left_out(told, [Doubt("camera zone-0", 10.0)])) == 5
    assert left_out(told, []) == told


@given(
    at=st.lists(st.integers(0, 50), min_size=1), sensor=st.sampled_from(list(SENSORS)), since=st.integers(-5, 55),
    lasts=st.none() | st.integers(1, 60),
)  # fmt: skip
def test_property_rows_and_tables_agree_and_others_lose_nothing(at, sensor, since, lasts):
    kind, names = SENSORS[sensor]
    told = [row(float(s), source, name, kind) for s in at for name in (*names, "other") for source in ("a", "b")]
    doubt = Doubt(f"{sensor} a", float(since), None if lasts is None else float(since + lasts))
    left = left_out(told, [doubt])
    assert trusted(pd.DataFrame(told), [doubt]).to_dict("records") == left
    assert [one for one in left if one["source"] == "b"] == [one for one in told if one["source"] == "b"]
    assert not [one for one in left if one["source"] == "a" and one["name"] in names and doubt.covers(one["at_s"])]


def test_every_sensor_that_drift_names_can_be_left_out():
    assert set(SENSORS) == set(SERIES_OF)
    for word, series in SERIES_OF.items():
        kind, value, _ = WHAT[series]
        assert SENSORS[word][0] == kind
        assert value in SENSORS[word][1]


def test_a_name_of_nobody_is_told_and_a_damaged_file_too(tmp_path):
    table = pd.DataFrame([row(0.0), row(0.0, name="passed"), row(0.0, "in:a", "passed", "counters")])
    assert trusted(table, named(table, ["camera zone-0", "counter in:a"])).name.tolist() == ["passed"]
    with pytest.raises(FaultsError, match="2 faults") as raised:
        named(table, ["camera zone-9", "spy zone-0"])
    assert "told nothing; did you mean 'zone-0'" in str(raised.value)
    assert kept(tmp_path) == ()
    keep(tmp_path, [Doubt("loop zone-0", 5.0)], "live-2026-01-05.sqlite")
    assert kept(tmp_path) == kept(tmp_path / "live-2026-01-05.sqlite") == (Doubt("loop zone-0", 5.0),)
    (tmp_path / FILE).write_text('{"sensors": [{"sensor": "spy zone-0", "since_s": 1, "until_s": null}]}')
    with pytest.raises(LiveError, match="is not what `live drift` writes"):
        kept(tmp_path)


def liar(source, suspects=(), until=(None, None)):
    return Liar("detector", source, 1, 3600, 1, 1800, "level", -30, -35, -25, 0.6, suspects, (), *until)


def test_whoever_it_may_well_be_is_left_out_too():
    days = [type("Day", (), {"begin_s": 86_400.0 * n}) for n in range(4)]
    found = doubts([liar("loop a", (("loop b", 0.3), ("loop c", 0.1))), liar("loop d", until=(3, 600))], days)
    assert found == [
        Doubt("loop a", 88_200.0), Doubt("loop b", 88_200.0), Doubt("loop d", 88_200.0, 3 * 86_400.0 + 600)
    ]  # fmt: skip


def test_theory_a_lie_that_ends_is_told_from_one_that_goes_on():
    rng = np.random.default_rng(3)
    shape, noise = np.tile([1.0, 0.0, 2.0, 1.5], 100), rng.normal(0, 1, 400)
    alarm = Alarm(20, 0, 1.0)
    assert fits_again(noise + 1.5 * shape, shape, alarm, 1.0) is None
    until = fits_again(noise + 1.5 * shape * (np.arange(400) < 200), shape, alarm, 1.0)
    assert abs(until - 200) < 12
    assert fits_again(noise + 1.5 * shape * (np.arange(400) < 398), shape, alarm, 1.0) is None  # too soon to say


def street(folder, seed, half_deaf=False, over=True):
    """Half an hour of eight stop lines as a live day; the loop of the last one may count every second vehicle."""
    rng, n = np.random.default_rng(seed), 360
    passed = rng.poisson(np.linspace(0.5, 2, 8), (n, 8)).astype(float)
    heard = passed.copy()
    if half_deaf:
        heard[:, 7] = rng.binomial(passed[:, 7].astype(int), 0.5)
    hour = Lived(5.0 * np.arange(1, n + 1), passed + 1, passed, np.zeros((n, 1)), heard)
    store = LiveStore(folder)
    record(messages(hour, seed), store)
    (store.close if over else store.pause)()


def test_a_lying_sensor_of_the_day_that_is_recorded_is_left_out_until_it_fits_again(tmp_path):
    for seed in range(8):
        street(tmp_path, seed)
    street(tmp_path, 9, half_deaf=True, over=False)
    words = ["drift", str(tmp_path), "--reference", "8", "--false-alarms", "300", "--to", str(tmp_path)]
    done = CliRunner().invoke(app, [*words, "--every-s", "1", "--for-s", "2"])
    assert done.exit_code == 1, done.output
    assert done.stdout.count("detector (loop zone-7): look at it") == 1  # what is found again is not told again
    assert [one.sensor for one in kept(tmp_path)] == ["loop zone-7"]
    assert json.loads((tmp_path / FILE).read_text())["looked_at"].endswith(".partial")
    table = readings(tmp_path)
    left, who = trusted_of(table, tmp_path)
    assert who == ["loop zone-7 since 2026-01-05 07:00"]
    silent = table[~table.index.isin(left.index)]
    assert set(zip(silent.source, silent.name, strict=True)) == {("zone-7", "passed")}
    assert len(silent) > 100
    everything, nobody = trusted_of(table, tmp_path, everybody=True)
    assert (len(everything), nobody) == (len(table), [])
    [day] = tmp_path.glob(".live-*.partial")
    day.unlink()
    street(tmp_path, 10)
    CliRunner().invoke(app, words)
    assert "loop zone-7" not in [one.sensor for one in kept(tmp_path)]


def test_in_the_shadow_a_liar_has_no_part_in_the_verdict_but_the_candidate_sees_it():
    window = Window(BEGIN_S, [{"at_s": BEGIN_S}], [np.full((3, 2), float(k)) for k in range(4)])
    left = window.without([Doubt("camera zone-1", BEGIN_S + 10.0), Doubt("counter in:a", 0.0)], 5.0)
    assert left.rows is window.rows
    told = np.array(left.seen)
    assert np.isnan(told[:, :2, 1]).all(axis=1).tolist() == [False, False, True, True]
    assert np.isfinite(told[:, :, 0]).all()
    assert np.isfinite(told[:, 2]).all()
    assert left.heard_percent == 75.0
    assert window.heard_percent == 100.0


def test_a_moment_is_told_in_the_citys_time():
    at = datetime(2026, 1, 5, 7, 0, tzinfo=ZONE)
    told = Doubt("loop zone-7", at.timestamp(), (at + timedelta(hours=2)).timestamp())
    assert str(told) == "loop zone-7 since 2026-01-05 07:00 until 2026-01-05 09:00"
    assert Doubt("loop zone-7", -math.inf).covers(0.0)
