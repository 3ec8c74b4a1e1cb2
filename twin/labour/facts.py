"""The labour sector's tables: margins and affinities of the population, sectors, seasons, skills, wages, parameters."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.files import read_rows

DATA = Path(__file__).parent / "data"
STATUSES = ("employed", "unemployed", "out")
EMPLOYED, UNEMPLOYED, OUT, AWAY = range(4)  # AWAY: works abroad, no resident any more
EDUCATIONS = ("sd", "smp", "sma", "smk", "diploma", "university")
SCHOOLING = {"basic": (0, 1), "secondary": (2, 3), "tertiary": (4, 5)}
SEXES = ("male", "female")
VINTAGES = ("book_2024", "bps_2024", "bps_2025")


def read(name: str) -> list[dict[str, str]]:
    """Rows of one of the tables beside this module."""
    return read_rows(DATA / name)


@dataclass(frozen=True)
class Sector:
    """A sector of employment: KBLI codes, what it pays and asks for, and the KBJI group most of its jobs are in."""

    name: str
    group: str
    share_in_group_percent: float
    kbli: str
    wage_factor: float
    separation_factor: float
    min_education: int
    skills: int
    kbji: int


@dataclass(frozen=True)
class Skill:
    """A skill; its bit in a person's `skills` is its place in the table."""

    name: str
    kbji: int
    title_en: str
    title_id: str
    shares: tuple[float, float, float]  # of people with basic, secondary, tertiary education who have it


@functools.cache
def skills() -> tuple[Skill, ...]:
    """All skills, in the order of their bits."""
    return tuple(
        Skill(row["skill"], int(row["kbji"]), row["title_en"], row["title_id"],
              (float(row["share_basic"]), float(row["share_secondary"]), float(row["share_tertiary"])))
        for row in read("skills.csv")
    )  # fmt: skip


def bits_of(names: str) -> int:
    """`a;b` as a bit mask of skills; the empty text is none. Raises KeyError for an unknown name."""
    place = {skill.name: i for i, skill in enumerate(skills())}
    return sum(1 << place[name] for name in names.split(";") if name)


@functools.cache
def sectors() -> tuple[Sector, ...]:
    """All sectors, in the order of a person's `sector`."""
    return tuple(
        Sector(row["sector"], row["group"], float(row["share_in_group_percent"]), row["kbli"],
               float(row["wage_factor"]), float(row["separation_factor"]), EDUCATIONS.index(row["min_education"]),
               bits_of(row["skills"]), int(row["kbji"]))
        for row in read("sectors.csv")
    )  # fmt: skip


@functools.cache
def seasons() -> np.ndarray:
    """Labour demand of every sector and calendar month against its year's mean [-], shape (sectors, 12)."""
    place = {sector.name: i for i, sector in enumerate(sectors())}
    found = np.ones((len(place), 12))
    for row in read("seasons.csv"):
        found[place[row["sector"]], int(row["month"]) - 1] += float(row["value"]) / 100
    return found


@functools.cache
def margins(vintage: str) -> Mapping[str, Mapping[str, float]]:
    """Margins of a vintage by dimension and category: people for `status`, shares in any unit for the others."""
    found: dict[str, dict[str, float]] = {}
    for row in read("margins.csv"):
        if row["vintage"] == vintage:
            found.setdefault(row["dimension"], {})[row["category"]] = float(row["value"])
    return found


@functools.cache
def parameters() -> Mapping[str, float]:
    """What search and matching stand on (`data/parameters.csv`)."""
    return {row["name"]: float(row["value"]) for row in read("parameters.csv")}


@functools.cache
def minimum_wage_idr(year: int) -> float:
    """UMK Trenggalek [Rp/month]; the nearest known year where a year has none yet."""
    known = {int(row["year"]): float(row["value"]) for row in read("umk.csv")}
    return known[min(known, key=lambda one: (abs(one - year), one))]
