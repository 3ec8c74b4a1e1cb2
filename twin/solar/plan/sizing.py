"""Which size would do: panels × battery × reserve at one office, the designs that no other beats, and targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from twin.solar.options import SolarOptions
from twin.solar.plan.money import capital_of
from twin.solar.plan.study import QUANTILES, figures, run_year, together, years
from twin.solar.sites import Site

PANELS = (1, 2, 3, 4, 6, 8, 12)
BATTERY_KWH = (2.4, 4.8, 9.6, 14.4, 19.2)
RESERVE_PERCENT = (20.0, 40.0, 60.0)
SHOWN = ("solar_share_percent", "unmet_kwh_year", "saving_idr_month", "lost_load_percent")
TARGET_PERCENT = (80.0, 90.0, 95.0, 99.0)
Row = dict[str, Any]


def designs(
    options: SolarOptions, site: Site, weathers: int, scenarios: int, seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:  # fmt: skip
    """Every design in the same drawn years: capital, quantiles of share, loss of load and saving, and Pareto or not."""
    drawn = list(years(options, [site], weathers, scenarios, np.random.default_rng(seed)))
    grid = list(product(PANELS, BATTERY_KWH, RESERVE_PERCENT))
    rows: list[Row] = []
    for done, (panels, battery_kwh, reserve) in enumerate(grid, 1):
        design = options.model_copy(update={"panels": panels, "battery_kwh": battery_kwh, "reserve_percent": reserve})
        outcome = together([run_year(design, year) for year in drawn])
        found = figures(design, outcome) | {"lost_load_percent": lost_load_percent(outcome)}
        rows.append(
            {
                "panels": panels,
                "battery_kwh": battery_kwh,
                "reserve_percent": reserve,
                "capital_idr": capital_of(design).total_idr,
                **{f"{name}_{q}": float(np.quantile(found[name], p)) for name in SHOWN for q, p in QUANTILES.items()},
                "lcoe_idr_per_kwh": float(np.median(found["lcoe_idr_per_kwh"])),
            }
        )
        progress(done, len(grid))
    best = pareto(np.array([[row["capital_idr"], row["lost_load_percent_p50"], -row["solar_share_percent_p50"]]
                            for row in rows]))  # fmt: skip
    return [{**row, "pareto": bool(on)} for row, on in zip(rows, best, strict=True)]


def lost_load_percent(outcome: Any) -> np.ndarray:
    """Of what was wanted in outages, what nobody met."""
    return np.round(100 * outcome.unmet_kwh / np.maximum(outcome.wanted_kwh, 1e-12), 9)


def pareto(costs: np.ndarray) -> np.ndarray:
    """Which rows (designs, criteria; less is better) no other row beats: none as good in all and better in one."""
    no_worse = np.all(costs[None] <= costs[:, None], axis=2)
    better = np.any(costs[None] < costs[:, None], axis=2)
    return np.asarray(~np.any(no_worse & better, axis=1))


def cheapest(rows: Sequence[Row], figure: str, least: float) -> Row | None:
    """The cheapest design whose figure reaches a value; None where none of the grid does."""
    fits = [row for row in rows if row[figure] >= least]
    return min(fits, key=lambda row: row["capital_idr"]) if fits else None


def answers(rows: Sequence[Row]) -> list[Row]:
    """What meets 80 … 99 % in nine, five and one of ten years: the cheapest design of each."""
    found = []
    for target, q in product(TARGET_PERCENT, QUANTILES):
        row = cheapest(rows, f"solar_share_percent_{q}", target)
        keys = ("panels", "battery_kwh", "reserve_percent", "capital_idr")
        found.append({
            "solar_share_percent": target, "at": q,
            **{key: None if row is None else row[key] for key in keys},
        })  # fmt: skip
    return found
