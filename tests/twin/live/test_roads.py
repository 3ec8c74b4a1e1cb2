"""Turning rates and travel times from partial detectors: by hand, against another tool, and what missing ones do."""

import json
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from twin.errors import LiveError
from twin.live.counters import crossings_of, turned
from twin.live.estimate import roads, travel, turning
from twin.live.estimate.city import parameters, told
from twin.live.estimate.judged import Judged, check_plot, plot
from twin.live.estimate.queues import believed_queues
from twin.live.estimate.travel import UsualTimes, Views
from twin.live.street import live_hour
from twin.traffic.signals.plans import signals_of

SHARE = np.array([[0.0, 0.7, 0.3], [0.6, 0.0, 0.4], [0.2, 0.8, 0.0]])  # three approaches, no turning back
JUNCTION = np.zeros(3, dtype=int)
VIEWS = Views(
    np.array([[True, False], [False, True]]), np.array([0, 1]), np.array([20.0, 30.0]), np.array([30.0, 40.0])
)


def crossed(minutes: int, seed: int, share: np.ndarray = SHARE) -> np.ndarray:
    """Vehicles that turned (minutes, A, X): Poisson arrivals, each turning by chance."""
    rng = np.random.default_rng(seed)
    n = rng.poisson([20, 30, 10], (minutes, 3))
    return np.array([[rng.multinomial(k, b) for k, b in zip(row, share, strict=True)] for row in n], dtype=float)


@given(arrays(float, 4, elements=st.floats(-3, 3)))
def test_the_projection_is_the_nearest_point_of_the_simplex(values):
    allowed = np.array([True, True, False, True])
    found = turning.onto_simplex(values, allowed)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()
    assert found[2] == 0
    inside = np.random.default_rng(1).dirichlet([1, 1, 1], 50)
    others = np.zeros((50, 4))
    others[:, allowed] = inside
    near = np.sum((found - values)[allowed] ** 2)
    assert (np.sum((others - values)[:, allowed] ** 2, axis=1) >= near - 1e-9).all()


def test_theory_rates_that_are_far_from_the_usual_are_found_with_an_interval_that_holds():
    usual = turning.usual(crossed(30, 1), SHARE > 0, 20.0)
    other = np.array([[0.0, 0.3, 0.7], [0.9, 0.0, 0.1], [0.5, 0.5, 0.0]])
    seen = crossed(120, 2, other)
    mean, variance = turning.estimate(usual, JUNCTION, seen.sum(axis=2), seen.sum(axis=1), 0.0, 0.0)
    assert mean.sum(axis=2) == pytest.approx(np.ones((120, 3)))
    assert np.abs(mean[-1] - other).max() < 0.08 < np.abs(usual.share - other).max()
    assert (np.abs(mean[-1] - other) <= 3 * np.sqrt(variance[-1]) + 1e-9).all()
    assert (np.diff(variance, axis=0) <= 1e-12).all()  # without drift it only learns


def test_another_tool_many_minutes_give_what_constrained_least_squares_gives():
    """scipy's SLSQP on the same counts: shares between 0 and 1 adding up to 1, exits weighed alike."""
    seen = crossed(400, 3)
    entered, left = seen.sum(axis=2), seen.sum(axis=1)
    flat = turning.usual(np.zeros((1, 3, 3)), SHARE > 0, 1.0)
    mean, _ = turning.estimate(flat, JUNCTION, entered, left, 0.0, 1e4)

    def missed(b):
        return np.sum((left - entered @ b.reshape(3, 3)) ** 2)

    bounds = [(0, 1) if b > 0 else (0, 0) for b in SHARE.ravel()]
    rows = {"type": "eq", "fun": lambda b: b.reshape(3, 3).sum(axis=1) - 1}
    found = minimize(missed, flat.share.ravel(), bounds=bounds, constraints=[rows], options={"maxiter": 500})
    weak, _ = turning.estimate(flat, JUNCTION, entered, left, 0.0, 1.0)
    assert weak[-1] == pytest.approx(found.x.reshape(3, 3), abs=0.08)
    assert np.abs(weak[-1] - SHARE).max() < np.abs(mean[-1] - SHARE).max()  # counts that are doubted teach less


def test_silent_counters_leave_the_usual_and_widen_the_estimate():
    usual = turning.usual(crossed(30, 1), SHARE > 0, 20.0)
    seen = crossed(60, 2)
    entered, left = seen.sum(axis=2), seen.sum(axis=1)
    _, whole = turning.estimate(usual, JUNCTION, entered, left, 0.03, 1.0)
    nobody, none = turning.estimate(
        usual, JUNCTION, np.full_like(entered, np.nan), np.full_like(left, np.nan), 0.03, 1.0
    )
    assert nobody[-1] == pytest.approx(usual.share)
    assert (none[-1] > 2 * whole[-1])[SHARE > 0].all()
    entered[:, 0] = np.nan
    _, partly = turning.estimate(usual, JUNCTION, entered, left, 0.03, 1.0)
    assert (whole[-1] <= partly[-1] + 1e-12).all()
    assert (partly[-1] < none[-1])[SHARE > 0].all()


def known_times(**changed) -> UsualTimes:
    two = np.ones(2)
    usual = UsualTimes(np.log([30.0, 40.0]), 0.01 * two, 50 * two, 25 * two, 0.0, 0.0, 0 * two)
    return replace(usual, **changed)


def test_theory_littles_law_by_hand():
    """4 vehicles there and 10 a minute leaving: 24 s within; 20 s are driven freely before."""
    there, entered = np.full((60, 2), 4.0), np.full((5, 2), 10.0)
    log, variance = travel.little(VIEWS, known_times(), there, np.full((60, 2), 0.25), there > 0, entered, 60)
    assert np.exp(log) == pytest.approx(np.array([[44.0, 54.0]]))
    # sd of 4 is 0.5, of 50 √51: (300/50 · 0.5)² + (24/50)² · 51, over 44²; and what is always added
    assert variance[0, 0] == pytest.approx((9 + 0.48**2 * 51) / 44**2 + 1e-4)
    mean_s, sd_s = travel.joined(known_times(), log, np.full((1, 2), 0.01))
    assert mean_s[0, 0] == pytest.approx(np.sqrt(44 * 30) * np.exp(0.005 / 2))
    assert sd_s[0, 0] == pytest.approx(mean_s[0, 0] * np.sqrt(np.exp(0.005) - 1))


def test_detectors_that_are_silent_or_doubted_leave_the_usual_time():
    there, entered = np.full((60, 2), 4.0), np.full((5, 2), 10.0)
    known, read = known_times(scale=0.1), there > 0

    def said(known, read, entered):
        return travel.joined(known, *travel.little(VIEWS, known, there, np.full((60, 2), 4.0), read, entered, 60))

    (seen_s, seen_sd), usual_s = said(known, read, entered), np.array([30.0, 40.0])
    for mean_s, sd_s in (
        said(known, ~read, entered),
        said(known, read, np.full_like(entered, np.nan)),
        said(replace(known, doubt_share=0.3, doubt_veh=1.0), read, entered),
    ):
        assert (sd_s > seen_sd).all()
        assert (np.abs(mean_s - usual_s) < np.abs(seen_s - usual_s)).all()


def test_theory_what_the_own_hour_teaches_by_hand():
    times = np.array([[40.0, 50.0], [50.0, 40.0]])
    usual = travel.usual(times, np.full((10, 2), 6.0), np.array([30.0, 40.0]), 0.0, 0.0)
    spread = np.mean((np.log([40, 50]) - np.log(2000) / 2) ** 2)
    assert usual.variance == pytest.approx(np.full(2, 3 * spread + 1e-4))  # (n + 1) / (n − 1) of two
    held = travel.held_against(usual, np.log(times) - 0.2, np.full((2, 2), 0.5), times)
    assert held.offset == pytest.approx([0.2, 0.2])
    assert held.scale == pytest.approx(0.0, abs=1e-12)


def test_theory_reliability_of_a_right_forecast_is_the_diagonal(tmp_path: Path):
    rng = np.random.default_rng(1)
    sd = rng.uniform(0.5, 2, 20_000)
    right = Judged("x", "veh", 70.0, "right", np.zeros(20_000), sd, rng.normal(0, sd))
    for row in right.reliability():
        assert row["covered_percent"] == pytest.approx(row["level_percent"], abs=1.5)  # four standard errors
    narrow = replace(right, method="narrow", sd=sd / 3)
    assert narrow.row()["covered_90_percent"] < 60
    assert narrow.row()["crps"] > right.row()["crps"]
    plot([right, narrow], "what intervals hold", tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert "what intervals hold" in page
    assert "covered_percent" in page
    assert 'src="http' not in page
    with pytest.raises(LiveError, match=r"\.html or \.svg"):
        check_plot(tmp_path / "x.png")


def test_theory_turns_are_counted_from_sumos_routes(tmp_path: Path):
    (tmp_path / "v.xml").write_text(
        '<routes><vehicle><route edges="a b" exitTimes="130 150"/></vehicle>'
        '<vehicle><routeDistribution><route edges="a c"/><route edges="a b" exitTimes="119 -1"/></routeDistribution></vehicle>'
        '<vehicle><route edges="b a" exitTimes="125 140"/></vehicle></routes>'
    )
    one = roads.Crossings(("a",), ("b", "c"), ("j",), np.ones((1, 2), dtype=bool), ((),), ((), ()))
    found = turned(tmp_path / "v.xml", one, 60.0, 3)
    assert found[:, 0].tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]


def test_a_street_counts_who_turned_and_its_rates_and_times_are_estimated(town: Path):
    crossings = crossings_of(town)
    assert (crossings.approaches, crossings.exits) == (("ns", "ws"), ("se", "sn"))
    assert {source.partition(":")[0] for source in crossings.sources} == {"in", "out"}
    city = live_hour(str(town), 1, 930, 1.0)  # no whole number of intervals
    assert city.counted.shape == (15, 4)
    assert city.travel_s.shape == (3, 2)
    assert city.turned.sum() > 50
    assert city.turned.sum(axis=(0, 2)) == pytest.approx(city.counted[:, :2].sum(axis=0), abs=2)
    assert city.turned.sum(axis=(0, 1)) == pytest.approx(city.counted[:, 2:].sum(axis=0), abs=2)
    assert not city.turned[:, ~crossings.allowed].any()
    signals, p = signals_of(town, 200.0), parameters()
    layout = roads.layout_of(town, signals)
    known = roads.learned(layout, city, signals.junctions.green, p)
    came = told(city, 100.0, 1, p)
    rates = {one.method: one for one in roads.turning_rates(layout, known, city, came, 100.0, p)}
    assert set(rates) == {"kalman", "proportional", "usual"}
    assert rates["kalman"].row()["rmse"] < 15
    x, sd = believed_queues(city, came, signals.junctions.green, p)
    times = roads.travel_times(layout, known, city, city, came, x, sd, 100.0, p)
    for one in times:
        assert one.mean.shape == one.sd.shape == one.true.shape == (3, 2)
        assert (one.sd > 0).all()
    assert json.loads(json.dumps(rates["kalman"].row()))["unit"] == "%"
