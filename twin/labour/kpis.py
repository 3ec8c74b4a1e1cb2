"""Figures of the labour sector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from twin.run import Run

TARGET_MONTHS = 6  # the book counts registrations after so many


def totals(run: Run) -> pd.DataFrame | None:
    """Monthly totals; None where the labour market is not simulated."""
    return run.table("labour_total") if run.has("labour_total") else None


def seekers_change_percent(run: Run) -> float | None:
    """Registered seekers after six months of JOBTREN against the last month before it."""
    table = totals(run)
    if table is None:
        return None
    before, after = table[table.jobtren_months == 0], table[table.jobtren_months == TARGET_MONTHS]
    if before.empty or after.empty or before.registered.iloc[-1] == 0:
        return None
    return 100 * (float(after.registered.iloc[0]) / float(before.registered.iloc[-1]) - 1)


def posted_on_jobtren(run: Run) -> float | None:
    """Seats posted on JOBTREN in the run; None where it does not run."""
    table = totals(run)
    return None if table is None or table.jobtren_months.max() == 0 else float(table.posted_on_jobtren.sum())


def unemployment_percent(run: Run) -> float | None:
    """Unemployed over the labour force, mean of the months."""
    table = totals(run)
    return None if table is None else float(table.tpt_percent.mean())


def _per_hire(column: str) -> Callable[[Run], float | None]:
    def kpi(run: Run) -> float | None:
        table = totals(run)
        if table is None or table.hired.sum() == 0:
            return None
        return float((table[column] * table.hired).sum() / table.hired.sum())

    return kpi


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "jobtren_seekers_change_percent": seekers_change_percent,
    "jobtren_vacancies": posted_on_jobtren,
    "unemployment_percent": unemployment_percent,
    "labour_time_to_hire_days": _per_hire("time_to_hire_days"),
    "labour_jobless_weeks": _per_hire("jobless_weeks"),
}
