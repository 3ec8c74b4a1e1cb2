"""Sensors that lie plausibly: theory of who is named, each kind of lie found, and what is honest left alone."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.calibrate.plan import load
from twin.files import read_rows
from twin.live.drift.liars import accused, group_of, liars, who_else, without
from twin.live.drift.run import not_found
from twin.live.drift.series import DAY_S, WHAT, day_of_series
from twin.live.drift.study import false_alarms
from twin.live.drift.weather import figures, write_weather
from twin.live.messages import kinds
from twin.live.parameters import DATA

BINS, HOUR = DAY_S // 300, 12
DAY = slice(7 * HOUR, 17 * HOUR)  # when the sun is up
BEGIN = date(2026, 1, 5)


def roofs(days, seed, share=(), made=0.001, noise=0.03):
    """Three offices under one sky, noise of 3 % a reading; `share` is what a (series, office) tells of it."""
    rng, found, lies = np.random.default_rng(seed), [], dict(share)
    for n in range(days):
        sky = np.full((BINS, 3), np.nan)
        sun = 500 * np.sin(np.pi * (np.arange(10 * HOUR) + 0.5) / 120)
        clouds = np.repeat(rng.lognormal(0, 0.3, 10), HOUR)[:, None] * np.repeat(
            rng.lognormal(0, 0.1, (10, 3)), HOUR, 0
        )
        sky[DAY] = sun[:, None] * clouds
        told = {"ghi": sky * rng.normal(1, noise, sky.shape), "pv": made * sky * rng.normal(1, noise, sky.shape)}
        series = {
            name: {f"o{k}": lies.get((name, k), 1.0) * values[:, k] for k in range(3)} for name, values in told.items()
        }
        found.append(day_of_series(BEGIN + timedelta(n), 300, series))
    return found


def batteries(days, seed, stuck=False, power=1.0, offset=0.0):
    """Two offices: charged in the morning, discharged in the evening, in other amounts every day; gauge ± 3 points."""
    rng, found = np.random.default_rng(seed), []
    for n in range(days):
        kw = np.zeros((BINS, 2))
        kw[8 * HOUR : 13 * HOUR] = rng.uniform(0.2, 0.6, 2)
        kw[17 * HOUR : 22 * HOUR] = -kw[8 * HOUR]
        soc = 20 + 100 * np.cumsum(kw, axis=0) / 12 / 5 + rng.normal(0, 3, kw.shape)
        told = kw + rng.normal(0, 0.05, kw.shape)
        told[:, 0] *= power
        soc[:, 0] = 45.0 if stuck else soc[:, 0] + offset
        series = {name: {f"o{k}": values[:, k] for k in range(2)} for name, values in (("soc", soc), ("power", told))}
        found.append(day_of_series(BEGIN + timedelta(n), 300, series))
    return found


def street(days, seed, lie=lambda told, rng: None):
    """Two ways in and two out with counters, loops at the ways in, cameras whose view holds them for half a minute."""
    rng, found = np.random.default_rng(seed), []
    level = 1 + 0.3 * np.sin(np.linspace(0, 20, BINS))
    for n in range(days):
        ways = rng.poisson(np.outer(level * rng.gamma(50, 1 / 50, BINS), [60.0, 40.0, 50.0])).astype(float)
        left = rng.binomial(ways.astype(int), 0.6)
        out = np.column_stack([left.sum(axis=1), ways.sum(axis=1) - left.sum(axis=1)]).astype(float)
        told = {
            "counted": {f"in:{k}": ways[:, k] for k in range(3)} | {f"out:{k}": out[:, k] for k in range(2)},
            "passed": {f"zone-{k}": ways[:, k] for k in range(3)},
            "vehicles": {f"zone-{k}": ways[:, k] / 10 * rng.gamma(60, 1 / 60, BINS) for k in range(3)},
        }
        for series in told.values():
            for name in series:
                series[name] = series[name].copy()
                series[name][: 6 * HOUR] = np.nan
        lie(told, rng)
        found.append(day_of_series(BEGIN + timedelta(n), 300, told))
    return found


@pytest.fixture(scope="module")
def sky():
    return roofs(10, 1)


@pytest.fixture(scope="module")
def town():
    return street(9, 2)


def test_theory_of_three_equal_sensors_the_wrong_one_stands_out_twice_as_far(sky):
    """x_j against the others' mean is off by the error, each other one by half of it, and is named."""
    lied = roofs(4, 5, {("ghi", 1): 1.25, ("pv", 1): 1.25})  # both sensors of an office: its neighbours alone can tell
    alone = [without(without(without(days, "inverter o0"), "inverter o1"), "inverter o2") for days in (sky, lied)]
    liar = accused(alone[1], group_of(alone[0], "sun"))
    assert liar.source == "irradiance o1"
    assert liar.low < 25 < liar.high
    assert set(liar.compared) == {"irradiance o0", "irradiance o2"}


@pytest.mark.parametrize(("series", "word"), [("pv", "inverter"), ("ghi", "irradiance")])
@pytest.mark.parametrize("share", [0.85, 1.15])
def test_of_sun_and_panels_the_one_that_lies_is_named_with_its_size(sky, series, word, share):
    found = liars(sky, roofs(4, 6, {(series, 2): share}))
    assert [one.source for one in found] == [f"{word} o2"]  # left out, nobody else stands out
    assert found[0].low < 100 * (share - 1) < found[0].high
    assert found[0].high - found[0].low < 10
    assert (found[0].day, found[0].since_day) == (0, 0)
    assert (found[0].probability > 0.95) == (who_else(found[0]) == "")


@settings(max_examples=6, deadline=None)
@given(share=st.sampled_from([0.7, 0.8, 1.3]), which=st.integers(0, 2), units=st.sampled_from([0.01, 1000.0]))
def test_property_what_is_said_hangs_neither_on_the_office_nor_on_the_units(share, which, units):
    def said(made):
        known, lied = roofs(9, 1, made=made), roofs(2, 7, {("pv", which): share}, made=made)
        return accused(lied, group_of(known, "sun"))

    one, other = said(0.001), said(0.001 * units)
    assert f"inverter o{which}" in {one.source, *(name for name, _ in one.suspects)}
    assert one.source == other.source
    assert (one.percent, one.probability) == pytest.approx((other.percent, other.probability), rel=1e-6)
    half = (one.high - one.low) / 2
    assert one.source != f"inverter o{which}" or abs(one.percent - 100 * (share - 1)) < 2 * half  # 3.9 standard errors


def test_a_gauge_that_is_stuck_is_told_from_a_power_sensor_that_is_wrong():
    known = batteries(10, 1)
    stuck = liars(known, batteries(4, 2, stuck=True))
    assert [(one.source, one.way, who_else(one)) for one in stuck] == [("gauge o0", "movement", "")]
    assert stuck[0].low <= -100 <= stuck[0].high
    wrong = liars(known, batteries(6, 3, power=1.5))[0]
    assert (wrong.source, wrong.way, who_else(wrong)) == ("gauge o0", "movement", "power o0")
    assert wrong.low < 100 / 1.5 - 100 < wrong.high
    assert liars(known, batteries(6, 4, offset=20.0)) == []  # it moves as it should: data/lies.csv says so


def stuck_counter(told, rng):
    told["counted"]["out:0"][6 * HOUR :] = 90.0


def blind_camera(told, rng):
    told["vehicles"]["zone-1"] *= 0.7


def deaf_loop(told, rng):
    counted = told["passed"]["zone-0"]
    counted[6 * HOUR :] = rng.binomial(counted[6 * HOUR :].astype(int), 0.85)


@pytest.mark.parametrize(
    ("lie", "source", "way", "percent"),
    [(stuck_counter, "counter out:0", "movement", -100), (blind_camera, "camera zone-1", "level", -30),
     (deaf_loop, "loop zone-0", "level", -15)],
)  # fmt: skip
def test_a_lying_sensor_of_the_street_is_named(town, lie, source, way, percent):
    found = liars(town, street(1, 8, lie))
    assert [one.source for one in found] == [source]
    assert found[0].way == way
    assert found[0].low - 2 < percent < found[0].high + 2  # roots of counts, and their means
    assert found[0].at_s - 6 * 3600 < 4 * 3600


def test_honest_offices_alarm_no_more_often_than_asked():
    known, quiet = roofs(12, 11, noise=0.25), roofs(60, 12, noise=0.25)  # beyond what is never called a lie
    row = next(row for row in false_alarms(known, quiet, 30.0) if row["sort"] == "sun")
    assert 0.3 * row["expected"] < row["alarms"] < 1.7 * row["expected"]
    gauges = next(row for row in false_alarms(batteries(12, 13), batteries(60, 14), 30.0) if row["sort"] == "battery")
    assert gauges["alarms"] < 2 * gauges["expected"]


def test_every_value_of_a_feed_says_what_it_is_compared_with():
    told = {(row["kind"], row["value"]) for row in read_rows(DATA / "lies.csv")}
    assert told == {(kind, value) for kind, values in kinds().items() for value in values}
    silent = {(row["kind"], row["value"]) for row in not_found()}
    assert silent & {(kind, value) for kind, value, _ in WHAT.values()} == {
        ("detectors", "halting"),
        ("lamps", "phase"),
    }


def test_a_sensor_that_was_mended_is_named_with_the_moment_from_which_it_fits(town, sky):
    [stuck] = liars(town, street(1, 8, stuck_counter) + street(2, 9))
    [dim] = liars(sky, roofs(2, 6, {("ghi", 2): 0.85}) + roofs(4, 7))
    [still] = liars(batteries(10, 1), batteries(3, 2, stuck=True) + batteries(4, 3))
    found = [stuck, dim, still]
    assert [one.source for one in found] == ["counter out:0", "irradiance o2", "gauge o0"]
    until_h = [24 * one.until_day + one.until_s / 3600 for one in found]
    assert until_h[0] == pytest.approx(24, abs=1)
    assert 24 + 16 <= until_h[1] <= 48 + 8  # nothing is told of the sun in between
    assert 48 + 22 <= until_h[2] <= 72 + 9
    assert stuck.low <= -100 <= stuck.high  # its size is that of the time in which it lied
    assert dim.low < -15 < dim.high


def test_theory_a_window_of_sun_and_panels_by_hand(tmp_path):
    """Ten hours of 500 W/m² are 5 kWh/m²; 1.1 kWp that make 0.44 kW of it perform at 80 %."""
    ghi, pv = np.zeros(BINS), np.zeros(BINS)
    ghi[DAY], pv[DAY] = 500.0, 0.44
    day = day_of_series(BEGIN, 300, {"ghi": {"35.03.01.2008": ghi}, "pv": {"35.03.01.2008": pv}})
    days = [day] * 6
    found = figures(days)
    assert found["solar_ghi_kwh_per_m2_day"] == pytest.approx((5.0, 0.1))
    assert found["solar_performance_percent"] == pytest.approx((80.0, 1.6))
    assert write_weather(days[:4], tmp_path / "few.yaml") == []
    assert not (tmp_path / "few.yaml").exists()
    assert write_weather(days, tmp_path / "weather.yaml") == ["solar.clearness_factor", "solar.losses_percent"]
    plan, data = load(str(tmp_path / "weather.yaml"))
    assert plan.set["solar.offices"] == ["35.03.01.2008"]
    assert [one.value for one in data] == pytest.approx([5.0, 80.0])
