"""Charge and nowcast: the filter against the posterior of a joint normal, the fit against a known process, and scores."""

import numpy as np
import pandas as pd
import pytest

from twin.errors import LiveError
from twin.live.demo import BEGIN_S
from twin.live.solar import charge, nowcast
from twin.live.solar.charge import ChargeModel
from twin.live.solar.city import battery, parameters
from twin.live.solar.now import believed, told_now
from twin.live.solar.study import MOST_LEAD, came_in, score, simulated, told


def model(**more):
    given = {
        "charge_efficiency": 1.0, "discharge_efficiency": 1.0, "least_kwh": -50.0, "most_kwh": 50.0, "step_h": 0.5,
        "soc_sd_kwh": 0.4, "power_sd_kw": 0.1, "bias_sd_kw": 0.3, "bias_walk_kw": 0.05, "model_sd_kwh": 0.02,
        "change_sd_kw": 0.7,
    }  # fmt: skip
    return ChargeModel(**given | more)


def test_theory_without_losses_the_filter_is_the_posterior_of_a_joint_normal():
    """Charge and readings are linear in (first charge, biases, noises): conditioned as one normal, by numpy."""
    m, power = model(), np.array([1.0, -2.0, np.nan, 0.5])
    told = np.array([3.0, np.nan, 2.0, 2.5])
    n = len(power)
    # unknowns: first charge, first bias, n walks, n noises of a step (power's, held power's and the balance's)
    age = np.array([0, 0, 1, 0])
    noise = m.step_h**2 * (m.power_sd_kw**2 + age * m.change_sd_kw**2) + m.model_sd_kwh**2
    prior = np.diag([(100 / np.sqrt(12)) ** 2, m.bias_sd_kw**2, *[m.bias_walk_kw**2] * n, *noise])
    rows, known = [], []
    charge_of, offset, bias_of = np.zeros(2 + 2 * n), 0.0, np.zeros(2 + 2 * n)
    charge_of[0], bias_of[1] = 1.0, 1.0
    for k, last in enumerate([1.0, -2.0, -2.0, 0.5]):
        charge_of, offset = charge_of - m.step_h * bias_of, offset + m.step_h * last
        charge_of[2 + n + k] += 1.0
        bias_of = bias_of.copy()
        bias_of[2 + k] += 1.0
        rows.append(charge_of.copy())
        known.append(offset)
    seen = ~np.isnan(told)
    h, gap = np.array(rows)[seen], told[seen] - np.array(known)[seen]
    gain = prior @ h.T @ np.linalg.inv(h @ prior @ h.T + m.soc_sd_kwh**2 * np.eye(seen.sum()))
    mean = np.array(rows)[-1] @ (gain @ gap) + known[-1]
    variance = np.array(rows)[-1] @ (prior - gain @ h @ prior) @ np.array(rows)[-1]
    found, sd = charge.estimate(m, power[:, None], told[:, None])
    assert (found[-1, 0], sd[-1, 0]) == pytest.approx((mean, np.sqrt(variance)), rel=1e-6)


def test_a_sensor_that_always_tells_too_much_is_found_out():
    rng = np.random.default_rng(1)
    true = 10 * np.sin(np.arange(400) / 30.0)[:, None]
    power = np.diff(true, axis=0, prepend=0.0) / 0.5 + 0.6  # twice the bias that is usual
    mean, _ = charge.estimate(model(), power, true + rng.normal(0, 0.4, true.shape))
    blind, wide = charge.estimate(model(), power, np.full_like(true, np.nan))
    assert np.abs(mean - true)[200:].mean() < 0.2
    assert np.abs(blind - true)[-1] > 40
    assert wide[-1] > 20


def test_persistence_by_hand():
    told = np.array([[np.nan], [3.0], [np.nan], [4.0]])
    mean, sd = charge.held(told, np.array([0.0, 1.0, 2.0, 3.0]), 0.5, 7.0)
    assert mean[:, 0].tolist() == [7.0, 3.0, 3.0, 4.0]
    assert sd[:, 0] ** 2 == pytest.approx([9.25, 0.25, 1.25, 0.25])


def test_theory_the_fit_finds_an_autoregressive_sky_and_the_interval_its_spread():
    rng = np.random.default_rng(2)
    index = np.zeros((4000, 3))
    for k in range(1, 4000):
        index[k] = 0.9 * index[k - 1] + rng.normal(0, np.sqrt(1 - 0.81), 3)
    found = nowcast.fit(0.6 + 0.1 * index, 5)
    for lead in (1, 4):
        assert found.damping[lead] == pytest.approx(0.9**lead, abs=0.02)
        assert found.offset[lead] == pytest.approx(0.6 * (1 - 0.9**lead), abs=0.02)
        assert found.sd[lead] == pytest.approx(0.1 * np.sqrt(1 - 0.9 ** (2 * lead)), rel=0.05)
    mean, sd = nowcast.forecast(found, np.array([[0.8], [np.nan], [np.nan]]), np.full((3, 1), 500.0), 1)
    assert mean[:, 0] == pytest.approx([500 * (found.offset[n] + 0.8 * found.damping[n]) for n in (1, 2)])
    assert sd[:, 0] == pytest.approx([500 * found.sd[n] for n in (1, 2)])  # the older, the wider


def test_intervals_that_were_too_narrow_widen_and_never_by_what_is_not_seen_yet():
    rng = np.random.default_rng(3)
    seen, lead = rng.normal(0, 2.0, (600, 4)), 3
    mean, sd, up = np.zeros((597, 4)), np.ones((597, 4)), np.ones((597, 4), dtype=bool)
    wide = nowcast.widened(mean, sd, seen, lead, 100.0, up)
    assert wide[-200:].mean() == pytest.approx(2.0, rel=0.1)
    late = seen.copy()
    late[303:] = 1e6
    assert (nowcast.widened(mean, sd, late, lead, 100.0, up)[:303] == wide[:303]).all()


def test_end_to_end_both_beat_what_was_told_last():
    rows = {(row["what"], row["method"]): row for row in score(1, 2, 3, [70.0])}
    for what, method, least in (
        ("charge", "kalman", 85), ("irradiance +30 min", "clear_sky_index", 80), ("irradiance +60 min", "clear_sky_index", 80),
    ):  # fmt: skip
        ours, last = rows[what, method], rows[what, "persistence"]
        assert ours["rmse"] < last["rmse"]
        assert ours["crps"] < last["crps"]
        assert least < ours["covered_90_percent"] < 99


def test_a_live_days_offices_are_told_as_the_study_has_them():
    """At 11:00 of a simulated day: the filter's and the nowcast's own values, with intervals that hold the truth."""
    city, percent, seed = simulated(5, 1, 4), 80.0, 5
    k = int(4 * 3600 / parameters()["step_s"]) - 1
    table = pd.DataFrame(came_in(city, percent, seed))
    rows = told_now(table, float(city.at_s[k]))
    seen = told(city, percent, seed)
    charges = [row for row in rows if row["what"] == "charge"]
    mean, _ = charge.estimate(
        believed()[0], seen["power_kw"][: k + 1], seen["soc_percent"][: k + 1] / 100 * battery().soc_max_kwh
    )
    assert [row["mean"] for row in charges] == pytest.approx(100 * mean[-1] / battery().soc_max_kwh)
    true = 100 * city.soc_kwh[k] / battery().soc_max_kwh
    assert sum(row["low"] <= at <= row["high"] for row, at in zip(charges, true, strict=True)) >= 3
    least = parameters()["least_clear_w_m2"]
    for minutes in (15, 30, 60):
        lead = minutes // 5
        index = nowcast.index_of(seen["ghi_w_m2"], city.clear_w_m2, least)
        ahead, _ = nowcast.forecast(believed()[1], index, city.clear_w_m2, lead)
        own = [row for row in rows if row["in_min"] == minutes]
        assert [row["mean"] for row in own] == pytest.approx(ahead[k], rel=0.01)  # offices stand in the capital here
        assert all(row["low"] < row["mean"] < row["high"] for row in own)
    assert lead < MOST_LEAD
    assert {row["office"] for row in rows} == {f"office-{o}" for o in range(4)}
    assert all(0 <= row["told_s_ago"] < 1800 for row in rows)


def test_without_a_gauge_an_offices_charge_is_told_less_surely_and_a_street_has_none():
    table = pd.DataFrame(came_in(simulated(6, 1, 1), 100.0, 6))
    at_s = BEGIN_S + 6 * 3600
    [sure, *_], [unsure, *_] = told_now(table, at_s), told_now(table[table.name != "soc_percent"], at_s)
    assert sure["what"] == unsure["what"] == "charge"
    assert unsure["high"] - unsure["low"] > 3 * (sure["high"] - sure["low"])
    with pytest.raises(LiveError, match="no battery and no weather station"):
        told_now(table[table.kind == "detectors"], at_s)
