"""Figures of the programmes' economics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twin.programmes.budget import budget_of, differences
from twin.programmes.facts import PROGRAMMES
from twin.programmes.outcomes import FIGURES, Figure

if TYPE_CHECKING:
    from twin.run import Run


def appraised(programme: str, column: str) -> Callable[[Run], float | None]:
    """A function of a run: one column of the appraisal of one programme that runs in its scenario."""

    def kpi(run: Run) -> float | None:
        if not run.has("appraisal") or getattr(run.scenario.programmes.starts, programme) is None:  # type: ignore[union-attr]
            return None
        table = run.table("appraisal")
        values = table.loc[table.programme == programme, column].dropna()
        return float(values.iloc[0]) if len(values) else None

    return kpi


def pad_idr(run: Run) -> float | None:
    """Regional income of all programmes over the run, as booked."""
    return float(run.table("budget_balance").income_idr.sum()) if run.has("budget_balance") else None


def budget_closing_idr(run: Run) -> float | None:
    """Cash left of what was set aside, at the end of the run."""
    return float(run.table("budget_balance").closing_idr.iloc[-1]) if run.has("budget_balance") else None


def budget_difference_idr(run: Run) -> float | None:
    """Sum over programmes of how far the final stated total is from its lines: the book's, not the run's."""
    if not run.has("budget_balance"):
        return None
    totals = {key: budget_of(key)[-1].item for key in PROGRAMMES if budget_of(key)}
    return float(sum(abs(d.difference_idr) for d in differences() if d.item == totals.get(d.programme)))


def outcome(table: str, figure: Figure) -> Callable[[Run], float | None]:
    """A function of a run: a figure of one of the moving programmes' tables."""
    return lambda run: figure(run.table(table)) if run.has(table) else None


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    **{
        f"{key}_{name}": appraised(key, column)
        for key in PROGRAMMES
        for name, column in (
            ("npv_idr", "npv_mean_idr"),
            ("bcr", "bcr"),
            ("payback_years", "payback_years"),
            ("npv_positive_probability", "probability_npv_positive"),
        )
    },
    **{name: outcome(table, figure) for name, (table, figure) in FIGURES.items()},
    "pad_idr": pad_idr,
    "budget_closing_idr": budget_closing_idr,
    "budget_difference_idr": budget_difference_idr,
}
