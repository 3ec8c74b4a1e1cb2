"""Weather files: our own CSV, PVGIS, NASA POWER, EPW and TMY3, all read into one shape.

One shape: a table indexed by time (with an offset), columns ghi, dni, dhi [W/m²], temp_air [°C], wind_speed [m/s].
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from twin.errors import WeatherError
from twin.solar.weather.synthetic import TIMEZONE

COLUMNS = ["ghi", "dni", "dhi", "temp_air", "wind_speed"]
NASA_COLUMNS = {
    "ALLSKY_SFC_SW_DWN": "ghi", "ALLSKY_SFC_SW_DNI": "dni", "ALLSKY_SFC_SW_DIFF": "dhi", "T2M": "temp_air",
    "WS2M": "wind_speed", "WS10M": "wind_speed",
}  # fmt: skip
MISSING_NASA = -999.0
TYPICAL_YEAR = 2025  # not a leap year


def read_weather(path: Path, kind: str = "auto") -> pd.DataFrame:
    """Read a weather file of one of KINDS, or auto. Raises WeatherError."""
    if not path.is_file():
        raise WeatherError(str(path), ["is a folder" if path.is_dir() else "is not there"])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WeatherError(str(path), [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from error
    kind = guess(text) if kind == "auto" else kind
    if kind not in KINDS:
        raise WeatherError(str(path), [f"kind {kind!r} is none of auto, {', '.join(KINDS)}"])
    form = "json" if text.lstrip().startswith("{") else "csv"
    try:
        table = OWN[kind](text) if kind in OWN else PVLIB[kind](path, form)
    except WeatherError as error:
        raise WeatherError(str(path), error.faults) from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # a reader that met another format
        raise WeatherError(str(path), [f"cannot be read as {kind}: {error}"]) from error
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise WeatherError(str(path), [f"no column {name}; found: {found}" for name in missing])
    return table[COLUMNS]


def guess(text: str) -> str:
    """What kind of file this is, by how it begins."""
    head = text[:400].lower()
    if head.startswith("location,"):
        return "epw"
    if "-begin header-" in head:
        return "nasa-power"
    if head.startswith("latitude (decimal degrees)"):
        return "pvgis-tmy" if "elevation" in head and "month,year" in text[:2000].lower() else "pvgis-hourly"
    if head.lstrip().startswith("{"):
        return "pvgis-tmy" if '"tmy_hourly"' in text else "pvgis-hourly"
    return "csv" if "time" in head.split("\n")[0] else "tmy3"


def _read_csv(text: str) -> pd.DataFrame:
    """Our own format: `time` in ISO 8601 with an offset, and the columns' values as numbers."""
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    missing = [name for name in ["time", *COLUMNS] if name not in table.columns]
    if missing:
        found = ", ".join(table.columns)
        raise WeatherError("", [f"line 1: no column {name}; found: {found}" for name in missing])
    if table.empty:
        raise WeatherError("", ["has a header and no rows"])
    faults: list[str] = []
    stamps = pd.to_datetime(table["time"], format="ISO8601", utc=True, errors="coerce")
    offset = table["time"].str.extract(r"([+-]\d\d:?\d\d|Z)$")[0]
    _report(faults, table, stamps.isna(), "time", "is not an ISO 8601 time such as 2026-01-01T00:30:00+07:00")
    _report(faults, table, stamps.notna() & offset.isna(), "time", "has no offset; write 2026-01-01T00:30:00+07:00")
    values = {}
    for name in COLUMNS:
        values[name] = pd.to_numeric(table[name].str.strip(), errors="coerce")
        _report(faults, table, values[name].isna() & table[name].str.strip().ne(""), name, "is not a number")
    if faults:
        raise WeatherError("", faults)
    zone = pd.Timestamp(f"2000-01-01T00:00:00{offset.iloc[0]}").tz
    return pd.DataFrame(values).set_axis(pd.DatetimeIndex(stamps, name="time").tz_convert(zone), axis=0)


def _report(faults: list[str], table: pd.DataFrame, wrong: pd.Series, column: str, what: str) -> None:
    """Say of the first wrong row which it is, and how many more there are."""
    if wrong.any():
        first = int(wrong.to_numpy().argmax())
        more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
        faults.append(f"line {first + 2}: {column}: {table[column].iloc[first]!r} {what}{more}")


def _read_nasa_power(text: str) -> pd.DataFrame:
    """NASA POWER's hourly CSV in UTC; a value stands for the hour that begins then, so its middle is its time."""
    body = text[text.index("-END HEADER-") + len("-END HEADER-") :].lstrip()
    table = pd.read_csv(io.StringIO(body)).replace(MISSING_NASA, float("nan"))
    parts = table[["YEAR", "MO", "DY", "HR"]].set_axis(["year", "month", "day", "hour"], axis=1)
    times = pd.DatetimeIndex(pd.to_datetime(parts), name="time").tz_localize("UTC") + pd.Timedelta(minutes=30)
    times = times.tz_convert(TIMEZONE)
    return table.rename(columns=NASA_COLUMNS).set_axis(times, axis=0)


def _typical(table: pd.DataFrame, shift_min: int = 0) -> pd.DataFrame:
    """A typical year's months come from several years: give them one, and Indonesia's clock."""
    one_year = pd.DatetimeIndex(table.index.map(lambda t: t.replace(year=TYPICAL_YEAR)), name="time")
    return table.set_axis((one_year + pd.Timedelta(minutes=shift_min)).tz_convert(TIMEZONE), axis=0)


def _read_pvgis_tmy(path: Path, form: str) -> pd.DataFrame:
    return _typical(pvlib.iotools.read_pvgis_tmy(path, pvgis_format=form, map_variables=True)[0])


def _read_pvgis_hourly(path: Path, form: str) -> pd.DataFrame:
    """Hourly irradiance on a plane: only a horizontal one can be turned into ghi, dni and dhi."""
    data, meta = pvlib.iotools.read_pvgis_hourly(path, pvgis_format=form, map_variables=True)
    if {"ghi", "dni", "dhi"} <= set(data.columns):
        return data.tz_convert(TIMEZONE)
    slope = str(meta).lower()
    if "poa_direct" not in data.columns or not ("'slope': {'value': 0" in slope or "'slope': '0" in slope):
        raise WeatherError("", ["holds irradiance on a tilted plane; ask PVGIS for slope 0 with components"])
    up = np.sin(np.radians(data["solar_elevation"])).clip(lower=0.05)
    ghi = data["poa_direct"] + data["poa_sky_diffuse"]
    return data.assign(ghi=ghi, dhi=data["poa_sky_diffuse"], dni=data["poa_direct"] / up).tz_convert(TIMEZONE)


def _read_epw(path: Path, form: str) -> pd.DataFrame:
    return _typical(pvlib.iotools.read_epw(path)[0], shift_min=30)  # pvlib labels an hour by its beginning


def _read_tmy3(path: Path, form: str) -> pd.DataFrame:
    table = pvlib.iotools.read_tmy3(path, map_variables=True)[0]
    table.index = table.index - pd.Timedelta(minutes=30)  # labelled by its end
    return _typical(table)


OWN: dict[str, Callable[[str], pd.DataFrame]] = {"csv": _read_csv, "nasa-power": _read_nasa_power}
PVLIB: dict[str, Callable[[Path, str], pd.DataFrame]] = {
    "pvgis-hourly": _read_pvgis_hourly, "pvgis-tmy": _read_pvgis_tmy, "epw": _read_epw, "tmy3": _read_tmy3,
}  # fmt: skip
KINDS = (*OWN, *PVLIB)
