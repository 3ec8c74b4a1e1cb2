"""Fetch weather for users with internet: PVGIS or NASA POWER through pvlib, kept in a cache with licence and source."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pvlib
import requests

from twin.errors import FetchError
from twin.files import cache_folder, write_whole
from twin.solar.weather.files import COLUMNS, TYPICAL_YEAR
from twin.solar.weather.synthetic import TIMEZONE

PVGIS_URL = pvlib.iotools.pvgis.URL
POWER_URL = "https://power.larc.nasa.gov/api/temporal/hourly/point"
OTHERWISE = (
    "Without it: download a file of PVGIS, NASA POWER, EPW or TMY3 elsewhere and give it to "
    "`python -m twin solar yield --weather`"
)


@dataclass(frozen=True)
class Source:
    """Where weather comes from, under which terms, and how pvlib asks for it (latitude, longitude, year)."""

    title: str
    licence: str
    attribution: str
    get: Callable[[float, float, int], pd.DataFrame]


def _pvgis(latitude_deg: float, longitude_deg: float, year: int) -> pd.DataFrame:
    """A typical year; the year asked for is not used."""
    data, _ = pvlib.iotools.get_pvgis_tmy(
        latitude_deg, longitude_deg, url=PVGIS_URL, roll_utc_offset=7, coerce_year=TYPICAL_YEAR
    )
    return data


def _nasa_power(latitude_deg: float, longitude_deg: float, year: int) -> pd.DataFrame:
    """One calendar year in Indonesia's clock: a day more at its beginning, because the service counts in UTC."""
    wanted = ["ghi", "dni", "dhi", "temp_air", "wind_speed"]
    days = f"{year - 1}-12-31", f"{year}-12-31"
    data, _ = pvlib.iotools.get_nasa_power(latitude_deg, longitude_deg, *days, wanted, url=POWER_URL)
    local = data.set_axis(data.index + pd.Timedelta(minutes=30), axis=0).tz_convert(TIMEZONE)
    return local[local.index.year == year]


SOURCES = {
    "pvgis": Source(
        "PVGIS typical meteorological year",
        "reuse authorised with acknowledgement (Commission Decision 2011/833/EU)",
        "PVGIS © European Union, Joint Research Centre",
        _pvgis,
    ),
    "nasa-power": Source(
        "NASA POWER hourly (MERRA-2, CERES)",
        "no restriction on use; acknowledgement asked for",
        "Data from the NASA Langley Research Center POWER Project",
        _nasa_power,
    ),
}


def fetch(source: str, latitude_deg: float, longitude_deg: float, year: int, to: Path, fresh: bool = False) -> bool:
    """Write a year of weather to `to` and its source beside it; True if it came from the cache.

    Raises FetchError where the service cannot be reached or answers with an error; nothing is written then.
    """
    one = SOURCES[source]
    kept = cache_folder() / "weather" / f"{source}_{latitude_deg:.4f}_{longitude_deg:.4f}_{year}.csv"
    cached = kept.is_file() and not fresh
    text = kept.read_text(encoding="utf-8") if cached else _ask(one, source, latitude_deg, longitude_deg, year)
    about = {"source": one.title, "licence": one.licence, "attribution": one.attribution, "year": year,
             "latitude_deg": latitude_deg, "longitude_deg": longitude_deg}  # fmt: skip
    if not cached:
        write_whole(kept, text)
    write_whole(to, text)
    write_whole(to.with_suffix(".source.json"), json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    return cached


def _ask(one: Source, name: str, latitude_deg: float, longitude_deg: float, year: int) -> str:
    try:
        table = one.get(latitude_deg, longitude_deg, year)
    except requests.JSONDecodeError as error:
        raise FetchError(
            f"{name}: the service answered with something that is no weather; try later. {OTHERWISE}"
        ) from error
    except requests.HTTPError as error:
        raise FetchError(f"{name}: the service refuses: {_words(error)}. {OTHERWISE}") from error
    except (requests.RequestException, OSError) as error:
        raise FetchError(
            f"{name}: cannot be fetched ({type(error).__name__}); this command needs the internet. {OTHERWISE}"
        ) from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise FetchError(f"{name}: the service's answer lacks a part ({error}); try later. {OTHERWISE}") from error
    empty, hours = int(table[COLUMNS].isna().any(axis=1).sum()), 8760 + 24 * (table.index[0].is_leap_year)
    if empty or len(table) != hours:
        raise FetchError(
            f"{name}: the service has {len(table) - empty:,} of the year's {hours:,} hours; ask for an earlier year"
        )
    return str(table[COLUMNS].to_csv(index_label="time", date_format="%Y-%m-%dT%H:%M:%S%z"))


def _words(error: requests.HTTPError) -> str:
    """What a service says of a refusal: its own message, or the answer's status."""
    said = error.args[0] if error.args else error
    if isinstance(said, dict):
        return "; ".join(map(str, said.get("messages") or [said.get("header") or said.get("message") or said]))
    return str(said)
