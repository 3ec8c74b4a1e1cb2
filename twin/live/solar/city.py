"""The simulated offices: clouds by five minutes, panels, load and battery by the solar sector's own hour, shortened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pvlib
from scipy.signal import lfilter

from twin.live.demo import BEGIN_S
from twin.live.parameters import parameters_of
from twin.places import Site
from twin.solar.facts import values
from twin.solar.options import SolarOptions
from twin.solar.pv.sun import SunTrack, cos_zenith, sun_track
from twin.solar.storage.battery import Battery, step
from twin.solar.system import battery_of
from twin.solar.weather.synthetic import TIMEZONE, Places


@dataclass(frozen=True)
class Offices:
    """Truth at each step (n, offices): irradiance [W/m²], power into the battery [kW], charge [kWh] after the step.

    `pv_kw` is what the office and its battery took of the panels' power, `at_s` are the steps' ends (n,),
    `clear_w_m2` a clear sky's irradiance, `bias_kw` the error of each power sensor.
    """

    at_s: np.ndarray
    ghi_w_m2: np.ndarray
    clear_w_m2: np.ndarray
    pv_kw: np.ndarray
    power_kw: np.ndarray
    soc_kwh: np.ndarray
    bias_kw: np.ndarray


def parameters() -> Mapping[str, float]:
    """`data/solar.csv`."""
    return parameters_of("solar")


def battery() -> Battery:
    """An office's battery as its data sheet has it."""
    return battery_of(SolarOptions())


def live_days(offices: Sequence[Site], days: int, seed: int, clearness: float, cloud_sd: float) -> Offices:
    """Live so many days from the demo's day on; the same arguments give the same bits."""
    p, rng = parameters(), np.random.default_rng([seed, 16])
    n = int(days * 86_400 / p["step_s"])
    at_s = BEGIN_S + p["step_s"] * np.arange(1, n + 1)
    times, track, up = sun_over(at_s, offices)
    places = Places.of(offices)
    ghi = np.clip(clearness * (1 + cloud_sd * _clouds(places, n, rng)[places.of_site]), 0.05, 0.8)
    ghi = ghi * track.extra_w_m2 * up
    bias = rng.normal(0, p["bias_sd_kw"], len(offices)) + np.cumsum(
        rng.normal(0, p["bias_walk_kw"], (n, len(offices))), axis=0
    )
    pv, power, soc = _batteries(ghi, times, rng)
    return Offices(at_s, ghi.T, clear_sky(up).T, pv.T, power.T, soc.T, bias)


def sun_over(at_s: np.ndarray, offices: Sequence[Site]) -> tuple[pd.DatetimeIndex, SunTrack, np.ndarray]:
    """Middles of the steps that end then, the sun's track, and the cosine of its zenith (offices, n), 0 at night."""
    middle_s = at_s - parameters()["step_s"] / 2
    times = pd.DatetimeIndex(pd.to_datetime(middle_s, unit="s", utc=True)).tz_convert(TIMEZONE)
    lat, lon = (np.array([getattr(one, f"{name}_deg") for one in offices]) for name in ("latitude", "longitude"))
    track = sun_track(times)
    return times, track, np.clip(cos_zenith(track, lat, lon), 0.0, None)


def clear_sky(up: np.ndarray) -> np.ndarray:
    """Irradiance of a clear sky [W/m²] for the cosine of the sun's zenith, of the same shape (Haurwitz 1945)."""
    found = pvlib.clearsky.haurwitz(pd.Series(np.degrees(np.arccos(up.ravel()))))["ghi"]
    return np.asarray(found).reshape(up.shape)


def _clouds(places: Places, n: int, rng: np.random.Generator) -> np.ndarray:
    """The solar sector's hourly clouds, with as much memory in an hour's steps as in an hour; (places, n)."""
    w = values("weather")
    persistence = w["hour_persistence"] ** (parameters()["step_s"] / 3600)
    mixing = places.mixing(w["hour_range_km"])
    first = mixing @ rng.normal(size=len(places))
    shocks = np.sqrt(1 - persistence**2) * (mixing @ rng.normal(size=(len(places), n)))
    walked, _ = lfilter([1.0], [1.0, -persistence], shocks, axis=1, zi=persistence * first[:, None])
    return np.asarray(walked)


def _batteries(
    ghi: np.ndarray, times: pd.DatetimeIndex, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power taken of panels and into the battery [kW], charge [kWh], (offices, n): the sector's hour in steps."""
    p, options, sheet = parameters(), SolarOptions(), battery()
    h, worse = p["step_s"] / 3600, p["city_efficiency_factor"]
    inward, outward = worse * sheet.charge_efficiency, worse * sheet.discharge_efficiency
    b = replace(
        sheet, charge_efficiency=inward, discharge_efficiency=outward,
        charge_kw=h * sheet.charge_kw, discharge_kw=h * sheet.discharge_kw, controller_kw=h * sheet.controller_kw,
        inverter_kw=h * sheet.inverter_kw, leak_per_h=h * sheet.leak_per_h,
    ).array()  # fmt: skip
    rated_kw = options.panels * options.panel_wp / 1000
    open_ = (times.hour >= 7) & (times.hour < 15) & (times.day_of_week < 5)
    load_kw = np.where(open_, p["load_open_kw"], p["load_closed_kw"]) * rng.lognormal(-0.02, 0.2, ghi.shape)
    taken, power, soc = np.zeros_like(ghi), np.zeros_like(ghi), np.zeros_like(ghi)
    for site in range(len(ghi)):
        charge = 0.5 * (sheet.soc_min_kwh + sheet.soc_max_kwh)
        for k in range(ghi.shape[1]):
            pv = h * rated_kw * p["performance_ratio"] * ghi[site, k] / 1000
            flows = step(pv, h * load_kw[site, k], 0.0, sheet.reserve_kwh, charge, b)
            taken[site, k] = (flows[0] + flows[1]) / h
            power[site, k], charge = (flows[1] - flows[3]) / h, flows[8]
            soc[site, k] = charge
    return taken, power, soc
