"""Two sectors on the city's calendar: the programmes' monthly money with their appraisal, and the regional budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Row, Rows, Seen, State, Table, read_tables
from twin.programmes.appraisal import appraise, tornado
from twin.programmes.benefits import (
    benefit_idr_year,
    capital_idr,
    life_years,
    operation_idr_year,
    pad_idr_year,
    rupiah,
)
from twin.programmes.facts import PROGRAMMES, Input, holding, inputs, programmes, stands_on_prior
from twin.programmes.ledger import Posting, balances, income, spared, spending, split
from twin.programmes.options import ProgrammesOptions

LEVIES = {"crypto": "levies_idr", "aipreneur": "tax_idr"}  # regional income that these sectors' own month tables give
BORNE = {"crypto": "waste_budget_idr"}  # what their month tables put on the budget besides; negative: spared
TABLES = read_tables(Path(__file__).parent / "tables.csv")


def tables(*names: str) -> dict[str, Table]:
    """Some of the data dictionary's tables."""
    return {name: TABLES[name] for name in names}


class ProgrammesModule:
    """Spends each programme's capital over its months, then runs it and counts its benefit while its effect lasts."""

    name = "programmes"
    tables = tables("programme_month", "appraisal", "tornado")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Work out each programme's yearly amounts; the appraisal is drawn in the first month."""
        self.options: ProgrammesOptions = scenario.programmes
        self.rng = rng
        self.months = 0
        self.rows: Rows = {}
        self.capital, self.operation, self.benefit, self.pad = {}, {}, {}, {}
        for key in PROGRAMMES:
            o = self.options
            v = {name: one.at(o.case) for name, one in self._inputs(key).items()}
            self.capital[key] = split(
                rupiah(Fraction(capital_idr(key, v, o.budget_basis))), programmes()[key].spend_months
            )
            self.operation[key] = split(rupiah(Fraction(operation_idr_year(key, v, o.budget_basis))), 12)
            self.benefit[key] = split(rupiah(Fraction(benefit_idr_year(key, v))), 12)
            self.pad[key] = split(rupiah(Fraction(pad_idr_year(key, v))), 12)

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Account for one month of every programme."""
        first = self.months == 0
        self.rows = {
            "programme_month": [self._account(key, seen) for key in PROGRAMMES],
            "appraisal": [self._appraisal(key) for key in PROGRAMMES] if first else [],
            "tornado": [row for key in PROGRAMMES for row in self._tornado(key)] if first else [],
        }
        self.months += 1

    def _account(self, key: str, seen: Seen) -> Row:
        start = getattr(self.options.starts, key)
        t = self.months - start if start is not None else -1
        cost = benefit = pad = borne = 0
        if t >= 0:
            capital = self.capital[key]
            cost = capital[t] if t < len(capital) else self.operation[key][t % 12]
            running = len(capital) <= t < len(capital) + 12 * life_years(key)
            if key == "solar" and seen.rows("solar", "solar_total"):
                benefit = self._solar_benefit(t, seen)
            elif running:
                benefit = self.benefit[key][t % 12]
            pad = self.pad[key][t % 12] if running else 0
            if key == "ecobalance" and running and seen.rows("carbon", "carbon_month"):
                benefit = pad = int(seen.total("carbon", "carbon_month", "revenue_idr"))
            if key in LEVIES and seen.rows(key, f"{key}_month", LEVIES[key]):
                pad = round(seen.total(key, f"{key}_month", LEVIES[key]))
            if key in BORNE:
                borne = round(seen.total(key, f"{key}_month", BORNE[key]))
        return {
            "programme": key,
            "active": int(t >= 0),
            "cost_idr": cost,
            "benefit_idr": benefit,
            "pad_idr": pad,
            "borne_idr": borne,
            "prior": int(stands_on_prior(self.options.assumptions, key)),
        }

    def _solar_benefit(self, t: int, seen: Seen) -> int:
        """What the solar sector's offices saved last month, as far as the roll-out has come.

        Where the solar sector simulates its roll-out, only finished systems are in its total.
        """
        months = programmes()["solar"].spend_months
        saving_idr = int(seen.total("solar", "solar_total", "saving_idr"))
        if seen.rows("solar", "solar_rollout"):
            return saving_idr if t < months + 12 * life_years("solar") else 0
        return saving_idr * min(t, months) // months if t < months + 12 * life_years("solar") else 0

    def _inputs(self, key: str) -> Mapping[str, Input]:
        return holding(inputs(self.options.assumptions, key), self.options.inputs.get(key, {}))

    def _appraisal(self, key: str) -> Row:
        o = self.options
        found = asdict(appraise(*self._terms(key), o.draws, self.rng, o.inputs.get(key, {})))
        money = {name: round(value) for name, value in found.items() if name.endswith("_idr")}
        prior = int(stands_on_prior(o.assumptions, key))
        return {"programme": key, "assumptions": o.assumptions, **found, **money, "prior": prior}

    def _terms(self, key: str) -> tuple[str, str, str, float, int]:
        o = self.options
        return o.assumptions, key, o.budget_basis, o.discount_rate_percent / 100, o.appraisal_years

    def _tornado(self, key: str) -> list[Row]:
        return [
            {
                "programme": key,
                "input": swing.input.name,
                "unit": swing.input.unit,
                "low": float(swing.input.low),
                "high": float(swing.input.high),
                "npv_low_idr": round(swing.npv_low_idr),
                "npv_high_idr": round(swing.npv_high_idr),
                "confidence": swing.input.confidence,
            }
            for swing in tornado(*self._terms(key), self.options.inputs.get(key, {}))
        ]

    def observe(self) -> Rows:
        """Table `programme_month`; in the first month also `appraisal` and `tornado`."""
        return self.rows

    def state(self) -> State:
        """How many months it has accounted for."""
        return {"months": self.months}

    def restore(self, state: State) -> None:
        """Take up the count again."""
        self.months = state["months"]


class BudgetModule:
    """Books in a month what the programmes spent and earned in the month before."""

    name = "budget"
    tables = tables("ledger", "budget_balance")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Begin with what the regency sets aside."""
        self.cash_idr: int = scenario.programmes.budget_idr
        self.rows: Rows = {}

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Post last month's amounts and strike the balance."""
        postings: list[Posting] = []
        for row in seen.rows("programmes", "programme_month"):
            programme = str(row["programme"])
            cost, pad, borne = (int(row[name] or 0) for name in ("cost_idr", "pad_idr", "borne_idr"))
            if cost:
                postings.append(spending(programme, cost, f"{programme}: cost"))
            if pad:
                postings.append(income(programme, pad, f"{programme}: regional income"))
            if borne > 0:
                postings.append(spending(programme, borne, f"{programme}: waste tokens beyond the handling saved"))
            if borne < 0:
                postings.append(spared(programme, -borne, f"{programme}: waste handling saved beyond the tokens"))
        change = balances(postings)
        opening = self.cash_idr
        self.cash_idr += change.get("cash", 0)
        balance = {
            "opening_idr": opening,
            "income_idr": -change.get("income", 0),
            "spending_idr": change.get("spending", 0),
            "closing_idr": self.cash_idr,
        }
        self.rows = {"ledger": [asdict(posting) for posting in postings], "budget_balance": [balance]}

    def observe(self) -> Rows:
        """Tables `ledger` and `budget_balance`."""
        return self.rows

    def state(self) -> State:
        """The cash."""
        return {"cash_idr": self.cash_idr}

    def restore(self, state: State) -> None:
        """Take it up again."""
        self.cash_idr = state["cash_idr"]
