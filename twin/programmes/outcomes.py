"""The books' targets of the moving programmes as figures of their tables: the same for a run and for a study."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

Figure = Callable[[pd.DataFrame], float | None]


def at(column: str, months: int) -> Figure:
    """A column in the month that ends `months` after the start; None in a shorter run."""
    return lambda table: float(table[column].iloc[months - 1]) if len(table) >= months else None


def mean(column: str, months: int) -> Figure:
    """A column's mean over the last 12 of the first `months`; None in a shorter run."""
    return lambda table: float(table[column].iloc[months - 12 : months].mean()) if len(table) >= months else None


def share(part: str, whole: str) -> Figure:
    """100 × one column's sum over another's; None where there is nothing."""
    return lambda t: 100 * float(t[part].sum() / t[whole].sum()) if len(t) and t[whole].sum() else None


def change(after: str, before: str) -> Figure:
    """Change from one column's sum to another's [%]."""
    return lambda t: 100 * float(t[after].sum() / t[before].sum() - 1) if len(t) and t[before].sum() else None


def negative(figure: Figure) -> Figure:
    """A figure with its sign turned."""

    def turned(table: pd.DataFrame) -> float | None:
        value = figure(table)
        return None if value is None else -value

    return turned


def growth_percent_year(table: pd.DataFrame) -> float | None:
    """Growth a year of what is invested, from the end of year 1 to the end of year 5."""
    invested = table["invested_idr"]
    if len(table) < 60 or invested.iloc[11] <= 0:
        return None
    return 100 * float((invested.iloc[59] / invested.iloc[11]) ** 0.25 - 1)


def growth_percent_month(table: pd.DataFrame) -> float | None:
    """Mean growth a month of who asks, over the twelve months after the first with anybody; None in a shorter run."""
    active = table["active"][table["active"] > 0]
    if len(active) < 13:
        return None
    return 100 * float((active.iloc[12] / active.iloc[0]) ** (1 / 12) - 1)


FIGURES: dict[str, tuple[str, Figure]] = {  # KPI -> (table, figure)
    "crypto_income_gain_percent": ("crypto_month", at("income_gain_percent", 36)),
    "crypto_pdrb_percent": ("crypto_month", mean("pdrb_percent", 60)),
    "crypto_umkm_percent": ("crypto_month", at("umkm_percent", 36)),
    "crypto_literacy_percent": ("crypto_month", at("literacy_percent", 24)),
    "crypto_platforms": ("crypto_month", at("platforms", 60)),
    "crypto_startups": ("crypto_month", at("startups", 60)),
    "crypto_communities": ("crypto_month", at("communities", 60)),
    "crypto_investment_growth_percent": ("crypto_month", growth_percent_year),
    "crypto_awareness_percent": ("crypto_month", at("awareness_percent", 60)),
    "podcast_business_slots_percent": ("podcast_month", share("business_slots", "slots")),
    "podcast_meeting_slots_percent": ("podcast_month", share("meeting_slots", "slots")),
    "aipreneur_businesses": ("aipreneur_month", at("businesses", 1)),
    "aipreneur_digital_percent": ("aipreneur_cohort", share("digital", "businesses")),
    "aipreneur_ai_percent": ("aipreneur_cohort", share("ai", "businesses")),
    "aipreneur_revenue_gain_percent": ("aipreneur_cohort", share("revenue_rise_idr", "revenue_base_idr")),
    "aipreneur_marketing_cost_change_percent": (
        "aipreneur_cohort",
        negative(share("marketing_saving_idr", "marketing_base_idr")),
    ),
    "aipreneur_completion_percent": ("aipreneur_cohort", share("finished", "businesses")),
    "aipreneur_satisfaction_percent": ("aipreneur_cohort", share("satisfied", "finished")),
    "laras_user_growth_percent": ("laras_month", growth_percent_month),
    "laras_satisfaction_percent": ("laras_month", share("satisfied", "questions")),
    "laras_regulations_percent": ("laras_month", at("documents_percent", 8)),
    "personnel_preference_percent": ("personnel_month", at("prefer_percent", 12)),
    "personnel_served": ("personnel_month", at("people_helped", 12)),
    "personnel_officers_trained": ("personnel_month", at("officers_trained", 12)),
    "personnel_paper_change_percent": ("personnel_month", change("sheets_digital", "sheets_manual")),
    "personnel_travel_change_percent": ("personnel_month", change("trips_digital", "trips_manual")),
}
