"""Search and matching: people are conserved, twins differ by JOBTREN alone, and another implementation agrees."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.labour_vanilla import VanillaMarket
from twin.labour import crowd, experiment
from twin.labour.calibration import effort_of, mean_tpt_percent, stated_tpt_percent, tpt_percent
from twin.labour.chance import FLOW, LOOK, generator, uniform, uniforms
from twin.labour.curves import beveridge, matching_elasticities, panel_elasticities, spells
from twin.labour.facts import AWAY, EMPLOYED, UNEMPLOYED, parameters
from twin.labour.jobtren import bass, drawn, platform, ranges
from twin.labour.market import Market, Platform, weekly, weeks_of
from twin.labour.population import synthesise

JANUARY = pd.Period("2026-01", "M")
WEEK = weeks_of(JANUARY)[0]


@pytest.fixture(scope="module")
def people():
    return synthesise("book_2024", np.random.default_rng(1), 30_000)


def lived(people, months=6, key=7, **changes):
    market = Market(people, key, effort_of("book_2024"), week=WEEK)
    for name, value in changes.items():
        setattr(market, name, value)
    return market, [market.month(JANUARY + i) for i in range(months)]


def test_draws_are_even_and_depend_on_everything():
    draws = uniforms(np.uint64(1), 5, LOOK, np.arange(100_000))
    counts = np.histogram(draws, 20, (0, 1))[0]
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8  # chi-square of 19 degrees, 0.1 %
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.015
    assert (
        len({uniform(np.uint64(k), w, p, i) for k in (1, 2) for w in (3, 4) for p in (FLOW, LOOK) for i in (5, 6)})
        == 16
    )


@given(st.integers(0, 2**62), st.integers(-10_000, 10_000), st.integers(0, 8), st.integers(-(10**6), 10**7))
@settings(max_examples=50)
def test_a_draw_is_always_the_same_and_below_one(key, week, purpose, who):
    one, two = (uniform(np.uint64(key), week, purpose, who) for _ in range(2))
    assert one == two
    assert 0 <= one < 1


def test_a_year_has_its_weeks():
    year = [weeks_of(JANUARY + i) for i in range(12)]
    assert sum(map(len, year)) == 52
    assert all(len(weeks) in (4, 5) for weeks in year)
    assert [w for weeks in year for w in weeks] == list(range(year[0][0], year[-1][-1] + 1))


def test_weekly_chances_add_up_to_the_monthly_one():
    assert 1 - (1 - weekly(0.25)) ** (365.25 / 7 / 12) == pytest.approx(0.25)


def test_nobody_is_lost_and_every_job_has_an_employer(people):
    market, counts = lived(people)
    assert len(market.status) == len(people)
    working = market.status == EMPLOYED
    assert np.array_equal(market.employer >= 0, working)
    jobs = np.bincount(market.employer[working], minlength=len(market.employers.headcount))
    assert np.array_equal(jobs, market.employers.headcount)
    seats = np.bincount(market.board.employer, market.board.seats, minlength=len(jobs))
    assert np.array_equal(seats, market.employers.open_seats)
    assert (market.board.seats > 0).all()
    assert not market.registered[market.status != UNEMPLOYED].any()
    assert all(count.total(crowd.HIRED) == len(np.concatenate(count.hired)) > 0 for count in counts)


def test_statuses_change_by_what_is_counted(people):
    market = Market(people, 7, effort_of("book_2024"), week=WEEK)
    before = np.bincount(market.status, minlength=4)
    count = market.month(JANUARY)
    after = np.bincount(market.status, minlength=4)
    moved = [count.total(move) for move in range(crowd.MOVES)]
    separated, retired, gave_up, entered, returned, hired, abroad = moved
    assert after[EMPLOYED] - before[EMPLOYED] == hired - abroad - separated - retired
    assert after[UNEMPLOYED] - before[UNEMPLOYED] == separated + entered + returned - hired - gave_up
    assert after[AWAY] - before[AWAY] == abroad - returned


def test_the_same_key_lives_the_same_life_and_another_does_not(people):
    one, two, other = (lived(people, 2, key)[0] for key in (7, 7, 8))
    assert np.array_equal(one.status, two.status)
    assert np.array_equal(one.board.wage_idr, two.board.wage_idr)
    assert not np.array_equal(one.status, other.status)


def test_without_any_effect_the_twins_are_equal(people):
    plain, nothing = lived(people, 3)[0], lived(people, 3, platform=Platform(0.0, 0.0, 0.5))[0]
    assert np.array_equal(plain.status, nothing.status)


def test_more_information_means_fewer_jobless(people):
    plain, informed = lived(people, 8)[0], lived(people, 8, platform=Platform(1.0, 2.0, 0.6))[0]
    assert tpt_percent(informed) < tpt_percent(plain)
    assert informed.board.seats.sum() < plain.board.seats.sum()


def test_who_asks_has_the_schooling_and_gets_the_wage(people):
    market, _ = lived(people, 1)
    seekers = np.flatnonzero(market.status == UNEMPLOYED)
    lists = market.applied(WEEK + 5, seekers, market.board, 2_530_313.0)
    who, board = seekers[lists.seeker], market.board
    assert len(who) > 25
    assert (people.education[who] >= board.min_education[lists.vacancy]).all()
    way = (
        np.where(board.place < 0, 0.0, 1.0)[lists.vacancy]
        * market.distance_km[people.kecamatan[who], np.maximum(board.place, 0)[lists.vacancy]]
    )
    net = board.wage_idr[lists.vacancy] - way * parameters()["commuting_idr_per_km"]
    floor = (
        market.search(2_530_313.0, board.place, board.on_platform).claim_idr[people.education[who]]
        * parameters()["reservation_floor"]
    )
    assert (net >= floor - 1e-6).all()
    same = np.diff(lists.seeker) == 0
    assert (np.diff(net)[same] <= 1e-6).all()  # best paid first


def test_a_mesa_agent_a_person_lives_the_same_within_noise():
    people = synthesise("book_2024", np.random.default_rng(2), 12_000)
    hires, theirs, jobless, their_jobless = [], [], [], []
    for key in (1, 2):
        market, source = (Market(people, key, effort_of("book_2024"), week=WEEK) for _ in range(2))
        vanilla = VanillaMarket(source, seed=100 + key)
        for i in range(3):
            hires.append(market.month(JANUARY + i).total(crowd.HIRED))
            theirs.append(vanilla.month(JANUARY + i))
        jobless.append(int((market.status == UNEMPLOYED).sum()))
        their_jobless.append(vanilla.statuses()[UNEMPLOYED])
    # Some 600 hires and 2 x 550 jobless: four standard deviations of a difference of counts.
    assert abs(sum(hires) - sum(theirs)) < 4 * np.sqrt(sum(hires) + sum(theirs))
    assert abs(sum(jobless) - sum(their_jobless)) < 4 * np.sqrt(sum(jobless) + sum(their_jobless))


def test_unemployment_is_the_stated_one(people):
    assert mean_tpt_percent(people, 3, effort_of("book_2024")) == pytest.approx(
        stated_tpt_percent("book_2024"), abs=0.35
    )


def test_the_beveridge_curve_falls(people):
    slack, tight = beveridge(people, 7, effort_of("book_2024"), (97.0, 103.0))
    assert slack.unemployment_percent > tight.unemployment_percent
    assert slack.vacancy_percent < tight.vacancy_percent


def test_hires_rise_less_than_in_proportion_with_either_side(people):
    market, _ = lived(people, 6)
    before = market.status.copy()
    found = matching_elasticities(market, weeks_of(JANUARY + 6)[0])
    assert 0.3 < found["seekers"] < 1.1
    assert 0.3 < found["vacancies"] < 1.1  # who hears of half as many vacancies finds less: no endless supply of looks
    assert found["r2"] > 0.6  # a small market: some 60 hires a week
    assert np.array_equal(before, market.status)
    assert 0 < spells(market, WEEK + 26)["median_weeks"] < spells(market, WEEK + 26)["mean_weeks"]


def test_who_has_half_the_vacancies_hears_of_half_as_many(people):
    market, _ = lived(people, 2)
    board = market.board
    half = np.arange(len(board)) % 2 == 0
    whole, part = (market.search(2_530_313.0, b.place, b.on_platform) for b in (board, board.where(half)))
    assert part.looks.sum() == pytest.approx(whole.looks.sum() / 2, rel=0.05)
    assert (whole.local_share > 0).all()
    assert (whole.local_share < 1).all()
    none = market.search(2_530_313.0, board.place[:0], board.on_platform[:0])
    assert none.looks.sum() == none.platform_looks == 0


def test_panel_elasticities_of_a_matching_function_by_hand():
    rng = np.random.default_rng(1)
    before = [rng.integers(50, 5000, (14, 2)) for _ in range(12)]
    hires = [0.2 * stock[:, 0] ** 0.6 * stock[:, 1] ** 0.4 for stock in before]
    found = panel_elasticities(hires, before)
    assert (found["seekers"], found["vacancies"], found["r2"]) == pytest.approx((0.6, 0.4, 1.0))


def test_bass_by_hand():
    # p = q: F(t) = (1 - e) / (1 + e) with e = exp(-2 p t)
    assert bass(1, 0.5, 0.5) == pytest.approx((1 - np.exp(-1)) / (1 + np.exp(-1)))
    assert bass(0, 0.1, 0.4) == 0
    assert platform(0, 1, 1, 1) == Platform()


@given(st.floats(0.5, 60), st.floats(0, 5), st.floats(0, 5))
def test_more_told_is_more_known_and_never_more_than_everybody(months, told, more):
    one, two = platform(months, 1.0, 0.3, 1.0, told), platform(months, 1.0, 0.3, 1.0, told + more)
    assert one.registration_lift <= two.registration_lift <= 1
    assert one.employer_share == two.employer_share  # it is seekers who are told


def test_the_prior_of_the_effect_includes_zero():
    assert ranges()["information_gain"][0] == ranges()["registration_lift"][0] == 0
    draws = [drawn(generator(seed, 5)) for seed in range(50)]
    assert 5 < sum(one["information_gain"] == 0 for one in draws) < 28
    assert all(ranges()[name][0] <= one[name] <= ranges()[name][2] for one in draws for name in one)


def test_with_and_without_jobtren_over_seeds():
    pairs = experiment.pairs("book_2024", (1, 2), 8, "high", 20_000)
    rows = {row["figure"]: row for row in experiment.summary(pairs)}
    row = rows["unemployment, mean [%]"]
    assert row["difference"].mean == pytest.approx(row["with"].mean - row["without"].mean)
    assert row["difference"].mean < 0
    assert rows["registered after 6 months [%]"]["difference"].mean > 10
    assert len(experiment.unemployment_path(pairs)) == 8
    assert experiment.cost(pairs)["budget_idr"] == 126_000_000
    assert experiment.cost(pairs, "computed")["budget_idr"] == 189_000_000
    assert {row["group"] for row in experiment.who_gains(pairs)} >= {"sex male", "sex female", "education smk"}


def test_no_effect_is_no_difference():
    pair = experiment.pairs("book_2024", (1,), 3, "none", 20_000)[0]
    assert pair.without == pair.with_jobtren
    assert experiment.cost([pair])["idr_per_hire_added"] is None
    with pytest.raises(ValueError, match="none of"):
        experiment.effects("miracle", 1)
