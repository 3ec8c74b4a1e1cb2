"""Stable matching and the planner's optimum against other tools; the population against its margins."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from twin.labour.facts import VINTAGES
from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.matching.lists import Lists, from_tables, vacancies_of
from twin.labour.matching.planner import maximum_weight
from twin.labour.population import margin_report, synthesise
from twin.validation.comparison import Comparison, Found, Skipped

SIDES = {"seekers": "resident", "employers": "hospital"}


def small_market(rng: np.random.Generator) -> Lists:
    """Up to 8 seekers and 5 vacancies, strict, every seeker and vacancy with somebody on its list."""
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    acceptable = rng.random((n, m)) < 0.7
    acceptable[np.arange(n), rng.integers(0, m, n)] = True
    acceptable[rng.integers(0, n, m), np.arange(m)] = True
    s, v = np.nonzero(acceptable)
    return from_tables(n, rng.integers(1, 4, m), (s, rng.permutation(len(s)), v), (v, rng.permutation(len(s)), s))


def by_matching(lists: Lists, side: str) -> np.ndarray:
    """The same market solved by the `matching` package: a vacancy a seeker, -1 for none. Raises ImportError."""
    from matching import games

    order = np.argsort(lists.employer_rank)
    game = games.HospitalResident.create_from_dictionaries(
        {s: lists.vacancy[lists.start[s] : lists.start[s + 1]].tolist() for s in range(lists.seekers)},
        {v: lists.seeker[order][lists.vacancy[order] == v].tolist() for v in range(len(lists.capacity))},
        dict(enumerate(lists.capacity.tolist())),
    )
    found = np.full(lists.seekers, -1)
    for hospital, residents in game.solve(optimal=SIDES[side]).items():
        found[[resident.name for resident in residents]] = hospital.name
    return found


def others(side: str, markets: int) -> int:
    """Seekers whom the `matching` package gives another vacancy, over random markets. Raises ImportError."""
    rng, found = np.random.default_rng(2024), 0
    for _ in range(markets):
        lists = small_market(rng)
        found += int(np.sum(vacancies_of(lists, deferred_acceptance(lists, side)) != by_matching(lists, side)))
    return found


def optima(markets: int) -> tuple[np.ndarray, np.ndarray]:
    """Greatest total weight of random markets, shape (markets,): ours, and by the linear programme of HiGHS."""
    rng, ours, theirs = np.random.default_rng(7), [], []
    for _ in range(markets):
        lists = small_market(rng)
        weight = rng.random(len(lists.vacancy))
        e = len(weight)
        rows = np.concatenate([lists.seeker, lists.seekers + lists.vacancy])
        limits = np.concatenate([np.ones(lists.seekers), lists.capacity])
        matrix = coo_array((np.ones(2 * e), (rows, np.tile(np.arange(e), 2))), shape=(len(limits), e))
        theirs.append(-linprog(-weight, A_ub=matrix, b_ub=limits, bounds=(0, 1), method="highs").fun)
        matched = maximum_weight(lists, weight)
        ours.append(weight[matched[matched >= 0]].sum())
    return np.array(ours), np.array(theirs)


def matching() -> Found:
    """Who gets which vacancy in two hundred small markets, either side proposing."""
    found: Found = []
    for side in SIDES:
        what = f"seekers with another vacancy in 200 markets, {side} proposing"
        try:
            differ = others(side, 200)
        except ImportError:
            found.append(Skipped("stable matching", what, "package matching", "matching"))
            continue
        found.append(
            Comparison("stable matching", what, "package matching", "another tool", "people", differ, 0, 0, True)
        )
    return found


def planner() -> Found:
    """The planner's optimum in a hundred small markets."""
    ours, theirs = optima(100)
    return [
        Comparison(
            "planner's matching", "total score of 100 markets", "linear programme (HiGHS)", "another tool", "-",
            float(ours.sum()), float(theirs.sum()), 1e-9,
        )
    ]  # fmt: skip


def population_margins() -> Found:
    """The synthetic population against every published margin: the worst of each vintage."""
    found: Found = []
    for vintage in VINTAGES:
        rows = margin_report(synthesise(vintage, np.random.default_rng(1)), vintage)
        worst = max(rows, key=lambda row: abs(int(row["difference"])))
        found.append(
            Comparison(
                "population", f"{vintage}, worst of {len(rows)} margins: {worst['dimension']} {worst['category']}",
                "published figures (margins.csv)", "data", "people", int(worst["people"]), int(worst["target"]), 40,
                True, note="whole people in some hundred thousand cells",
            )
        )  # fmt: skip
    return found
