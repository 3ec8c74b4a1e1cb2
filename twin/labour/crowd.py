"""A week of the crowd: who loses, leaves, enters; who hears of which vacancy and asks for it. Loops over columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from twin.labour.chance import COUNT, FLOW, LOOK, LUCK, REGISTER, TASTE, WHERE, uniform
from twin.labour.facts import EMPLOYED, OUT, UNEMPLOYED

MOST_LOOKS = 6  # vacancies that one person can look at in a week
OVERQUALIFIED = 0.2  # what a step of schooling beyond need costs an applicant, against taste (0 to 1) and skill (1)
SEPARATED, RETIRED, GAVE_UP, ENTERED, RETURNED, HIRED, LEFT_ABROAD = range(7)
MOVES = 7


@njit(cache=True)
def flow(
    key: np.uint64,
    week: int,
    status: np.ndarray,
    employer: np.ndarray,
    since: np.ndarray,
    registered: np.ndarray,
    age_group: np.ndarray,
    kecamatan: np.ndarray,
    separation: np.ndarray,
    headcount: np.ndarray,
    retirement: float,
    giving_up: float,
    entry: np.ndarray,
    returning: float,
    moves: np.ndarray,
) -> None:
    """Change statuses for a week; rates are per week, `entry` by age group, `separation` by employer.

    Counts go into `moves` (MOVES, kecamatan).
    """
    for i in range(len(status)):
        now = status[i]
        u = uniform(key, week, FLOW, i)
        if now == EMPLOYED:
            rate = separation[employer[i]]
            if u >= rate + retirement:
                continue
            status[i] = UNEMPLOYED if u < rate else OUT
            moves[SEPARATED if u < rate else RETIRED, kecamatan[i]] += 1
            headcount[employer[i]] -= 1
            employer[i] = -1
        elif now == UNEMPLOYED:
            if u >= giving_up:
                continue
            status[i] = OUT
            registered[i] = False
            moves[GAVE_UP, kecamatan[i]] += 1
        elif now == OUT:
            if u >= entry[age_group[i]]:
                continue
            status[i] = UNEMPLOYED
            moves[ENTERED, kecamatan[i]] += 1
        else:
            if u >= returning:
                continue
            status[i] = UNEMPLOYED
            moves[RETURNED, kecamatan[i]] += 1
        since[i] = week


@njit(cache=True)
def register(key: np.uint64, week: int, seekers: np.ndarray, registered: np.ndarray, rate: float) -> None:
    """Unregistered seekers (people by number) register at `rate` a week."""
    for i in seekers:
        if not registered[i] and uniform(key, week, REGISTER, i) < rate:
            registered[i] = True


class Crowd(NamedTuple):
    """What the search looks at of every person, shape (n,) each."""

    since: np.ndarray  # week in which the person's present status began
    registered: np.ndarray
    education: np.ndarray
    kecamatan: np.ndarray
    skills: np.ndarray


class Board(NamedTuple):
    """Open vacancies, shape (m,) each, and where they are found."""

    by_place: np.ndarray  # vacancies in the order of their place; those of no place come last
    place_start: np.ndarray  # (kecamatan + 1,) into it
    on_platform: np.ndarray  # vacancies that are posted on JOBTREN
    place: np.ndarray  # kecamatan, -1 for none
    wage_idr: np.ndarray
    min_education: np.ndarray
    asked: np.ndarray  # skills, of which one is enough; 0 for none


class Search(NamedTuple):
    """How people search; wages and claims in Rp a month."""

    looks: np.ndarray  # by kecamatan: vacancies that a seeker there hears of by itself in a week
    local_share: np.ndarray  # by kecamatan: the part of them that is in the own sub-district
    platform_looks: float  # and on the platform, if registered
    commuting_idr_per_km: float
    claim_idr: np.ndarray  # by education, at the start of unemployment
    claim_decline: float  # a week
    claim_floor: float
    untrained_accepted: float


@njit(cache=True, inline="always")
def _count(mean: float, u: float) -> int:
    """A whole number with this mean: the whole part, and one more with the chance of the rest."""
    return int(mean) + (1 if u < mean - int(mean) else 0)


@njit(cache=True)
def _heard_of(key: np.uint64, week: int, who: int, at: int, board: Board, search: Search, platform: bool) -> int:
    """The vacancy that a look at the platform, the own sub-district `at` or anywhere finds; -1 for none."""
    u = uniform(key, week, LOOK, who)
    if platform:
        return board.on_platform[int(u * len(board.on_platform))]
    low, size = 0, len(board.by_place)
    if uniform(key, week, WHERE, who) < search.local_share[at]:
        low, size = board.place_start[at], board.place_start[at + 1] - board.place_start[at]
    return board.by_place[low + int(u * size)] if size > 0 else -1


@njit(cache=True)
def _net_wage_idr(crowd: Crowd, i: int, board: Board, v: int, search: Search, distance_km: np.ndarray) -> float:
    """What vacancy `v` pays person `i` when the way there is paid."""
    if board.place[v] < 0:
        return board.wage_idr[v]
    return board.wage_idr[v] - distance_km[crowd.kecamatan[i], board.place[v]] * search.commuting_idr_per_km


@njit(cache=True)
def applications(
    key: np.uint64,
    week: int,
    seekers: np.ndarray,
    crowd: Crowd,
    board: Board,
    search: Search,
    distance_km: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who asks for what this week: (seekers + 1,) starts, the vacancies, and the employers' ranks (lower is better).

    A seeker hears of vacancies by itself and, if registered, on the platform. It asks for those whose education it has,
    whose skill it has or is spared, and whose wage less the way there is at least its claim; best paid first.
    """
    start = np.zeros(len(seekers) + 1, dtype=np.int64)
    wanted = np.empty(len(seekers) * MOST_LOOKS, dtype=np.int32)
    rank = np.empty(len(seekers) * MOST_LOOKS)
    net = np.empty(len(seekers) * MOST_LOOKS)
    end = 0
    for s in range(len(seekers)):
        i = seekers[s]
        jobless_weeks = week - crowd.since[i]
        claim = search.claim_idr[crowd.education[i]] * max(
            search.claim_floor, 1.0 - search.claim_decline * jobless_weeks
        )
        own = _count(search.looks[crowd.kecamatan[i]], uniform(key, week, COUNT, i))
        looks = own
        if crowd.registered[i] and len(board.on_platform) > 0:
            looks += _count(search.platform_looks, uniform(key, week, COUNT, -i - 1))
        first = end
        for look in range(min(looks, MOST_LOOKS)):
            who = i * MOST_LOOKS + look
            v = _heard_of(key, week, who, crowd.kecamatan[i], board, search, look >= own)
            if v < 0 or crowd.education[i] < board.min_education[v] or v in wanted[first:end]:
                continue
            trained = board.asked[v] == 0 or (crowd.skills[i] & board.asked[v]) != 0
            if not trained and uniform(key, week, LUCK, who) >= search.untrained_accepted:
                continue
            pays = _net_wage_idr(crowd, i, board, v, search, distance_km)
            if pays < claim:
                continue
            at = end
            while at > first and net[at - 1] < pays:
                wanted[at], rank[at], net[at] = wanted[at - 1], rank[at - 1], net[at - 1]
                at -= 1
            wanted[at], net[at] = v, pays
            schooled_too_much = crowd.education[i] - board.min_education[v]
            rank[at] = uniform(key, week, TASTE, who) + OVERQUALIFIED * schooled_too_much - (1.0 if trained else 0.0)
            end += 1
        start[s + 1] = end
    return start, wanted[:end], rank[:end]
