"""Stable matching: what must hold of every market (theory), and small markets worked by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labour_markets import market, markets

from twin.labour.matching.deferred import SIDES, deferred_acceptance
from twin.labour.matching.lists import from_tables, vacancies_of
from twin.labour.matching.planner import greedy, maximum_weight
from twin.labour.matching.reserves import Reserve, split
from twin.labour.matching.stability import blocking_pairs, overfull

HAND = {  # three seekers, two vacancies (seats 1 and 1): employer 0 likes 2 > 1 > 0, employer 1 likes 0 > 2
    "seekers": 3,
    "capacity": np.array([1, 1]),
    "seeker_side": (np.array([0, 0, 1, 2, 2]), np.array([1, 2, 1, 1, 2]), np.array([0, 1, 0, 1, 0])),
    "employer_side": (np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 1, 2]), np.array([2, 1, 0, 0, 2])),
}


def rank_in_own_list(lists, matched):
    """What each seeker gets, as a place in its own list; nothing is worse than everything."""
    return np.where(matched >= 0, matched - lists.start[:-1], 10_000)


def test_a_market_worked_by_hand():
    # 0 asks 0, 1 asks 0: 0 is refused and asks 1; 2 asks 1 and is refused (0 is liked better), asks 0: 1 is displaced.
    lists = from_tables(**HAND)
    assert vacancies_of(lists, deferred_acceptance(lists)).tolist() == [1, -1, 0]
    assert vacancies_of(lists, deferred_acceptance(lists, "employers")).tolist() == [1, -1, 0]


def test_blocking_pairs_are_counted_by_hand():
    lists = from_tables(**HAND)
    nobody = np.full(3, -1)
    assert blocking_pairs(lists, nobody) == len(lists.vacancy) == 5
    wrong = np.array([0, -1, 3])  # 0 in 0, 2 in 1: 1 and vacancy 0 block; 0 would not move, 2 has its best
    assert vacancies_of(lists, wrong).tolist() == [0, -1, 1]
    assert blocking_pairs(lists, wrong) == 1


@given(markets(), st.sampled_from(SIDES))
def test_no_pair_blocks_and_no_seat_is_given_twice(lists, side):
    matched = deferred_acceptance(lists, side)
    assert blocking_pairs(lists, matched) == 0
    assert overfull(lists, matched) == 0
    assert np.all((matched < 0) | ((matched >= lists.start[:-1]) & (matched < lists.start[1:])))


@given(markets(strict=True))
def test_seekers_like_their_own_side_at_least_as_well_and_the_same_are_matched(lists):
    ours, theirs = deferred_acceptance(lists), deferred_acceptance(lists, "employers")
    assert np.all(rank_in_own_list(lists, ours) <= rank_in_own_list(lists, theirs))
    assert np.array_equal(ours >= 0, theirs >= 0)  # rural hospitals (Roth 1986)
    seats = [np.bincount(v[v >= 0], minlength=len(lists.capacity)) for v in
             (vacancies_of(lists, ours), vacancies_of(lists, theirs))]  # fmt: skip
    assert np.array_equal(*seats)


@given(markets(strict=True, seekers=4, vacancies=3))
@settings(max_examples=40)
def test_the_seekers_get_the_best_of_all_stable_matchings(lists):
    choices = [[-1, *range(lists.start[s], lists.start[s + 1])] for s in range(lists.seekers)]
    stable = [
        rank_in_own_list(lists, np.array(one))
        for one in itertools.product(*choices)
        if overfull(lists, np.array(one)) == 0 and blocking_pairs(lists, np.array(one)) == 0
    ]
    best = np.min(stable, axis=0)
    assert np.array_equal(rank_in_own_list(lists, deferred_acceptance(lists)), best)


def with_list(lists, seeker, pairs):
    """The market in which one seeker hands in only `pairs` of its list, in that order."""
    keep = np.concatenate(
        [np.arange(lists.start[seeker]), pairs, np.arange(lists.start[seeker + 1], len(lists.vacancy))]
    )
    keep = keep.astype(int)
    counts = np.diff(lists.start)
    counts[seeker] = len(pairs)
    return replace(
        lists, start=np.concatenate([[0], np.cumsum(counts)]), vacancy=lists.vacancy[keep],
        seeker_rank=np.arange(len(keep), dtype=float), employer_rank=lists.employer_rank[keep],
    )  # fmt: skip


@given(markets(seekers=5, vacancies=4), st.data())
@settings(max_examples=60)
def test_no_seeker_gains_by_any_false_list(lists, data):
    seeker = data.draw(st.integers(0, lists.seekers - 1))
    own = range(lists.start[seeker], lists.start[seeker + 1])
    truly = {int(lists.vacancy[pair]): place for place, pair in enumerate(own)}
    honest = vacancies_of(lists, deferred_acceptance(lists))[seeker]
    for length in range(len(own) + 1):
        for false in itertools.permutations(own, length):
            told = with_list(lists, seeker, list(false))
            got = vacancies_of(told, deferred_acceptance(told))[seeker]
            assert truly.get(int(got), 10_000) >= truly.get(int(honest), 10_000)


def test_seekers_can_gain_when_employers_propose():
    # The counter-example that shows the test above can fail: a seeker truncates its list and gets its first wish.
    s, v = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])
    lists = from_tables(2, np.array([1, 1]), (s, np.array([1, 2, 1, 2]), v), (v, np.array([2, 1, 2, 1]), s))
    assert vacancies_of(lists, deferred_acceptance(lists, "employers")).tolist() == [1, 0]
    false = with_list(lists, 0, [0])
    assert vacancies_of(false, deferred_acceptance(false, "employers")).tolist() == [0, 1]


@given(markets(), st.integers(0, 2**32 - 1))
def test_the_planner_weighs_at_least_as_much_and_greedy_at_least_half(lists, seed):
    weight = np.random.default_rng(seed).random(len(lists.vacancy))
    best, quick, stable = maximum_weight(lists, weight), greedy(lists, weight), deferred_acceptance(lists)

    def total(matched):
        return weight[matched[matched >= 0]].sum()

    assert overfull(lists, best) == overfull(lists, quick) == 0
    assert total(best) >= max(total(quick), total(stable)) - 1e-9
    assert total(quick) >= total(best) / 2 - 1e-9


@pytest.mark.parametrize("weight", [np.nan, -1.0, np.inf])
def test_weights_must_be_numbers(weight):
    lists = from_tables(**HAND)
    for method in (maximum_weight, greedy):
        with pytest.raises(ValueError, match="finite"):
            method(lists, np.full(5, weight))


def test_a_reserved_seat_goes_to_the_group_before_others():
    # One vacancy, two seats, one of them reserved; the employer ranks 0, 1, 2; seeker 2 is in the group.
    everybody = (np.arange(3), np.zeros(3), np.zeros(3, int))
    lists = from_tables(3, np.array([2]), everybody, (np.zeros(3, int), np.arange(3), np.arange(3)))
    assert (deferred_acceptance(lists) >= 0).tolist() == [True, True, False]
    one = Reserve(np.array([1]), np.array([False, False, True]))
    reserved = split(lists, [one])
    matched = reserved.joined(deferred_acceptance(reserved.lists))
    assert (matched >= 0).tolist() == [True, False, True]
    assert overfull(lists, matched) == 0


@pytest.mark.parametrize(("strict", "expected"), [(False, [True, True]), (True, [True, False])])
def test_a_reserved_seat_nobody_of_the_group_wants(strict, expected):
    lists = from_tables(2, np.array([2]), (np.arange(2), np.zeros(2), np.zeros(2, int)), None)
    reserved = split(lists, [Reserve(np.array([1]), np.array([False, False]), strict)])
    assert (reserved.joined(deferred_acceptance(reserved.lists)) >= 0).tolist() == expected


@given(markets(), st.integers(0, 2**32 - 1))
def test_reserves_keep_to_the_seats_and_are_stable(lists, seed):
    rng = np.random.default_rng(seed)
    reserves = [
        Reserve(np.minimum(lists.capacity // 2, 1), rng.random(lists.seekers) < 0.4, bool(rng.random() < 0.5))
        for _ in range(2)
    ][: 1 + int(lists.capacity.min() > 1)]
    reserved = split(lists, reserves)
    matched = deferred_acceptance(reserved.lists)
    assert blocking_pairs(reserved.lists, matched) == 0
    assert overfull(lists, reserved.joined(matched)) == 0


def test_more_reserved_than_seats_is_refused():
    with pytest.raises(ValueError, match="reserve more seats"):
        split(market(np.random.default_rng(1), 3, 1), [Reserve(np.array([9]), np.ones(3, bool))])
