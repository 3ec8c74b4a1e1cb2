"""PLN's interruptions: calibration, weather, and the fast Monte Carlo against plain numpy."""

import numpy as np
import pandas as pd
import pytest

from twin.solar.options import SolarOptions
from twin.solar.outage import plain
from twin.solar.outage.model import Outages, draw, hazard, merged, minutes_out
from twin.solar.outage.scenarios import calendar, draw_calendar, simulate
from twin.solar.system import battery_of

HOURS = 8760
FEEDER = np.repeat(np.arange(4), 3)


def test_theory_frequency_and_duration_are_the_calibrated_ones():
    weights = np.ones((len(FEEDER), HOURS))
    o = draw(weights, FEEDER, 11.51, 1136.0, np.random.default_rng(1), scenarios=150)
    years = 150 * len(FEEDER)
    assert len(o) / years == pytest.approx(11.51, rel=0.03)
    assert (o.end_min - o.start_min).sum() / years == pytest.approx(1136, rel=0.04)
    spread = (o.end_min - o.start_min).std() / (o.end_min - o.start_min).mean()
    assert spread == pytest.approx(1.2, rel=0.15)


def test_theory_weather_moves_outages_but_not_their_yearly_number():
    rng = np.random.default_rng(2)
    months = pd.date_range("2026-01-01", periods=HOURS, freq="h").month.to_numpy()
    rain, gust = rng.random((40, HOURS)) < 0.1587, rng.random((40, HOURS)) < 0.0668
    weights = hazard(rain, gust, months)
    assert weights.mean() == pytest.approx(1.0, rel=0.01)
    assert weights[rain].mean() > 2 * weights[~rain].mean()
    assert weights[:, months == 1].mean() > weights[:, months == 8].mean()


def test_a_feeder_fails_as_one():
    o = draw(np.ones((len(FEEDER), HOURS)), FEEDER, 20.0, 2000.0, np.random.default_rng(3))
    for feeder in range(4):
        starts = [set(o.start_min[(o.site == s) & (o.kind < 2)]) for s in np.flatnonzero(feeder == FEEDER)]
        assert starts[0] == starts[1] == starts[2] != set()
    planned = o.start_min[o.kind == 0] // 60 % 24
    assert ((planned >= 8) & (planned < 15)).all()


def test_theory_minutes_of_overlapping_outages_count_once_and_go_on_next_month():
    o = Outages(
        np.array([0, 0, 1]), np.zeros(3, int), np.array([30, 60, 170]), np.array([90, 100, 200]), np.zeros(3, int)
    )
    out, left = minutes_out(o, 2, 3, np.array([10, 0]))
    assert out.tolist() == [[40, 40, 0], [0, 0, 10]]
    assert left.tolist() == [0, 20]
    assert merged([(5, 9), (1, 3), (3, 4), (8, 12)]) == [(1, 4), (5, 12)]


def test_no_interruptions_is_a_result():
    o = draw(np.ones((2, 24)), np.array([0, 1]), 0.0, 0.0, np.random.default_rng(1))
    assert len(o) == 0
    assert minutes_out(o, 2, 24, np.zeros(2, int))[0].sum() == 0


@pytest.mark.parametrize(
    "options",
    [SolarOptions(), SolarOptions(reserve_percent=50), SolarOptions(battery="lead_acid", battery_kwh=2.4, panels=1)],
    ids=["book", "reserve", "small lead-acid"],
)
def test_another_tool_unmet_energy_is_plain_numpys_to_the_bit(options):
    rng = np.random.default_rng(4)
    sites, scenarios, hours = 6, 8, 2000
    clock = np.arange(hours) % 24
    sun = np.maximum(np.sin((clock - 6) / 12 * np.pi), 0) * rng.uniform(0.1, 1, (sites, hours))
    pv = 0.5 * options.panels * sun
    load = np.where((clock >= 7) & (clock < 16), 0.5, 0.08) * rng.uniform(0.5, 1.5, (sites, hours))
    batteries = np.tile(battery_of(options).array(), (sites, 1))
    when = draw_calendar(np.ones((sites, hours)), np.arange(sites) % 2, scenarios, 60.0, 9000.0, rng)
    soc = np.full(sites, options.battery_kwh * 0.6)
    toll = simulate(pv, load, soc, batteries, when)
    out_min = plain.minutes_by_hour(when, hours)
    theirs = plain.unmet_kwh(pv, load, soc, batteries, out_min)
    assert np.array_equal(toll.unmet_kwh, theirs)
    assert theirs.sum() > 0
    wanted = (out_min.T.reshape(sites, scenarios, hours) / 60 * load[:, None]).sum(axis=2)
    assert toll.wanted_kwh == pytest.approx(wanted)
    assert (toll.unmet_kwh <= toll.wanted_kwh + 1e-9).all()


def test_spans_that_overlap_are_made_one():
    when = calendar(np.array([1, 0, 1, 1]), np.array([50, 5, 10, 40]), np.array([60, 9, 45, 55]), 3)
    assert when.first.tolist() == [0, 1, 2, 2]
    assert when.start_min.tolist() == [5, 10]
    assert when.end_min.tolist() == [9, 60]
