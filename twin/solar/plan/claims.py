"""The source book's claims for one office beside what the twin finds, and which system would reach them."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.programmes.facts import inputs
from twin.solar.facts import values
from twin.solar.options import SolarOptions
from twin.solar.plan.rollout import capital_idr_per_site
from twin.solar.plan.sizing import cheapest, designs
from twin.solar.plan.study import QUANTILES, figures, run_year, together, years
from twin.solar.sites import Site

DAYS = 365.25
SHARES_PERCENT = (80.0, 100.0)  # book: 80–100 % of the office's electricity


def claims(options: SolarOptions, site: Site, weathers: int, scenarios: int, seed: int) -> list[dict[str, Any]]:
    """One row a claim: the book's range, our P10, P50, P90, how often its lower end is met, and what would meet it."""
    book = inputs("book", "solar")
    drawn = list(years(options, [site], weathers, scenarios, np.random.default_rng(seed)))
    outcome = together([run_year(options, year) for year in drawn])
    found = figures(options, outcome)
    saving = book["saving_idr_office_month"]
    pv_kwh_day = np.array([
        [year.per_kwp_kwh.sum() * options.panels * options.panel_wp / 1000 / DAYS] for year in drawn
    ]).reshape(1, -1)  # fmt: skip
    grid_kwh = outcome.load_kwh - outcome.served_kwh - outcome.unmet_kwh
    less = 100 * (1 - grid_kwh / (outcome.load_kwh - outcome.wanted_kwh))
    office = values("office")
    litres = outcome.unmet_kwh * office["genset_l_per_kwh"]
    sizes = designs(options, site, weathers, scenarios, seed)
    low, high = (float(x) for x in (saving.low, saving.high))
    most = f"all of {options.load_kwh_per_day or 0:g} kWh a day is worth {_all_idr(options):,.0f} Rp"
    return [
        _row("energy of the panels [kWh/day, DC]", float(book["load_kwh_per_day"].value), None, pv_kwh_day, "up to 4"),
        _row("share of the office's electricity [%]", *SHARES_PERCENT, found["solar_share_percent"],
             _would(sizes, "solar_share_percent_p50", SHARES_PERCENT[0])),
        _row("less taken from PLN [%]", *SHARES_PERCENT, less, "falls with the share above"),
        _row("saving on the PLN bill [Rp/month], lower end", low, None, found["saving_idr_month"],
             f"{most}; {_would(sizes, 'saving_idr_month_p50', low)}"),
        _row("saving on the PLN bill [Rp/month], upper end", high, None, found["saving_idr_month"],
             _more_load(options, site, weathers, scenarios, seed, high)),
        {**_row("genset fuel if it has one [l/year]", 0.0, None, litres, "less than 0 is not possible"),
         "met_percent": 100 * float((litres < 0.1).mean())},
        _row("price of an office by the book's lines [Rp]", float(capital_idr_per_site()), None,
             np.array([[capital_idr_per_site()]]), "an input, not a finding"),
    ]  # fmt: skip


def _row(claim: str, low: float, high: float | None, draws: np.ndarray, remark: str) -> dict[str, Any]:
    return {
        "claim": claim,
        "book_low": low,
        "book_high": high,
        **{q: float(np.quantile(draws, p)) for q, p in QUANTILES.items()},
        "met_percent": 100 * float((draws >= low).mean()),
        "remark": remark,
    }


def _all_idr(options: SolarOptions) -> float:
    """What all of an office's electricity costs a month [Rp]."""
    return (options.load_kwh_per_day or 0.0) * DAYS / 12 * options.tariff


def _would(sizes: list[dict[str, Any]], figure: str, least: float) -> str:
    row = cheapest(sizes, figure, least)
    if row is None:
        return f"no design of the grid reaches {least:,.0f} in the median"
    return f"{row['panels']} panels and {row['battery_kwh']:g} kWh reach it in the median: Rp {row['capital_idr']:,.0f}"


def _more_load(options: SolarOptions, site: Site, weathers: int, scenarios: int, seed: int, idr: float) -> str:
    """An office whose whole bill is below the claim cannot save it: the use at which one could, and its system."""
    needed = idr * 12 / DAYS / options.tariff
    larger = options.model_copy(update={"load_kwh_per_day": round(needed * 1.05, 1), "inverter_kw": 2.0})
    would = _would(designs(larger, site, weathers, scenarios, seed), "saving_idr_month_p50", idr)
    return f"needs a use of {needed:.1f} kWh a day at least; with {larger.load_kwh_per_day:g}: {would}"
