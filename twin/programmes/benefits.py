"""Benefits of the nine programmes as formulas over their inputs: exact fractions or arrays of draws alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from twin.programmes.budget import served_per_month, total_idr
from twin.programmes.facts import Programme, inputs, programmes, read

Values = Mapping[str, Any]  # name -> Fraction, or array of draws; the formulas do not care


def rupiah(value: Fraction) -> int:
    """To the whole rupiah, halves to even."""
    return round(value)


def signals(v: Values) -> Any:
    """Time saved at red, valued [Rp/year]: vehicles × people × delay × reduction × value of time."""
    hours = v["junctions"] * v["vehicles_day_junction"] * 365 * v["delay_s"] * v["reduction_percent"] / 100 / 3600
    return hours * v["people_per_vehicle"] * v["value_of_time_idr_h"]


def crypto(v: Values) -> Any:
    """Change of the incomes of those taking part [Rp/year]; negative where they lose."""
    return v["participants"] * v["income_idr_year"] * v["gain_percent"] / 100


def podcast(v: Values) -> Any:
    """Value added of the visits that episodes bring [Rp/year]."""
    sales = v["episodes_year"] * v["visits_per_episode"] * v["spend_idr_visit"]
    return sales * v["margin_percent"] / 100


def aipreneur(v: Values) -> Any:
    """Value added of the revenue rise and marketing saved [Rp/year]; tax and wages again if the set counts them."""
    return sum(aipreneur_rows(v).values())


def aipreneur_rows(v: Values) -> dict[str, Any]:
    """The rows of the book's benefit table [Rp/year]."""
    revenue = v["businesses"] * v["revenue_rise_idr_month"] * 12
    again = v["tax_and_wages_counted"]
    return {
        "revenue": revenue * v["margin_percent"] / 100,
        "tax": revenue * v["tax_percent"] / 100 * again,
        "marketing saving": v["businesses"] * v["marketing_saving_idr_month"] * 12,
        "jobs": v["businesses"] * v["jobs_per_business"] * v["wage_idr_month"] * 12 * again,
    }


def aipreneur_table(case: str, which: str = "book") -> dict[str, int]:
    """The benefit table of the conservative, moderate or optimistic case of a set of inputs, with its total [Rp/year].

    With the `book` set these are the book's rows computed anew; the `twin` set counts value added and nothing twice.
    """
    rows = aipreneur_rows({name: one.at(case) for name, one in inputs(which, "aipreneur").items()})
    table = {name: rupiah(Fraction(value)) for name, value in rows.items()}
    return {**table, "total": sum(table.values())}


def solar(v: Values) -> Any:
    """PLN bills avoided [Rp/year]."""
    return v["offices"] * v["saving_idr_office_month"] * 12


def ecobalance(v: Values) -> Any:
    """Revenue of the platform [Rp/year]: fee on trades, verification, API, advertisements, premium."""
    return sum(ecobalance_rows(v).values())


def ecobalance_rows(v: Values) -> dict[str, Any]:
    """The rows of the book's revenue table [Rp/year]."""
    return {
        "fee": v["volume_t_year"] * v["price_idr_per_t"] * v["fee_percent"] / 100,
        "verification": v["verifications_year"] * v["verification_idr"],
        "API": v["api_customers"] * v["api_idr_month"] * 12,
        "ads": v["ads"] * v["ad_idr_month"] * 12,
        "premium": v["premium"] * v["premium_idr_month"] * 12,
    }


def ecobalance_volume_t(rounded: bool = True) -> dict[str, Fraction]:
    """The book's volumes [t a month] and their sum a year; `rounded` as the book prints them on the way."""
    v = {name: one.value for name, one in inputs("book", "ecobalance").items()}
    forest = (
        v["forest_mha"] * 1_000_000 * v["forest_managed_percent"] / 100 * v["forest_t_per_ha_year"]
        * v["forest_traded_percent"] / 100 / 12
    )  # fmt: skip
    companies = v["companies"] * v["company_t_per_year"] * v["company_traded_percent"] / 100 / 12
    renewables = v["renewables_mw"] * v["renewables_t_per_mw_year"] * v["renewables_traded_percent"] / 100 / 12
    if rounded:
        step = v["forest_rounding_t"]
        forest, renewables = step * math.floor(forest / step), Fraction(round(renewables))
    month = forest + companies + renewables
    return {"forest": forest, "companies": companies, "renewables": renewables, "month": month, "year": 12 * month}


def laras(v: Values) -> Any:
    """Working time saved by answered questions [Rp/year]."""
    return v["questions_year"] * v["hours_saved"] * v["wage_idr_h"]


def personnel(v: Values) -> Any:
    """Recurring savings of the book's rows [Rp/year], by the book's counts or by what was served so far."""
    book, served = personnel_savings_idr()["recurring_year"], personnel_served_idr_year()
    return (book + v["served_counts_used"] * (served - book)) * v["saving_factor"]


def personnel_savings_idr() -> dict[str, int]:
    """The book's savings from its own rows [Rp]: with the one-off room as the book has it, and recurring only."""
    rows = [(int(row["per_month"]) * max(1, int(row["trips_each"])) * int(row["unit_idr"]), row["once"] == "1")
            for row in read("personnel_savings.csv")]  # fmt: skip
    recurring = sum(value for value, once in rows if not once)
    one_off = sum(value for value, once in rows if once)
    return {
        "month": recurring + one_off,
        "year": 12 * recurring + one_off,
        "recurring_month": recurring,
        "recurring_year": 12 * recurring,
        "once": one_off,
    }


def personnel_served_idr_year() -> int:
    """The recurring rows with the monthly counts that were served; rows without a count keep the book's [Rp/year]."""
    total = Fraction(0)
    for row in read("personnel_savings.csv"):
        if row["once"] == "0":
            count = Fraction(served_per_month(row)) if row["served"] else Fraction(row["per_month"])
            total += 12 * count * max(1, int(row["trips_each"])) * int(row["unit_idr"])
    return rupiah(total)


def jobtren(v: Values) -> Any:
    """Wages of the months that seekers work earlier than they would have [Rp/year]."""
    return v["placements_year"] * v["months_earlier"] * v["wage_idr_month"]


BENEFITS: dict[str, Callable[[Values], Any]] = {
    f.__name__: f for f in (signals, crypto, podcast, aipreneur, solar, ecobalance, laras, personnel, jobtren)
}


def benefit_idr_year(programme: str, v: Values) -> Any:
    """Benefit a year while the effect lasts [Rp]."""
    return BENEFITS[programme](v)


def pad_idr_year(programme: str, v: Values) -> Any:
    """The part of it that is regional income [Rp]: platform revenue, tax on revenue, levy on gains; else nothing."""
    if programme == "ecobalance":
        return ecobalance(v)
    if programme == "aipreneur":
        return v["businesses"] * v["revenue_rise_idr_month"] * 12 * v["tax_percent"] / 100
    if programme == "crypto":
        gain = crypto(v)
        return (gain + abs(gain)) / 2 * v["levy_percent"] / 100
    return 0 * benefit_idr_year(programme, v)


def capital_idr(programme: str, v: Values, basis: str) -> Any:
    """What the programme costs to set up [Rp]: its budget; for solar, a budget an office."""
    if programme == "crypto":
        return v["capital_idr"]
    return v["offices"] * total_idr(programme, basis) if programme == "solar" else total_idr(programme, basis)


def operation_idr_year(programme: str, v: Values, basis: str) -> Any:
    """What it costs to run [Rp/year]."""
    if programme == "solar":
        return capital_idr(programme, v, basis) * v["operation_percent_year"] / 100
    return v["operation_idr_year"]


def life_years(programme: str) -> int:
    """How long the effect lasts without new spending [years]."""
    one: Programme = programmes()[programme]
    return one.life_years
