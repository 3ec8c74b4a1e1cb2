"""Live forecasts: readings as the models take them, rows with intervals, and scores that know who wins."""

import json
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from twin.errors import LiveError
from twin.live.city import forecasts
from twin.live.demo import BEGIN_S
from twin.live.estimate.city import Told, parameters
from twin.live.estimate.travel import Views
from twin.live.forecast import study
from twin.live.forecast.roads import Forecaster, flows, intervals_until, learned, rows, seen_of
from twin.live.store import ZONE
from twin.traffic.forecast.days import Day
from twin.traffic.networks.roads import Road

VIEWS = Views(np.array([[True, True, False], [False, False, True]]), np.array([1, 0]), np.zeros(2), np.ones(2))
EXACT = {"city_miss_percent": 0.0, "believed_miss_percent": 0.0, "city_counter_miss_percent": 0.0}


def road(name: str) -> Road:
    return Road(name, (name,), "a", "b", name, 500.0, (50.0,), True, ())


def wandering(days: int, seed: int, memory: float = 0.9) -> list[Day]:
    """Days of two roads on which a slow wander, seen in all signs, moves flows and travel times alike."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(days):
        wander = np.zeros((40, 2))
        wander[0] = rng.normal(0, 0.3, 2)
        for k in range(1, 40):
            wander[k] = memory * wander[k - 1] + np.sqrt(1 - memory**2) * rng.normal(0, 0.3, 2)
        seen = np.exp(np.log([8.0, 3.0, 40.0]) + wander[..., None] * np.array([1.0, 1.0, 0.5]))
        found.append(Day(seen, 60 * np.exp(0.5 * wander)))
    return found


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return learned([road("x"), road("y")], wandering(10, 1), begin_h=5)


def test_theory_readings_become_what_the_models_take():
    vehicles = np.tile([2.0, np.nan, 3.0], (120, 1))
    counted = np.tile([5.0, 4.0], (10, 1))
    counted[0] = np.nan
    seen = seen_of(Told(vehicles / 2, vehicles, np.zeros((120, 1)), counted), VIEWS, 0.2)
    assert seen.shape == (2, 2, 3)
    assert seen[0, 0, :2] == pytest.approx([2 * 2 / 0.8, 2 * 1 / 0.8])  # the silent lane is like the other
    assert seen[0, 1, :2] == pytest.approx([3 / 0.8, 1.5 / 0.8])
    assert seen[:, :, 2] == pytest.approx(np.array([[20.0, 25.0]] * 2))  # the minute that is missing is as the others
    nobody = seen_of(Told(0 * vehicles + np.nan, 0 * vehicles + np.nan, vehicles, 0 * counted + np.nan), VIEWS, 0.2)
    assert np.isnan(nobody).all()


def test_a_row_for_each_road_and_horizon_with_an_interval_around(forecaster: Forecaster):
    day = wandering(1, 5)[0]
    at_s = datetime(2026, 1, 5, 6, 40, tzinfo=ZONE).timestamp()
    assert intervals_until(at_s, forecaster) == 20
    found = rows(forecaster, day.seen[:20], at_s)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [(row["road"], row["in_min"]) for row in found] == [(r, m) for r in "xy" for m in (15, 30, 60)]
    for row in found:
        assert row["live"]
        assert row["flow_low"] <= row["flow_veh_per_h"] <= row["flow_high"]
        assert row["low_s"] <= row["travel_s"] <= row["high_s"]
        assert 200 < row["flow_veh_per_h"] < 1200  # 40 vehicles in 5 minutes are 480 an hour
    wide = [row["high_s"] / row["low_s"] for row in found[:3]]
    assert wide == sorted(wide)


def test_silent_detectors_leave_what_is_usual_and_the_road_is_told_as_not_live(forecaster: Forecaster):
    found = rows(forecaster, np.full((20, 2, 3), np.nan), BEGIN_S)
    usual = np.exp(forecaster.travel.time_of_day[22:, 0])
    assert not any(row["live"] for row in found)
    sighted = rows(forecaster, wandering(1, 5)[0].seen[:20], BEGIN_S)
    for blind, live in zip(found, sighted, strict=True):
        if blind["in_min"] == 15:
            assert np.log(blind["high_s"] / blind["low_s"]) > 1.15 * np.log(live["high_s"] / live["low_s"])
    assert found[0]["travel_s"] == pytest.approx(usual[0], rel=1e-9)


def test_forecasts_of_minutes_are_those_of_the_readings_that_they_are_means_of(forecaster: Forecaster):
    at_s = datetime(2026, 1, 5, 6, 40, tzinfo=ZONE).timestamp()
    rng, hour = np.random.default_rng(2), forecasts.minutes_heard()
    known = SimpleNamespace(layout=SimpleNamespace(views=VIEWS), p={"believed_miss_percent": 0.0})
    whole = np.full((20, 2, 3), np.nan)
    for interval in (-2, -1):
        vehicles, halting, counted = rng.uniform(1, 9, (60, 3)), rng.uniform(0, 1, (60, 3)), rng.uniform(1, 9, (5, 2))
        for minute in range(5):
            part = slice(12 * minute, 12 * (minute + 1))
            came = Told(halting[part], vehicles[part], np.zeros((12, 1)), counted[: minute + 1])
            forecasts.take(hour, came, 5)
        for r, zones in enumerate(VIEWS.zones):
            whole[interval, r] = [
                vehicles[:, zones].mean() * zones.sum(), halting[:, zones].mean() * zones.sum(),
                counted[:, VIEWS.entry[r]].sum(),
            ]  # fmt: skip
    found = forecasts.told(forecaster, known, hour, at_s)
    for one, other in zip(found, rows(forecaster, whole, at_s), strict=True):
        assert one["at_s"] == at_s
        for name in ("flow_veh_per_h", "travel_s", "low_s", "high_s"):
            assert one[name] == pytest.approx(other[name])


@pytest.mark.parametrize("clock", [(4, 59), (5, 4), (8, 20), (23, 0)])
def test_a_moment_that_no_day_taught_is_told(forecaster: Forecaster, clock):
    with pytest.raises(LiveError, match=r"05:05 to 8\.3"):
        intervals_until(datetime(2026, 1, 5, *clock, tzinfo=ZONE).timestamp(), forecaster)


def test_scores_know_who_wins_and_missing_detectors_cost(forecaster: Forecaster):
    unseen = wandering(6, 2)

    def mae(percent, what, method, in_min=15, days=unseen):
        found = study.judged(forecaster, days, percent, EXACT)
        return next(
            row["mae"] for row in found
            if (row["what"], row["method"], row["in_min"]) == (what, method, in_min)
        )  # fmt: skip

    for what in ("flow", "travel time"):
        assert mae(100.0, what, "forecast") < mae(100.0, what, "historical average")
        assert mae(100.0, what, "forecast", 60) < mae(100.0, what, "persistence", 60)
        assert mae(100.0, what, "forecast") < mae(50.0, what, "forecast") < mae(0.0, what, "forecast")
        assert mae(0.0, what, "forecast") == pytest.approx(mae(0.0, what, "historical average"))
    held = [
        row["inside_90_percent"]
        for percent in (100.0, 50.0, 0.0)
        for row in study.judged(forecaster, unseen, percent, EXACT)
        if row["method"] == "forecast"
    ]
    assert 78 < min(held) <= max(held) < 99  # ten days that were learned from, six that are judged
    by_hand = np.mean([np.abs(d.seen[3:, :, 2] - d.seen[:-3, :, 2]).mean() for d in unseen])
    assert mae(100.0, "flow", "last true value") < 12 * by_hand * 1.5
    row = study.judged(forecaster, unseen, 100.0, EXACT)[0]
    assert {"what", "unit", "detectors_percent", "in_min", "method", "mae", "against_persistence"} <= set(row)


def test_detectors_that_overlook_more_than_believed_are_nested_and_tell_too_little():
    seen = np.full((1, 4, 10, 3), 10.0)
    p = parameters()
    some, more = study.heard(seen, 40.0, p), study.heard(seen, 70.0, p)
    assert np.isfinite(some[0, 0, :, 0]).sum() == 4
    assert np.isfinite(more[0, 0, :, 0]).sum() == 7
    assert np.isfinite(more[np.isfinite(some)]).all()
    assert np.nanmax(more) < 10
    assert flows([Day(seen[0], seen[0, :, :, 0])]).min() == 11
