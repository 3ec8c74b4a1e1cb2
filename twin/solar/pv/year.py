"""A year's yield of one system from a table of weather: annual, monthly and hourly energy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twin.errors import WeatherError
from twin.files import write_whole
from twin.solar.pv.chain import chain_power
from twin.solar.pv.fast import Weather, fast_power
from twin.solar.pv.sun import sun_track
from twin.solar.pv.system import PvSystem

YEARS_H = (8760, 8784)


@dataclass(frozen=True)
class Yield:
    """AC energy: a year's, twelve months' [kWh], and a table of hours (dc_w, ac_w, ac_kwh)."""

    annual_kwh: float
    monthly_kwh: list[float]
    hourly: pd.DataFrame


def power_of(
    system: PvSystem, latitude_deg: float, longitude_deg: float, altitude_m: float, weather: pd.DataFrame, path: str
) -> tuple[np.ndarray, np.ndarray]:
    """DC and AC power [W] by the path `chain` (ModelChain itself) or `fast` (our kernel)."""
    if path == "chain":
        slow = chain_power(system, latitude_deg, longitude_deg, altitude_m, weather)
        return slow.dc_w, slow.ac_w
    columns = [weather[name].to_numpy(dtype=float)[None, :] for name in ("ghi", "dni", "dhi", "temp_air", "wind_speed")]
    place = (np.array([latitude_deg]), np.array([longitude_deg]), np.array([altitude_m]))
    quick = fast_power(system, *place, sun_track(pd.DatetimeIndex(weather.index)), Weather(*columns))
    return quick.dc_w[0], quick.ac_w[0]


def yield_of(
    system: PvSystem, latitude_deg: float, longitude_deg: float, weather: pd.DataFrame, step_h: float,
    path: str = "chain", altitude_m: float = 0.0, where: str = "weather",
) -> Yield:  # fmt: skip
    """A year's energy; months are those of the table's own clock. Raises WeatherError for less or more than a year."""
    covered_h = len(weather) * step_h
    if not any(abs(covered_h - year_h) < 1.5 for year_h in YEARS_H):
        raise WeatherError(where, [f"covers {covered_h:,.0f} h; a year has 8,760 (8,784 with a leap day)"])
    dc_w, ac_w = power_of(system, latitude_deg, longitude_deg, altitude_m, weather, path)
    hourly = pd.DataFrame({"dc_w": dc_w, "ac_w": ac_w, "ac_kwh": ac_w * step_h / 1000}, index=weather.index)
    by_month = hourly["ac_kwh"].groupby(pd.DatetimeIndex(hourly.index).month).sum()
    return Yield(float(hourly["ac_kwh"].sum()), [float(by_month.get(m, 0.0)) for m in range(1, 13)], hourly)


def write_hourly(hourly: pd.DataFrame, to: Path) -> None:
    """Write the hours as CSV, whole or not at all."""
    stamps = [stamp.isoformat() for stamp in hourly.index]
    write_whole(to, hourly.set_axis(pd.Index(stamps, name="time"), axis=0).to_csv(float_format="%.6f"))
