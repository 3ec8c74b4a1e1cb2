"""Synthetic weather, labelled a prior: monthly clearness with persistence from day to day and kecamatan in common."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"
TIMEZONE = "Asia/Jakarta"


@functools.cache
def parameters() -> dict[str, float]:
    """The weather model's numbers (`data/weather.csv`)."""
    with (DATA / "weather.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@functools.cache
def monthly_clearness() -> np.ndarray:
    """Clearness index of January to December [-], shape (12,): a prior, ±10 %."""
    with (DATA / "clearness.csv").open(newline="", encoding="utf-8") as file:
        return np.array([float(row["value"]) for row in csv.DictReader(file)])


def hours_of(month: pd.Period) -> pd.DatetimeIndex:
    """The middle of every hour of a calendar month, Asia/Jakarta (UTC+7, no summer time)."""
    begin = month.start_time.tz_localize(TIMEZONE) + pd.Timedelta(minutes=30)
    return pd.date_range(begin, periods=24 * month.days_in_month, freq="h")


@dataclass
class ClearnessModel:
    """State of the clearness process: a year's factor and yesterday's deviations (shared, and one a kecamatan)."""

    year_factor: float
    shared: float
    local: np.ndarray

    @classmethod
    def begin(cls, n_areas: int, rng: np.random.Generator) -> ClearnessModel:
        """A first year, with deviations drawn from their stationary distribution."""
        return cls(draw_year(rng), float(rng.normal()), rng.normal(size=n_areas))

    def month(self, month: pd.Period, rng: np.random.Generator) -> np.ndarray:
        """Hourly clearness index of a month [-], shape (areas, hours); moves the state on by a month."""
        p = parameters()
        if month.month == 1:
            self.year_factor = draw_year(rng)
        rho, common = p["day_persistence"], p["shared_variance"]
        innovation = np.sqrt(1 - rho**2)
        days = np.empty((len(self.local), month.days_in_month))
        for day in range(month.days_in_month):
            self.shared = rho * self.shared + innovation * float(rng.normal())
            self.local = rho * self.local + innovation * rng.normal(size=len(self.local))
            days[:, day] = np.sqrt(common) * self.shared + np.sqrt(1 - common) * self.local
        mean = monthly_clearness()[month.month - 1] * self.year_factor
        hourly = np.repeat(mean + p["day_sd"] * days, 24, axis=1)
        hourly *= 1 + p["hour_sd"] * rng.normal(size=hourly.shape)
        return np.clip(hourly, p["clearness_min"], p["clearness_max"])


def draw_year(rng: np.random.Generator) -> float:
    """A year's clearness against the prior: normal, cut at the prior's own range."""
    p = parameters()
    return 1 + float(np.clip(rng.normal(0, p["year_sd"]), -p["year_limit"], p["year_limit"]))


def air_temperature_c(hours: pd.DatetimeIndex, elevation_m: np.ndarray) -> np.ndarray:
    """Air temperature [degC], shape (sites, hours): a daily sine, warmest at 14 h, cooler with height; a prior."""
    p = parameters()
    clock_h = hours.hour.to_numpy() + hours.minute.to_numpy() / 60
    daily = p["temperature_mean_c"] + p["temperature_swing_c"] * np.cos(2 * np.pi * (clock_h - 14) / 24)
    return daily[None, :] - p["lapse_c_per_m"] * elevation_m[:, None]
