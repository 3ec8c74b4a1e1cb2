"""Seats reserved for a group: people with a disability (law 8/2016), or an affirmative list.

A vacancy with reserved seats is split into parts, each a vacancy of its own with an order of its own; deferred
acceptance of the split market is what reserves mean (Hafalir, Yenmez, Yildirim 2013; Kominers & Sönmez 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin.labour.matching.lists import Lists


@dataclass(frozen=True)
class Reserve:
    """Seats for one group. Others get them only where no member wants them, or never (`strict`)."""

    seats: np.ndarray  # (m,) int, reserved seats of every vacancy
    member: np.ndarray  # (n,) bool, who belongs to the group
    strict: bool = False


@dataclass(frozen=True)
class Split:
    """The split market, and for every pair of it the pair of the market that it came from."""

    lists: Lists
    origin: np.ndarray

    def joined(self, matched: np.ndarray) -> np.ndarray:
        """A matching of the split market as one of the market it came from; both (n,) pairs."""
        joined = np.full(len(matched), -1, dtype=np.int64)
        joined[matched >= 0] = self.origin[matched[matched >= 0]]
        return joined


def split(lists: Lists, reserves: list[Reserve]) -> Split:
    """Split every vacancy into its open seats (part 0) and one part a reserve (1 …).

    Members ask for their group's part first, then for the open one, then for other groups'. Raises ValueError where a
    vacancy reserves more seats than it has.
    """
    m, parts = len(lists.capacity), 1 + len(reserves)
    reserved = np.array([reserve.seats for reserve in reserves], dtype=np.int64).reshape(len(reserves), m)
    open_seats = lists.capacity - reserved.sum(axis=0)
    if (open_seats < 0).any():
        raise ValueError(f"vacancies {np.flatnonzero(open_seats < 0).tolist()} reserve more seats than they have")
    capacity = np.vstack([open_seats, reserved]).T.ravel()
    seeker = np.repeat(lists.seeker, parts)
    origin = np.repeat(np.arange(len(lists.vacancy)), parts)
    part = np.tile(np.arange(parts), len(lists.vacancy))
    members = np.array([np.ones(lists.seekers, bool), *(reserve.member for reserve in reserves)])
    strict = np.array([False, *(reserve.strict for reserve in reserves)])
    favoured = members[part, seeker]
    worse_than_all = np.ptp(lists.employer_rank) + 1 if len(lists.employer_rank) else 1.0
    wish = np.where(part == 0, 1, np.where(favoured, 0, 2))
    keep = (favoured | ~strict[part]) & (capacity[lists.vacancy[origin] * parts + part] > 0)
    order = np.lexsort((wish[keep], origin[keep]))
    chosen = np.flatnonzero(keep)[order]
    start = np.concatenate([[0], np.cumsum(np.bincount(seeker[chosen], minlength=lists.seekers))]).astype(np.int64)
    split_lists = replace(
        lists,
        start=start,
        vacancy=(lists.vacancy[origin[chosen]] * parts + part[chosen]).astype(np.int32),
        seeker_rank=np.arange(len(chosen), dtype=float),  # parts of one vacancy stand one after another
        employer_rank=lists.employer_rank[origin[chosen]] + np.where(favoured[chosen], 0, worse_than_all),
        capacity=capacity,
    )
    return Split(split_lists, origin[chosen])
