"""Figures of the solar sector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from twin.run import Run

HOURS_A_YEAR = 8760


def totals(run: Run) -> pd.DataFrame | None:
    """Monthly totals; None where no office has a system."""
    if not run.has("solar_total"):
        return None
    table = run.table("solar_total")
    return table if len(table) and table.offices.max() > 0 else None


def _year_parts(table: pd.DataFrame) -> pd.Series:
    """Length of each of the table's months [years]: what a part of a year is scaled up by."""
    days = {month: pd.Period(month, freq="M").days_in_month for month in table.month.unique()}
    return table.month.map(days).astype(float) * 24 / HOURS_A_YEAR


def _ratio(table: pd.DataFrame | None, over: str, under: str, factor: float = 1.0) -> float | None:
    if table is None or table[under].sum() <= 0:
        return None
    return factor * float(table[over].sum()) / float(table[under].sum())


def yield_kwh_per_kwp(run: Run) -> float | None:
    """What a kWp could give a year; months of a part of a year are scaled by their length."""
    table = totals(run)
    if table is None or table.kwp.max() <= 0:
        return None
    return float(table.pv_kwh.sum() / (table.kwp * _year_parts(table)).sum())


def ghi_kwh_per_m2_day(run: Run) -> float | None:
    """Global horizontal irradiance of a mean day."""
    table = totals(run)
    if table is None:
        return None
    years = _year_parts(table)
    return float((table.ghi_kwh_per_m2_day * years).sum() / years.sum())


def performance_percent(run: Run) -> float | None:
    """What panels could give over what their rating would give of the horizontal irradiance."""
    table = totals(run)
    if table is None or table.kwp.max() <= 0:
        return None
    shone = table.kwp * table.ghi_kwh_per_m2_day * _year_parts(table) * HOURS_A_YEAR / 24
    return 100 * float(table.pv_kwh.sum() / shone.sum()) if shone.sum() > 0 else None


def load_served_percent(run: Run) -> float | None:
    """What the system gives of all that offices and vehicles asked for; what nobody met counts as asked for."""
    table = totals(run)
    if table is None:
        return None
    wanted = float((table.load_kwh + table.vehicles_kwh).sum())
    return 100 * float(table.served_kwh.sum()) / wanted if wanted > 0 else None


def grid_reduction_percent(run: Run) -> float | None:
    """How much less is taken from PLN than PLN would have delivered without the systems."""
    table = totals(run)
    if table is None:
        return None
    before = float((table.grid_before_kwh + table.vehicles_kwh).sum())
    return 100 * (1 - float(table.grid_kwh.sum()) / before) if before > 0 else None


def _sum(column: str, factor: float = 1.0) -> Callable[[Run], float | None]:
    def kpi(run: Run) -> float | None:
        table = totals(run)
        return None if table is None else factor * float(table[column].sum())

    return kpi


def decentralised_percent(run: Run) -> float | None:
    """SNI ISO 37122 7.4: decentralised electricity over all electricity of the regency, a year."""
    table, options = totals(run), run.scenario.solar
    if table is None or options is None:
        return None
    years = float(_year_parts(table).sum())
    return float(table.served_kwh.sum()) / 1000 / years / options.regency_electricity_mwh_per_year * 100


def stations_per_ev(run: Run) -> float | None:
    """SNI ISO 37122 7.10: charging stations per registered electric vehicle."""
    table, options = totals(run), run.scenario.solar
    if table is None or options is None:
        return None
    return float(table.charging_points.iloc[-1]) / options.registered_electric_vehicles


def genset_l_per_year(run: Run) -> float | None:
    """Petrol that gensets at all offices are expected to burn in PLN's outages, a year."""
    table = totals(run)
    return None if table is None else float(table.genset_l.sum() / _year_parts(table).sum())


def trained_per_village(run: Run) -> float | None:
    """People trained in the villages whose class is over; None where no roll-out is simulated."""
    table = run.table("solar_rollout") if run.has("solar_rollout") else None
    if table is None or not len(table) or table.villages_trained.iloc[-1] <= 0:
        return None
    return float(table.trained_total.iloc[-1] / table.villages_trained.iloc[-1])


def _reliability(column: str, has_system: int) -> Callable[[Run], float | None]:
    def kpi(run: Run) -> float | None:
        """A yearly mean over site-months with or without a system."""
        if not run.has("solar_reliability"):
            return None
        table = run.table("solar_reliability")
        table = table[table.has_system == has_system]
        years = float(_year_parts(table).sum())
        return float(table[column].sum()) / years if years > 0 else None

    return kpi


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "solar_yield_kwh_per_kwp": yield_kwh_per_kwp,
    "solar_ghi_kwh_per_m2_day": ghi_kwh_per_m2_day,
    "solar_performance_percent": performance_percent,
    "solar_load_served_percent": load_served_percent,
    "solar_grid_reduction_percent": grid_reduction_percent,
    "solar_saving_idr_per_office_month": lambda run: _ratio(totals(run), "saving_idr", "offices"),
    "solar_co2_avoided_tco2e": _sum("co2_avoided_kg", 1e-3),
    "solar_pv_kwh": _sum("pv_kwh"),
    "iso37122_7_4_decentralised_percent": decentralised_percent,
    "iso37122_7_10_stations_per_ev": stations_per_ev,
    "solar_genset_fuel_l": genset_l_per_year,
    "solar_trained_per_village": trained_per_village,
    "solar_unmet_kwh_per_office": _reliability("unmet_kwh", 1),
    "solar_unmet_kwh_without": _reliability("unmet_kwh", 0),
    "solar_service_lost_h_per_office": _reliability("service_lost_h", 1),
    "solar_service_lost_h_without": _reliability("service_lost_h", 0),
    "solar_vehicles_idr": _sum("vehicles_idr"),
}
