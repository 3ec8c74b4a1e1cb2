"""Four weeks of one office for a battery policy: what the panels could give, what is used, when PLN fails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.places import kecamatan
from twin.solar.facts import values
from twin.solar.office.calendar import is_working
from twin.solar.office.load import appliances_of, month_kwh
from twin.solar.options import SolarOptions
from twin.solar.outage.model import draw, hazard, minutes_out
from twin.solar.pv.fast import fast_power
from twin.solar.pv.sun import sun_track
from twin.solar.system import roof_of
from twin.solar.weather.synthetic import Places, SkyModel, hours_of, weather_of

DAYS = 28
HOURS = 24 * DAYS
YEARS = (2026, 2045)


@dataclass(frozen=True)
class Episode:
    """Hours of shape (HOURS,): energies [kWh], minutes without PLN, minutes of announced work, sky, calendar."""

    month: int
    pv_kwh: np.ndarray
    load_kwh: np.ndarray
    out_min: np.ndarray
    announced_min: np.ndarray
    rain: np.ndarray
    gust: np.ndarray
    working: np.ndarray
    soc_share: float


def draw_episode(options: SolarOptions, saifi: float, saidi_min: float, rng: np.random.Generator) -> Episode:
    """The first four weeks of a month of some year at a kecamatan's seat. `working` (DAYS + 1,) knows the day after."""
    period = pd.Period(year=int(rng.integers(*YEARS, endpoint=True)), month=int(rng.integers(1, 13)), freq="M")
    seats = kecamatan()
    seat = seats[int(rng.integers(len(seats)))]
    place = Places(np.array([seat.latitude_deg]), np.array([seat.longitude_deg]), np.zeros(1), np.zeros(1, dtype=int))
    hours = hours_of(period)[:HOURS]
    track = sun_track(hours)
    whole = SkyModel(place, rng, options.clearness_factor).month(period)
    sky = type(whole)(*(values_[:, :HOURS] for values_ in vars(whole).values()))
    weather = weather_of(sky, place, hours, track)
    roof = roof_of(options)
    pv_w = np.zeros((1, HOURS))
    if roof is not None:
        pv_w = fast_power(roof, place.latitude_deg, place.longitude_deg, place.elevation_m, track, weather).dc_w
    load = month_kwh(options.appliances or appliances_of("office"), 1, period, options.load_kwh_per_day, rng)
    weights = hazard(sky.rain, sky.gust, np.full(HOURS, period.month))
    outages = draw(weights, np.zeros(1, dtype=int), saifi, saidi_min, rng)
    out_min, _ = minutes_out(outages, 1, HOURS, np.zeros(1))
    told = rng.random(len(outages)) < values("mountain")["announced_share"]
    announced = type(outages)(*(column[told] for column in vars(outages).values()))
    announced_min, _ = minutes_out(announced, 1, HOURS, np.zeros(1))
    days = np.concatenate([is_working(period), is_working(period + 1)])[: DAYS + 1]
    return Episode(period.month, pv_w[0] / 1000, load[0, :HOURS], out_min[0], announced_min[0], sky.rain[0],
                   sky.gust[0], days, float(rng.uniform(0.3, 1.0)))  # fmt: skip


def mountain() -> tuple[float, float]:
    """SAIFI and SAIDI [1/year, min/year] of the feeder that policies are trained and compared on: a prior."""
    v = values("mountain")
    return v["saifi_per_year"], v["saidi_min_per_year"]
