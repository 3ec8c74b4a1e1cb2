"""What comes out of search and matching: the Beveridge curve, spells of unemployment, the matching function."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.labour import crowd
from twin.labour.calibration import effort_of, stated_tpt_percent, tpt_percent
from twin.labour.chance import generator
from twin.labour.facts import EMPLOYED, UNEMPLOYED, minimum_wage_idr
from twin.labour.market import Market, weeks_of
from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.population import People, synthesise
from twin.places import kecamatan

START = pd.Period("2026-01", "M")
SETTLE_MONTHS, MEAN_MONTHS = 12, 12
DEMAND_PERCENT = (97.0, 98.0, 99.0, 100.0, 101.0, 102.0, 103.0)


@dataclass(frozen=True)
class Point:
    """A labour market at one level of demand, mean of a year after one that is left out."""

    demand_percent: float
    unemployment_percent: float
    vacancy_percent: float  # open seats over jobs and open seats
    finding_percent_month: float
    time_to_hire_days: float


def beveridge(people: People, key: int, effort: float, demand_percent: Sequence[float]) -> list[Point]:
    """Unemployment and vacancies at several levels of labour demand."""
    points = []
    for level in demand_percent:
        market = Market(people, key, effort, week=weeks_of(START)[0])
        market.demand_level = level / 100
        rows = []
        for i in range(SETTLE_MONTHS + MEAN_MONTHS):
            jobless = int((market.status == UNEMPLOYED).sum())
            count = market.month(START + i)
            seats, jobs = int(market.board.seats.sum()), int((market.status == EMPLOYED).sum())
            hired = count.total(crowd.HIRED)
            finding = 100 * hired / max(1, jobless + count.total(crowd.SEPARATED) + count.total(crowd.ENTERED))
            vacant, days = 100 * seats / (seats + jobs), 7 * count.weeks_open / max(1, hired)
            rows.append((tpt_percent(market), vacant, finding, days))
        points.append(Point(level, *np.mean(rows[SETTLE_MONTHS:], axis=0).tolist()))
    return points


def spells(market: Market, week: int) -> dict[str, float]:
    """Spells of unemployment so far [weeks]: mean, median, and the share longer than half a year and a year [%]."""
    weeks = week - market.since[market.status == UNEMPLOYED]
    return {
        "mean_weeks": float(weeks.mean()),
        "median_weeks": float(np.median(weeks)),
        "over_26_weeks_percent": float(100 * (weeks > 26).mean()),
        "over_52_weeks_percent": float(100 * (weeks > 52).mean()),
    }


def matching_elasticities(
    market: Market, week: int, shares: Sequence[float] = (0.5, 0.65, 0.8, 1.0), draws: int = 8
) -> dict[str, float]:
    """Elasticities of a week's hires to seekers and to vacancies, and the fit (R²) of ln M = a + α ln U + β ln V.

    The week is lived again with random parts of the seekers and of the vacancies that they saw, in all
    combinations and with other luck; nothing of the market is changed.
    """
    seekers, wage_idr = np.flatnonzero(market.status == UNEMPLOYED), minimum_wage_idr(START.year)
    rows = []
    for draw in range(1, draws + 1):  # the week as lived has used up the luck of draw 0
        rng = generator(market.key, 7, draw)
        for of_seekers in shares:
            some = np.sort(rng.permutation(seekers)[: round(of_seekers * len(seekers))])
            for of_vacancies in shares:
                board = market.shown.where(rng.random(len(market.shown)) < of_vacancies)
                lists = market.applied(week + draw, some, board, wage_idr)
                hires = int((deferred_acceptance(lists) >= 0).sum())
                rows.append((np.log(max(1, hires)), np.log(len(some)), np.log(max(1, board.seats.sum()))))
    return _fitted(np.array(rows))


def _fitted(logs: np.ndarray) -> dict[str, float]:
    """Least squares of the first of three columns (n, 3) on the two others."""
    m, u, v = logs.T
    design = np.column_stack([np.ones(len(m)), u, v])
    fit, *_ = np.linalg.lstsq(design, m, rcond=None)
    residual = m - design @ fit
    return {"seekers": float(fit[1]), "vacancies": float(fit[2]), "r2": float(1 - residual.var() / m.var())}


def stocks(market: Market) -> np.ndarray:
    """Unemployed residents and open seats by sub-district, (14, 2)."""
    n, board = len(kecamatan()), market.board
    here = board.place >= 0
    jobless = np.bincount(market.people.kecamatan[market.status == UNEMPLOYED], minlength=n)
    return np.column_stack([jobless, np.bincount(board.place[here], board.seats[here], minlength=n)])


def panel_elasticities(hires: Sequence[np.ndarray], before: Sequence[np.ndarray]) -> dict[str, float]:
    """The elasticities as statisticians without a twin estimate them: sub-districts' months, pooled.

    `hires` (14,) of each month a week, and the `stocks` at its beginning. Seats that open and are filled within a month
    are in no stock, and large places have more of everything: Petrongolo & Pissarides (2001) discuss both.
    """
    table = np.column_stack([np.concatenate(hires), np.concatenate(before)])
    return _fitted(np.log(table[(table > 0).all(axis=1)]))


def described(
    vintage: str,
    seed: int,
    months: int,
    size: int | None = None,
    curve: bool = False,
    progress: Callable[..., None] = lambda *_: None,
) -> dict[str, Any]:
    """Some months of a vintage's market: unemployment against the stated, spells, elasticities, and the curve."""
    people, effort = synthesise(vintage, generator(seed, 6), size), effort_of(vintage)
    market, rates, counts = Market(people, seed, effort, week=weeks_of(START)[0]), [], []
    before, began = [], time.perf_counter()
    for i in range(months):
        before.append(stocks(market))
        counts.append(market.month(START + i))
        rates.append(tpt_percent(market))
        progress(i + 1, months, str(START + i))
    took_s = time.perf_counter() - began
    week, hired = weeks_of(START + months - 1)[-1], sum(count.total(crowd.HIRED) for count in counts)
    weekly_hires = [count.moves[crowd.HIRED] / len(weeks_of(START + i)) for i, count in enumerate(counts)]
    estimates = {"matching": matching_elasticities(market, week), "panel": panel_elasticities(weekly_hires, before)}
    return {
        "people": len(people),
        "stated_tpt_percent": stated_tpt_percent(vintage),
        "mean_tpt_percent": float(np.mean(rates)),
        "last_tpt_percent": rates[-1],
        "open_seats": int(market.board.seats.sum()),
        "time_to_hire_days": 7 * sum(count.weeks_open for count in counts) / max(1, hired),
        **{f"spell_{name}": value for name, value in spells(market, week).items()},
        **{f"{which}_{name}": value for which, one in estimates.items() for name, value in one.items()},
        "seconds_a_month": took_s / months,
        "beveridge": [vars(p) for p in beveridge(people, seed, effort, DEMAND_PERCENT)] if curve else [],
    }
