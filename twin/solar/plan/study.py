"""Many years of a design at every office: weather years × outage years, and what they give with P10, P50 and P90."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.solar.facts import values
from twin.solar.office.load import appliances_of, month_kwh
from twin.solar.options import SolarOptions
from twin.solar.outage.model import hazard
from twin.solar.outage.scenarios import Calendar, draw_calendar, simulate
from twin.solar.plan.money import capital_of, worth
from twin.solar.pv.fast import Weather, fast_power
from twin.solar.pv.sun import sun_track
from twin.solar.pv.system import Plane, PvSystem
from twin.solar.sites import Site, feeders
from twin.solar.storage.ageing import life_years
from twin.solar.system import battery_of, life_of, roof_of
from twin.solar.weather.synthetic import Places, SkyModel, hours_of, weather_of

FIRST_YEAR = 2026
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Year:
    """A drawn year: DC energy of a kilowatt-peak, use [kWh] (sites, hours), and outages of several scenarios."""

    per_kwp_kwh: np.ndarray
    load_kwh: np.ndarray
    outages: Calendar


def years(
    options: SolarOptions, sites: Sequence[Site], weathers: int, scenarios: int, rng: np.random.Generator
) -> Iterator[Year]:
    """`weathers` years in turn (2026, 2027, …), each with `scenarios` years of outages under its weather."""
    places, feeder = Places.of(sites), feeders(sites)
    sky = SkyModel(places, rng, options.clearness_factor)
    roof = roof_of(options) or PvSystem((Plane(1000.0, options.tilt_deg, options.azimuth_deg),))
    for year in range(FIRST_YEAR, FIRST_YEAR + weathers):
        months = pd.period_range(f"{year}-01", f"{year}-12", freq="M")
        hours = hours_of(pd.Period(year=year, freq="Y"))
        track = sun_track(hours)
        skies = [sky.month(month) for month in months]
        whole = type(skies[0])(*(np.concatenate([getattr(s, n) for s in skies], axis=1) for n in vars(skies[0])))
        weather: Weather = weather_of(whole, places, hours, track)
        dc_w = fast_power(roof, places.latitude_deg, places.longitude_deg, places.elevation_m, track, weather).dc_w
        load = np.concatenate([
            month_kwh(options.appliances or appliances_of("office"), len(sites), month, options.load_kwh_per_day, rng)
            for month in months
        ], axis=1)  # fmt: skip
        weights = hazard(whole.rain, whole.gust, hours.month.to_numpy())[places.of_site]
        when = draw_calendar(weights, feeder, scenarios, options.saifi, options.saidi_min, rng)
        yield Year(dc_w[places.of_site] / roof.panels_wp, load, when)


@dataclass(frozen=True)
class Outcome:
    """What a design gave in every drawn year, shape (sites, draws): energy of the year [kWh]."""

    load_kwh: np.ndarray
    served_kwh: np.ndarray
    unmet_kwh: np.ndarray
    wanted_kwh: np.ndarray  # in outages
    lost_h: np.ndarray

    @property
    def share_percent(self) -> np.ndarray:
        """Of the office's electricity, from the system."""
        return 100 * self.served_kwh / self.load_kwh

    @property
    def saved_kwh(self) -> np.ndarray:
        """PLN's energy no longer bought: what is served in outages saves nothing of the bill."""
        return self.served_kwh - (self.wanted_kwh - self.unmet_kwh)


def run_year(options: SolarOptions, year: Year) -> Outcome:
    """One design through one drawn year; batteries are new and half full."""
    battery, sites = battery_of(options), len(year.load_kwh)
    pv_kwh = year.per_kwp_kwh * options.panels * options.panel_wp / 1000
    soc = np.full(sites, (battery.soc_max_kwh + battery.soc_min_kwh) / 2)
    toll = simulate(pv_kwh, year.load_kwh, soc, np.tile(battery.array(), (sites, 1)), year.outages)
    load = np.broadcast_to(year.load_kwh.sum(axis=1)[:, None], toll.unmet_kwh.shape)
    return Outcome(load, toll.served_kwh, toll.unmet_kwh, toll.wanted_kwh, toll.lost_h)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Draws of several years side by side."""
    return Outcome(*(np.concatenate([getattr(o, name) for o in outcomes], axis=1) for name in vars(outcomes[0])))


def figures(options: SolarOptions, outcome: Outcome) -> dict[str, np.ndarray]:
    """What planners ask for, by site and draw: the columns of the result table."""
    o, office = options, values("office")
    through = float(outcome.served_kwh.mean()) / o.inverter_efficiency * values("money")["battery_share"]
    saving = outcome.saved_kwh * o.tariff
    litres = (outcome.wanted_kwh - outcome.unmet_kwh) * office["genset_share"] * office["genset_l_per_kwh"]
    fuel_idr = litres * office["fuel_idr_per_l"]
    battery_years = life_years(through, o.battery_kwh, life_of(o))
    money = worth(capital_of(o), saving + fuel_idr, outcome.served_kwh, battery_years)
    co2_kg = outcome.saved_kwh * o.grid_factor_tco2e_per_mwh + litres * office["fuel_kg_co2_per_l"]
    return {
        "solar_share_percent": outcome.share_percent,
        "unmet_kwh_year": outcome.unmet_kwh,
        "saving_idr_month": saving / 12,
        "fuel_saving_idr_month": fuel_idr / 12,
        "payback_years": money.payback_years,
        "co2_avoided_kg_year": co2_kg,
        "npv_idr": money.npv_idr,
        "lcoe_idr_per_kwh": money.lcoe_idr_per_kwh,
    }


def office_table(
    options: SolarOptions, sites: Sequence[Site], weathers: int, scenarios: int, seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, str | float]]:  # fmt: skip
    """One row an office: P10, P50 and P90 of every figure over the drawn years."""
    outcomes = []
    for done, year in enumerate(years(options, sites, weathers, scenarios, np.random.default_rng(seed)), 1):
        outcomes.append(run_year(options, year))
        progress(done, weathers)
    found = figures(options, together(outcomes))
    quantiles = {name: quantiles_of(draws) for name, draws in found.items()}
    return [
        {
            "code": site.code,
            "kecamatan": site.kecamatan,
            **{f"{name}_{q}": float(by[q][i]) for name, by in quantiles.items() for q in QUANTILES},
        }
        for i, site in enumerate(sites)
    ]


def quantiles_of(draws: np.ndarray) -> dict[str, np.ndarray]:
    """P10, P50 and P90 of the draws of every site; without interpolation, so that an infinite payback stays one."""
    return {q: np.quantile(draws, p, axis=1, method="nearest") for q, p in QUANTILES.items()}


def by_kecamatan(rows: Sequence[dict[str, str | float]]) -> list[dict[str, str | float]]:
    """Means of the offices' quantiles by sub-district, and for the regency."""
    table = pd.DataFrame(rows)
    names = [name for name in table.columns if name not in ("code", "kecamatan")]
    groups = [(str(name), part) for name, part in table.groupby("kecamatan")] + [("regency", table)]
    return [
        {"kecamatan": name, "offices": len(part), **{column: float(part[column].mean()) for column in names}}
        for name, part in groups
    ]
