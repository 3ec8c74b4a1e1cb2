"""Questions put to the market: which rule of price sync, does surveillance work, when do the book's targets hold."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pandas as pd

from twin.carbon.marketdata import stats
from twin.carbon.module import CarbonModule
from twin.carbon.options import CarbonOptions, ManipulatorOptions, SyncRule
from twin.carbon.protection.detect import Alert, laundering
from twin.carbon.protection.score import TYPES, precision_recall
from twin.carbon.traders.market import CarbonMarket, DayResult, surveyed
from twin.city import stream
from twin.module import Rows, Seen

START = pd.Period("2026-01", "M")
MILLION = 1_000_000


def months(options: CarbonOptions, n: int, seed: int) -> list[Rows]:
    """The carbon sector alone for some months: its rows of each."""
    module = CarbonModule()
    module.reset(SimpleNamespace(carbon=options), stream(seed, "carbon"))
    rows = []
    for i in range(n):
        module.step(START + i, Seen({}))
        rows.append(module.observe())
    return rows


def traded(options: CarbonOptions, n: int, seed: int) -> tuple[CarbonMarket, list[list[DayResult]]]:
    """The market alone for some months of twenty days."""
    market, found = CarbonMarket(options, stream(seed, "carbon")), []
    for month in range(n):
        market.new_month()
        found.append([market.day(f"month {month + 1} day {day + 1}", month % 12 + 1) for day in range(20)])
    return market, found


def sync_rules(options: CarbonOptions, n: int, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row a rule, means over seeds: how near to IDXCarbon, how much trade, how much welfare, at what cost.

    Welfare is the value that buyers put on what they bought less the value that sellers put on it: a rule that stops
    trades loses it, one that forces a price moves it from one side to the other.
    """
    rows = []
    for rule in get_args(SyncRule):
        found = []
        for seed in seeds:
            _, by_month = traded(options.model_copy(update={"sync_rule": rule}), n, seed)
            days = [day for month in by_month for day in month]
            closes, references = (np.array([getattr(d, name) for d in days]) for name in ("close_idr", "reference_idr"))
            found.append({
                "tracking_error_percent": stats.tracking_error_percent(closes, references),
                "volume_tco2e": sum(day.volume for day in days),
                "welfare_million_idr": sum(day.welfare_idr for day in days) / MILLION,
                "refused_percent": 100 * sum(day.refused for day in days) / sum(day.orders for day in days),
                "halts": sum(day.halts for day in days),
            })  # fmt: skip
        rows.append({"rule": rule, **{name: float(np.mean([one[name] for one in found])) for name in found[0]}})
    return rows


def surveillance(
    options: CarbonOptions, n: int, seeds: Sequence[int], groups: int, evasive: bool = False
) -> list[dict[str, Any]]:
    """Precision and recall on planted manipulators of every type, over months and seeds; `evasive` ones are held out:
    the detection was written without them.
    """
    planted = ManipulatorOptions(**dict.fromkeys(TYPES, groups), evasive=evasive)
    alerts, who = list[Alert](), dict[str, list[tuple[int, ...]]]()
    for i, seed in enumerate(seeds):
        market, by_month = traded(options.model_copy(update={"manipulators": planted}), n, seed)
        shift = i * market.accounts  # accounts of another seed are other accounts
        own = [alert for days in by_month for day in days for alert in day.alerts]
        for days in by_month:
            own += laundering(*surveyed(days))
        alerts += [
            Alert(a.day, a.type, tuple(x + shift for x in a.accounts), a.score, a.evidence) for a in own
        ]  # fmt: skip
        for kind, found in market.manipulators.planted.items():
            who.setdefault(kind, []).extend(tuple(x + shift for x in group) for group in found)
    return precision_recall(alerts, who)


def conditions(options: CarbonOptions, seed: int) -> list[dict[str, Any]]:
    """Twelve months under several sizes of demand and shares retired: do 10 Mt and 50 % come about?"""
    rows = []
    for factor in (1, 5, 15, 25, 45):
        for percent in (20.0, 50.0, 80.0):
            changed = options.model_copy(
                update={
                    "companies": 1000,
                    "deficit_tco2e_per_company_year": options.companies
                    * options.deficit_tco2e_per_company_year
                    * factor
                    / 1000,
                    "compliance_retired_percent": percent,
                }
            )
            table = [month["carbon_month"][0] for month in months(changed, 12, seed)]
            volume, retired = sum(row["volume_tco2e"] for row in table), table[-1]["retired"]  # type: ignore[misc]
            share = 100 * float(retired or 0) / volume if volume else 0.0
            rows.append({
                "deficit_against_2024": factor, "retired_by_companies_percent": percent, "volume_tco2e": volume,
                "retired_percent": share, "ten_mt": volume >= 10 * MILLION, "half_retired": share >= 50,
            })  # fmt: skip
    return rows
