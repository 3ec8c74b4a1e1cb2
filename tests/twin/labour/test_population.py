"""The population against its margins (theory), and against the statistics office's other figures (with a margin)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.labour.facts import (
    EDUCATIONS,
    EMPLOYED,
    OUT,
    UNEMPLOYED,
    VINTAGES,
    bits_of,
    margins,
    minimum_wage_idr,
    sectors,
    skills,
)
from twin.labour.population import (
    NO_SECTOR,
    fitted,
    margin_report,
    synthesise,
    target_counts,
    whole_cells,
    whole_numbers,
)


@pytest.fixture(scope="module", params=VINTAGES)
def vintage(request):
    return request.param, synthesise(request.param, np.random.default_rng(1))


def test_the_books_figures_are_met_to_the_person():
    people = synthesise("book_2024", np.random.default_rng(1))
    counts = np.bincount(people.status, minlength=3)
    assert counts.tolist() == [462_262, 21_905, 599_807 - 484_167]
    assert len(people) == 599_807
    assert round(100 * counts[UNEMPLOYED] / counts[[EMPLOYED, UNEMPLOYED]].sum(), 2) == 4.52


def test_the_statistics_offices_rates_come_out():
    for name, tpt, participation in (("bps_2024", 3.90, 80.08), ("bps_2025", 3.86, 77.67)):
        status = margins(name)["status"]
        labour_force = status["employed"] + status["unemployed"]
        assert round(100 * status["unemployed"] / labour_force, 2) == tpt
        assert round(100 * labour_force / (labour_force + status["out"]), 2) == participation


def test_every_margin_is_met_to_a_few_people(vintage):
    name, people = vintage
    assert max(abs(row["difference"]) for row in margin_report(people, name)) <= 40


def test_only_who_works_has_a_sector_and_can_do_something_of_it(vintage):
    _, people = vintage
    assert np.array_equal(people.sector != NO_SECTOR, people.status == EMPLOYED)
    asked = np.array([s.skills for s in sectors()], dtype=np.uint32)[people.sector[people.status == EMPLOYED]]
    assert ((people.skills[people.status == EMPLOYED] & asked) > 0).all()


def test_unemployment_by_education_is_near_the_published_figures():
    people = synthesise("bps_2024", np.random.default_rng(1))
    for education, published in (("sma", 4.96), ("smk", 3.75), ("university", 13.44)):
        own = people.education == EDUCATIONS.index(education)
        share = 100 * (own & (people.status == UNEMPLOYED)).sum() / (own & (people.status != OUT)).sum()
        assert share == pytest.approx(published, abs=1.5)


def test_a_two_by_two_table_fitted_by_hand():
    # Odds ratio 9 is kept; margins 50/50 both ways: a / b = 3 with a + b = 50.
    assert fitted(np.array([[3.0, 1.0], [1.0, 3.0]]), [[0], [1]], [np.array([50, 50])] * 2) == pytest.approx(
        np.array([[37.5, 12.5], [12.5, 37.5]])
    )


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20), st.integers(0, 10_000))
def test_whole_numbers_add_up(shares, total):
    found = whole_numbers(np.array(shares), total)
    assert found.sum() == total
    assert (np.abs(found - np.array(shares) / sum(shares) * total) < 1 + 1e-6).all()


def test_whole_cells_keep_the_first_margin():
    cells = np.random.default_rng(1).random((3, 4, 5))
    cells *= np.array([7, 5, 9])[:, None, None] / cells.sum(axis=(1, 2), keepdims=True)
    assert whole_cells(cells).sum(axis=(1, 2)).tolist() == [7, 5, 9]


def test_the_same_generator_gives_the_same_people_and_another_size_scales():
    one, two = (synthesise("book_2024", np.random.default_rng(5), 5_000) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in vars(one))
    assert len(one) == 5_000
    assert np.bincount(one.status).tolist() == target_counts("book_2024", 5_000)["status"].tolist()


def test_skills_are_bits_and_wages_are_by_year():
    assert bits_of("") == 0
    assert bits_of(f"{skills()[0].name};{skills()[3].name}") == 0b1001
    with pytest.raises(KeyError):
        bits_of("juggling")
    assert [minimum_wage_idr(year) for year in (2020, 2024, 2025, 2026, 2030)] == [
        2_223_163, 2_223_163, 2_378_784, 2_530_313, 2_530_313,
    ]  # fmt: skip
