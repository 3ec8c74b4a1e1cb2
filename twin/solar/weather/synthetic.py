"""Synthetic weather, a labelled prior: monthly clearness with persistence in time and correlation between places.

The clearness index of an hour is (month's mean × year's factor + a day's deviation) × (1 + an hour's deviation). Both
deviations are Gaussian fields: autoregressive in time, with correlation exp(−distance / range) between places.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from twin.places import distance_km
from twin.solar.facts import rows, values
from twin.solar.pv.fast import Weather
from twin.solar.pv.sun import SunTrack, cos_zenith, site_frames

TIMEZONE = "Asia/Jakarta"


@functools.cache
def monthly_clearness() -> np.ndarray:
    """Clearness index of January to December [-], shape (12,): a prior, ±10 %."""
    return np.array([float(row["value"]) for row in rows("clearness")])


def hours_of(month: pd.Period) -> pd.DatetimeIndex:
    """The middle of every hour of a calendar month or year, Asia/Jakarta (UTC+7, no summer time)."""
    begin = month.start_time.tz_localize(TIMEZONE) + pd.Timedelta(minutes=30)
    end = (month + 1).start_time.tz_localize(TIMEZONE)
    return pd.date_range(begin, end, freq="h")


@dataclass(frozen=True)
class Places:
    """Distinct positions, and which of them every site stands at."""

    latitude_deg: np.ndarray
    longitude_deg: np.ndarray
    elevation_m: np.ndarray
    of_site: np.ndarray

    @classmethod
    def of(cls, sites: Sequence[Any]) -> Places:
        """Of things with latitude_deg, longitude_deg and elevation_m (None counts as 0)."""
        every = np.array([(s.latitude_deg, s.longitude_deg, s.elevation_m or 0.0) for s in sites]).reshape(-1, 3)
        distinct, which = np.unique(every, axis=0, return_inverse=True)
        latitude, longitude, elevation = np.ascontiguousarray(distinct.T)
        return cls(latitude, longitude, elevation, which.ravel())

    def __len__(self) -> int:
        return len(self.latitude_deg)

    def mixing(self, range_km: float) -> np.ndarray:
        """A matrix that turns independent draws into draws with correlation exp(−d / range)."""
        n = len(self)
        apart = np.array(
            [[distance_km(self.latitude_deg[i], self.longitude_deg[i], self.latitude_deg[j], self.longitude_deg[j])
              for j in range(n)] for i in range(n)]
        ).reshape(n, n)  # fmt: skip
        return np.linalg.cholesky(np.exp(-apart / range_km) + 1e-9 * np.eye(n))


@dataclass(frozen=True)
class Sky:
    """Hours of the distinct places, shape (places, hours): clearness [-], wind [m/s], whether it rains or gusts."""

    clearness: np.ndarray
    wind_m_s: np.ndarray
    rain: np.ndarray
    gust: np.ndarray


class SkyModel:
    """The state of the weather: a year's factor and the last day's and hour's deviations at every place.

    All clearness is `clearness_factor` times the prior's.
    """

    def __init__(self, places: Places, rng: np.random.Generator, clearness_factor: float = 1.0) -> None:
        p = values("weather")
        self.rng, self.clearness_factor = rng, clearness_factor
        self.day_mixing, self.hour_mixing = places.mixing(p["day_range_km"]), places.mixing(p["hour_range_km"])
        self.year_factor = draw_year(rng)
        self.day = self.day_mixing @ rng.normal(size=len(places))
        self.hour = self.hour_mixing @ rng.normal(size=len(places))
        self.wind = self.day_mixing @ rng.normal(size=len(places))

    def month(self, month: pd.Period) -> Sky:
        """Live through a month."""
        p, days = values("weather"), month.days_in_month
        if month.month == 1:
            self.year_factor = draw_year(self.rng)
        by_day = self._walk(self.day, self.day_mixing, p["day_persistence"], days)
        by_hour = self._walk(self.hour, self.hour_mixing, p["hour_persistence"], 24 * days)
        wind = self._walk(self.wind, self.day_mixing, p["wind_persistence"], 24 * days)
        self.day, self.hour, self.wind = by_day[:, -1], by_hour[:, -1], wind[:, -1]
        daily = np.repeat(by_day, 24, axis=1)
        mean = self.clearness_factor * monthly_clearness()[month.month - 1] * self.year_factor
        clearness = (mean + p["day_sd"] * daily) * (1 + p["hour_sd"] * by_hour)
        spread = p["wind_log_sd"]
        return Sky(
            np.clip(clearness, p["clearness_min"], p["clearness_max"]),
            p["wind_m_per_s"] * np.exp(spread * wind - spread**2 / 2),
            (daily + by_hour) / np.sqrt(2) < p["rain_below_sd"],
            wind > p["gust_above_sd"],
        )

    def _walk(self, last: np.ndarray, mixing: np.ndarray, persistence: float, steps: int) -> np.ndarray:
        """A stationary autoregressive field of unit variance, shape (places, steps)."""
        from scipy.signal import lfilter  # takes a second to import, and a run of kept months makes no weather

        shocks = np.sqrt(1 - persistence**2) * (mixing @ self.rng.normal(size=(len(last), steps)))
        walked, _ = lfilter([1.0], [1.0, -persistence], shocks, axis=1, zi=persistence * last[:, None])
        return np.asarray(walked)

    def state(self) -> dict[str, Any]:
        """Everything but the generator."""
        fields = {name: getattr(self, name).tolist() for name in ("day", "hour", "wind")}
        return {"year_factor": self.year_factor, **fields}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from it."""
        self.year_factor = state["year_factor"]
        self.day, self.hour, self.wind = (np.array(state[name]) for name in ("day", "hour", "wind"))


def draw_year(rng: np.random.Generator) -> float:
    """A year's clearness against the prior: normal, cut at the prior's own range."""
    p = values("weather")
    return 1 + float(np.clip(rng.normal(0, p["year_sd"]), -p["year_limit"], p["year_limit"]))


def air_temperature_c(hours: pd.DatetimeIndex, elevation_m: np.ndarray) -> np.ndarray:
    """Air temperature [degC], shape (sites, hours): a daily sine, warmest at 14 h, cooler with height; a prior."""
    p = values("weather")
    clock_h = hours.hour.to_numpy() + hours.minute.to_numpy() / 60
    daily = p["temperature_mean_c"] + p["temperature_swing_c"] * np.cos(2 * np.pi * (clock_h - 14) / 24)
    return daily[None, :] - p["lapse_c_per_m"] * elevation_m[:, None]


def weather_of(sky: Sky, places: Places, hours: pd.DatetimeIndex, track: SunTrack) -> Weather:
    """Irradiance under a sky, split into direct and diffuse (Erbs et al. 1982), with air and wind."""
    up = np.clip(cos_zenith(track, places.latitude_deg, places.longitude_deg), -1, 1)
    ghi = sky.clearness * track.extra_w_m2 * np.maximum(up, 0)
    day_of_year = np.broadcast_to(hours.day_of_year.to_numpy(), ghi.shape)
    split = pvlib.irradiance.erbs(ghi, np.degrees(np.arccos(up)), day_of_year)
    air = air_temperature_c(hours, places.elevation_m)
    return Weather(ghi, np.asarray(split["dni"]), np.asarray(split["dhi"]), air, sky.wind_m_s)


def behind_horizon(weather: Weather, places: Places, track: SunTrack, horizon_deg: Sequence[float]) -> Weather:
    """The same weather behind hills: no direct light while the sun is below them.

    `horizon_deg` are heights of the hills [deg] at equal steps of azimuth from north over east. The sky's diffuse light
    is left as it is (hills hide little of it).
    """
    local = np.einsum("sij,tj->sti", site_frames(places.latitude_deg, places.longitude_deg), track.vector)
    azimuth_deg = np.degrees(np.arctan2(local[..., 0], local[..., 1])) % 360
    corners = np.arange(len(horizon_deg)) * 360 / len(horizon_deg)
    hills_deg = np.interp(azimuth_deg, corners, horizon_deg, period=360)
    hidden = np.degrees(np.arcsin(np.clip(local[..., 2], -1, 1))) < hills_deg
    dni = np.where(hidden, 0.0, weather.dni)
    lost = (weather.dni - dni) * np.maximum(local[..., 2], 0)
    return Weather(np.maximum(weather.ghi - lost, weather.dhi), dni, weather.dhi, weather.temp_air_c, weather.wind_m_s)
