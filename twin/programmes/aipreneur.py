"""AI-Preneur: cohorts of 20 businesses, who finishes and takes it up, what it brings, and how many cohorts pay best."""

from __future__ import annotations

from typing import Any

from twin.module import Rows, Seen, State
from twin.programmes.benefits import aipreneur_table
from twin.programmes.budget import Difference, differences, total_idr
from twin.programmes.dynamics import Parameters
from twin.programmes.facts import CASES, read
from twin.programmes.moving import MovingProgramme, moving_tables

SEATS, WEEKS_MONTHS, EFFECT_MONTHS = 20, 4, 36
MENTORS_PER_COHORT, MEASURED_AFTER_MONTHS, COHORTS_A_MENTOR_TEAM_YEAR = 4, 6, 3  # 16 weeks each: three fit a year


class AiPreneurModule(MovingProgramme):
    """Cohorts one after another; each bears fruit from the end of its 16 weeks for three years (prior)."""

    name = "aipreneur"
    tables = moving_tables("aipreneur_cohort", "aipreneur_month", "aipreneur_jobs")

    def begin(self) -> None:
        """No cohort yet."""
        self.cohorts: list[dict[str, Any]] = []

    def live(self, t: int, seen: Seen) -> Rows:
        """Take in a cohort where one is due, and count what the finished ones bring."""
        a_year = self.options.aipreneur_cohorts_year
        starts = (t + 1) * a_year // 12 - t * a_year // 12 if t else min(1, a_year)
        for _ in range(starts):
            self.cohorts.append(self._cohort(t, a_year, seen))
        ended = [c for c in self.cohorts if c["start"] + WEEKS_MONTHS == t]
        fruit = [c for c in self.cohorts if WEEKS_MONTHS <= t - c["start"] < WEEKS_MONTHS + EFFECT_MONTHS]
        revenue = sum(c["revenue_rise_idr"] for c in fruit)
        month = {
            "businesses": sum(c["businesses"] for c in self.cohorts), "revenue_rise_idr": revenue,
            "value_added_idr": revenue * self.p["margin_percent"] / 100,
            "tax_idr": revenue * self.p["tax_percent"] / 100,
            "marketing_saving_idr": sum(c["marketing_saving_idr"] for c in fruit),
            "jobs": sum(c["jobs"] for c in ended),
        }  # fmt: skip
        columns = [column.name for column in self.tables["aipreneur_cohort"].columns]
        wage_idr = self.p["wage_idr_month"]
        jobs = [{"skill": "digital", "seats": float(c["jobs"]), "wage_idr_month": wage_idr, "kecamatan_code": ""}
                for c in ended]  # fmt: skip
        return {
            "aipreneur_cohort": [{name: c[name] for name in columns} for c in ended],
            "aipreneur_month": [month],
            "aipreneur_jobs": jobs,
        }

    def _cohort(self, t: int, a_year: int, seen: Seen) -> dict[str, Any]:
        """A cohort's fate, drawn when it starts; fewer mentors each than four let fewer finish."""
        p, rng = self.p, self.rng
        care = mentoring(p["mentors"], a_year)
        told = seen.total("podcast", "podcast_month", "reach") + seen.total("knowledge", "laras_month", "users")
        heard = min(1.0, told / p["aware_full"])
        n = min(SEATS, round(p["applicants"] + heard * max(0.0, SEATS - p["applicants"])))
        finish = int(rng.binomial(n, min(1.0, p["finish"] * care)))
        share = finish / n / max(p["finish"], 1e-9) if n else 0.0
        digital, ai = (int(rng.binomial(n, min(1.0, p[name] * share))) for name in ("digital", "ai"))
        return {
            "start": t, "businesses": n, "finished": finish, "digital": digital, "ai": ai,
            "satisfied": int(rng.binomial(finish, p["satisfied"])),
            "revenue_rise_idr": float(rng.gamma(2.0, p["revenue_rise_idr_month"] / 2, finish).sum()),
            "revenue_base_idr": float(finish * p["revenue_base_idr_month"]),
            "marketing_saving_idr": finish * p["marketing_saving_idr_month"],
            "marketing_base_idr": finish * p["marketing_base_idr_month"],
            "jobs": int(rng.poisson(finish * p["jobs_per_business"])),
        }  # fmt: skip

    def memory(self) -> State:
        """The cohorts."""
        return {"cohorts": self.cohorts}

    def remember(self, state: State) -> None:
        """Take them up."""
        self.cohorts = [dict(cohort) for cohort in state["cohorts"]]


def mentoring(mentors: float, cohorts_year: int) -> float:
    """Share of the four mentors' care that a cohort gets (0..1): a team of four carries three cohorts a year."""
    teams = mentors / MENTORS_PER_COHORT
    return min(1.0, teams * COHORTS_A_MENTOR_TEAM_YEAR / cohorts_year) if cohorts_year else 1.0


def net_benefit_idr_year(p: Parameters, cohorts_year: int) -> float:
    """Expected value added and marketing saving of a year's cohorts over their effect, less the book's cost of each.

    Tax and wages are paid out of the same revenue and are not added again.
    """
    finish = min(SEATS, p["applicants"]) * p["finish"] * mentoring(p["mentors"], cohorts_year)
    monthly = p["revenue_rise_idr_month"] * p["margin_percent"] / 100 + p["marketing_saving_idr_month"]
    return cohorts_year * (finish * monthly * EFFECT_MONTHS - total_idr("aipreneur", "computed"))


def best_cohorts(p: Parameters, most: int = 12) -> tuple[int, list[float]]:
    """Cohorts a year (0..most) with the highest expected net benefit, and the net benefit of each number [Rp/year]."""
    found = [net_benefit_idr_year(p, n) for n in range(most + 1)]
    return found.index(max(found)), found


def book_case() -> tuple[dict[str, dict[str, int]], list[Difference]]:
    """The book's benefit table as it stands there, and where its budget does not add up."""
    table = {case: aipreneur_table(case) for case in ("conservative", "moderate", "optimistic")}
    return table, [one for one in differences() if one.programme == "aipreneur"]


def case_rows() -> list[dict[str, Any]]:
    """Each row of the book's benefit table as printed, computed from its own inputs, and by the twin's [Rp/year]."""
    printed, rows = read("aipreneur_benefits.csv"), []
    for case in CASES:
        computed, twin = aipreneur_table(case), aipreneur_table(case, "twin")
        for row in printed:
            item, stated = row["item"], int(row[case])
            rows.append(
                {
                    "case": case, "item": item, "book_stated_idr": stated, "book_computed_idr": computed[item],
                    "difference_idr": stated - computed[item], "twin_idr": twin[item],
                    "twin_less_book_idr": twin[item] - stated,
                }
            )  # fmt: skip
    return rows
