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


def _years(table: pd.DataFrame) -> float:
    """Length of the table's months [years]: what a part of a year is scaled up by."""
    days = sum(pd.PeriodIndex(table.month, freq="M").days_in_month)
    return float(days) * 24 / HOURS_A_YEAR


def _ratio(table: pd.DataFrame | None, over: str, under: str, factor: float = 1.0) -> float | None:
    if table is None or table[under].sum() <= 0:
        return None
    return factor * float(table[over].sum()) / float(table[under].sum())


def yield_kwh_per_kwp(run: Run) -> float | None:
    """What a kWp could give a year; months of a part of a year are scaled by their length."""
    table = totals(run)
    kwp = 0.0 if table is None else float(table.kwp.iloc[0])
    return float(table.pv_kwh.sum()) / kwp / _years(table) if table is not None and kwp > 0 else None


def grid_reduction_percent(run: Run) -> float | None:
    """How much less the offices take from PLN than they use."""
    share = _ratio(totals(run), "grid_kwh", "load_kwh", 100)
    return None if share is None else 100 - share


def saving_idr_per_office_month(run: Run) -> float | None:
    """PLN bill avoided, mean over offices and months."""
    return _ratio(totals(run), "saving_idr", "offices")


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
    return float(table.served_kwh.sum()) / 1000 / _years(table) / options.regency_electricity_mwh_per_year * 100


def stations_per_ev(run: Run) -> float | None:
    """SNI ISO 37122 7.10: charging stations per registered electric vehicle."""
    table, options = totals(run), run.scenario.solar
    if table is None or options is None:
        return None
    return float(table.charging_points.iloc[-1]) / options.registered_electric_vehicles


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "solar_yield_kwh_per_kwp": yield_kwh_per_kwp,
    "solar_load_served_percent": lambda run: _ratio(totals(run), "served_kwh", "load_kwh", 100),
    "solar_grid_reduction_percent": grid_reduction_percent,
    "solar_saving_idr_per_office_month": saving_idr_per_office_month,
    "solar_co2_avoided_tco2e": _sum("co2_avoided_kg", 1e-3),
    "solar_pv_kwh": _sum("pv_kwh"),
    "iso37122_7_4_decentralised_percent": decentralised_percent,
    "iso37122_7_10_stations_per_ev": stations_per_ev,
}
