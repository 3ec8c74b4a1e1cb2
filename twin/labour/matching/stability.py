"""What is wrong with a matching: pairs that would rather have each other, and seats given twice."""

from __future__ import annotations

import numpy as np
from numba import njit

from twin.labour.matching.lists import Lists, vacancies_of


def blocking_pairs(lists: Lists, matched: np.ndarray) -> int:
    """How many pairs would both gain by leaving what they have: 0 in a stable matching.

    A pair blocks if the seeker likes the vacancy strictly better than what it has (nothing, perhaps) and the vacancy
    has a free seat or holds somebody whom it likes strictly less. `matched` (n,) is the pair of every seeker, or -1.
    """
    return int(_blocking(lists.start, lists.vacancy, lists.seeker_rank, lists.employer_rank, lists.capacity, matched))


def overfull(lists: Lists, matched: np.ndarray) -> int:
    """How many vacancies hold more seekers than they have seats: 0 in a matching."""
    vacancy = vacancies_of(lists, matched)
    held = np.bincount(vacancy[vacancy >= 0], minlength=len(lists.capacity))
    return int((held > lists.capacity).sum())


@njit(cache=True)
def _blocking(
    start: np.ndarray,
    vacancy: np.ndarray,
    seeker_rank: np.ndarray,
    employer_rank: np.ndarray,
    capacity: np.ndarray,
    matched: np.ndarray,
) -> int:
    free = capacity.copy()
    least_liked = np.full(len(capacity), -np.inf)
    for pair in matched:
        if pair >= 0:
            v = vacancy[pair]
            free[v] -= 1
            least_liked[v] = max(least_liked[v], employer_rank[pair])
    found = 0
    for s in range(len(start) - 1):
        have = seeker_rank[matched[s]] if matched[s] >= 0 else np.inf
        for pair in range(start[s], start[s + 1]):
            if seeker_rank[pair] >= have:
                break
            v = vacancy[pair]
            if capacity[v] > 0 and (free[v] > 0 or employer_rank[pair] < least_liked[v]):
                found += 1
    return found
