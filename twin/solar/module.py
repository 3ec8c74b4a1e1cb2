"""The solar sector on the city's calendar: every office's month, hour by hour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Row, Rows, Seen, State, read_tables
from twin.solar.battery import Battery, Flows, dispatch, load_shape
from twin.solar.options import SolarOptions
from twin.solar.pv import dc_kw, irradiance_of, sun_at
from twin.solar.weather import ClearnessModel, air_temperature_c, hours_of, parameters

WEEK_H = 168


def battery_of(options: SolarOptions) -> Battery:
    """The battery and its electronics as the scenario has them."""
    return Battery(
        capacity_kwh=options.battery_kwh,
        soc_min_kwh=options.battery_kwh * options.soc_min_percent / 100,
        charge_efficiency=options.charge_efficiency,
        discharge_efficiency=options.discharge_efficiency,
        controller_kw=options.scc_a * options.battery_v / 1000,
        inverter_kw=options.inverter_kw,
        inverter_efficiency=options.inverter_efficiency,
    )


class SolarModule:
    """Weather a kecamatan, sun and panels an office, a battery that carries its charge into the next month."""

    name = "solar"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Pick the offices and begin with batteries half full."""
        self.options: SolarOptions = scenario.solar
        chosen = self.options.offices
        self.sites = [site for site in scenario.places.sites() if chosen == "all" or site.code in chosen]
        areas = sorted({site.kecamatan for site in scenario.places.sites()})
        self.area = np.array([areas.index(site.kecamatan) for site in self.sites], dtype=int)
        self.rng = rng
        self.first_month: pd.Period = scenario.start_month
        self.clearness = ClearnessModel.begin(len(areas), rng)
        self.battery = battery_of(self.options)
        self.soc_kwh = np.full(len(self.sites), (self.battery.capacity_kwh + self.battery.soc_min_kwh) / 2)
        self.rows: Rows = {}

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through the month's hours."""
        o, hours = self.options, hours_of(month)
        sun = sun_at(
            hours,
            np.array([site.latitude_deg for site in self.sites]),
            np.array([site.longitude_deg for site in self.sites]),
        )
        light = irradiance_of(self.clearness.month(month, self.rng)[self.area], sun, hours)
        elevation_m = np.array([site.elevation_m or 0.0 for site in self.sites])
        pv_kwh = dc_kw(
            sun, light, air_temperature_c(hours, elevation_m), parameters()["wind_m_per_s"],
            o.panels * o.panel_wp / 1000, o.tilt_deg, o.azimuth_deg, o.gamma_per_c, o.losses_percent,
        )  # fmt: skip
        load_kwh = np.tile(o.load_kwh_per_day * load_shape(), (len(self.sites), month.days_in_month))
        flows = dispatch(pv_kwh, load_kwh, self.soc_kwh, self.battery)
        self.soc_kwh = flows.soc_kwh[:, -1]
        offices = self._offices(flows, load_kwh)
        ghi_kwh_per_m2_day = float(light.ghi.sum()) / 1000 / max(1, len(self.sites)) / month.days_in_month
        self.rows = {
            "solar_month": offices,
            "solar_total": [self._total(offices, ghi_kwh_per_m2_day)],
            "solar_week": self._week(flows, load_kwh) if self.sites and month == self.first_month else [],
        }

    def _offices(self, flows: Flows, load_kwh: np.ndarray) -> list[Row]:
        o = self.options
        sums = [flows.pv_kwh, load_kwh, flows.served_kwh, flows.grid_kwh, flows.curtailed_kwh]
        table = np.column_stack([values.sum(axis=1) for values in sums]).tolist()
        return [
            {
                "code": site.code,
                "pv_kwh": pv,
                "load_kwh": load,
                "served_kwh": served,
                "grid_kwh": grid,
                "curtailed_kwh": curtailed,
                "saving_idr": round(served * o.tariff_idr_per_kwh),
                "co2_avoided_kg": served * o.grid_factor_tco2e_per_mwh,
            }
            for site, (pv, load, served, grid, curtailed) in zip(self.sites, table, strict=True)
        ]

    def _total(self, offices: list[Row], ghi_kwh_per_m2_day: float) -> Row:
        o, n = self.options, len(self.sites)
        names = ("pv_kwh", "load_kwh", "served_kwh", "grid_kwh", "saving_idr", "co2_avoided_kg")
        return {
            "offices": n,
            "kwp": n * o.panels * o.panel_wp / 1000,
            **{name: sum(office[name] for office in offices) for name in names},  # type: ignore[misc]
            "ghi_kwh_per_m2_day": ghi_kwh_per_m2_day,
            "charging_points": n if o.charging_point_per_office else 0,
        }

    def _week(self, flows: Flows, load_kwh: np.ndarray) -> list[Row]:
        shown = (flows.pv_kwh, load_kwh, flows.grid_kwh, flows.soc_kwh)
        values = np.column_stack([kwh[0, :WEEK_H] for kwh in shown]).tolist()
        return [
            {"code": self.sites[0].code, "hour": h, "pv_kwh": pv, "load_kwh": load, "grid_kwh": grid, "soc_kwh": soc}
            for h, (pv, load, grid, soc) in enumerate(values)
        ]

    def observe(self) -> Rows:
        """Tables `solar_month`, `solar_total`, and `solar_week` in the first month."""
        return self.rows

    def state(self) -> State:
        """Charge of every battery and the weather's memory."""
        c = self.clearness
        return {
            "soc_kwh": self.soc_kwh.tolist(),
            "year_factor": c.year_factor,
            "shared": c.shared,
            "local": c.local.tolist(),
        }

    def restore(self, state: State) -> None:
        """Take both up again."""
        self.soc_kwh = np.array(state["soc_kwh"])
        self.clearness = ClearnessModel(state["year_factor"], state["shared"], np.array(state["local"]))
