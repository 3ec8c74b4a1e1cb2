"""The source book's budgets: every line, what it adds up to, and where that is not what the book states."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from twin.programmes.facts import inputs, read


@dataclass(frozen=True)
class Line:
    """A line (product of factors), a sum (of a section) or a percentage of another item; whole rupiah."""

    programme: str
    section: str
    item: str
    kind: str
    factors: str
    stated_idr: int


@dataclass(frozen=True)
class Difference:
    """Where a stated amount is not the computed one; `difference_idr` is stated minus computed."""

    programme: str
    item: str
    stated_idr: int
    computed_idr: int
    difference_idr: int


@dataclass(frozen=True)
class Inconsistency:
    """A figure of the book outside its budgets, and what the book's other figures make of it."""

    programme: str
    item: str
    stated: float
    computed: float
    unit: str


@functools.cache
def lines() -> tuple[Line, ...]:
    """All lines of all budgets, in the book's order."""
    return tuple(
        Line(row["programme"], row["section"], row["item"], row["kind"], row["factors"], int(row["stated_idr"]))
        for row in read("budgets.csv")
    )


def amount(line: Line, budget: Sequence[Line], stated: bool = False) -> int:
    """What a line comes to, from its factors or from what it sums; with `stated`, from the stated amounts under it."""
    if line.kind == "line":
        return line.stated_idr if stated else math.prod(int(factor) for factor in line.factors.split("*"))
    if line.kind == "percent":
        percent, _, of = line.factors.partition("*")
        base = next(other for other in budget if other.item == of)
        return (base.stated_idr if stated else amount(base, budget)) * int(percent) // 100
    parts = [other for other in budget if other.section == line.factors]
    return sum(part.stated_idr if stated else amount(part, budget) for part in parts)


def budget_of(programme: str) -> list[Line]:
    """The lines of one programme's budget; none for one that the book gives no figures for."""
    return [line for line in lines() if line.programme == programme]


def differences() -> list[Difference]:
    """Every stated amount that differs from its factors or from the sum of the lines computed from theirs.

    A sum that also differs from the *stated* amounts under it, by another sum, has a second row saying so.
    """
    found = []
    for line in lines():
        budget = budget_of(line.programme)
        computed = amount(line, budget)
        name = line.item if line.section in ("", "Lines", "Total", "Sum", "Grand") else f"{line.section}: {line.item}"
        candidates = [(name, computed)]
        if line.kind != "line" and (of_stated := amount(line, budget, stated=True)) != computed:
            candidates.append((f"{name}, against the stated amounts under it", of_stated))
        found += [
            Difference(line.programme, item, line.stated_idr, value, line.stated_idr - value)
            for item, value in candidates
            if value != line.stated_idr
        ]
    return found


def total_idr(programme: str, basis: str) -> int:
    """A programme's whole budget, as `stated` or as `computed` from its lines; 0 where the book gives none.

    Of two stated totals the one that the lines add up to stands last in the table, and counts.
    """
    budget = budget_of(programme)
    if not budget:
        return 0
    return budget[-1].stated_idr if basis == "stated" else amount(budget[-1], budget)


def inconsistencies() -> list[Inconsistency]:
    """Where the book contradicts itself outside its budgets; computed from the tables, largest programmes first."""
    return [*_personnel(), *_aipreneur(), *_ecobalance(), *_solar(), *_jobtren()]


def _personnel() -> list[Inconsistency]:
    rows = read("personnel_savings.csv")
    monthly = sum(int(row["stated_month_idr"]) for row in rows)
    yearly = sum(int(row["stated_year_idr"]) for row in rows)
    recurring_month = sum(int(row["stated_month_idr"]) for row in rows if row["once"] == "0")
    recurring_year = sum(int(row["stated_year_idr"]) for row in rows if row["once"] == "0")
    trips = sum(int(row["per_month"]) * int(row["trips_each"]) for row in rows)
    stated_trips = float(inputs("book", "personnel")["trips_avoided_month"].value)
    found = [
        Inconsistency("personnel", "saving a month counts a one-off again every month", monthly, recurring_month, "Rp"),
        Inconsistency("personnel", "saving a year contains a one-off", yearly, recurring_year, "Rp"),
        Inconsistency("personnel", "saving a year against twelve stated months", yearly, 12 * monthly, "Rp"),
        Inconsistency("personnel", "return trips avoided a month: at least", stated_trips, trips, "-"),
    ]
    for row in rows:
        if row["served"]:
            rate = served_per_month(row)
            found.append(
                Inconsistency(
                    "personnel", f"{row['item']} a month against what was served", int(row["per_month"]), rate, "-"
                )
            )
    return found


def served_per_month(row: dict[str, str]) -> float:
    """Requests a month that the book says were served, over the whole months from the first to June 2025."""
    months = (pd.Period(row["served_until"], "M") - pd.Period(row["served_from"], "M")).n + 1
    return int(row["served"]) / months


def _aipreneur() -> list[Inconsistency]:
    from twin.programmes.benefits import aipreneur_table

    found = []
    for case in ("conservative", "moderate", "optimistic"):
        table = aipreneur_table(case)
        once = table["revenue"] + table["marketing saving"]
        found.append(
            Inconsistency("aipreneur", f"{case} total counts tax and wages twice", table["total"], once, "Rp/year")
        )
    return found


def _ecobalance() -> list[Inconsistency]:
    from twin.programmes.benefits import ecobalance_volume_t

    i = {name: float(one.value) for name, one in inputs("book", "ecobalance").items()}
    exact = ecobalance_volume_t(rounded=False)
    low = i["forest_value_low_idr"] / (i["forest_ha"] * i["absorption_low_t_per_ha"])
    high = i["forest_value_high_idr"] / (i["forest_ha"] * i["absorption_high_t_per_ha"])
    volume, price = i["volume_t_year"], i["price_idr_per_t"]
    rows = [
        ("volume a year, forest rounded to 1.04 Mt a month", volume, float(exact["year"]), "t"),
        ("target of 12 months against the volume assumed", i["target_volume_t_year"], volume, "t"),
        ("target companies against companies in the volume", i["target_companies"], i["companies"], "-"),
        ("price implied by the forest's low value, against the fee's", low, price, "Rp/t"),
        ("price implied by the forest's high value, against the fee's", high, price, "Rp/t"),
    ]
    return [Inconsistency("ecobalance", *row) for row in rows]


def _solar() -> list[Inconsistency]:
    i = inputs("book", "solar")
    highest, use = float(i["saving_idr_office_month"].high), float(i["load_kwh_per_day"].value)
    idr_per_month_and_kwh_day = float(i["tariff_idr_per_kwh"].value) * 365 / 12
    rows = [
        ("rating of the system against its panels", float(i["rated_w"].value), float(i["panels_w"].value), "W"),
        ("highest saving a month against all of the use", highest, use * idr_per_month_and_kwh_day, "Rp"),
        ("use a day that the highest saving needs", use, highest / idr_per_month_and_kwh_day, "kWh/day"),
    ]
    return [Inconsistency("solar", *row) for row in rows]


def _jobtren() -> list[Inconsistency]:
    i = {name: float(one.value) for name, one in inputs("book", "jobtren").items()}
    return [
        Inconsistency("jobtren", "open unemployment called 2024's, against the statistics office's August 2024",
                      i["tpt_percent"], i["tpt_official_percent"], "%"),
    ]  # fmt: skip
