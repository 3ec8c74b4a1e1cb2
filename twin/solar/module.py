"""The solar sector on the city's calendar: every site's month, hour by hour, with PLN's failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Rows, Seen, State, read_tables
from twin.solar.facts import values
from twin.solar.office.load import appliances_of, month_kwh, service_hours
from twin.solar.options import SolarOptions
from twin.solar.outage.model import Outages, draw, hazard, minutes_out
from twin.solar.plan.rollout import Rollout
from twin.solar.pv.fast import Weather, fast_power
from twin.solar.pv.sun import SunTrack, sun_track
from twin.solar.sites import feeders, sites_of
from twin.solar.spklu import arriving, queue_figures
from twin.solar.storage.ageing import faded, replaced
from twin.solar.storage.battery import dispatch
from twin.solar.system import battery_of, life_of, roof_of
from twin.solar.tables import Lived, month_tables, outage_day_rows, week_rows
from twin.solar.weather.synthetic import Places, Sky, SkyModel, behind_horizon, hours_of, weather_of

YEAR_MONTHS = 12


class SolarModule:
    """Weather, sun and panels a place; load, outages and a battery a site; systems as fast as they can be built."""

    name = "solar"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Lay out the sites; batteries begin half full and new."""
        o: SolarOptions = scenario.solar
        self.options, self.rng = o, rng
        self.sites = sites_of(o, scenario.places.sites())
        self.feeder = feeders(self.sites)
        self.places = Places.of(self.sites)
        self.sky = SkyModel(self.places, rng, o.clearness_factor)
        self.battery, self.life = battery_of(o), life_of(o)
        self.soc_kwh = np.full(len(self.sites), (self.battery.soc_max_kwh + self.battery.soc_min_kwh) / 2)
        self.health = np.ones(len(self.sites))
        self.queue_kwh = np.zeros(len(self.sites))
        self.still_out_min = np.zeros(len(self.sites), dtype=np.int64)
        self.planned = np.array([site.planned for site in self.sites])
        self.rollout = Rollout(int(self.planned.sum()), o.rollout.trainers) if o.rollout is not None else None
        self.months = 0
        self.week_shown = self.day_shown = False
        self.rows: Rows = {}

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through the month's hours. A system that is finished within a month works from the next one on."""
        o, built = self.options, self._built()
        progress = [] if self.rollout is None else [self.rollout.month(month.days_in_month)]
        hours = hours_of(month)
        track, sky = sun_track(hours), self.sky.month(month)
        weather = weather_of(sky, self.places, hours, track)
        if o.horizon_deg:
            weather = behind_horizon(weather, self.places, track, o.horizon_deg)
        outages, out_min = self._outages(sky, month, len(hours))
        load_kwh = self._load_kwh(month)
        batteries = np.array([self.battery.aged(h).array() for h in self.health[built]]).reshape(-1, 11)
        queue_kwh, (came, wanted_kwh) = self.queue_kwh[built], self._arriving(built, len(hours))
        flows = dispatch(
            self._pv_kwh(weather, track)[built], load_kwh[built], out_min[built], self.soc_kwh[built], batteries,
            wanted_kwh, values("spklu")["charger_kw"], queue_kwh,
        )  # fmt: skip
        charging = queue_figures(came, wanted_kwh, flows.vehicles, flows.vehicles_lost, self.queue_kwh[built])
        self.soc_kwh[built] = flows.soc[:, -1] if len(built) else self.soc_kwh[built]
        self.queue_kwh[built] = queue_kwh
        lived = Lived(
            o, self.sites, built, month, flows, load_kwh, out_min, outages, weather.ghi[self.places.of_site[built]],
            service_hours(month), self.health[built], self._age(built, flows.discharged), charging,
        )  # fmt: skip
        self.rows = {**month_tables(lived), "solar_rollout": progress, **self._shown(lived)}
        self.months += 1

    def _built(self) -> np.ndarray:
        """Sites with a system, in the order in which they are built."""
        planned = np.flatnonzero(self.planned)
        return planned if self.rollout is None else planned[: self.rollout.installed]

    def _outages(self, sky: Sky, month: pd.Period, hours: int) -> tuple[Outages, np.ndarray]:
        """Interruptions of the month, and minutes without PLN by site and hour; off the grid, all of them."""
        o = self.options
        weights = hazard(sky.rain, sky.gust, np.full(hours, month.month))[self.places.of_site]
        outages = draw(weights, self.feeder, o.saifi, o.saidi_min, self.rng)
        out_min, self.still_out_min = minutes_out(outages, len(self.sites), hours, self.still_out_min)
        out_min[[site.off_grid for site in self.sites]] = 60
        return outages, out_min

    def _load_kwh(self, month: pd.Period) -> np.ndarray:
        """What every site uses, shape (sites, hours)."""
        load = np.empty((len(self.sites), 24 * month.days_in_month))
        for kind in sorted({site.kind for site in self.sites}):
            which = [i for i, site in enumerate(self.sites) if site.kind == kind]
            own = self.options.appliances if kind == "office" else ()
            mean = self.options.load_kwh_per_day if kind == "office" else None
            load[which] = month_kwh(own or appliances_of(kind), len(which), month, mean, self.rng)
        return load

    def _pv_kwh(self, weather: Weather, track: SunTrack) -> np.ndarray:
        """What the panels could give at the charge controller, shape (sites, hours)."""
        roof = roof_of(self.options, self.months / YEAR_MONTHS)
        if roof is None:
            return np.zeros((len(self.sites), weather.ghi.shape[1]))
        p = self.places
        return fast_power(roof, p.latitude_deg, p.longitude_deg, p.elevation_m, track, weather).dc_w[p.of_site] / 1000

    def _arriving(self, built: np.ndarray, hours: int) -> tuple[np.ndarray, np.ndarray]:
        """Vehicles and what they want at the offices with a mini-SPKLU; they share the regency's in any case."""
        o, offices = self.options, sum(site.kind == "office" and site.planned for site in self.sites)
        count, kwh = arriving(len(self.sites), offices, o.registered_electric_vehicles, hours, self.rng)
        stations = [o.charging_point_per_office and self.sites[i].kind == "office" for i in built]
        here = np.array(stations, dtype=np.int64)[:, None]
        return count[built] * here, kwh[built] * here

    def _age(self, built: np.ndarray, discharged: np.ndarray) -> np.ndarray:
        """Let the batteries age by a month; which were worn out and replaced, shape (built,)."""
        capacity = self.options.battery_kwh
        older = faded(self.health[built], discharged.sum(axis=1), capacity, 1 / YEAR_MONTHS, self.life)
        self.health[built], worn = replaced(older)
        return worn

    def _shown(self, lived: Lived) -> Rows:
        """A week of the first site with a system, once; and the day of a long outage, once."""
        week = [] if self.week_shown else week_rows(lived)
        day = [] if self.day_shown else outage_day_rows(lived)
        self.week_shown, self.day_shown = self.week_shown or bool(week), self.day_shown or bool(day)
        return {"solar_week": week, "solar_outage_day": day}

    def observe(self) -> Rows:
        """The tables of `tables.csv`; `solar_week` and `solar_outage_day` once a run."""
        return self.rows

    def state(self) -> State:
        """Batteries, queues, outages that go on, the weather's memory, and how far the roll-out has come."""
        return {
            "months": self.months,
            "soc_kwh": self.soc_kwh.tolist(),
            "health": self.health.tolist(),
            "queue_kwh": self.queue_kwh.tolist(),
            "still_out_min": self.still_out_min.tolist(),
            "sky": self.sky.state(),
            "rollout": None if self.rollout is None else self.rollout.state(),
            "shown": [self.week_shown, self.day_shown],
        }

    def restore(self, state: State) -> None:
        """Take all of it up again."""
        self.months = state["months"]
        for name in ("soc_kwh", "health", "queue_kwh"):
            setattr(self, name, np.array(state[name], dtype=float))
        self.still_out_min = np.array(state["still_out_min"], dtype=np.int64)
        self.sky.restore(state["sky"])
        self.rollout = None if state["rollout"] is None else Rollout(**state["rollout"])
        self.week_shown, self.day_shown = state["shown"]
