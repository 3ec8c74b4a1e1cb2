"""Preference lists of seekers and employers as arrays: one entry an acceptable pair, a seeker's best pair first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Lists:
    """A many-to-one matching market of n seekers and m vacancies with e mutually acceptable pairs.

    The pairs of seeker s are `start[s]:start[s + 1]`, best first. Ranks are numbers, lower is better, and equal ranks
    are ties. Ties of an employer are broken by `lottery` (lower wins), ties of a seeker by the order of the pairs; one
    lottery for all employers, so that a tie costs as little as it can (Abdulkadiroğlu, Pathak, Roth 2009).
    """

    start: np.ndarray  # (n + 1,) int64
    vacancy: np.ndarray  # (e,) int32
    seeker_rank: np.ndarray  # (e,) float64
    employer_rank: np.ndarray  # (e,) float64
    capacity: np.ndarray  # (m,) int64, seats
    lottery: np.ndarray  # (n,) int64, a permutation

    @property
    def seekers(self) -> int:
        """How many seekers there are."""
        return len(self.start) - 1

    @property
    def seeker(self) -> np.ndarray:
        """The seeker of every pair, shape (e,)."""
        return np.repeat(np.arange(self.seekers, dtype=np.int32), np.diff(self.start))

    def seats(self) -> np.ndarray:
        """Seats of a vacancy that its list can fill, shape (m,): none has more than it has pairs."""
        listed = np.bincount(self.vacancy, minlength=len(self.capacity))
        return np.minimum(self.capacity, listed)

    def by_vacancy(self) -> tuple[np.ndarray, np.ndarray]:
        """The employers' side: (m + 1,) where a vacancy's pairs start, and (e,) the pairs, an employer's best first."""
        order = np.lexsort((self.lottery[self.seeker], self.employer_rank, self.vacancy))
        counts = np.bincount(self.vacancy, minlength=len(self.capacity))
        return np.concatenate([[0], np.cumsum(counts)]), order

    def with_list(self, seeker: int, own: Lists) -> Lists:
        """The market in which `seeker` hands in the list of the only seeker of `own` instead."""
        low, high = self.start[seeker], self.start[seeker + 1]

        def spliced(name: str) -> np.ndarray:
            column = getattr(self, name)
            return np.concatenate([column[:low], getattr(own, name), column[high:]])

        start = self.start.copy()
        start[seeker + 1 :] += len(own.vacancy) - (high - low)
        columns = {name: spliced(name) for name in ("vacancy", "seeker_rank", "employer_rank")}
        return replace(self, start=start, **columns)


def vacancies_of(lists: Lists, matched: np.ndarray) -> np.ndarray:
    """Vacancy of every seeker, -1 for none, from `matched`: the pair of every seeker, -1 for none; both (n,)."""
    found = np.full(lists.seekers, -1, dtype=np.int64)
    found[matched >= 0] = lists.vacancy[matched[matched >= 0]]
    return found


def from_tables(
    seekers: int,
    capacity: np.ndarray,
    seeker_side: tuple[np.ndarray, np.ndarray, np.ndarray],
    employer_side: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    lottery: np.ndarray | None = None,
) -> Lists:
    """Lists from two tables of columns: (seeker, rank, vacancy) and (vacancy, rank, seeker), numbers from 0.

    A pair that only one side lists is not acceptable and left out. Without an employers' table every employer accepts
    whoever lists it and is indifferent. No pair may stand twice in a table.
    """
    seeker, rank, vacancy = (np.ascontiguousarray(column) for column in seeker_side)
    if not _in_order(seeker, rank):
        order = np.lexsort((rank, seeker))
        seeker, rank, vacancy = seeker[order], rank[order], vacancy[order]
    seeker, vacancy, rank = seeker.astype(np.int32), vacancy.astype(np.int32), rank.astype(np.float64)
    theirs = np.zeros(len(seeker))
    if employer_side is not None:
        by, their_rank, whom = employer_side
        theirs = _employer_ranks(
            seekers, len(capacity), seeker, vacancy,
            by.astype(np.int32), their_rank.astype(np.float64), whom.astype(np.int32),
        )  # fmt: skip
        mutual = ~np.isnan(theirs)
        if not mutual.all():
            seeker, rank, vacancy, theirs = seeker[mutual], rank[mutual], vacancy[mutual], theirs[mutual]
    start = np.concatenate([[0], np.cumsum(np.bincount(seeker, minlength=seekers))]).astype(np.int64)
    lottery = np.arange(seekers, dtype=np.int64) if lottery is None else lottery
    return Lists(start, vacancy, rank, theirs, capacity.astype(np.int64), lottery)


def _in_order(seeker: np.ndarray, rank: np.ndarray) -> bool:
    step = np.diff(seeker)
    return bool(((step > 0) | ((step == 0) & (np.diff(rank) >= 0))).all())


@njit(cache=True)
def _rows_by(key: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Counting sort: where each group's rows start, and the rows in the order of their groups."""
    start = np.zeros(groups + 1, dtype=np.int64)
    for k in key:
        start[k + 1] += 1
    for g in range(groups):
        start[g + 1] += start[g]
    place = start[:-1].copy()
    rows = np.empty(len(key), dtype=np.int64)
    for i in range(len(key)):
        rows[place[key[i]]] = i
        place[key[i]] += 1
    return start, rows


@njit(cache=True)
def _employer_ranks(
    seekers: int,
    vacancies: int,
    seeker: np.ndarray,
    vacancy: np.ndarray,
    by: np.ndarray,
    their_rank: np.ndarray,
    whom: np.ndarray,
) -> np.ndarray:
    """The employer's rank of every pair of the seekers' table, NaN where the employer does not list it; (e,)."""
    start, rows = _rows_by(vacancy, vacancies)
    their_start, their_rows = _rows_by(by, vacancies)
    listed_by = np.full(seekers, -1, dtype=np.int64)
    rank_of = np.empty(seekers)
    found = np.full(len(seeker), np.nan)
    for v in range(vacancies):
        for i in their_rows[their_start[v] : their_start[v + 1]]:
            listed_by[whom[i]] = v
            rank_of[whom[i]] = their_rank[i]
        for i in rows[start[v] : start[v + 1]]:
            if listed_by[seeker[i]] == v:
                found[i] = rank_of[seeker[i]]
    return found
