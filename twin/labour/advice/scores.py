"""Scores of a seeker and a vacancy for each other: five parts between 0 and 1, weighted, each part explained."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from twin.labour.advice.register import Seekers, Vacancies
from twin.labour.facts import read
from twin.labour.market import distances_km
from twin.labour.matching.lists import Lists

PARTS = ("education", "skill", "interest", "place", "wage")
NEAR_KM = 10.0  # the part for place halves every so many kilometres


class _Seekers(NamedTuple):
    age: np.ndarray
    education: np.ndarray
    kecamatan: np.ndarray
    skills: np.ndarray
    interest: np.ndarray
    wage_idr: np.ndarray
    furthest_km: np.ndarray


class _Vacancies(NamedTuple):
    kecamatan: np.ndarray
    min_education: np.ndarray
    skills: np.ndarray
    kbji: np.ndarray
    wage_idr: np.ndarray
    youngest: np.ndarray
    oldest: np.ndarray


def _columns(kind: Any, of: Seekers | Vacancies) -> Any:
    return kind(*(getattr(of, name) for name in kind._fields))


@functools.cache
def weights() -> tuple[np.ndarray, np.ndarray]:
    """Weights of the parts for seekers and for employers, each adding to 1."""
    rows = {row["component"]: row for row in read("score_weights.csv")}
    own, theirs = (
        np.array([float(rows[part][side]) for part in PARTS]) for side in ("seeker_weight", "employer_weight")
    )
    return own / own.sum(), theirs / theirs.sum()


@njit(cache=True, inline="always")
def _bits(x: np.int64) -> int:
    n = 0
    while x:
        x &= x - 1
        n += 1
    return n


@njit(cache=True)
def _parts(s: int, v: int, seekers: _Seekers, vacancies: _Vacancies, distance_km: np.ndarray, out: np.ndarray) -> bool:
    """Fill the five parts of a pair; whether the pair passes the administrative screening."""
    above = seekers.education[s] - vacancies.min_education[v]
    out[0] = 0.0 if above < 0 else 1.0 / (1.0 + 0.25 * above)
    asked = vacancies.skills[v]
    shared = _bits(np.int64(seekers.skills[s] & asked))
    out[1] = 1.0 if asked == 0 else shared / _bits(np.int64(asked))
    out[2] = 1.0 if seekers.interest[s] == vacancies.kbji[v] else 0.0
    km = 0.0 if vacancies.kecamatan[v] < 0 else distance_km[seekers.kecamatan[s], vacancies.kecamatan[v]]
    out[3] = 0.5 ** (km / NEAR_KM)
    out[4] = min(1.0, max(0.0, vacancies.wage_idr[v] / seekers.wage_idr[s] - 1.0))
    of_age = vacancies.youngest[v] <= seekers.age[s] <= vacancies.oldest[v]
    return (
        above >= 0
        and (asked == 0 or shared > 0)
        and of_age
        and km <= seekers.furthest_km[s]
        and vacancies.wage_idr[v] >= seekers.wage_idr[s]
    )


def parts(seekers: Seekers, s: int, vacancies: Vacancies, v: int) -> dict[str, float]:
    """The five parts of one pair."""
    out = np.empty(len(PARTS))
    _parts(s, v, _columns(_Seekers, seekers), _columns(_Vacancies, vacancies), distances_km(), out)
    return dict(zip(PARTS, out.tolist(), strict=True))


def _alike(vacancies: Vacancies) -> tuple[np.ndarray, np.ndarray]:
    """The vacancies in groups that differ in wage alone: in order, best paid of a group first, and where each begins.

    In a group the score falls with the wage, so that nobody need look further than its k best paid.
    """
    keys = np.stack([getattr(vacancies, name) for name in _Vacancies._fields if name != "wage_idr"]).astype(np.int64)
    order = np.lexsort((-vacancies.wage_idr, *keys))
    new = (np.diff(keys[:, order], axis=1) != 0).any(axis=0)
    return order, np.concatenate([[0], np.flatnonzero(new) + 1, [len(order)]])


@njit(cache=True, inline="always")
def _before(score: float, wage_idr: float, v: int, other_score: float, other_wage_idr: float, other: int) -> bool:
    """Whether a vacancy stands before another in a seeker's list: score, then wage, then its place in the table."""
    if score != other_score:
        return score > other_score
    return wage_idr > other_wage_idr or (wage_idr == other_wage_idr and v < other)


@njit(cache=True)
def _best(
    seekers: _Seekers, vacancies: _Vacancies, order: np.ndarray, groups: np.ndarray, distance_km: np.ndarray,
    own: np.ndarray, theirs: np.ndarray, k: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    n, end = len(seekers.age), 0
    start = np.zeros(n + 1, dtype=np.int64)
    vacancy, score, liked = np.empty(n * k, dtype=np.int32), np.empty(n * k), np.empty(n * k)
    wage_idr, out = vacancies.wage_idr, np.empty(5)
    for s in range(n):
        first = end
        for g in range(len(groups) - 1):
            for v in order[groups[g] : groups[g + 1]]:
                if not _parts(s, v, seekers, vacancies, distance_km, out):
                    break  # the rest of the group is like it and pays no more
                value = (out * own).sum()
                if end - first == k:
                    last = vacancy[end - 1]
                    if not _before(value, wage_idr[v], v, score[end - 1], wage_idr[last], last):
                        break
                    end -= 1
                at = end
                while at > first and _before(
                    value, wage_idr[v], v, score[at - 1], wage_idr[vacancy[at - 1]], vacancy[at - 1]
                ):
                    vacancy[at], score[at], liked[at] = vacancy[at - 1], score[at - 1], liked[at - 1]
                    at -= 1
                vacancy[at], score[at], liked[at] = v, value, (out * theirs).sum()
                end += 1
        start[s + 1] = end
    return start, vacancy[:end], score[:end], liked[:end]


def top_lists(seekers: Seekers, vacancies: Vacancies, k: int, seed: int = 0) -> tuple[Lists, np.ndarray, np.ndarray]:
    """Every seeker's k best vacancies that pass the screening, and the scores of these pairs for both sides (e,).

    Equal scores are ordered by wage. Employers rank whoever lists them by their own score; ties are drawn once for all
    employers.
    """
    own, theirs = weights()
    start, vacancy, score, liked = _best(
        _columns(_Seekers, seekers), _columns(_Vacancies, vacancies), *_alike(vacancies), distances_km(), own, theirs, k
    )
    lottery = np.random.default_rng(seed).permutation(len(seekers))
    return Lists(start, vacancy, -score, -liked, vacancies.seats.astype(np.int64), lottery), score, liked
