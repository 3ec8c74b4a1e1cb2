"""With and without JOBTREN: twin cities with one key each, so that their difference is JOBTREN's doing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.compare import interval
from twin.labour import crowd
from twin.labour.calibration import effort_of, tpt_percent
from twin.labour.chance import generator
from twin.labour.facts import EDUCATIONS, EMPLOYED, SEXES
from twin.labour.jobtren import drawn, platform, ranges
from twin.labour.market import Market, MonthCount, weeks_of
from twin.labour.population import People, synthesise
from twin.programmes.budget import total_idr

START = pd.Period("2026-01", "M")
AFTER_MONTHS = 6  # the book's horizon of the target on registrations
EFFECTS = ("prior", "none", "low", "mode", "high")
TARGET_PERCENT = 50.0


@dataclass(frozen=True)
class Life:
    """What one city lived through, a value a month in every list, and how often each group found work in all."""

    tpt_percent: list[float]
    registered: list[int]
    open_seats: list[int]
    time_to_hire_days: float
    jobless_weeks: float
    hired: int
    work_months: int  # employed people summed over months
    found_work: dict[str, int]


def effects(which: str, seed: int) -> dict[str, float]:
    """JOBTREN's assumed effects: drawn from the priors by seed, or one end of them. Raises ValueError for another."""
    if which not in EFFECTS:
        raise ValueError(f"{which!r} is none of {', '.join(EFFECTS)}")
    if which == "prior":
        return drawn(generator(seed, 5))
    names = ("registration_lift", "information_gain", "employer_share")
    return {name: 0.0 if which == "none" else ranges()[name][("low", "mode", "high").index(which)] for name in names}


def live(people: People, seed: int, effort: float, months: int, with_jobtren: dict[str, float] | None) -> Life:
    """So many months of a city from `START`; JOBTREN starts with the first of them, where it does."""
    market = Market(people, seed, effort, week=weeks_of(START)[0])
    tpt, registered, seats, counts, work_months = [], [], [], [], 0
    for month in range(months):
        if with_jobtren is not None:
            market.platform = platform(month + 1, **with_jobtren)
        counts.append(market.month(START + month))
        tpt.append(tpt_percent(market))
        registered.append(int(market.registered.sum()))
        seats.append(int(market.board.seats.sum()))
        work_months += int((market.status == EMPLOYED).sum())
    hired = sum(count.total(crowd.HIRED) for count in counts)
    return Life(
        tpt, registered, seats, 7 * sum(c.weeks_open for c in counts) / max(1, hired),
        sum(c.weeks_jobless for c in counts) / max(1, hired), hired, work_months, _found_work(people, counts),
    )  # fmt: skip


def _found_work(people: People, counts: Sequence[MonthCount]) -> dict[str, int]:
    who = np.concatenate([one for count in counts for one in count.hired])
    by = {f"sex {name}": people.sex[who] == i for i, name in enumerate(SEXES)}
    by |= {f"education {name}": people.education[who] == i for i, name in enumerate(EDUCATIONS)}
    by |= {"age 15-24": people.age_group[who] < 2, "age 25+": people.age_group[who] >= 2}
    return {name: int(mask.sum()) for name, mask in by.items()}


@dataclass(frozen=True)
class Pair:
    """Two lives of one seed."""

    seed: int
    effects: dict[str, float]
    without: Life
    with_jobtren: Life


def pairs(
    vintage: str,
    seeds: Sequence[int],
    months: int,
    effect: str = "prior",
    size: int | None = None,
    progress: Callable[..., None] = lambda *_: None,
) -> list[Pair]:
    """A pair of lives a seed; the seed also makes the people and draws the effects."""
    found, effort = [], effort_of(vintage)
    for i, seed in enumerate(seeds):
        people = synthesise(vintage, generator(seed, 6), size)
        assumed = effects(effect, seed)
        lives = [live(people, seed, effort, months, jobtren) for jobtren in (None, assumed)]
        found.append(Pair(seed, assumed, *lives))
        progress(i + 1, len(seeds), f"seed {seed}")
    return found


def registered_change_percent(life: Life) -> float:
    """Registered seekers after six months against the first month's end."""
    return 100 * (life.registered[min(AFTER_MONTHS, len(life.registered) - 1)] / life.registered[0] - 1)


def figures(pair: Pair) -> dict[str, tuple[float, float]]:
    """Every figure without and with JOBTREN."""
    years = len(pair.without.tpt_percent) / 12

    def both(figure: Callable[[Life], float]) -> tuple[float, float]:
        return figure(pair.without), figure(pair.with_jobtren)

    return {
        "unemployment, mean [%]": both(lambda life: float(np.mean(life.tpt_percent))),
        "unemployment, last month [%]": both(lambda life: life.tpt_percent[-1]),
        "unemployed spell of the hired [weeks]": both(lambda life: life.jobless_weeks),
        "time to hire [days]": both(lambda life: life.time_to_hire_days),
        "open seats, mean": both(lambda life: float(np.mean(life.open_seats))),
        "hires a year": both(lambda life: life.hired / years),
        "months worked by all, a year": both(lambda life: life.work_months / years),
        "registered, last month": both(lambda life: life.registered[-1]),
        "registered after 6 months [%]": both(registered_change_percent),
    }


def summary(found: Sequence[Pair]) -> list[dict[str, Any]]:
    """A row a figure: means with 95 % intervals over seeds, the paired difference, and its spread over seeds."""
    rows = []
    for name in figures(found[0]):
        values = np.array([figures(pair)[name] for pair in found])
        rows.append({
            "figure": name,
            "without": interval(values[:, 0].tolist()),
            "with": interval(values[:, 1].tolist()),
            "difference": interval((values[:, 1] - values[:, 0]).tolist()),
            "difference_p10_p90": np.quantile(values[:, 1] - values[:, 0], [0.1, 0.9]).tolist(),
        })  # fmt: skip
    return rows


def who_gains(found: Sequence[Pair]) -> list[dict[str, Any]]:
    """A row a group: hires more with JOBTREN than without [% of those without], with an interval over seeds."""
    return [
        {"group": name, "more_hires_percent": interval([
            100 * (pair.with_jobtren.found_work[name] / max(1, pair.without.found_work[name]) - 1) for pair in found
        ])}
        for name in found[0].without.found_work
    ]  # fmt: skip


def unemployment_path(found: Sequence[Pair]) -> list[dict[str, Any]]:
    """A row a month: unemployment without and with, and the difference in points, over seeds."""
    without, with_ = (np.array([getattr(p, w).tpt_percent for p in found]) for w in ("without", "with_jobtren"))
    return [
        {"month": str(START + i), "without_percent": interval(without[:, i].tolist()),
         "with_percent": interval(with_[:, i].tolist()),
         "difference_points": interval((with_[:, i] - without[:, i]).tolist())}
        for i in range(without.shape[1])
    ]  # fmt: skip


def cost(found: Sequence[Pair], basis: str = "stated") -> dict[str, Any]:
    """JOBTREN's budget over the hires and the work-months that it added in the period [Rp]; none where it added none.

    Work that one finds and another therefore does not is in neither: both are differences of whole cities.
    """
    budget_idr = float(total_idr("jobtren", basis))
    hires = [float(pair.with_jobtren.hired - pair.without.hired) for pair in found]
    work_months = [float(pair.with_jobtren.work_months - pair.without.work_months) for pair in found]
    return {
        "budget_idr": budget_idr,
        "hires_added": interval(hires),
        "work_months_added": interval(work_months),
        "seeds_without_gain": sum(one <= 0 for one in work_months),
        "idr_per_hire_added": budget_idr / float(np.mean(hires)) if np.mean(hires) > 0 else None,
        "idr_per_work_month": budget_idr / float(np.mean(work_months)) if np.mean(work_months) > 0 else None,
    }


def registered_growth_by_lift(
    vintage: str, lifts: Sequence[float], seed: int = 1, size: int | None = None
) -> list[dict[str, float | bool]]:
    """The book's +50 % after six months: what rise of the rate of registering it takes, against a twin without."""
    people = synthesise(vintage, generator(seed, 6), size)
    lives = {
        lift: live(people, seed, effort_of(vintage), AFTER_MONTHS + 1,
                   {"registration_lift": lift, "information_gain": 0.0, "employer_share": 0.3})
        for lift in (0.0, *lifts)
    }  # fmt: skip
    base = lives[0.0].registered[AFTER_MONTHS]
    return [
        {"registration_lift": lift, "registered_change_percent": registered_change_percent(one),
         "against_no_jobtren_percent": 100 * (one.registered[AFTER_MONTHS] / base - 1),
         "target_met": registered_change_percent(one) >= TARGET_PERCENT}
        for lift, one in lives.items()
    ]  # fmt: skip
