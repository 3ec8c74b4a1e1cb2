"""The solar slice: energy by hand and by invariant, pvlib's ModelChain beside it, the sun where it must be."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twin.module import Seen
from twin.places import PlacesOptions
from twin.solar.battery import Battery, dispatch, load_shape
from twin.solar.module import SolarModule
from twin.solar.options import SolarOptions
from twin.solar.pv import dc_kw, irradiance_of, model_chain_dc_kw, sun_at
from twin.solar.weather import ClearnessModel, air_temperature_c, hours_of, monthly_clearness

JANUARY = pd.Period("2026-01", "M")
LATITUDE, LONGITUDE = np.array([-8.05]), np.array([111.71])
BOOK = Battery(4.8, 0.96, 0.96, 0.96, 2.88, 1.0, 0.92)
energies = st.floats(0, 5)


def module(**options) -> SolarModule:
    solar = SolarModule()
    scenario = SimpleNamespace(solar=SolarOptions(**options), places=PlacesOptions(), start_month=JANUARY)
    solar.reset(scenario, np.random.default_rng(1))
    return solar


# ---- theory: by hand -------------------------------------------------------------------------------------------------


def test_theory_the_sun_stands_highest_when_it_must():
    # Longitude 111.71°E: 105° is UTC+7's meridian, so noon comes 4 × 6.71 = 26.8 min early; in mid-February the
    # equation of time is −14.2 min: solar noon at about 12:00 − 26.8 + 14.2 = 11:47 WIB.
    hours = pd.date_range("2026-02-11 11:00", "2026-02-11 13:00", freq="min", tz="Asia/Jakarta")
    sun = sun_at(hours, LATITUDE, LONGITUDE)
    noon = hours[int(sun.zenith_deg[0].argmin())]
    assert abs((noon - pd.Timestamp("2026-02-11 11:47", tz="Asia/Jakarta")).total_seconds()) < 120
    # At noon the zenith distance is |latitude − declination| = |−8.05 + 14.1| = 6.0°.
    assert sun.zenith_deg.min() == pytest.approx(6.0, abs=0.3)


def test_theory_a_hand_computed_day_of_the_battery():
    # η = 1 everywhere, 10 kWh, empty reserve 2: 3 h of 4 kWh sun, load 1; then load 3 in the dark.
    battery = Battery(10.0, 2.0, 1.0, 1.0, 100.0, 100.0, 1.0)
    pv, load = np.array([[4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0]]), np.array([[1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]])
    flows = dispatch(pv, load, np.array([2.0]), battery)
    assert flows.soc_kwh[0].tolist() == [5.0, 8.0, 10.0, 7.0, 4.0, 2.0, 2.0]
    assert flows.curtailed_kwh[0].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert flows.grid_kwh[0].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 3.0]


def test_theory_the_inverter_limits_what_is_served():
    flows = dispatch(np.array([[50.0]]), np.array([[3.0]]), np.array([4.8]), BOOK)
    assert flows.served_kwh[0, 0] == pytest.approx(1.0)
    assert flows.grid_kwh[0, 0] == pytest.approx(2.0)
    assert flows.direct_kwh[0, 0] + flows.charged_kwh[0, 0] <= BOOK.controller_kw


def test_theory_no_panels_no_energy_for_free():
    flows = dispatch(np.zeros((1, 48)), np.full((1, 48), 0.2), np.array([4.8]), BOOK)
    most = (4.8 - 0.96) * 0.96 * 0.92
    assert flows.served_kwh.sum() == pytest.approx(most)


@pytest.mark.parametrize("month", range(1, 13))
def test_theory_clearness_keeps_to_its_prior(month: int):
    rng = np.random.default_rng(month)
    period = pd.Period(year=2026, month=month, freq="M")
    means = []
    for _ in range(150):
        model = ClearnessModel.begin(14, rng)
        model.year_factor = 1.0
        if month == 1:
            period = pd.Period("2026-02", "M")  # January draws a year's factor of its own
        means.append(model.month(period, rng).mean())
    expected = monthly_clearness()[period.month - 1]
    assert np.mean(means) == pytest.approx(expected, rel=0.02)


def test_theory_neighbours_share_their_clouds():
    rng = np.random.default_rng(5)
    model = ClearnessModel.begin(14, rng)
    days = np.concatenate([model.month(JANUARY + i, rng).reshape(14, -1, 24).mean(axis=2) for i in range(24)], axis=1)
    between = np.corrcoef(days)[np.triu_indices(14, 1)].mean()
    assert 0.5 < between < 0.9


def test_irradiance_is_never_negative_and_dark_at_night():
    hours = hours_of(JANUARY)
    sun = sun_at(hours, LATITUDE, LONGITUDE)
    light = irradiance_of(np.full((1, len(hours)), 0.5), sun, hours)
    night = sun.zenith_deg > 90
    assert night.any()
    for values in (light.ghi, light.dhi, light.dni):
        assert (values >= 0).all()
        assert (values[night] == 0).all()
    horizontal = light.dni * np.cos(np.radians(sun.zenith_deg)) + light.dhi
    up = sun.zenith_deg < 85
    assert np.allclose(horizontal[up], light.ghi[up], atol=1e-6)


def test_the_load_shape_is_a_day():
    assert load_shape().shape == (24,)
    assert load_shape().sum() == pytest.approx(1.0)


# ---- invariants ------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    arrays(float, (2, 24), elements=energies),
    arrays(float, (2, 24), elements=energies),
    st.floats(0, 1),
    st.floats(0, 20),
    st.floats(0, 0.9),
    st.floats(0.5, 1),
    st.floats(0.5, 1),
)
def test_energy_is_conserved_in_every_hour(pv, load, filled, capacity, reserve, in_eff, out_eff):
    battery = Battery(capacity, reserve * capacity, in_eff, out_eff, 2.88, 1.0, 0.92)
    before = np.full(2, battery.soc_min_kwh + filled * (capacity - battery.soc_min_kwh))
    flows = dispatch(pv, load, before, battery)
    was = np.column_stack([before, flows.soc_kwh[:, :-1]])
    assert np.abs(flows.pv_kwh - flows.direct_kwh - flows.charged_kwh - flows.curtailed_kwh).max() < 1e-9
    assert np.abs(load - flows.served_kwh - flows.grid_kwh).max() < 1e-9
    assert np.abs(flows.soc_kwh - was - flows.charged_kwh * in_eff + flows.discharged_kwh / out_eff).max() < 1e-9
    assert np.abs(flows.served_kwh - (flows.direct_kwh + flows.discharged_kwh) * 0.92).max() < 1e-9
    assert flows.soc_kwh.min() >= battery.soc_min_kwh - 1e-9
    assert flows.soc_kwh.max() <= capacity + 1e-9
    for values in vars(flows).values():
        assert values.min() >= -1e-9


# ---- another tool ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "tilt", "azimuth"), [(-8.05, 111.71, 10, 0), (-8.30, 111.58, 25, 270)]
)
def test_another_tool_model_chain_agrees(latitude, longitude, tilt, azimuth):
    rng = np.random.default_rng(3)
    model = ClearnessModel.begin(1, rng)
    ours = theirs = 0.0
    for month in pd.period_range("2026-01", "2026-12", freq="M"):
        hours = hours_of(month)
        sun = sun_at(hours, np.array([latitude]), np.array([longitude]))
        light = irradiance_of(model.month(month, rng), sun, hours)
        temp = air_temperature_c(hours, np.zeros(1))
        fast = dc_kw(sun, light, temp, 1.5, 1.1, tilt, azimuth, -0.0035, 14.0)[0]
        one = type(light)(light.ghi[0], light.dhi[0], light.dni[0])
        slow = model_chain_dc_kw(hours, latitude, longitude, one, temp[0], 1.5, 1.1, tilt, azimuth, -0.0035, 14.0)
        assert fast.sum() == pytest.approx(slow.sum(), rel=1e-3)
        ours, theirs = ours + fast.sum(), theirs + slow.sum()
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert 1200 < theirs < 1800


# ---- the module ------------------------------------------------------------------------------------------------------


def test_a_year_of_the_books_system_is_plausible():
    solar = module(offices=("35.03.11.2001",))
    rows = []
    for i in range(12):
        solar.step(JANUARY + i, Seen({}))
        rows.append(solar.observe()["solar_total"][0])
    year = pd.DataFrame(rows)
    # Golden, with a margin: 1.1 kWp gives about 1,420 kWh AC a year in the measured notes; ours is before the inverter.
    assert year.pv_kwh.sum() * 0.92 == pytest.approx(1420, rel=0.12)
    assert 0.80 < year.served_kwh.sum() / year.load_kwh.sum() < 0.97
    assert 4.2 < year.ghi_kwh_per_m2_day.mean() < 5.4  # prior 4.78 ± 10 %


def test_totals_are_the_sum_of_offices():
    solar = module()
    solar.step(JANUARY, Seen({}))
    rows = solar.observe()
    offices, total = pd.DataFrame(rows["solar_month"]), rows["solar_total"][0]
    assert len(offices) == total["offices"] == 157
    for column in ("pv_kwh", "served_kwh", "saving_idr", "co2_avoided_kg"):
        assert offices[column].sum() == pytest.approx(total[column])
    assert len(rows["solar_week"]) == 168


def test_offices_of_one_seat_have_one_weather():
    solar = module()
    solar.step(JANUARY, Seen({}))
    offices = pd.DataFrame(solar.observe()["solar_month"])
    assert offices.groupby(offices.code.str[:8]).pv_kwh.nunique().eq(1).all()
    assert offices.pv_kwh.nunique() == 14


def test_a_month_after_restoring_is_equal_to_the_bit():
    first = module(offices=("35.03.01.2001", "35.03.11.2001"))
    first.step(JANUARY, Seen({}))
    saved, generator = json.loads(json.dumps(first.state())), first.rng.bit_generator.state
    first.step(JANUARY + 1, Seen({}))
    second = module(offices=("35.03.01.2001", "35.03.11.2001"))
    second.restore(saved)
    second.rng.bit_generator.state = generator
    second.step(JANUARY + 1, Seen({}))
    assert second.observe() == first.observe()


def test_no_office_is_a_result_not_a_fault():
    solar = module(offices=())
    solar.step(JANUARY, Seen({}))
    assert solar.observe()["solar_total"][0]["offices"] == 0


@pytest.mark.parametrize("codes", [("35.03.01.9999",), ("35.03.01.2001", "35.03.01.2001")])
def test_wrong_offices_are_refused(codes):
    with pytest.raises(ValueError, match=r"unknown village code|given twice"):
        SolarOptions(offices=codes)


def test_panels_without_any_give_nothing():
    solar = module(panels=0, offices=("35.03.11.2001",), soc_min_percent=0.0)
    solar.step(JANUARY, Seen({}))
    solar.step(JANUARY + 1, Seen({}))
    total = solar.observe()["solar_total"][0]
    assert total["pv_kwh"] == 0
    assert total["served_kwh"] == pytest.approx(0, abs=1e-9)
