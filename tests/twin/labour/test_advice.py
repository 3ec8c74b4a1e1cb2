"""Scores, screening, fairness and ways to a match: by hand, and against plain Python."""

from dataclasses import replace

import numpy as np
import pytest

from twin.labour.advice.advise import methods
from twin.labour.advice.explain import score_explained, screened_out, way_told, ways_to_a_match
from twin.labour.advice.fairness import parity
from twin.labour.advice.register import Seekers, Vacancies, drawn_seekers, drawn_vacancies
from twin.labour.advice.scores import PARTS, parts, top_lists, weights
from twin.labour.facts import UNEMPLOYED, bits_of
from twin.labour.market import distances_km
from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.matching.lists import vacancies_of
from twin.labour.matching.reserves import Reserve
from twin.labour.matching.stability import blocking_pairs
from twin.labour.population import synthesise


def seekers(**columns) -> Seekers:
    one = {"age": 30, "sex": 0, "education": 2, "kecamatan": 10, "skills": bits_of("office"), "interest": 4,
           "wage_idr": 2_000_000.0, "furthest_km": 20.0, "disability": False}  # fmt: skip
    given = {**one, **columns}
    n = max(len(np.atleast_1d(value)) for value in given.values())
    return Seekers(**{name: np.broadcast_to(np.array(value), n).copy() for name, value in given.items()})


def vacancies(**columns) -> Vacancies:
    one = {"seats": 1, "kecamatan": 10, "min_education": 2, "skills": bits_of("office;digital"), "kbji": 4,
           "wage_idr": 3_000_000.0, "youngest": 18, "oldest": 40, "reserved": 0}  # fmt: skip
    given = {**one, **columns}
    n = max(len(np.atleast_1d(value)) for value in given.values())
    return Vacancies(**{name: np.broadcast_to(np.array(value), n).copy() for name, value in given.items()})


def test_a_score_by_hand():
    found = parts(seekers(), 0, vacancies(), 0)
    assert found == pytest.approx({"education": 1.0, "skill": 0.5, "interest": 1.0, "place": 1.0, "wage": 0.5})
    found = parts(seekers(education=4, interest=5), 0, vacancies(kecamatan=-1, skills=0), 0)
    assert found == pytest.approx({"education": 1 / 1.5, "skill": 1.0, "interest": 0.0, "place": 1.0, "wage": 0.5})
    far = parts(seekers(kecamatan=0), 0, vacancies(), 0)
    assert far["place"] == pytest.approx(0.5 ** (distances_km()[0, 10] / 10))


@pytest.mark.parametrize("language", ["id", "en"])
def test_an_explanation_adds_up_to_the_score(language):
    s, v = seekers(), vacancies()
    rows = score_explained(s, 0, v, 0, language)
    _, score, liked = top_lists(s, v, 3)
    assert sum(row["seeker_points"] for row in rows) == pytest.approx(score[0])
    assert sum(row["employer_points"] for row in rows) == pytest.approx(liked[0])
    assert len({row["part"] for row in rows}) == len(PARTS)


CASES = {
    "education": ({"education": 1}, {}, "SMA", "SMP"),
    "skill": ({"skills": bits_of("cooking")}, {}, "Komputer dan kerja daring", ""),
    "age": ({"age": 55}, {}, "18–40", "55"),
    "distance": ({"kecamatan": 0, "furthest_km": 5.0}, {}, "5 km", ""),
    "wage": ({"wage_idr": 4e6}, {}, "4,000,000", "3,000,000"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_reason_of_a_screening_is_told_in_both_languages(case):
    own, theirs, need, have = CASES[case]
    s, v = seekers(**own), vacancies(**theirs)
    told, english = screened_out(s, 0, v, 0, "id"), screened_out(s, 0, v, 0, "en")
    assert len(told) == len(english) == 1
    assert need in told[0]
    assert have in told[0]
    assert told != english
    assert len(top_lists(s, v, 3)[1]) == 0  # and nobody who is screened out is listed


def test_all_reasons_at_once_and_none_for_who_passes():
    assert screened_out(seekers(), 0, vacancies(), 0) == []
    assert len(screened_out(seekers(education=0, age=60, wage_idr=9e6, skills=0), 0, vacancies(), 0)) == 4


def plain_lists(s: Seekers, v: Vacancies, k: int):
    """The same lists with loops and no array in sight."""
    own = weights()[0]
    for i in range(len(s)):
        ok = [j for j in range(len(v)) if not screened_out(s, i, v, j)]
        score = {j: sum(w * p for w, p in zip(own, parts(s, i, v, j).values(), strict=True)) for j in ok}
        yield sorted(ok, key=lambda j, score=score: (-score[j], -v.wage_idr[j], j))[:k], score


def register(n=300, m=60, seed=1):
    rng = np.random.default_rng(seed)
    people = synthesise("book_2024", rng, 20_000)
    jobless = np.flatnonzero(people.status == UNEMPLOYED)
    return drawn_seekers(people.take(rng.permutation(jobless)[:n]), rng), drawn_vacancies(m, rng)


@pytest.mark.parametrize("m", [40, 400])  # few alike, and many that differ in wage alone
def test_top_lists_are_those_of_plain_python(m):
    s, v = register(60, m)
    lists, score, _ = top_lists(s, v, 5)
    for i, (best, expected) in enumerate(plain_lists(s, v, 5)):
        own = slice(lists.start[i], lists.start[i + 1])
        assert lists.vacancy[own].tolist() == best
        assert score[own] == pytest.approx([expected[j] for j in best])


def test_methods_are_compared_and_stability_costs_something():
    s, v = register()
    lists, score, _ = top_lists(s, v, 10)
    matched, rows = methods(lists, score, Reserve(v.reserved, s.disability))
    by = {row["method"]: row for row in rows}
    assert by["stable, seekers propose"]["blocking_pairs"] == by["stable, employers propose"]["blocking_pairs"] == 0
    assert by["planner's optimum"]["score"] >= max(row["score"] for row in rows) - 1e-9
    assert by["planner's optimum"]["blocking_pairs"] > 0
    assert (matched >= 0).sum() == by["stable, reserved seats"]["matched"]


def test_a_way_to_a_match_is_one():
    s, v = register()
    lists, _, _ = top_lists(s, v, 10)
    without = np.flatnonzero(vacancies_of(lists, deferred_acceptance(lists)) < 0)
    found = [(int(one), way) for one in without[:40] for way in ways_to_a_match(s, int(one), v, 10)]
    assert found
    for one, way in found[:10]:
        if way.change == "skill":
            skills = s.skills.copy()
            skills[one] |= bits_of(way.what)
            other, _, _ = top_lists(replace(s, skills=skills), v, 10)
            matched = deferred_acceptance(other)
            assert vacancies_of(other, matched)[one] == way.vacancy
            assert blocking_pairs(other, matched) == 0
        assert str(way.vacancy) in way_told(way, "id")
        assert way_told(way, "id") != way_told(way, "en")


def test_parity_by_hand():
    s = seekers(sex=np.array([0] * 10 + [1] * 10))
    matched = np.array([1] * 8 + [-1] * 2 + [1] * 5 + [-1] * 5)
    rows = {(row["dimension"], row["category"]): row for row in parity(s, matched)}
    assert rows["sex", "male"]["matched_percent"] == 80
    assert rows["sex", "female"]["of_best"] == pytest.approx(0.625)
    assert rows["sex", "female"]["below_four_fifths"] == 1
    assert rows["sex", "male"]["below_four_fifths"] == 0
    assert 44 < rows["sex", "male"]["low_percent"] < 80 < rows["sex", "male"]["high_percent"] < 95  # Wilson: 49 … 94


def test_parity_hides_small_groups():
    s = seekers(sex=np.array([0] * 10 + [1] * 3))
    row = {(row["dimension"], row["category"]): row for row in parity(s, np.full(13, 1))}["sex", "female"]
    assert row["seekers"] is None
    assert row["matched_percent"] is None
