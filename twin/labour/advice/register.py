"""Seekers and vacancies as columns, as a manpower office's register has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.labour.facts import minimum_wage_idr, parameters, sectors
from twin.labour.population import People

FURTHEST_KM = 40.0
YOUNGEST, OLDEST = 15, 64


@dataclass(frozen=True)
class Seekers:
    """One entry a seeker, shape (n,)."""

    age: np.ndarray  # years
    sex: np.ndarray
    education: np.ndarray
    kecamatan: np.ndarray
    skills: np.ndarray
    interest: np.ndarray  # KBJI major group
    wage_idr: np.ndarray  # least wage asked for, a month
    furthest_km: np.ndarray
    disability: np.ndarray

    def __len__(self) -> int:
        return len(self.age)

    def take(self, chosen: np.ndarray) -> Seekers:
        """Some of them, by number or by a mask."""
        return Seekers(*(column[chosen] for column in vars(self).values()))


@dataclass(frozen=True)
class Vacancies:
    """One entry a vacancy, shape (m,)."""

    seats: np.ndarray
    kecamatan: np.ndarray  # -1: remote, gig or abroad
    min_education: np.ndarray
    skills: np.ndarray  # asked for; the more of them the better, one is needed; 0 for none
    kbji: np.ndarray
    wage_idr: np.ndarray
    youngest: np.ndarray
    oldest: np.ndarray
    reserved: np.ndarray  # seats for people with a disability

    def __len__(self) -> int:
        return len(self.seats)

    def take(self, chosen: np.ndarray) -> Vacancies:
        """Some of them, by number or by a mask."""
        return Vacancies(*(column[chosen] for column in vars(self).values()))


def drawn_seekers(people: People, rng: np.random.Generator, year: int = 2026) -> Seekers:
    """A register of some people of the twin: age within its group, claims and distances are drawn."""
    n = len(people)
    age = np.minimum(15 + 5 * people.age_group.astype(np.int64) + rng.integers(0, 5, n), 80)
    claim = minimum_wage_idr(year) * rng.uniform(0.5, 1.0, n) * (1 + 0.1 * people.education)
    return Seekers(
        age, people.sex, people.education, people.kecamatan, people.skills, people.interest, claim,
        rng.uniform(5, FURTHEST_KM, n), people.disability,
    )  # fmt: skip


def drawn_vacancies(n: int, rng: np.random.Generator, year: int = 2026) -> Vacancies:
    """Vacancies of all sectors but farming and fishing; one in ten has no place."""
    known = sectors()[2:]
    sector = rng.integers(0, len(known), n)
    column = {name: np.array([getattr(one, name) for one in known])[sector] for name in (
        "min_education", "skills", "kbji", "wage_factor")}  # fmt: skip
    seats = rng.integers(1, 5, n)
    wage = minimum_wage_idr(year) * column["wage_factor"] * np.exp(parameters()["wage_spread"] * rng.normal(size=n))
    return Vacancies(
        seats, np.where(rng.random(n) < 0.1, -1, rng.integers(0, 14, n)), column["min_education"],
        column["skills"].astype(np.uint32), column["kbji"], wage, np.full(n, YOUNGEST), np.full(n, OLDEST),
        (seats >= 4).astype(np.int64) * (rng.random(n) < 0.2),
    )  # fmt: skip
