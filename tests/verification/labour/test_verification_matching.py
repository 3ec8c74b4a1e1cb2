"""Stable matching and the planner's optimum against other tools."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.matching.lists import Lists, from_tables, vacancies_of
from twin.labour.matching.planner import maximum_weight

SIDES = {"seekers": "resident", "employers": "hospital"}


def small_market(rng: np.random.Generator) -> Lists:
    """Up to 8 seekers and 5 vacancies, strict, every seeker and vacancy with somebody on its list."""
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    acceptable = rng.random((n, m)) < 0.7
    acceptable[np.arange(n), rng.integers(0, m, n)] = True
    acceptable[rng.integers(0, n, m), np.arange(m)] = True
    s, v = np.nonzero(acceptable)
    return from_tables(n, rng.integers(1, 4, m), (s, rng.permutation(len(s)), v), (v, rng.permutation(len(s)), s))


def theirs(lists: Lists, side: str) -> np.ndarray:
    """The same market solved by the `matching` package: a vacancy a seeker, -1 for none."""
    games = pytest.importorskip("matching.games")
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


@pytest.mark.parametrize("side", SIDES)
def test_the_same_matching_as_the_matching_package_on_a_thousand_markets(side: str):
    rng = np.random.default_rng(2024)
    for _ in range(1000):
        lists = small_market(rng)
        ours = vacancies_of(lists, deferred_acceptance(lists, side))
        assert ours.tolist() == theirs(lists, side).tolist()


def test_the_same_optimum_as_a_linear_programme_of_highs():
    rng = np.random.default_rng(7)
    for _ in range(100):
        lists = small_market(rng)
        weight = rng.random(len(lists.vacancy))
        e = len(weight)
        rows = np.concatenate([lists.seeker, lists.seekers + lists.vacancy])
        limits = np.concatenate([np.ones(lists.seekers), lists.capacity])
        matrix = coo_array((np.ones(2 * e), (rows, np.tile(np.arange(e), 2))), shape=(len(limits), e))
        optimum = -linprog(-weight, A_ub=matrix, b_ub=limits, bounds=(0, 1), method="highs").fun
        matched = maximum_weight(lists, weight)
        assert weight[matched[matched >= 0]].sum() == pytest.approx(optimum)
