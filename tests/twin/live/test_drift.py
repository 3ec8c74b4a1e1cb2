"""Drift: sums by hand and by published tables, false alarms counted in simulation, and every sort of drift found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twin.errors import DriftError
from twin.live.demo import messages, record
from twin.live.drift.cusum import alarm_rate, alarms, run_length, threshold
from twin.live.drift.model import fit, standardised
from twin.live.drift.run import drift, write_counts
from twin.live.drift.series import DAY_S, aligned, day_of_rows, day_of_series
from twin.live.drift.study import day_as_told, false_alarms, lying
from twin.live.drift.watch import learn, watch
from twin.live.store import ZONE, LiveStore
from twin.live.street import Lived
from twin.traffic.demand.counts import read_counts
from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate

BINS = DAY_S // 300
HOURS = slice(6 * 12, 20 * 12)  # what is watched of a day


def town(days, seed, scale=1.0, liar=None, queue=1.0, waits=1.0):
    """Two junctions in a row: what passes the first mostly passes the second; all counts by Poisson.

    `liar` is a stop line whose loop counts 80 %, `queue` and `waits` scale what stands and how often lamps change.
    """
    rng, found = np.random.default_rng(seed), []
    usual = np.array([30.0, 20.0, 25.0, 15.0])
    profile = 1 + 0.4 * np.sin(np.linspace(0, 6, BINS))
    for n in range(days):
        ways = rng.poisson(np.outer(profile, usual) * scale * (1 + 0.05 * np.sin(n)))
        passed = np.column_stack([ways, rng.binomial(ways[:, 0], 0.6) + rng.binomial(ways[:, 1], 0.6)]).astype(float)
        if liar is not None:
            passed[:, liar] = rng.binomial(passed[:, liar].astype(int), 0.8)
        halting = rng.gamma(20.0, queue * passed / 400)
        changes = rng.poisson(waits * np.sqrt(ways.sum(axis=1)), (1, BINS)).T.astype(float)
        for series in (passed, halting, changes):
            series[: HOURS.start], series[HOURS.stop :] = np.nan, np.nan
        by_zone = {
            name: dict(zip("abcde", values.T, strict=True))
            for name, values in (("passed", passed), ("halting", halting))
        }
        found.append(day_of_series(None, 300, {**by_zone, "changes": {"J": changes[:, 0]}}))
    return found


@pytest.fixture(scope="module")
def known():
    return town(12, 1)


@pytest.mark.parametrize(
    ("h", "mean", "length"), [(4.0, 0.0, 335.4), (5.0, 0.0, 930.9), (4.0, 1.0, 8.38), (5.0, 1.0, 10.4)]
)
def test_another_tool_run_lengths_are_those_of_the_tables(h, mean, length):
    """Montgomery, Introduction to Statistical Quality Control, table 9.3 (two-sided 168, 465: half of one side's)."""
    assert run_length(0.5, h, mean) == pytest.approx(length, rel=0.005)


def test_sums_by_hand():
    z = np.array([0.0, 2.0, np.nan, 2.0, 2.0, -3.0, -3.0])
    found = alarms(z, 0.5, 4.0)
    assert [(one.at, one.since) for one in found] == [(4, 1), (6, 5)]
    assert found[0].size == pytest.approx(2.0)  # 4.5 over three values, and the slack
    assert found[1].size == pytest.approx(-3.0)
    assert alarms(np.full(9, np.nan), 0.5, 4.0) == []


@pytest.mark.parametrize("n", [40])
def test_theory_false_alarms_come_as_often_as_asked(n):
    """Mean and spread from n values, then 300 more in which nothing changed: counted, not calculated."""
    rng, rate = np.random.default_rng(n), 1 / 100
    h, count, runs = threshold(0.5, rate, n), 0, 300
    for _ in range(runs):
        before, after = rng.normal(size=n), rng.normal(size=300)
        count += len(alarms((after - before.mean()) / before.std(ddof=1), 0.5, h))
    assert count / (runs * 300) == pytest.approx(rate, rel=0.15)
    assert threshold(0.5, rate, n) < threshold(0.5, rate / 10, n)
    assert alarm_rate(0.5, h, n) == pytest.approx(rate, rel=0.01)


def test_impossible_rates_are_refused():
    with pytest.raises(ValueError, match="a rate above 0"):
        threshold(0.5, 0.0, 50)
    with pytest.raises(ValueError, match="8 values"):
        threshold(0.5, 0.01, 3)


def test_theory_what_is_left_of_a_dependent_series_is_standard_normal():
    rng = np.random.default_rng(3)

    def live(days):
        noise = np.zeros((days, 100, 1))
        for b in range(1, 100):
            noise[:, b] = 0.6 * noise[:, b - 1] + rng.normal(size=(days, 1))
        x = rng.normal(size=(days, 100, 1, 1))
        return 5 + np.sin(np.arange(100))[:, None] + 2 * x[..., 0] + noise, x

    expected = fit(*live(12), 0.0, 8)
    assert expected.lag[0] == pytest.approx(0.6, abs=0.06)
    assert expected.weights[0, 0] == pytest.approx(2.0, abs=0.1)
    z = np.array([standardised(expected, *one) for one in zip(*live(40), strict=True)])
    assert z.mean() == pytest.approx(0, abs=0.1)
    assert z.std() == pytest.approx(1, abs=0.05)
    with pytest.raises(ValueError, match="reference days"):
        fit(*live(5), 0.0, 8)


def test_in_a_town_false_alarms_come_as_often_as_asked(known):
    """40 days of 14 hours in which nothing changed; the profile's own error and Poisson's skew are in it."""
    rows = {row["sort"]: row for row in false_alarms(known, town(40, 2), 60.0)}
    assert set(rows) == {"demand", "detector", "policy"}
    for row in rows.values():
        assert row["bins"] == 40 * 14 * 12
        assert row["expected"] == pytest.approx(40 * 14 / 24 * 2)
        assert 0.55 * row["expected"] <= row["alarms"] <= 1.5 * row["expected"]  # three standard errors of a count


@pytest.mark.parametrize(
    ("change", "sort", "source"),
    [({"scale": 1.1}, "demand", "all stop lines"), ({"liar": 1}, "detector", "loop b"), ({"queue": 1.3}, "policy", "queues"),
     ({"waits": 0.8}, "policy", "J")],
)  # fmt: skip
def test_each_drift_is_found_soon_and_called_by_its_name(known, change, sort, source):
    learned, usual = learn(known)
    drifts = watch(town(2, 5, **change), learned, usual)
    first = drifts[0]
    assert (first.sort, first.source) == (sort, source)
    assert first.day == 0
    assert first.size_sd * (next(iter(change.values())) - 1 if "liar" not in change else -1) > 0
    assert {drift.sort for drift in drifts if drift.sort == "demand"} <= {sort}


def test_weather_is_watched_by_the_day():
    rng = np.random.default_rng(4)

    def days(n, mean):
        found = []
        for _ in range(n):
            ghi = np.full(BINS, np.nan)
            ghi[HOURS] = rng.normal(mean, 60)
            found.append(day_of_series(None, 300, {"ghi": {"roof": ghi}}))
        return found

    learned, usual = learn(days(60, 400.0))
    assert watch(days(20, 400.0), learned, usual) == []
    assert watch(days(20, 250.0), learned, usual)[0].sort == "weather"


def test_few_days_are_refused(known):
    with pytest.raises(DriftError, match="too few"):
        learn(known[:5])
    elsewhen = [replace(day, values={k: np.full_like(v, np.nan) for k, v in day.values.items()}) for day in known]
    with pytest.raises(DriftError, match="the same hours"):
        learn(elsewhen)
    learned, _ = learn(known, 1000.0)
    assert all(0 < one.false_alarms_a_day <= 1000 / 30 + 1e-9 for one in learned.values())


def reading(at_s, source, name, value, kind="detectors", flags=""):
    return {
        "at_s": at_s,
        "arrived_s": at_s,
        "kind": kind,
        "source": source,
        "name": name,
        "value": value,
        "flags": flags,
    }


def test_bins_by_hand():
    from datetime import datetime

    begin_s = datetime(2026, 1, 5, tzinfo=ZONE).timestamp()
    rows = [reading(begin_s + 5.0 * k, "zone-0", "passed", 1.0) for k in range(1, 61)]
    rows += [
        reading(begin_s + 300 + 5.0 * k, "zone-0", "passed", 2.0) for k in range(1, 61) if k % 4
    ]  # a quarter is lost
    rows += [reading(begin_s + 600 + 5.0 * k, "zone-0", "passed", 9.0) for k in range(1, 10)]
    rows += [reading(begin_s + 5.0 * k, "signal-0", "phase", float(k // 6 % 2), "lamps") for k in range(1, 61)]
    rows += [reading(begin_s + 7, "zone-0", "passed", 500.0, flags="impossible")]
    day = day_of_rows(rows, 300)
    assert day.values["passed"][:2, 0].tolist() == [60.0, 120.0]
    assert np.isnan(day.values["passed"][2:, 0]).all()  # too little of it was told
    assert day.values["changes"][0, 0] == pytest.approx(10 * 60 / 59)
    other = day_of_rows([reading(begin_s + 5.0 * k, "zone-1", "passed", 1.0) for k in range(1, 61)], 300)
    one, two = aligned([day, other])
    assert one.names == two.names
    assert one.names["passed"] == ("zone-0", "zone-1")
    assert np.isnan(one.values["passed"][:, 1]).all()
    assert two.values["passed"][0].tolist()[1] == 60.0
    with pytest.raises(DriftError, match="no reading"):
        day_of_rows([], 300)


def test_a_window_becomes_counts_that_the_calibration_takes(tmp_path):
    """What every loop counted is found again in the turns of its lane, quarter by quarter."""
    found = locate("cologne1")
    net = read_net(found.net_file)
    zones = 8
    passed = np.full((BINS, zones), np.nan)
    passed[80:90] = np.arange(1, zones + 1) * 6.0
    passed[85, 0] = np.nan  # a third of a quarter: the rest stands for it
    day = day_of_series(None, 300, {"passed": {f"zone-{z}": passed[:, z] for z in range(zones)}})
    path = tmp_path / "counts.csv"
    assumed_percent = write_counts(day, 79, "cologne1", path)
    counts = read_counts(path, net)
    assert counts.begin_s == 81 * 300  # the first whole quarter after the bin
    assert counts.quarters == 3
    assert 0 <= assumed_percent <= 100
    assert counts.veh.sum() == pytest.approx(3 * 3 * 6 * 36, rel=0.03)  # rounded by turn
    assert write_counts(day, 95, "cologne1", tmp_path / "none.csv") is None
    assert not (tmp_path / "none.csv").exists()


def test_an_hour_over_the_demos_line_comes_to_its_bins_and_a_lying_loop_lies():
    n = 720
    passed = np.column_stack([np.full(n, 2.0), np.arange(n) % 2])
    hour = Lived(5.0 * np.arange(1, n + 1), passed + 1, passed, np.arange(n)[:, None] // 6 % 2 * 1.0, passed)
    day = day_as_told(hour, 1)
    known = ~np.isnan(day.values["passed"][:, 0])
    assert known.sum() == 12
    assert day.values["passed"][known].mean(axis=0) == pytest.approx([120, 30], rel=0.03)  # what is lost is made up for
    assert day.values["halting"][known].mean(axis=0) == pytest.approx([2.0, 0.5], rel=0.05)
    liar = lying(hour, 0.7, 1)
    assert liar.passed[:, 0].mean() == pytest.approx(1.4, abs=0.1)
    assert (liar.passed[:, 1] == passed[:, 1]).all()
    assert lying(hour, 1.0, 1) is hour


def recorded(folder, seed, scale):
    """Ten minutes of eight stop lines as a live day's run."""
    rng, n = np.random.default_rng(seed), 120
    passed = rng.poisson(scale * np.linspace(0.5, 2, 8), (n, 8)).astype(float)
    hour = Lived(5.0 * np.arange(1, n + 1), passed + 1, passed, np.zeros((n, 1)), passed)
    with LiveStore(folder / f"{seed}-{scale}") as store:
        record(messages(hour, seed), store)
    return store.sealed[0]


def test_drift_of_recorded_days_is_told_with_what_to_do(tmp_path):
    days = [recorded(tmp_path, seed, 1.0) for seed in range(8)]
    rows = drift([*days, recorded(tmp_path, 9, 2.0)], 8, 300.0, "cologne1", tmp_path)
    demand = next(row for row in rows if row["sort"] == "demand")
    assert demand["since"] == "07:00"
    assert demand["size_sd"] > 3
    assert demand["advice"].startswith("calibrate demand anew: `python -m twin traffic calibrate --network cologne1")
    counts = read_counts(Path(demand["data"]), read_net(locate("cologne1").net_file))
    assert counts.begin_s == 7 * 3600
    assert counts.veh.sum() == pytest.approx(2 * 10 * 180, rel=0.05)  # two thirds of the quarter stand for it
    with pytest.raises(DriftError, match="none is left"):
        drift(days, 8, None, None, None)
