"""A window of sun and panels as a calibration file with its data: what `python -m twin calibrate` takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twin.files import write_whole
from twin.live.drift.sensors import by_hour, performance, stacked
from twin.live.drift.series import Day
from twin.live.parameters import parameters_of
from twin.places import unknown_code
from twin.solar.facts import values
from twin.solar.options import SolarOptions

GHI, PERFORMANCE = "solar_ghi_kwh_per_m2_day", "solar_performance_percent"
SOUGHT = {
    GHI: ("solar.clearness_factor", {"low": 0.5, "high": 1.5, "log": True}),
    PERFORMANCE: ("solar.losses_percent", {"low": 0, "high": 60}),
}
OTHERS = ("traffic", "labour", "carbon", "programmes")
POINTS = 32
DAYLIGHT = slice(6, 18)  # hours all of which a day must tell


def figures(days: Sequence[Day]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the window's figures; without those that fewer than the least days tell.

    A mean of n days stands for its month, with the days' own spread and their memory (`day_persistence`), and errors
    that sensors share. Panels are taken to have the rating of a scenario that says nothing else.
    """
    p, memory = parameters_of("drift"), values("weather")["day_persistence"]
    kwp = SolarOptions().panels * SolarOptions().panel_wp / 1000
    hourly = by_hour(stacked(days, "ghi"), days[0].bin_s)
    whole = ~np.isnan(hourly[:, DAYLIGHT]).any(axis=1)  # (D, stations)
    daily = np.where(whole, np.nansum(hourly, axis=1) / 1000, np.nan)
    by_day = np.array([day[~np.isnan(day)].mean() if (~np.isnan(day)).any() else np.nan for day in daily])
    told = {GHI: by_day, PERFORMANCE: 100_000 / kwp * performance(days)}
    found = {}
    for name, all_days in told.items():
        known = all_days[~np.isnan(all_days)]
        if len(known) >= p["least_window_days"]:
            chance = known.std(ddof=1) * np.sqrt((1 + memory) / (1 - memory) / len(known))
            found[name] = float(known.mean()), float(np.hypot(chance, p["sensor_percent"] / 100 * known.mean()))
    return found


def write_weather(days: Sequence[Day], path: Path) -> list[str]:
    """Write the calibration file and its data beside it; which parameters it seeks, none where days are too few.

    The scenario lives the calendar months of the window, at the window's offices where sources are called by code.
    """
    told = figures(days)
    if not told:
        return []
    begin, end = min(day.date for day in days), max(day.date for day in days)
    codes = [name for name in {**dict.fromkeys(days[0].names["pv"]), **dict.fromkeys(days[0].names["ghi"])}
             if unknown_code(name) is None]  # fmt: skip
    given = {
        **dict.fromkeys(OTHERS), "start": f"{begin:%Y-%m}",
        "horizon_months": 12 * (end.year - begin.year) + end.month - begin.month + 1,
        **({"solar.offices": codes} if codes else {}),
    }  # fmt: skip
    sought = dict(SOUGHT[name] for name in told)
    data = path.with_suffix(".csv")
    rows = [f"{name},{mean:.6g},{sd:.3g}" for name, (mean, sd) in told.items()]
    write_whole(data, "\n".join(["kpi,value,sd", *rows, ""]))
    write_whole(path, "\n".join([
        f"# Sun and panels as live days told them from {begin} to {end}.", "scenario: smoke",
        f"set: {json.dumps(given)}",
        f"data: {data.name}", f"points: {POINTS}", f"parameters: {json.dumps(sought)}", "",
    ]))  # fmt: skip
    return list(sought)
