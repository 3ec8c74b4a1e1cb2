"""Deferred acceptance (Gale & Shapley 1962) for vacancies with several seats, from either side.

Seeker-proposing gives every seeker the best vacancy of all stable matchings, and no seeker gains by a false list
(Dubins & Freedman 1981; Roth 1982). Employer-proposing gives the employers' best.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from twin.labour.matching.lists import Lists

SIDES = ("seekers", "employers")


def deferred_acceptance(lists: Lists, proposing: str = "seekers") -> np.ndarray:
    """The stable matching that the proposing side likes best: the pair of every seeker, -1 for none; (n,) int64."""
    if proposing == "seekers":
        first_seat = np.concatenate([[0], np.cumsum(lists.seats())]).astype(np.int64)
        return _seekers_propose(lists.start, lists.vacancy, lists.employer_rank, lists.lottery, first_seat)
    their_start, their_pairs = lists.by_vacancy()
    return _employers_propose(
        lists.seekers, lists.seeker, lists.vacancy, lists.capacity, their_start.astype(np.int64), their_pairs
    )


@njit(cache=True, inline="always")
def _worse(a: int, b: int, matched: np.ndarray, rank: np.ndarray, lottery: np.ndarray) -> bool:
    """Whether an employer likes seeker a less than seeker b, both as they are matched to it."""
    rank_a, rank_b = rank[matched[a]], rank[matched[b]]
    return rank_a > rank_b or (rank_a == rank_b and lottery[a] > lottery[b])


@njit(cache=True)
def _seekers_propose(
    start: np.ndarray, vacancy: np.ndarray, rank: np.ndarray, lottery: np.ndarray, first_seat: np.ndarray
) -> np.ndarray:
    """Each vacancy holds its seekers in a heap with the one it likes least on top; who is displaced proposes next."""
    n = len(start) - 1
    following = start[:-1].copy()
    matched = np.full(n, -1, dtype=np.int64)
    held = np.empty(first_seat[-1], dtype=np.int32)
    taken = np.zeros(len(first_seat) - 1, dtype=np.int64)
    for first in range(n):
        s = first
        while s >= 0 and following[s] < start[s + 1]:
            pair = following[s]
            following[s] += 1
            v = vacancy[pair]
            top, seats = first_seat[v], first_seat[v + 1] - first_seat[v]
            if seats == 0:
                continue
            matched[s] = pair
            if taken[v] < seats:
                i = taken[v]
                taken[v] += 1
                held[top + i] = s
                while i > 0 and _worse(s, held[top + (i - 1) // 2], matched, rank, lottery):
                    held[top + i] = held[top + (i - 1) // 2]
                    i = (i - 1) // 2
                held[top + i] = s
                break
            loser = held[top]
            if not _worse(loser, s, matched, rank, lottery):
                matched[s] = -1
                continue
            i = 0
            while 2 * i + 1 < seats:
                child = 2 * i + 1
                if child + 1 < seats and _worse(held[top + child + 1], held[top + child], matched, rank, lottery):
                    child += 1
                if not _worse(held[top + child], s, matched, rank, lottery):
                    break
                held[top + i] = held[top + child]
                i = child
            held[top + i] = s
            matched[loser] = -1
            s = loser
    return matched


@njit(cache=True)
def _employers_propose(
    seekers: int,
    seeker: np.ndarray,
    vacancy: np.ndarray,
    capacity: np.ndarray,
    their_start: np.ndarray,
    their_pairs: np.ndarray,
) -> np.ndarray:
    """Vacancies with a free seat propose down their lists; a seeker keeps the pair that stands first in its own."""
    m = len(capacity)
    free = capacity.copy()
    following = their_start[:-1].copy()
    matched = np.full(seekers, -1, dtype=np.int64)
    waiting = np.arange(m)
    is_waiting = np.ones(m, dtype=np.bool_)
    size = m
    while size > 0:
        size -= 1
        v = waiting[size]
        is_waiting[v] = False
        while free[v] > 0 and following[v] < their_start[v + 1]:
            pair = their_pairs[following[v]]
            following[v] += 1
            held = matched[seeker[pair]]
            if held >= 0 and held < pair:
                continue
            matched[seeker[pair]] = pair
            free[v] -= 1
            if held >= 0:
                left = vacancy[held]
                free[left] += 1
                if not is_waiting[left]:
                    waiting[size] = left
                    is_waiting[left] = True
                    size += 1
    return matched
