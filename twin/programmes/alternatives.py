"""The podcast's money spent otherwise: the same rupiah on paid views, or on trainers who visit businesses.

Every way gets what the podcast cost in a run, on the same draw of its parameters (`data/dynamics.csv`, all priors):
so a way is dearer or cheaper in a seed, and the share of seeds says how sure that is. A way that brings none of
something has no price for it. What the studio's slots are worth to others is not in the podcast's prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.city import City
from twin.module import Row
from twin.programmes.dynamics import Parameters
from twin.programmes.moving import MovingProgramme
from twin.programmes.podcast import PodcastModule, break_even_views
from twin.scenario import Scenario

MEASURES = {"reach": "person reached", "visits": "visit to Panggul", "orders": "order at a UMKM"}
WAYS = ("podcast", "ads", "training visits")
SLOTS = (("business_slots", 70), ("meeting_slots", 30))  # book: per cent of slots


@dataclass(frozen=True)
class Way:
    """What a sum of money brought: people reached, visits to Panggul, orders at UMKM."""

    reach: float
    visits: float
    orders: float


def ways(podcast: pd.DataFrame, p: Parameters) -> dict[str, Way]:
    """What the podcast brought (rows of `podcast_month`), and what its money would have brought otherwise."""
    cost_idr = float(podcast["cost_idr"].sum())
    views, trained = cost_idr / p["ad_idr_per_view"], cost_idr / p["training_visit_idr"]
    return {
        "podcast": Way(*(float(podcast[name].sum()) for name in MEASURES)),
        "ads": Way(
            views * p["reach_per_view"],
            views * p["visit_share"] * p["ad_visit_factor"],
            views * p["sale_share"] * p["ad_sale_factor"],
        ),
        "training visits": Way(
            trained * p["training_people"], 0.0, trained * p["training_orders_month"] * p["training_months"]
        ),
    }


def against(
    scenario: Scenario, seeds: Sequence[int], progress: Callable[..., None] = lambda *_: None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Cost of a person reached, a visit and an order by each way over seeds [Rp]; and of the studio's slots.

    `podcast_cheaper` is the share of seeds in which the podcast's price is below the way's.
    """
    prices: dict[tuple[str, str], list[float]] = {}
    studio: dict[str, list[float]] = {}
    for done, seed in enumerate(seeds, start=1):
        table, p = _months(scenario, seed)
        cost_idr = float(table["cost_idr"].sum())
        for way, brought in ways(table, p).items():
            for measure in MEASURES:
                amount = getattr(brought, measure)
                prices.setdefault((way, measure), []).append(cost_idr / amount if amount else np.inf)
        for name, _ in SLOTS:
            studio.setdefault(name, []).append(100 * float(table[name].sum() / table["slots"].sum()))
        studio.setdefault("views", []).append(float(table["views"].mean()))
        studio.setdefault("break_even", []).append(break_even_views(p))
        progress(done, len(seeds))
    rows = [
        {"cost_of_a": MEASURES[measure], "way": way, "unit": "Rp", **_spread(found),
         "podcast_cheaper": None if way == "podcast" else float(np.mean(np.array(prices["podcast", measure]) < found))}
        for measure in MEASURES
        for way in WAYS
        for found in (prices[way, measure],)
    ]  # fmt: skip
    slots = [
        {"figure": name.replace("_", " "), "unit": "%", "target": float(target), **_spread(studio[name]),
         "probability": float(np.mean(np.array(studio[name]) >= target))}
        for name, target in SLOTS
    ]  # fmt: skip
    enough = np.array(studio["views"]) >= np.array(studio["break_even"])
    slots.append(
        {"figure": "views a month against what the same money buys", "unit": "1/month",
         "target": float(np.median(studio["break_even"])), **_spread(studio["views"]),
         "probability": float(np.mean(enough))}
    )  # fmt: skip
    return rows, slots


def _months(scenario: Scenario, seed: int) -> tuple[pd.DataFrame, Parameters]:
    """The podcast's months of a run of it alone, and the parameters drawn."""
    module = PodcastModule()
    modules: list[MovingProgramme] = [module]
    city, rows = City(scenario, seed, modules), list[Row]()
    while not city.finished:
        city.step()
        rows += city.observed["podcast"].get("podcast_month", [])
    return pd.DataFrame(rows), module.p


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    """10th percentile, median and 90th percentile; None where there is no price."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), method="closest_observation")
    return {
        name: float(value) if np.isfinite(value) else None
        for name, value in (("p10", low), ("median", middle), ("p90", high))
    }
