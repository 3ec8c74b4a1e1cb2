"""Panels: the sun where it must be, ModelChain beside the fast path, planes, horizon, a year from a table."""

import numpy as np
import pandas as pd
import pvlib
import pytest

from twin.errors import WeatherError
from twin.places import Site
from twin.solar.pv.chain import chain_power
from twin.solar.pv.fast import Weather, fast_power
from twin.solar.pv.sun import cos_zenith, sun_track
from twin.solar.pv.system import Plane, PvSystem, combined_losses_percent
from twin.solar.pv.year import yield_of
from twin.solar.weather.synthetic import Places, SkyModel, behind_horizon, hours_of, weather_of

POSITIONS = [(-8.05, 111.71, 120.0), (-8.30, 111.58, 0.0), (-7.96, 111.70, 730.0)]
LATITUDE, LONGITUDE, ALTITUDE = (np.array(column) for column in zip(*POSITIONS, strict=True))
ONE = PvSystem((Plane(1100, 10, 0),))
THREE = PvSystem((Plane(550, 20, 90), Plane(350, 30, 270), Plane(200, 0, 0)), losses_percent=8, cell_model="faiman")


def year_of(seed: int = 3, year: str = "2025") -> tuple[pd.DatetimeIndex, Weather]:
    sites = [Site("", "", "", "", lat, lon, alt, "") for lat, lon, alt in POSITIONS]
    places = Places.of(sites)
    sky, parts, stamps = SkyModel(places, np.random.default_rng(seed)), [], []
    for month in pd.period_range(f"{year}-01", f"{year}-12", freq="M"):
        hours = hours_of(month)
        parts.append(weather_of(sky.month(month), places, hours, sun_track(hours)))
        stamps.append(hours)
    columns = [np.concatenate([getattr(p, name) for p in parts], axis=1)[places.of_site] for name in vars(parts[0])]
    return stamps[0].append(stamps[1:]), Weather(*columns)


TIMES, YEAR = year_of()


def frame(i: int) -> pd.DataFrame:
    columns = zip(("ghi", "dni", "dhi", "temp_air", "wind_speed"), vars(YEAR).values(), strict=True)
    return pd.DataFrame({name: values[i] for name, values in columns}, index=TIMES)


def test_theory_the_sun_stands_highest_when_it_must():
    # Longitude 111.71°E: 105° is UTC+7's meridian, so noon comes 4 × 6.71 = 26.8 min early; in mid-February the
    # equation of time is −14.2 min: solar noon at about 12:00 − 26.8 + 14.2 = 11:47 WIB.
    times = pd.date_range("2026-02-11 11:00", "2026-02-11 13:00", freq="min", tz="Asia/Jakarta")
    up = cos_zenith(sun_track(times), LATITUDE[:1], LONGITUDE[:1])[0]
    assert abs((times[up.argmax()] - pd.Timestamp("2026-02-11 11:47", tz="Asia/Jakarta")).total_seconds()) < 120
    # At noon the zenith distance is |latitude − declination| = |−8.05 + 14.1| = 6.0°.
    assert np.degrees(np.arccos(up.max())) == pytest.approx(6.0, abs=0.3)


@pytest.mark.parametrize("year", [2000, 2026, 2049])
def test_another_tool_the_sun_is_pvlibs(year: int):
    times = pd.date_range(f"{year}-01-01 00:30", periods=8760, freq="h", tz="Asia/Jakarta")
    ours = np.degrees(np.arccos(cos_zenith(sun_track(times), LATITUDE, LONGITUDE)))
    for i in range(3):
        theirs = pvlib.solarposition.get_solarposition(times, LATITUDE[i], LONGITUDE[i], altitude=0)
        assert np.abs(ours[i] - theirs["zenith"].to_numpy()).max() < 2e-4


@pytest.mark.parametrize("system", [ONE, THREE], ids=["one plane", "three planes, Faiman"])
def test_another_tool_the_fast_path_is_model_chain(system: PvSystem):
    fast = fast_power(system, LATITUDE, LONGITUDE, ALTITUDE, sun_track(TIMES), YEAR)
    for i in range(3):
        slow = chain_power(system, LATITUDE[i], LONGITUDE[i], ALTITUDE[i], frame(i))
        assert fast.ac_w[i].sum() == pytest.approx(slow.ac_w.sum(), rel=1e-4)
        assert fast.dc_w[i].sum() == pytest.approx(slow.dc_w.sum(), rel=1e-4)
        assert np.quantile(np.abs(fast.ac_w[i] - slow.ac_w), 0.999) < 1.0
        assert 1000 < slow.ac_w.sum() / 1000 < 2000


def test_another_tool_odd_hours_agree_too():
    # Light at night (a faulty file), no diffuse light, a gale, and a sun just under the horizon.
    times = pd.date_range("2026-06-21 05:00", periods=60, freq="min", tz="Asia/Jakarta")
    shape = (1, 60)
    odd = Weather(np.full(shape, 30.0), np.full(shape, 100.0), np.where(np.arange(60) % 2, 20.0, 0.0)[None],
                  np.full(shape, 20.0), np.full(shape, 35.0))  # fmt: skip
    fast = fast_power(ONE, LATITUDE[:1], LONGITUDE[:1], ALTITUDE[:1], sun_track(times), odd)
    columns = zip(("ghi", "dni", "dhi", "temp_air", "wind_speed"), vars(odd).values(), strict=True)
    slow = chain_power(ONE, LATITUDE[0], LONGITUDE[0], ALTITUDE[0],
                       pd.DataFrame({name: values[0] for name, values in columns}, index=times))  # fmt: skip
    assert np.abs(fast.ac_w[0] - slow.ac_w).max() < 1.0


def test_theory_no_light_no_power():
    dark = Weather(*(np.zeros((3, 8760)) for _ in range(5)))
    assert fast_power(ONE, LATITUDE, LONGITUDE, ALTITUDE, sun_track(TIMES), dark).ac_w.max() == 0


def test_theory_losses_of_several_causes():
    assert combined_losses_percent(10, 10, 0, 5) == pytest.approx(19.0)
    assert combined_losses_percent(0, 0, 1, 2) == pytest.approx(1.99)


@pytest.mark.parametrize("planes", [(), (Plane(1, 0, 0),) * 4])
def test_a_roof_has_one_to_three_planes(planes):
    with pytest.raises(ValueError, match="1 to 3 planes"):
        PvSystem(planes)


def test_hills_take_direct_light_and_leave_diffuse():
    places = Places(LATITUDE, LONGITUDE, ALTITUDE, np.arange(3))
    track = sun_track(TIMES)
    east = behind_horizon(YEAR, places, track, [0, 60, 0, 0])  # a wall in the east
    assert (east.dhi == YEAR.dhi).all()
    morning = np.asarray(TIMES.hour == 7)
    assert (east.dni[:, morning] == 0).all()
    assert YEAR.dni[:, morning].max() > 0
    assert (east.dni[:, np.asarray(TIMES.hour == 15)] == YEAR.dni[:, np.asarray(TIMES.hour == 15)]).all()
    flat = behind_horizon(YEAR, places, track, [0, 0, 0, 0])
    up = cos_zenith(track, LATITUDE, LONGITUDE) > 0.01
    assert (flat.dni[up] == YEAR.dni[up]).all()


def test_a_year_adds_up_and_a_part_of_a_year_is_refused():
    whole = yield_of(ONE, -8.05, 111.71, frame(0), 1.0)
    assert whole.annual_kwh == pytest.approx(sum(whole.monthly_kwh))
    assert len(whole.monthly_kwh) == 12
    assert whole.annual_kwh == pytest.approx(whole.hourly.ac_w.sum() / 1000)
    assert yield_of(ONE, -8.05, 111.71, frame(0), 1.0, "fast").annual_kwh == pytest.approx(whole.annual_kwh, rel=1e-4)
    with pytest.raises(WeatherError, match="covers 1,000 h"):
        yield_of(ONE, -8.05, 111.71, frame(0)[:1000], 1.0)
