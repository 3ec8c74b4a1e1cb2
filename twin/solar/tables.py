"""The solar sector's rows of a month, from what was lived through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.module import Row, Rows
from twin.solar.facts import values
from twin.solar.options import SolarOptions
from twin.solar.outage.model import KINDS, Outages
from twin.solar.outage.scenarios import LOST_KWH
from twin.solar.sites import Site
from twin.solar.storage.battery import Flows

WEEK_H = 168
SUMMED = ("pv_kwh", "load_kwh", "served_kwh", "grid_kwh", "grid_before_kwh", "unmet_kwh", "vehicles_kwh",
          "saving_idr", "fuel_saving_idr", "co2_avoided_kg")  # fmt: skip


@dataclass(frozen=True)
class Lived:
    """A month: `built` are the sites with a system; flows, irradiance, health and `worn` are of these alone."""

    options: SolarOptions
    sites: Sequence[Site]
    built: np.ndarray
    month: pd.Period
    flows: Flows
    load_kwh: np.ndarray
    out_min: np.ndarray
    outages: Outages
    ghi: np.ndarray
    open_hours: np.ndarray
    health: np.ndarray
    worn: np.ndarray
    charging: dict[str, float | int | None]


def month_tables(lived: Lived) -> Rows:
    """Tables of every month."""
    reliability = _reliability(lived)
    sites = _sites(lived, reliability)
    return {
        "solar_month": sites,
        "solar_total": [_total(lived, sites, reliability)],
        "solar_reliability": reliability,
        "solar_outage": _outages(lived),
    }


def _reliability(lived: Lived) -> list[Row]:
    """What PLN's failures did to every site."""
    office, out = values("office"), lived.out_min / 60
    unmet = out * lived.load_kwh
    unmet[lived.built] = lived.flows.unmet
    unmet[unmet < LOST_KWH] = 0.0
    lost_h = (out * (unmet > 0) * lived.open_hours).sum(axis=1)
    has = np.zeros(len(lived.sites), dtype=int)
    has[lived.built] = 1
    genset_l = unmet.sum(axis=1) * office["genset_share"] * office["genset_l_per_kwh"]
    columns = np.column_stack([out.sum(axis=1), unmet.sum(axis=1), lost_h, genset_l]).tolist()
    return [
        {
            "code": site.code,
            "kecamatan": site.kecamatan,
            "has_system": int(has[i]),
            "outage_h": columns[i][0],
            "unmet_kwh": columns[i][1],
            "service_lost_h": columns[i][2],
            "genset_l": columns[i][3],
        }
        for i, site in enumerate(lived.sites)
    ]


def _sites(lived: Lived, reliability: Sequence[Row]) -> list[Row]:
    """One row a site with a system. What is saved is PLN's energy no longer bought, vehicles counted on both sides."""
    o, f, office = lived.options, lived.flows, values("office")
    out = lived.out_min[lived.built] / 60
    before = (1 - out) * f.load
    saved = (before + f.vehicles - f.grid).sum(axis=1)
    sums = [f.pv, f.load, f.served, f.grid, before, f.curtailed, f.vehicles]
    columns = np.column_stack([*(values_.sum(axis=1) for values_ in sums), saved]).tolist()
    wanted_out = (out * f.load).sum(axis=1) * office["genset_share"] * office["genset_l_per_kwh"]
    rows: list[Row] = []
    for n, i in enumerate(lived.built):
        pv, load, served, grid, grid_before, curtailed, vehicles, saved_kwh = columns[n]
        site, reliable = lived.sites[i], reliability[i]
        litres = float(wanted_out[n]) - float(reliable["genset_l"] or 0)
        rows.append({
            "code": site.code, "kecamatan": site.kecamatan, "pv_kwh": pv, "load_kwh": load, "served_kwh": served,
            "grid_kwh": grid, "grid_before_kwh": grid_before, "unmet_kwh": reliable["unmet_kwh"],
            "curtailed_kwh": curtailed, "vehicles_kwh": vehicles,
            "battery_health_percent": 100 * float(lived.health[n]), "battery_replaced": int(lived.worn[n]),
            "saving_idr": round(saved_kwh * o.tariff),
            "fuel_saving_idr": round(litres * office["fuel_idr_per_l"]),
            "co2_avoided_kg": saved_kwh * o.grid_factor_tco2e_per_mwh + litres * office["fuel_kg_co2_per_l"],
        })  # fmt: skip
    return rows


def _total(lived: Lived, sites: Sequence[Row], reliability: Sequence[Row]) -> Row:
    o, n = lived.options, len(sites)
    sums = {name: sum(site[name] for site in sites) for name in SUMMED}  # type: ignore[misc]
    stations = sum(lived.sites[i].kind == "office" for i in lived.built) if o.charging_point_per_office else 0
    return {
        "offices": n,
        "kwp": n * o.panels * o.panel_wp / 1000,
        **sums,
        "vehicles_lost_kwh": float(lived.flows.vehicles_lost.sum()),
        **lived.charging,
        "vehicles_idr": round(float(lived.flows.vehicles.sum()) * values("spklu")["price_idr_per_kwh"]),
        "genset_l": float(sum(float(row["genset_l"] or 0) for row in reliability)),
        "ghi_kwh_per_m2_day": float(lived.ghi.sum()) / 1000 / max(1, n) / lived.month.days_in_month,
        "charging_points": stations,
    }


def _outages(lived: Lived) -> list[Row]:
    o = lived.outages
    spans = zip(o.site.tolist(), o.start_min.tolist(), o.end_min.tolist(), o.kind.tolist(), strict=True)
    return [
        {
            "code": lived.sites[site].code,
            "kecamatan": lived.sites[site].kecamatan,
            "start_h": start / 60,
            "duration_h": (end - start) / 60,
            "kind": KINDS[kind],
        }
        for site, start, end, kind in spans
        if not lived.sites[site].off_grid
    ]


def _hours(lived: Lived, n: int, hours: slice, names: Sequence[str]) -> list[Row]:
    """Hours of the n-th site with a system."""
    f = lived.flows
    table = np.column_stack([getattr(f, name)[n, hours] for name in names]).tolist()
    code = lived.sites[lived.built[n]].code
    return [
        {"code": code, "hour": h, **{f"{name}_kwh": value for name, value in zip(names, row, strict=True)}}
        for h, row in enumerate(table)
    ]


def week_rows(lived: Lived) -> list[Row]:
    """The first week of the first site with a system."""
    if not len(lived.built):
        return []
    return _hours(lived, 0, slice(0, WEEK_H), ("pv", "load", "served", "grid", "soc"))


def outage_day_rows(lived: Lived) -> list[Row]:
    """The day of the longest outage that began at a site with a system on PLN's grid; none in a month without one."""
    rank = {int(site): n for n, site in enumerate(lived.built) if not lived.sites[site].off_grid}
    o = lived.outages
    known = [k for k in range(len(o)) if int(o.site[k]) in rank]
    if not known:
        return []
    longest = max(known, key=lambda k: (int(o.end_min[k] - o.start_min[k]), -k))
    n, day = rank[int(o.site[longest])], int(o.start_min[longest]) // 1440
    hours = slice(24 * day, 24 * day + 24)
    rows = _hours(lived, n, hours, ("pv", "load", "served", "grid", "unmet", "soc"))
    minutes = lived.out_min[lived.built[n], hours].tolist()
    return [{**row, "out_min": minute} for row, minute in zip(rows, minutes, strict=True)]
