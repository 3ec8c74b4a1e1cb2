"""The labour market on the city's calendar: its weeks month by month, JOBTREN once it runs, jobs that others open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.labour import couplings, crowd
from twin.labour.calibration import effort_of, tpt_percent
from twin.labour.checkpoint import restore_market, saved_market
from twin.labour.facts import (
    AWAY,
    EDUCATIONS,
    EMPLOYED,
    OUT,
    SEXES,
    UNEMPLOYED,
    margins,
    minimum_wage_idr,
    sectors,
)
from twin.labour.jobtren import platform, told_share
from twin.labour.market import Market, MonthCount, Platform, weeks_of
from twin.labour.options import LabourOptions
from twin.labour.population import synthesise
from twin.labour.privacy import suppressed
from twin.module import Row, Rows, Seen, State, read_tables
from twin.places import kecamatan

DURATIONS = (0, 4, 8, 13, 26, 52, 104)  # weeks
AGE_BANDS = {"15-24": (0, 2), "25-44": (2, 6), "45+": (6, 99)}  # five-year groups from 15


class LabourModule:
    """Every working-age person of the regency, every employer, week by week."""

    name = "labour"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Synthesise the people and let the market settle; all later chance comes of one key drawn here."""
        self.options: LabourOptions = scenario.labour
        o = self.options
        people = synthesise(o.vintage, rng, o.people)
        effort = o.search_effort or effort_of(o.vintage)
        key = int(rng.integers(0, 2**62))
        self.market = Market(people, key, effort, week=weeks_of(scenario.start_month)[0])
        self.market.demand_level = o.demand_percent / 100
        self.weight = sum(margins(o.vintage)["status"].values()) / len(people)
        self.jobtren_months, self.told = 0, 0.0
        self.rows: Rows = {}

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through the month's weeks."""
        market = self.market
        running = any(
            row["programme"] == "jobtren" and row["active"]
            for row in seen.rows("programmes", "programme_month", "programme", "active")
        )
        self.jobtren_months += int(running)
        if running:
            people = seen.total("podcast", "podcast_month", "reach") + seen.total("knowledge", "laras_month", "users")
            self.told += told_share(people, self.weight * len(market.people))
            market.platform = self._platform()
        wanted = couplings.wanted(seen, minimum_wage_idr(month.year), 1 / self.weight)
        jobless = np.flatnonzero(market.status == UNEMPLOYED)
        trained = couplings.train(wanted, market.key, month.ordinal, jobless, market.people.kecamatan, market.skills)
        market.extra = couplings.vacancies(wanted, weeks_of(month)[0], market.key, market.employer_of)
        programme_seats = int(market.extra.seats.sum())
        count = market.month(month)
        total = self._total(count, month) | {"programme_seats": programme_seats, "trained": trained}
        self.rows = {
            "labour_month": self._by_kecamatan(count, month.year),
            "labour_total": [total],
            "labour_duration": self._durations(weeks_of(month)[-1]),
            "labour_sector": self._by_sector(),
            "labour_group": self._groups(count),
        }

    def _platform(self) -> Platform:
        o = self.options
        return platform(self.jobtren_months, o.registration_lift, o.information_gain, o.employer_share, self.told)

    def _total(self, count: MonthCount, month: pd.Period) -> dict[str, Any]:
        m, status = self.market, np.bincount(self.market.status, minlength=4)
        hired = count.total(crowd.HIRED)
        return {
            "employed": int(status[EMPLOYED]),
            "unemployed": int(status[UNEMPLOYED]),
            "tpt_percent": tpt_percent(m),
            "away": int(status[AWAY]),
            "registered": int(m.registered.sum()),
            "jobtren_months": self.jobtren_months,
            "vacancies": len(m.board),
            "open_seats": int(m.board.seats.sum()),
            "posted_seats": count.posted_seats,
            "posted_on_jobtren": count.posted_on_platform,
            "hired": hired,
            "separated": count.total(crowd.SEPARATED),
            "time_to_hire_days": 7 * count.weeks_open / hired if hired else None,
            "jobless_weeks": count.weeks_jobless / hired if hired else None,
            "minimum_wage_idr": int(minimum_wage_idr(month.year)),
            "weight": self.weight,
        }

    def _by_kecamatan(self, count: MonthCount, year: int) -> list[Row]:
        """Counts of the regency, whatever the size of the simulated population: other sectors read them."""
        m, places = self.market, kecamatan()
        here = {
            name: np.bincount(m.people.kecamatan[mask], minlength=len(places)).tolist()
            for name, mask in (
                ("employed", m.status == EMPLOYED), ("unemployed", m.status == UNEMPLOYED), ("out", m.status == OUT),
                ("registered", m.registered),
            )
        }  # fmt: skip
        moves = count.moves.tolist()
        here |= {"hired": moves[crowd.HIRED], "separated": moves[crowd.SEPARATED], "entered": moves[crowd.ENTERED]}
        here["left"] = (count.moves[crowd.RETIRED] + count.moves[crowd.GAVE_UP]).tolist()
        usual_idr = minimum_wage_idr(year) * np.array([one.wage_factor for one in sectors()])[m.employers.sector]
        working = m.status == EMPLOYED
        wages = np.bincount(m.people.kecamatan[working], usual_idr[m.employer[working]], minlength=len(places))
        rows = [
            {"kecamatan": place.name, **{name: round(self.weight * values[i]) for name, values in here.items()},
             "wages_million_idr": self.weight * float(wages[i]) / 1e6}
            for i, place in enumerate(places)
        ]  # fmt: skip
        return suppressed(rows, self.options.smallest_group, list(here), {"wages_million_idr": ("employed",)})

    def _durations(self, week: int) -> list[Row]:
        spells = week - self.market.since[self.market.status == UNEMPLOYED]
        people = np.histogram(spells, [*DURATIONS, np.iinfo(np.int64).max])[0].tolist()
        rows = [
            {"weeks_from": low, "weeks_to": high, "people": n}
            for low, high, n in zip(DURATIONS, [*DURATIONS[1:], None], people, strict=True)
        ]
        return suppressed(rows, self.options.smallest_group, ["people"])

    def _by_sector(self) -> list[Row]:
        e = self.market.employers
        employed = np.bincount(e.sector, e.headcount, minlength=len(sectors())).astype(int).tolist()
        seats = np.bincount(e.sector, e.open_seats, minlength=len(sectors())).astype(int).tolist()
        rows = [
            {"sector": sector.name, "employed": n, "open_seats": free}
            for sector, n, free in zip(sectors(), employed, seats, strict=True)
        ]
        return suppressed(rows, self.options.smallest_group, ["employed"])

    def _groups(self, count: MonthCount) -> list[Row]:
        """How readily each sex, age and schooling finds work."""
        people, jobless = self.market.people, self.market.status == UNEMPLOYED
        hired = np.concatenate(count.hired)
        columns = [("sex", name, people.sex == i) for i, name in enumerate(SEXES)]
        columns += [("education", name, people.education == i) for i, name in enumerate(EDUCATIONS)]
        columns += [
            ("age", name, (people.age_group >= low) & (people.age_group < high))
            for name, (low, high) in AGE_BANDS.items()
        ]
        rows: list[Row] = []
        for dimension, category, own in columns:
            still, found = int((jobless & own).sum()), int(own[hired].sum())
            share = 100 * found / (found + still) if found + still else None
            rows.append({"dimension": dimension, "category": category, "unemployed": still, "hired": found,
                         "finding_percent": share})  # fmt: skip
        counts = ["unemployed", "hired"]
        return suppressed(rows, self.options.smallest_group, counts, {"finding_percent": counts})

    def observe(self) -> Rows:
        """Tables `labour_month` (by sub-district), `labour_total`, `_duration`, `_sector` and `_group`."""
        return self.rows

    def state(self) -> State:
        """Everything of the market that is not made again by `reset`."""
        return {"jobtren_months": self.jobtren_months, "told": self.told, "market": saved_market(self.market)}

    def restore(self, state: State) -> None:
        """Take it up again."""
        self.jobtren_months, self.told = state["jobtren_months"], state["told"]
        restore_market(self.market, state["market"])
        if self.jobtren_months:
            self.market.platform = self._platform()
