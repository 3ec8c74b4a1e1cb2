"""Why: the parts of a score, the reasons of a screening, what a seeker would need to be matched; in two languages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twin.labour.advice.register import Seekers, Vacancies
from twin.labour.advice.scores import PARTS, parts, top_lists, weights
from twin.labour.facts import EDUCATIONS, read, skills
from twin.labour.market import distances_km
from twin.labour.matching.deferred import deferred_acceptance

LANGUAGES = ("id", "en")


def score_explained(
    seekers: Seekers, s: int, vacancies: Vacancies, v: int, language: str = "id"
) -> list[dict[str, Any]]:
    """A row a part: its value, its weight and its points for both sides; the points add up to the scores."""
    titles = {row["component"]: row[f"title_{language}"] for row in read("score_weights.csv")}
    own, theirs = weights()
    values = parts(seekers, s, vacancies, v)
    return [
        {"part": titles[part], "value": values[part], "seeker_points": float(own[i] * values[part]),
         "employer_points": float(theirs[i] * values[part])}
        for i, part in enumerate(PARTS)
    ]  # fmt: skip


def screened_out(seekers: Seekers, s: int, vacancies: Vacancies, v: int, language: str = "id") -> list[str]:
    """Every reason why a candidate does not pass the administrative screening; none where it passes."""
    texts = {row["code"]: row[f"text_{language}"] for row in read("reasons.csv")}
    place = int(vacancies.kecamatan[v])
    km = 0.0 if place < 0 else float(distances_km()[seekers.kecamatan[s], place])
    asked = int(vacancies.skills[v])
    age, low, high = int(seekers.age[s]), int(vacancies.youngest[v]), int(vacancies.oldest[v])
    wage, claim = float(vacancies.wage_idr[v]), float(seekers.wage_idr[s])
    found = {
        "education": (seekers.education[s] < vacancies.min_education[v],
                      EDUCATIONS[vacancies.min_education[v]].upper(), EDUCATIONS[seekers.education[s]].upper()),
        "skill": (asked != 0 and asked & int(seekers.skills[s]) == 0, skill_names(asked, language), ""),
        "age": (not low <= age <= high, f"{low}–{high}", str(age)),
        "distance": (km > seekers.furthest_km[s], f"{seekers.furthest_km[s]:.0f}", f"{km:.0f}"),
        "wage": (wage < claim, f"Rp {claim:,.0f}", f"Rp {wage:,.0f}"),
    }  # fmt: skip
    return [texts[code].format(need=need, have=have) for code, (fails, need, have) in found.items() if fails]


def skill_names(mask: int, language: str) -> str:
    """The skills of a bit mask by name."""
    return ", ".join(getattr(one, f"title_{language}") for bit, one in enumerate(skills()) if mask >> bit & 1)


@dataclass(frozen=True)
class Way:
    """One change with which an unmatched seeker would have been matched, with everybody else as they are."""

    change: str  # skill or education
    what: str
    vacancy: int


TEXT = {
    ("skill", "en"): "with the skill {what} the candidate would be matched (vacancy {vacancy})",
    ("skill", "id"): "dengan keterampilan {what}, pelamar akan mendapat pekerjaan (lowongan {vacancy})",
    ("education", "en"): "with {what} education the candidate would be matched (vacancy {vacancy})",
    ("education", "id"): "dengan pendidikan {what}, pelamar akan mendapat pekerjaan (lowongan {vacancy})",
}


def way_told(way: Way, language: str = "id") -> str:
    """A way as a sentence."""
    named = {one.name: getattr(one, f"title_{language}") for one in skills()}
    return TEXT[way.change, language].format(what=named.get(way.what, way.what.upper()), vacancy=way.vacancy)


def ways_to_a_match(seekers: Seekers, s: int, vacancies: Vacancies, k: int, seed: int = 0) -> list[Way]:
    """Single skills, or one step of schooling, with which seeker `s` would be matched: each tried by matching anew."""
    changes = [
        ("skill", one.name, {"skills": int(seekers.skills[s]) | 1 << bit})
        for bit, one in enumerate(skills())
        if not int(seekers.skills[s]) >> bit & 1
    ]
    step = int(seekers.education[s]) + 1
    if step < len(EDUCATIONS):
        changes.append(("education", EDUCATIONS[step], {"education": step}))
    lists, _, _ = top_lists(seekers, vacancies, k, seed)
    found = []
    for change, what, values in changes:
        other = replace(seekers, **{name: _changed(getattr(seekers, name), s, value) for name, value in values.items()})
        alone = Seekers(**{name: column[s : s + 1] for name, column in vars(other).items()})
        own, _, _ = top_lists(alone, vacancies, k, seed)
        changed = lists.with_list(s, own)
        pair = int(deferred_acceptance(changed)[s])
        if pair >= 0:
            found.append(Way(change, what, int(changed.vacancy[pair])))
    return found


def _changed(column: np.ndarray, at: int, value: int) -> np.ndarray:
    copy = column.copy()
    copy[at] = value
    return copy
