"""The one free parameter of the market, search effort, set so that a vintage's mean unemployment comes out."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from twin.labour.facts import EMPLOYED, UNEMPLOYED, margins, read
from twin.labour.market import Market, weeks_of
from twin.labour.population import People, synthesise

START = pd.Period("2026-01", "M")
BRACKET = (0.05, 1.5)  # looks a week
MEAN_MONTHS = 24


@functools.cache
def effort_of(vintage: str) -> float:
    """The calibrated search effort of a vintage (`data/search_effort.csv`)."""
    return next(float(row["value"]) for row in read("search_effort.csv") if row["vintage"] == vintage)


def tpt_percent(market: Market) -> float:
    """Open unemployment: unemployed over employed and unemployed residents."""
    counts = np.bincount(market.status, minlength=4)
    return float(100 * counts[UNEMPLOYED] / (counts[UNEMPLOYED] + counts[EMPLOYED]))


def stated_tpt_percent(vintage: str) -> float:
    """What the vintage's margins say."""
    status = margins(vintage)["status"]
    return 100 * status["unemployed"] / (status["unemployed"] + status["employed"])


def mean_tpt_percent(people: People, key: int, effort: float) -> float:
    """Unemployment over the first two years: whole years, so that seasons cancel."""
    market = Market(people, key, effort, week=weeks_of(START)[0])
    found = []
    for month in range(MEAN_MONTHS):
        market.month(START + month)
        found.append(tpt_percent(market))
    return float(np.mean(found))


def calibrate(vintage: str, seed: int = 1, tell: Callable[[str], None] = lambda _: None) -> float:
    """The effort at which unemployment is the vintage's, to 0.002 looks a week.

    Raises ValueError where no effort in the bracket gives it.
    """
    people = synthesise(vintage, np.random.default_rng(seed))
    wanted = stated_tpt_percent(vintage)

    def off(effort: float) -> float:
        found = mean_tpt_percent(people, seed, effort)
        tell(f"{vintage}: effort {effort:.4f} gives {found:.3f} %, wanted {wanted:.3f} %")
        return found - wanted

    return float(brentq(off, *BRACKET, xtol=0.002))
