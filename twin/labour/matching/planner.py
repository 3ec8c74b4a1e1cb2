"""What a planner would do instead of a stable matching: the largest sum of weights, or the greedy way to it."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from twin.labour.matching.lists import Lists


def maximum_weight(lists: Lists, weight: np.ndarray) -> np.ndarray:
    """The matching with the largest sum of `weight` (e,), each finite and not negative: a pair a seeker, -1 for none.

    An assignment problem: every seat is a column, and every seeker has a column of its own that means no vacancy.
    Solved by the sparse Jonker-Volgenant algorithm of scipy.
    """
    _must_be_weights(weight)
    seats = lists.seats()
    first_seat = np.concatenate([[0], np.cumsum(seats)])
    copies = seats[lists.vacancy]
    pair = np.repeat(np.arange(len(lists.vacancy)), copies)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(copies) - copies, copies)
    column = first_seat[lists.vacancy[pair]] + within
    n, all_seats, worst = lists.seekers, int(first_seat[-1]), float(weight.max(initial=0.0)) + 1
    everybody = np.arange(n)
    cost = coo_array(
        (
            np.concatenate([worst - weight[pair], np.full(n, worst)]),
            (np.concatenate([lists.seeker[pair], everybody]), np.concatenate([column, all_seats + everybody])),
        ),
        shape=(n, all_seats + n),
    ).tocsr()
    rows, columns = min_weight_full_bipartite_matching(cost)
    taken = columns < all_seats
    vacancy_of_seat = np.repeat(np.arange(len(seats)), seats)
    return _pairs_of(lists, rows[taken], vacancy_of_seat[columns[taken]])


def _pairs_of(lists: Lists, seekers: np.ndarray, vacancies: np.ndarray) -> np.ndarray:
    wanted = np.full(lists.seekers, -1, dtype=np.int64)
    wanted[seekers] = vacancies
    hits = np.flatnonzero(wanted[lists.seeker] == lists.vacancy)
    matched = np.full(lists.seekers, -1, dtype=np.int64)
    matched[lists.seeker[hits]] = hits
    return matched


def greedy(lists: Lists, weight: np.ndarray) -> np.ndarray:
    """The best pair first, then the best of those still possible, and so on: a pair a seeker, -1 for none; (n,).

    At least half of the maximum weight (Avis 1983). Equal weights: the seeker with the lower lottery number first.
    """
    _must_be_weights(weight)
    order = np.lexsort((lists.lottery[lists.seeker], -weight))
    return _greedy(order, lists.seeker, lists.vacancy, lists.capacity, lists.seekers)


@njit(cache=True)
def _greedy(
    order: np.ndarray, seeker: np.ndarray, vacancy: np.ndarray, capacity: np.ndarray, seekers: int
) -> np.ndarray:
    free = capacity.copy()
    matched = np.full(seekers, -1, dtype=np.int64)
    for pair in order:
        if matched[seeker[pair]] < 0 and free[vacancy[pair]] > 0:
            matched[seeker[pair]] = pair
            free[vacancy[pair]] -= 1
    return matched


def _must_be_weights(weight: np.ndarray) -> None:
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("weights must be finite numbers, not negative")
