"""Weather: the prior kept, persistence and neighbours, files that are wrong, readers, fetching without internet."""

import json

import numpy as np
import pandas as pd
import pytest
import requests

from twin.errors import FetchError, WeatherError
from twin.places import kecamatan
from twin.solar.pv.sun import sun_track
from twin.solar.weather import fetch as fetching
from twin.solar.weather.checks import checked, clock_error_h
from twin.solar.weather.files import read_weather
from twin.solar.weather.synthetic import Places, SkyModel, hours_of, monthly_clearness, weather_of

JANUARY = pd.Period("2026-01", "M")


class Spot:
    def __init__(self, latitude_deg, longitude_deg):
        self.latitude_deg, self.longitude_deg, self.elevation_m = latitude_deg, longitude_deg, 100.0


SEATS = Places.of([Spot(k.latitude_deg, k.longitude_deg) for k in kecamatan()])
HERE = Places.of([Spot(-8.05, 111.71)])


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    sky, parts = SkyModel(HERE, np.random.default_rng(3)), []
    for month in pd.period_range("2025-01", "2025-12", freq="M"):
        hours = hours_of(month)
        w = weather_of(sky.month(month), HERE, hours, sun_track(hours))
        columns = {"ghi": w.ghi, "dni": w.dni, "dhi": w.dhi, "temp_air": w.temp_air_c, "wind_speed": w.wind_m_s}
        parts.append(pd.DataFrame({name: values[0] for name, values in columns.items()}, index=hours))
    return pd.concat(parts)


# ---- the synthetic prior ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", [1, 4, 8, 11])
def test_theory_clearness_keeps_to_its_prior(month: int):
    sky, means = SkyModel(SEATS, np.random.default_rng(month)), []
    period = pd.Period(year=2026, month=month, freq="M")
    for _ in range(60):
        means.append(sky.month(period).clearness.mean() / sky.year_factor)
    assert np.mean(means) == pytest.approx(monthly_clearness()[month - 1], rel=0.02)


def test_theory_clouds_persist_and_neighbours_share_them():
    sky = SkyModel(SEATS, np.random.default_rng(5))
    months = [sky.month(pd.Period("2026-03", "M")) for _ in range(30)]
    days = np.concatenate([m.clearness.reshape(len(SEATS), -1, 24).mean(axis=2) for m in months], axis=1)
    days -= days.mean()
    assert 0.15 < np.corrcoef(days[0, 1:], days[0, :-1])[0, 1] < 0.5
    between = np.corrcoef(days)
    assert 0.5 < between[np.triu_indices(len(SEATS), 1)].mean() < 0.98
    near, far = (-8.05, 111.71), (-8.24, 111.45)
    order = list(zip(SEATS.latitude_deg, SEATS.longitude_deg, strict=True))
    town, coast, next_door = order.index(near), order.index(far), order.index((-8.09, 111.75))
    assert between[town, next_door] > between[town, coast]


def test_light_is_never_negative_dark_at_night_and_adds_up():
    hours = hours_of(JANUARY)
    track = sun_track(hours)
    w = weather_of(SkyModel(SEATS, np.random.default_rng(1)).month(JANUARY), SEATS, hours, track)
    from twin.solar.pv.sun import cos_zenith

    up = cos_zenith(track, SEATS.latitude_deg, SEATS.longitude_deg)
    for values in (w.ghi, w.dni, w.dhi):
        assert (values >= 0).all()
        assert (values[up <= 0] == 0).all()
    high = up > 0.1
    assert np.allclose((w.dni * up + w.dhi)[high], w.ghi[high])
    assert w.wind_m_s.mean() == pytest.approx(1.5, rel=0.3)


def test_a_sky_restored_goes_on_to_the_bit():
    sky = SkyModel(SEATS, np.random.default_rng(1))
    sky.month(JANUARY)
    saved, generator = json.loads(json.dumps(sky.state())), sky.rng.bit_generator.state
    expected = sky.month(JANUARY + 1)
    other = SkyModel(SEATS, np.random.default_rng(9))
    other.restore(saved)
    other.rng.bit_generator.state = generator
    for name, values in vars(other.month(JANUARY + 1)).items():
        assert (values == getattr(expected, name)).all()


# ---- what can be wrong with a file -----------------------------------------------------------------------------------


def test_a_sound_year_passes(year):
    found = checked(year, -8.05, 111.71, "x")
    assert (found.step_h, found.repaired) == (1.0, [])
    assert abs(clock_error_h(year.ghi.to_numpy(), year.index, -8.05, 111.71)) < 0.5


def spoilt(year: pd.DataFrame, how: str) -> pd.DataFrame:
    bad = year.copy()
    if how == "gaps":
        bad = bad.drop(bad.index[[100, 101]])
        bad.iloc[5000, 0] = np.nan
    elif how == "negative":
        bad.iloc[12, 0] = -5.0
    elif how == "units":
        bad[["ghi", "dni", "dhi"]] *= 3.6
    elif how == "timezone":
        bad.index = bad.index.tz_localize(None).tz_localize("UTC")
    elif how == "leap-day":
        bad.index = bad.index.map(lambda t: t.replace(year=2024))
    return bad


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("gaps", "2 h are missing"),
        ("negative", "1 negative values, lowest -5"),
        ("units", "in kJ/m² an hour"),
        ("timezone", "7.0 h after the sun's noon"),
        ("leap-day", "29 February 2024 is missing"),
    ],
)
def test_faults_are_refused_and_repaired_only_on_request(year, how, says):
    bad = spoilt(year, how)
    with pytest.raises(WeatherError, match=says) as refused:
        checked(bad, -8.05, 111.71, "bad.csv")
    assert f"--repair {how}" in str(refused.value)
    found = checked(bad, -8.05, 111.71, "bad.csv", [how])
    assert found.repaired
    assert all(text.startswith(how) for text in found.repaired)
    if how in ("units", "timezone"):
        assert found.table.ghi.sum() == pytest.approx(year.ghi.sum())
        assert (found.table.index == year.index).all()
    if how == "leap-day":
        assert len(found.table) == 8784


def test_all_faults_at_once(year):
    bad = spoilt(spoilt(year, "gaps"), "negative")
    bad.iloc[3, 3] = 300.0
    with pytest.raises(WeatherError) as refused:
        checked(bad, -8.05, 111.71, "bad.csv")
    assert len(refused.value.faults) == 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y: y.drop(y.index[200:230]), "too long to repair"),
        (lambda y: y.iloc[::-1], "sort the rows"),
        (lambda y: pd.concat([y, y.iloc[-1:]]), "given twice"),
        (lambda y: y.assign(temp_air=y.temp_air + 273.15), "kelvin"),
        (lambda y: y.assign(ghi=0.0), "no light"),
        (lambda y: y.iloc[::3], "a step of 3 h"),
        (lambda y: y.assign(ghi=y.ghi * 100), "neither"),
    ],
)
def test_other_faults_are_named(year, change, says):
    with pytest.raises(WeatherError, match=says):
        checked(change(year), -8.05, 111.71, "bad.csv", ["gaps"])


def test_an_unknown_repair_is_refused(year):
    with pytest.raises(WeatherError, match="none of gaps"):
        checked(year, -8.05, 111.71, "x", ["everything"])


# ---- readers ---------------------------------------------------------------------------------------------------------


def write_csv(year, path):
    year.set_axis(pd.Index([t.isoformat() for t in year.index], name="time"), axis=0).to_csv(path)


def test_our_csv_comes_back(year, tmp_path):
    write_csv(year, tmp_path / "year.csv")
    back = read_weather(tmp_path / "year.csv")
    assert (back.index == year.index).all()
    assert np.allclose(back, year)


def test_a_csv_with_faults_names_line_column_and_value(tmp_path):
    (tmp_path / "x.csv").write_text(
        "time,ghi,dni,dhi,temp_air,wind_speed\n2026-01-01T00:30:00,0,0,0,25,1\nyesterday,0,0,0,x,1\n"
    )
    with pytest.raises(WeatherError) as refused:
        read_weather(tmp_path / "x.csv")
    text = str(refused.value)
    assert "line 2: time: '2026-01-01T00:30:00' has no offset" in text
    assert "line 3: time: 'yesterday'" in text
    assert "line 3: temp_air: 'x' is not a number" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [("time,ghi\n", "no column dni"), ("time,ghi,dni,dhi,temp_air,wind_speed\n", "no rows"), ("", "cannot be read")],
)
def test_other_csv_faults(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(WeatherError, match=says):
        read_weather(tmp_path / "x.csv", "csv")


def test_unknown_kind_and_missing_file(tmp_path):
    with pytest.raises(WeatherError, match="is not there"):
        read_weather(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_text("time\n")
    with pytest.raises(WeatherError, match="none of auto"):
        read_weather(tmp_path / "x.csv", "excel")


def test_nasa_power_counts_in_utc(year, tmp_path):
    utc = (year.index - pd.Timedelta(minutes=30)).tz_convert("UTC")
    table = pd.DataFrame({
        "YEAR": utc.year, "MO": utc.month, "DY": utc.day, "HR": utc.hour, "ALLSKY_SFC_SW_DWN": year.ghi.to_numpy(),
        "ALLSKY_SFC_SW_DNI": year.dni.to_numpy(), "ALLSKY_SFC_SW_DIFF": year.dhi.to_numpy(),
        "T2M": year.temp_air.to_numpy(), "WS2M": year.wind_speed.to_numpy(),
    })  # fmt: skip
    table.loc[4, "T2M"] = -999
    text = "-BEGIN HEADER-\nNASA/POWER\n-END HEADER-\n" + table.to_csv(index=False)
    (tmp_path / "power.csv").write_text(text)
    back = read_weather(tmp_path / "power.csv")
    assert (back.index == year.index).all()
    assert np.isnan(back.temp_air.iloc[4])
    assert checked(back, -8.05, 111.71, "x", ["gaps"]).repaired


def test_pvgis_tmy_is_read_by_pvlib(year, tmp_path):
    utc = year.set_axis(year.index.tz_convert("UTC"), axis=0)
    rows = [
        {"time(UTC)": t.replace(year=2010).strftime("%Y%m%d:%H%M"), "T2m": r.temp_air, "RH": 80.0, "G(h)": r.ghi,
         "Gb(n)": r.dni, "Gd(h)": r.dhi, "IR(h)": 400.0, "WS10m": r.wind_speed, "WD10m": 0.0, "SP": 100000.0}
        for t, r in utc.iterrows()
    ]  # fmt: skip
    rows = [row for row in rows if row["time(UTC)"][4:8] != "0229"]
    document = {"inputs": {}, "outputs": {"months_selected": [], "tmy_hourly": rows}, "meta": {"inputs": {}}}
    (tmp_path / "tmy.json").write_text(json.dumps(document))
    back = read_weather(tmp_path / "tmy.json")
    assert back.ghi.sum() == pytest.approx(year.ghi.sum())
    assert checked(back.sort_index(), -8.05, 111.71, "x").step_h == 1.0


def test_epw_labels_an_hour_by_its_number(year, tmp_path):
    # EPW counts hours 1 … 24; hour 1 is 0:00 to 1:00, whose middle is 0:30.
    head = "LOCATION,Town,-,IDN,TMY,0,-8.05,111.71,7.0,120.0\n" + "X\n" * 7
    lines = []
    for t, r in year.iterrows():
        row = [t.year, t.month, t.day, t.hour + 1, 0, "?", r.temp_air, 20, 80, 100000, 0, 0, 400, r.ghi, r.dni, r.dhi]
        lines.append(",".join(map(str, [*row, 0, 0, 0, 0, 180, r.wind_speed, *([0] * 13)])))
    (tmp_path / "x.epw").write_text(head + "\n".join(lines) + "\n")
    back = read_weather(tmp_path / "x.epw")
    assert (back.index == year.index).all()
    assert np.allclose(back, year)
    assert checked(back, -8.05, 111.71, "x").repaired == []


def test_tmy3_labels_an_hour_by_its_end(year, tmp_path):
    end = year.index + pd.Timedelta(minutes=30)
    midnight = end.hour == 0
    day = end - pd.to_timedelta(midnight.astype(int), unit="D")
    table = pd.DataFrame({
        "Date (MM/DD/YYYY)": day.strftime("%m/%d/%Y"),
        "Time (HH:MM)": [f"{24 if m else h:02d}:00" for h, m in zip(end.hour, midnight, strict=True)],
        "GHI (W/m^2)": year.ghi.to_numpy(), "DNI (W/m^2)": year.dni.to_numpy(), "DHI (W/m^2)": year.dhi.to_numpy(),
        "Dry-bulb (C)": year.temp_air.to_numpy(), "Wspd (m/s)": year.wind_speed.to_numpy(),
    })  # fmt: skip
    (tmp_path / "x.csv").write_text('700000,"TOWN",ID,7.0,-8.050,111.710,120\n' + table.to_csv(index=False))
    back = read_weather(tmp_path / "x.csv", "tmy3")
    assert (back.index == year.index).all()
    assert np.allclose(back, year)


@pytest.mark.parametrize("slope", [0, 10])
def test_pvgis_hourly_is_used_for_a_horizontal_plane_alone(year, tmp_path, slope):
    up = np.sin(np.radians(40.0))
    rows = [
        {"time": t.tz_convert("UTC").strftime("%Y%m%d:%H%M"), "Gb(i)": r.dni * up, "Gd(i)": r.dhi, "Gr(i)": 0.0,
         "H_sun": 40.0, "T2m": r.temp_air, "WS10m": r.wind_speed, "Int": 0}
        for t, r in year[:48].iterrows()
    ]  # fmt: skip
    fixed = {"fixed": {"slope": {"value": slope, "optimal": False}, "azimuth": {"value": 0}, "type": "free-standing"}}
    inputs = {"mounting_system": fixed}
    document = {"inputs": inputs, "outputs": {"hourly": rows}, "meta": {"inputs": {}, "outputs": {}}}
    (tmp_path / "hourly.json").write_text(json.dumps(document))
    if slope:
        with pytest.raises(WeatherError, match="slope 0"):
            read_weather(tmp_path / "hourly.json")
        return
    back = read_weather(tmp_path / "hourly.json")
    assert np.allclose(back.dni, year.dni[:48])
    assert np.allclose(back.ghi, year.dni[:48] * up + year.dhi[:48])


# ---- fetching --------------------------------------------------------------------------------------------------------


def test_fetching_without_internet_fails_clearly_and_writes_nothing(tmp_path, monkeypatch):
    def unreachable(*args, **kwargs):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", unreachable)
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    for source in fetching.SOURCES:
        with pytest.raises(FetchError, match="needs the internet"):
            fetching.fetch(source, -8.05, 111.71, 2024, tmp_path / "year.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_was_fetched_is_kept_with_its_source(year, tmp_path, monkeypatch):
    calls = []
    source = fetching.SOURCES["pvgis"]
    fake = fetching.Source(source.title, source.licence, source.attribution, lambda *a: calls.append(a) or year)
    monkeypatch.setitem(fetching.SOURCES, "pvgis", fake)
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    assert not fetching.fetch("pvgis", -8.05, 111.71, 2024, tmp_path / "a.csv")
    assert fetching.fetch("pvgis", -8.05, 111.71, 2024, tmp_path / "b.csv")
    assert len(calls) == 1
    assert np.allclose(read_weather(tmp_path / "b.csv"), year)
    assert "European Union" in json.loads((tmp_path / "a.source.json").read_text())["attribution"]
