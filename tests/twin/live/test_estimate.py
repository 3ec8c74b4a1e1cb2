"""Queues from partial detectors: scores and filter by hand and against another tool, and that they beat what knows less."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from twin.live.estimate import scores
from twin.live.estimate.city import parameters, told
from twin.live.estimate.queues import QueueModel, believed_queues, correct, estimate, fit, lamps_of, stuck
from twin.live.estimate.seen import held, series
from twin.live.estimate.study import halting
from twin.live.street import Lived

GREEN = np.array([[1.0, 0.0], [0.0, 1.0]])  # one junction: phase 0 serves zone 0, phase 1 zone 1


def simulated(n, seed, scale=1.0):
    """A junction whose approaches store and forward: Poisson arrivals, a green that serves three a step."""
    rng = np.random.default_rng(seed)
    phase = (np.arange(n) // 6 % 2).astype(float)[:, None]
    queue, halting = np.zeros(2), []
    for k in range(n):
        served = np.where(GREEN[int(phase[k, 0])] > 0, 3, 0)
        queue = np.maximum(queue + rng.poisson(scale * np.array([0.6, 1.2])) - served, 0)
        halting.append(queue)
    standing = np.array(halting, dtype=float)
    return Lived(5.0 + 5.0 * np.arange(n), standing + rng.poisson(0.5, (n, 2)), standing, phase)


@pytest.mark.parametrize(("mean", "sd", "true"), [(0.0, 1.0, 0.0), (2.0, 0.5, 3.1), (-1.0, 3.0, 4.0)])
def test_theory_crps_is_the_integral_of_its_definition(mean, sd, true):
    below, _ = quad(lambda y: norm.cdf(y, mean, sd) ** 2, -40, true)
    above, _ = quad(lambda y: norm.sf(y, mean, sd) ** 2, true, 40)
    found = scores.crps(np.array([mean]), np.array([sd]), np.array([true]))
    assert found == pytest.approx(below + above, abs=1e-6)


def test_theory_scores_of_a_right_forecast():
    rng = np.random.default_rng(1)
    sd = rng.uniform(0.5, 2.0, 40_000)
    true = rng.normal(1.0, sd)
    assert scores.coverage(np.ones(40_000), sd, true) == pytest.approx(0.9, abs=0.006)  # four standard errors
    assert scores.crps(np.ones(40_000), sd, true) == pytest.approx(np.mean(sd) / np.sqrt(np.pi), rel=0.02)
    assert scores.rmse(np.array([1.0, 3.0]), np.array([1.0, 0.0])) == pytest.approx(np.sqrt(4.5))


def test_another_tool_correction_is_the_conditional_of_a_joint_normal():
    """Bayes on a grid, by scipy's density: prior times likelihood of a reading of 0.8 x₁."""
    mean, cov = np.array([[1.0, 2.0]]), np.array([[[1.0, 0.6], [0.6, 2.0]]])
    new, left = correct(mean, cov, 1, np.array([3.0]), 0.8, np.array([0.5]))
    axis = np.linspace(-9, 12, 500)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    weight = multivariate_normal(mean[0], cov[0]).pdf(grid) * norm.pdf(3.0, 0.8 * grid[..., 1], np.sqrt(0.5))
    weight /= weight.sum()
    expected = (weight[..., None] * grid).sum((0, 1))
    centred = grid - expected
    assert new[0] == pytest.approx(expected, abs=1e-3)
    assert left[0] == pytest.approx(np.einsum("ab,abi,abj->ij", weight, centred, centred), abs=1e-3)
    same, as_before = correct(mean, cov, 1, np.array([np.nan]), 0.8, np.array([0.5]))
    assert (same == mean).all()
    assert (as_before == cov).all()


def test_lamps_by_hand():
    phase = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert lamps_of(phase, GREEN).tolist() == [[2, 0], [2, 0], [1, 3], [0, 2]]


def test_theory_a_linear_street_is_found_again():
    rng = np.random.default_rng(2)
    stay, arrive = np.array([[0.7, 0.1], [0.0, 0.8]]), np.array([0.5, 1.0])
    x = np.full((4000, 1, 2), 4.0)
    for k in range(1, 4000):
        x[k, 0] = stay @ x[k - 1, 0] + arrive + rng.normal(0, 0.2, 2)
    model = fit(x[..., 0], x.sum(axis=-1), np.zeros((4000, 1), dtype=int), 1.0)
    assert model.stay[0, 0] == pytest.approx(stay, abs=0.05)
    assert model.arrive[0, 0] == pytest.approx(arrive, abs=0.2)


def test_without_readings_the_estimate_is_wide_and_with_them_narrow():
    lived = simulated(400, 1)
    lamps = lamps_of(lived.phase, GREEN)
    model = fit(lived.halting, lived.vehicles, lamps, 3.0)
    held_green = lived.halting[lamps[:, 0] == 2, 0]  # by hand: its mean, with the zone's own weighing as three readings
    n = len(held_green)
    expected = (held_green.sum() + 3.0 * lived.halting[:, 0].mean()) / (n + 3.0)
    assert model.mean[0, 2, 0] == pytest.approx(expected)
    blind = np.full_like(lived.halting, np.nan)
    _, seeing_sd = estimate(model, lived.halting, lived.vehicles, lamps, 0.1, 0.01)
    mean, blind_sd = estimate(model, blind, blind, lamps, 0.1, 0.01)
    assert isinstance(model, QueueModel)
    assert (blind_sd[50:, :, 0] > 2 * seeing_sd[50:, :, 0].mean(axis=0)).mean() > 0.7
    # With lamps that follow a clock even the blind filter knows more than the mean of the hour.
    assert scores.rmse(mean[..., 0], lived.halting) < 0.9 * scores.rmse(lived.halting.mean(axis=0), lived.halting)


def test_end_to_end_over_the_line_of_the_demo_it_beats_persistence():
    believed, city = simulated(300, 1), simulated(300, 2, 1.1)
    for percent in (100.0, 50.0):
        came = told(city, percent, 1, parameters())
        x, sd = believed_queues(believed, came, GREEN, parameters())
        kalman, last = (one.row() for one in halting(believed, city, came, x, sd, percent))
        assert (kalman["method"], last["method"]) == ("kalman", "persistence")
        assert kalman["rmse"] < last["rmse"]
        assert kalman["crps"] < last["crps"]
        assert 80 < kalman["covered_90_percent"] <= 100


def test_a_dead_detector_tells_nothing_and_a_late_reading_comes_too_late():
    p = {"city_miss_percent": 0.0, "city_dropout_percent": 0.0, "city_ghost_veh": 0.0, "grace_s": 1.0}
    came = told(simulated(200, 3), 50.0, 1, {**p, "city_counter_miss_percent": 0.0})
    standing, vehicles, phase = came.halting, came.vehicles, came.phase
    assert sorted(np.isnan(standing).mean(axis=0) > 0.9) == [False, True]
    assert (np.isnan(standing) == np.isnan(vehicles)).mean() > 0.95
    assert not np.isnan(held(phase, 0.0)).any()

    def row(at_s, arrived_s, value, flags=""):
        shared = {"kind": "detectors", "name": "halting", "source": "a"}
        return {**shared, "at_s": at_s, "arrived_s": arrived_s, "value": value, "flags": flags}

    rows = [
        row(5.0, 5.5, 1.0),
        row(10.0, 11.5, 2.0, "late"),
        row(15.0, 15.1, -3.0, "impossible"),
        row(20.0, 20.2, 4.0, "gap"),
    ]
    found = series(rows, "detectors", "halting", {"a": 0}, np.array([5.0, 10.0, 15.0, 20.0]), 1.0)
    assert found[:, 0].tolist() == pytest.approx([1.0, np.nan, np.nan, 4.0], nan_ok=True)


def test_when_the_broker_is_gone_estimates_widen_and_come_back():
    lived = simulated(400, 1)
    lamps = lamps_of(lived.phase, GREEN)
    model = fit(lived.halting, lived.vehicles, lamps, 3.0)
    gone = slice(200, 300)
    halting, vehicles = lived.halting.copy(), lived.vehicles.copy()
    halting[gone] = vehicles[gone] = np.nan
    _, sd = estimate(model, halting, vehicles, lamps, 0.1, 0.01)
    _, undisturbed = estimate(model, lived.halting, lived.vehicles, lamps, 0.1, 0.01)
    assert (sd[210:300, :, 0].mean(axis=0) > 2 * undisturbed[210:300, :, 0].mean(axis=0)).all()
    assert sd[310:] == pytest.approx(undisturbed[310:], rel=1e-3)


def test_lamps_that_nobody_knows_widen_the_estimate():
    lived = simulated(400, 1)
    lamps = lamps_of(lived.phase, GREEN)
    model = fit(lived.halting, lived.vehicles, lamps, 3.0)
    unlit = np.zeros(lamps.shape, dtype=bool)
    unlit[200:300, 0] = True
    _, known = estimate(model, lived.halting, lived.vehicles, lamps, 0.1, 0.01)
    _, sd = estimate(model, lived.halting, lived.vehicles, lamps, 0.1, 0.01, unlit)
    assert sd[200:300, 0, 0].mean() > 1.02 * known[200:300, 0, 0].mean()
    assert (sd[:200] == known[:200]).all()
    assert (sd[:, 1] == known[:, 1]).all()


def test_a_camera_that_repeats_itself_is_left_out_and_the_estimate_widens():
    believed, city = simulated(300, 1), simulated(300, 2)
    came = told(city, 100.0, 1, parameters())
    came.halting[100:, 0], came.vehicles[100:, 0] = 7.0, 9.0
    lies = stuck(came.halting, came.vehicles)
    assert not lies[:136].any()
    assert lies[136:, 0].all()  # the reading at 100 and 36 that repeat it
    assert not lies[:, 1].any()
    x, sd = believed_queues(believed, came, GREEN, parameters())
    off = np.abs(x[:, 0, 0] - city.halting[:, 0])
    assert off[110:130].mean() > 3 * off[150:].mean()
    assert sd[150:, 0, 0].mean() > 2 * sd[50:100, 0, 0].mean()


def test_an_empty_approach_is_no_stuck_camera():
    assert not stuck(np.zeros((100, 2)), np.zeros((100, 2))).any()
