"""What can be wrong with a year of weather, found before anything is computed; repairs only on request, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from twin.errors import WeatherError
from twin.solar.pv.sun import cos_zenith, sun_track

IRRADIANCE = ("ghi", "dni", "dhi")
REPAIRS = {
    "gaps": "missing hours and values, up to 6 h, by straight lines",
    "negative": "negative irradiance set to 0",
    "units": "irradiance in kJ/m² an hour divided by 3.6",
    "timezone": "times moved by whole hours until light and sun agree",
    "leap-day": "a missing 29 February filled with the 28th",
}
LONGEST_GAP_H = 6
CLOCK_LIMIT_H = 0.75  # half an hour of labelling and some clouds of the afternoon are no fault
SUN_MOST_W_M2 = 1500.0  # above the solar constant: no hour on the ground
LIMITS = {"temp_air": (-10.0, 50.0, "°C"), "wind_speed": (0.0, 60.0, "m/s")}


@dataclass
class Checked:
    """Weather that passed, its step, and what was repaired on the way."""

    table: pd.DataFrame
    step_h: float
    repaired: list[str] = field(default_factory=list)


def checked(
    table: pd.DataFrame, latitude_deg: float, longitude_deg: float, where: str, repair: Sequence[str] = ()
) -> Checked:
    """Check a year of weather at a place; raises WeatherError with every fault and the repair that would help.

    Faults of form (order, gaps, units) are looked for before those of sense (the sun), which need a sound form.
    """
    unknown = [f"repair {name!r} is none of {', '.join(REPAIRS)}" for name in repair if name not in REPAIRS]
    if unknown:
        raise WeatherError(where, unknown)
    result = Checked(table, 1.0)
    faults = _times(result, repair) + _values(result, repair)
    if not faults:
        faults = _clock(result, latitude_deg, longitude_deg, repair)
    if faults:
        raise WeatherError(where, faults)
    return result


def _mend(result: Checked, name: str, table: pd.DataFrame, what: str) -> None:
    result.table = table
    result.repaired.append(f"{name}: {what}")


def _times(result: Checked, repair: Sequence[str]) -> list[str]:
    """Order, repetition, step and gaps."""
    index = pd.DatetimeIndex(result.table.index)
    if len(index) < 3:
        return [f"has {len(index)} rows; a year of hours has 8,760"]
    if index.has_duplicates:
        twice = index[index.duplicated()]
        return [f"{twice[0].isoformat()}: given twice (and {len(twice) - 1} more)"]
    if not index.is_monotonic_increasing:
        at = int(np.argmax(np.diff(index.asi8) < 0)) + 1
        return [f"row {at + 1}: {index[at].isoformat()} lies before the row above; sort the rows, or give one year"]
    step = pd.Timedelta(pd.Series(np.diff(index.to_numpy())).median())
    result.step_h = step / pd.Timedelta(hours=1)
    if not 0 < result.step_h <= 1:
        return [f"a step of {result.step_h:g} h; hours or shorter steps are needed"]
    steps = np.diff(index.to_numpy()) / step.to_timedelta64()
    faults = []
    for at in np.flatnonzero(np.abs(steps - 1) > 0.01).tolist():
        faults += _gap(result, index[at], index[at + 1], float(steps[at]), repair)
    return faults[:5] + ([f"and {len(faults) - 5} more gaps"] if len(faults) > 5 else [])


def _gap(result: Checked, last: pd.Timestamp, after: pd.Timestamp, steps: float, repair: Sequence[str]) -> list[str]:
    """One gap between two rows that follow each other."""
    missing_h = (steps - 1) * result.step_h
    leap = (last.month, last.day) == (2, 28) and after.month == 3 and last.is_leap_year
    if abs(steps - round(steps)) > 0.01:
        return [f"after {last.isoformat()}: a step of {steps * result.step_h:.2f} h among steps of {result.step_h:g} h"]
    if leap and "leap-day" in repair:
        days = pd.DatetimeIndex(result.table.index)
        day = result.table[(days.month == 2) & (days.day == 28)]
        filled = pd.concat([result.table, day.set_axis(day.index + pd.Timedelta(days=1), axis=0)]).sort_index()
        _mend(result, "leap-day", filled, f"29 February {last.year} filled with the 28th ({len(day)} rows)")
        return []
    if leap:
        return [f"29 February {last.year} is missing, a leap year; --repair leap-day fills it with the 28th"]
    if "gaps" in repair and missing_h <= LONGEST_GAP_H:
        times = pd.date_range(last, after, periods=round(steps) + 1)
        filled = result.table.reindex(result.table.index.union(times)).interpolate("time")
        _mend(result, "gaps", filled, f"{missing_h:g} h after {last.isoformat()} filled by straight lines")
        return []
    can = "--repair gaps fills it" if missing_h <= LONGEST_GAP_H else f"too long to repair ({LONGEST_GAP_H} h at most)"
    return [f"after {last.isoformat()}: {missing_h:g} h are missing; {can}"]


def _values(result: Checked, repair: Sequence[str]) -> list[str]:
    """Missing, negative and impossible values."""
    faults = []
    table = result.table
    for name in table.columns:
        empty = table[name].isna()
        if empty.any():
            longest_h = float(empty.groupby((~empty).cumsum()).sum().max()) * result.step_h
            if "gaps" in repair and longest_h <= LONGEST_GAP_H:
                count = int(empty.sum())
                mended = result.table[name].interpolate("time").ffill().bfill()
                _mend(result, "gaps", result.table.assign(**{name: mended}), f"{count} empty {name} by straight lines")
            else:
                first = table.index[int(empty.to_numpy().argmax())].isoformat()
                faults.append(f"{name}: {int(empty.sum())} values are missing, first at {first}; the longest gap is "
                              f"{longest_h:g} h (--repair gaps fills up to {LONGEST_GAP_H} h)")  # fmt: skip
    return faults + _units(result, repair) + _negative(result, repair) + _limits(result)


def _units(result: Checked, repair: Sequence[str]) -> list[str]:
    most = float(result.table["ghi"].max())
    if most <= SUN_MOST_W_M2:
        return []
    if most > 3.6 * SUN_MOST_W_M2:
        return [f"ghi reaches {most:,.0f}: neither W/m² nor kJ/m² an hour"]
    if "units" in repair:
        scaled = result.table.assign(**{name: result.table[name] / 3.6 for name in IRRADIANCE})
        _mend(result, "units", scaled, "ghi, dni and dhi divided by 3.6 (kJ/m² an hour to W/m²)")
        return []
    return [f"ghi reaches {most:,.0f} W/m², more than the sun gives: in kJ/m² an hour? --repair units divides by 3.6"]


def _negative(result: Checked, repair: Sequence[str]) -> list[str]:
    faults = []
    for name in IRRADIANCE:
        below = result.table[name] < 0
        if below.any() and "negative" in repair:
            mended = result.table.assign(**{name: result.table[name].clip(lower=0)})
            _mend(result, "negative", mended, f"{int(below.sum())} values of {name} set to 0")
        elif below.any():
            at = int(result.table[name].to_numpy().argmin())
            lowest, when = float(result.table[name].iloc[at]), result.table.index[at].isoformat()
            faults.append(f"{name}: {int(below.sum())} negative values, lowest {lowest:g} W/m² at {when}; "
                          "--repair negative sets them to 0")  # fmt: skip
    return faults


def _limits(result: Checked) -> list[str]:
    faults = []
    for name, (low, high, unit) in LIMITS.items():
        column = result.table[name]
        if column.min() < low or column.max() > high:
            hint = "; in kelvin? subtract 273.15" if name == "temp_air" and column.min() > 200 else ""
            faults.append(f"{name}: {column.min():g} … {column.max():g} {unit}, expected {low:g} … {high:g}{hint}")
    return faults


def clock_error_h(ghi: np.ndarray, times: pd.DatetimeIndex, latitude_deg: float, longitude_deg: float) -> float:
    """How much later than the sun's noon the light is centred [h]; the middle of the light weighs every hour by it."""
    track = sun_track(times)
    ahead = np.arctan2(track.vector[:, 1], track.vector[:, 0]) - np.radians(longitude_deg)
    # The sun's hour angle grows while its longitude falls; a mean over a circle, so that midnight breaks nothing.
    return float(-np.angle(np.sum(ghi * np.exp(1j * ahead))) * 12 / np.pi)


def _clock(result: Checked, latitude_deg: float, longitude_deg: float, repair: Sequence[str]) -> list[str]:
    """Whether the light comes when the sun is up."""
    ghi, times = result.table["ghi"].to_numpy(), pd.DatetimeIndex(result.table.index)
    if ghi.sum() <= 0:
        return ["ghi is 0 all the time: no light at all"]
    late_h = clock_error_h(ghi, times, latitude_deg, longitude_deg)
    if abs(late_h) <= CLOCK_LIMIT_H:
        return []
    hours = round(late_h)
    if "timezone" in repair and hours:
        moved = result.table.set_axis(times - pd.Timedelta(hours=hours), axis=0)
        _mend(result, "timezone", moved, f"all times moved by {-hours:+d} h")
        return _clock(result, latitude_deg, longitude_deg, ())
    up = cos_zenith(sun_track(times), np.array([latitude_deg]), np.array([longitude_deg]))[0] > 0
    dark = 100 * float(ghi[~up].sum() / ghi.sum())
    way = "after" if late_h > 0 else "before"
    return [f"wrong time zone: the light is centred {abs(late_h):.1f} h {way} the sun's noon at this longitude, and "
            f"{dark:.0f} % of it falls while the sun is down; --repair timezone moves the times"]  # fmt: skip
