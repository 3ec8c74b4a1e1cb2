"""Figures of the carbon sector: what EcoBalance is judged by, from the rows of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from twin.run import Run


def _months(run: Run, first: int) -> pd.DataFrame | None:
    """The first months; None where no market was simulated."""
    if not run.has("carbon_month"):
        return None
    table = run.table("carbon_month").head(first)
    return table if len(table) else None


def _sum(column: str, first: int = 12) -> Callable[[Run], float | None]:
    def kpi(run: Run) -> float | None:
        table = _months(run, first)
        return None if table is None else float(table[column].sum())

    return kpi


def _last(column: str, first: int) -> Callable[[Run], float | None]:
    def kpi(run: Run) -> float | None:
        table = _months(run, first)
        return None if table is None else float(table[column].iloc[-1])

    return kpi


def retired_percent(run: Run) -> float | None:
    """Retired over traded tonnes, all months."""
    table = _months(run, 10_000)
    if table is None or table.volume_tco2e.sum() == 0:
        return None
    return 100 * float(table.retired.iloc[-1]) / float(table.volume_tco2e.sum())


def link_uptime_percent(run: Run) -> float | None:
    """Calls to IDXCarbon that were answered."""
    table = _months(run, 10_000)
    if table is None or table.link_calls.iloc[-1] == 0:
        return None
    return 100 * (1 - float(table.link_failures.iloc[-1]) / float(table.link_calls.iloc[-1]))


def tracking_error_percent(run: Run) -> float | None:
    """Mean over months of the root mean square log gap to IDXCarbon."""
    table = _months(run, 10_000)
    return None if table is None else float(table.tracking_error_percent.mean())


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "ecobalance_projects_percent": _last("projects_percent", 6),
    "ecobalance_volume_tco2e": _sum("volume_tco2e"),
    "ecobalance_revenue_idr": _sum("revenue_idr"),
    "ecobalance_companies": _last("companies", 12),
    "ecobalance_uptime_percent": link_uptime_percent,
    "ecobalance_retired_percent": retired_percent,
    "ecobalance_tracking_error_percent": tracking_error_percent,
    "ecobalance_halts": _sum("halts", 10_000),
    "ecobalance_alerts": _sum("alerts", 10_000),
}
