"""The best use of a fixed budget over the programmes: a mixed-integer programme, its front, and shadow prices.

Programmes are taken or left; solar is bought by the office, AI-Preneur by the cohort. Solved by HiGHS (scipy). Values
add up: programmes neither help nor hinder each other here, which the city itself does not assume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from twin.errors import TwinError


class PortfolioError(TwinError):
    """Constraints that no choice can meet."""


@dataclass(frozen=True)
class Item:
    """What can be bought: up to `most` units, each at a price, a value and tonnes of CO2 avoided a year."""

    programme: str
    most: int
    cost_idr: float
    value_idr: float
    low_idr: float
    high_idr: float
    co2_tco2e_year: float = 0.0


@dataclass(frozen=True)
class Wish:
    """The constraints: a budget, tonnes avoided a year at least, and least and most units of a programme."""

    budget_idr: float
    least_co2_tco2e_year: float = 0.0
    least: Mapping[str, int] | None = None
    most: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Choice:
    """Units of every item; what they cost, are worth and avoid; the limits' shadow prices (0: the limit is slack).

    `budget_price` is Rp of value for a rupiah more of budget, `co2_price_idr` Rp of value given up for a tonne more;
    both of the relaxation in which parts can be bought.
    """

    units: Mapping[str, int]
    cost_idr: float
    value_idr: float
    low_idr: float
    high_idr: float
    co2_tco2e_year: float
    budget_price: float
    co2_price_idr: float


def items_of(appraisal: pd.DataFrame, offices: int, cohorts: int, solar_co2_tco2e_year: float) -> list[Item]:
    """Items from a run's table `appraisal`: solar's row is of all `offices`, AI-Preneur's of one cohort."""
    found = []
    for row in appraisal.to_dict("records"):
        solar, several = row["programme"] == "solar", row["programme"] == "aipreneur"
        units = max(1, offices) if solar else 1
        found.append(
            Item(
                str(row["programme"]), units if solar else cohorts if several else 1, float(row["cost_idr"]) / units,
                float(row["npv_p50_idr"]) / units, float(row["npv_p10_idr"]) / units, float(row["npv_p90_idr"]) / units,
                solar_co2_tco2e_year / units if solar else 0.0,
            )
        )  # fmt: skip
    return found


def best(items: Sequence[Item], wish: Wish) -> Choice:
    """The choice of the greatest value. Raises PortfolioError where no choice meets the wish."""
    cost, value, co2 = (
        np.array([getattr(one, name) for one in items]) for name in ("cost_idr", "value_idr", "co2_tco2e_year")
    )
    low, high = _bounds(items, wish)
    rows = np.vstack([cost / 1e6, -co2])
    limits = np.array([wish.budget_idr / 1e6, -wish.least_co2_tco2e_year])
    solved = milp(
        -value / 1e6, constraints=LinearConstraint(rows, ub=limits), bounds=Bounds(low, high),
        integrality=np.ones(len(items)),
    )  # fmt: skip
    if solved.x is None:
        raise PortfolioError(_impossible(items, wish, cost, co2, low, high))
    units = np.round(solved.x)
    relaxed = linprog(-value / 1e6, A_ub=rows, b_ub=limits, bounds=np.column_stack([low, high]))
    budget_price, co2_price = -relaxed.ineqlin.marginals
    sums = {name: float(units @ np.array([getattr(one, name) for one in items])) for name in ("low_idr", "high_idr")}
    return Choice(
        {one.programme: int(n) for one, n in zip(items, units, strict=True)}, float(units @ cost), float(units @ value),
        sums["low_idr"], sums["high_idr"], float(units @ co2), float(budget_price), float(co2_price) * 1e6,
    )  # fmt: skip


def front(items: Sequence[Item], wish: Wish, points: int = 25) -> list[tuple[float, Choice]]:
    """The best choice for budgets from nothing to what everything costs; budgets that meet no wish are left out."""
    most = sum(one.cost_idr * one.most for one in items)
    found = []
    for budget_idr in np.linspace(0, most, points):
        try:
            choice = best(items, Wish(float(budget_idr), wish.least_co2_tco2e_year, wish.least, wish.most))
        except PortfolioError:
            continue
        found.append((float(budget_idr), choice))
    return found


def _bounds(items: Sequence[Item], wish: Wish) -> tuple[np.ndarray, np.ndarray]:
    least, most = wish.least or {}, wish.most or {}
    low = np.array([min(one.most, least.get(one.programme, 0)) for one in items], dtype=float)
    high = np.array([min(one.most, most.get(one.programme, one.most)) for one in items], dtype=float)
    return low, np.maximum(low, high)


def _impossible(
    items: Sequence[Item], wish: Wish, cost: np.ndarray, co2: np.ndarray, low: np.ndarray, high: np.ndarray
) -> str:
    """Which limit cannot be met."""
    if cost @ low > wish.budget_idr:
        must = f"what must be bought costs {cost @ low:,.0f} Rp"
        return f"budget {wish.budget_idr:,.0f} Rp: {must}; ask for less or give more"
    if co2 @ high < wish.least_co2_tco2e_year:
        return (
            f"at least {wish.least_co2_tco2e_year:g} tCO2e a year: all there is avoids {co2 @ high:.1f}; ask for less"
        )
    return "no choice meets the budget and the tonnes at once; give more budget or ask for fewer tonnes"
