"""What other sectors mean for the labour market: the vacancies they open and the people they train.

A sector says so itself in tables `<module>_jobs` (skill, seats, wage_idr_month, kecamatan_code) and
`<module>_training` (skill, people, kecamatan_code); an empty code is anywhere. For a programme whose module writes no
such table, `data/programme_jobs.csv` says what comes of it while it runs; a module's own table replaces its lines, so
that no job is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.labour.chance import generator
from twin.labour.employers import ANYWHERE, Board
from twin.labour.facts import bits_of, read, sectors, skills
from twin.module import Row, Seen
from twin.places import kecamatan

SOURCES = ("solar", "programmes", "carbon", "crypto", "aipreneur", "knowledge", "contracts")


@dataclass(frozen=True)
class Wanted:
    """Seats and trainees of one skill in a month; they may be fractions."""

    skill: str
    seats: float
    trained: float
    wage_idr: float
    place: int = ANYWHERE


def wanted(seen: Seen, minimum_wage_idr: float, scale: float = 1.0) -> list[Wanted]:
    """What last month's rows of the other sectors mean for this month; `scale` for a smaller population."""
    found, told = [], set()
    for module in SOURCES:
        jobs, training = seen.rows(module, f"{module}_jobs"), seen.rows(module, f"{module}_training")
        told |= {module} if jobs or training else set()
        found += [
            Wanted(str(row["skill"]), scale * _number(row, "seats"), 0.0, _number(row, "wage_idr_month"), _place(row))
            for row in jobs
        ]
        found += [Wanted(str(row["skill"]), 0.0, scale * _number(row, "people"), 0.0, _place(row)) for row in training]
    programmes = seen.rows("programmes", "programme_month", "programme", "active")
    running = {str(row["programme"]) for row in programmes if row["active"]}
    for row in read("programme_jobs.csv"):
        if row["programme"] in running and row["module"] not in told:
            seats, trained = scale * float(row["seats_month"]), scale * float(row["trained_month"])
            found.append(Wanted(row["skill"], seats, trained, minimum_wage_idr * float(row["wage_factor"])))
    return found


def _number(row: Row, column: str) -> float:
    return float(row[column] or 0)


def _place(row: Row) -> int:
    codes = [one.code for one in kecamatan()]
    return codes.index(str(row["kecamatan_code"])) if row.get("kecamatan_code") else ANYWHERE


def vacancies(all_wanted: Sequence[Wanted], week: int, key: int, employer_of: np.ndarray) -> Board:
    """One vacancy a wish with at least a seat, fractions drawn; `employer_of` (sectors, places) is whose job it is."""
    rng = generator(key, 3, week)
    seats = np.array([int(np.floor(one.seats + rng.random())) for one in all_wanted], dtype=np.int64)
    chosen = [one for one, n in zip(all_wanted, seats, strict=True) if n > 0]
    sector = np.array([_sector_of(one.skill) for one in chosen], dtype=np.int64)
    place = np.array([one.place for one in chosen], dtype=np.int64)
    home = np.where(place < 0, rng.integers(0, employer_of.shape[1], len(chosen)), place)
    return Board(
        employer_of[sector, home] if len(chosen) else sector, seats[seats > 0],
        np.array([one.wage_idr for one in chosen], dtype=float), home, np.zeros(len(chosen), dtype=np.int64),
        np.array([bits_of(one.skill) for one in chosen], dtype=np.uint32), np.ones(len(chosen), dtype=bool),
        np.full(len(chosen), week),
    )  # fmt: skip


def _sector_of(skill: str) -> int:
    """The sector that asks for a skill; other services for one that none asks for."""
    asks = [i for i, sector in enumerate(sectors()) if sector.skills & bits_of(skill)]
    return asks[0] if asks else len(sectors()) - 1


def train(
    all_wanted: Sequence[Wanted], key: int, month: int, jobless: np.ndarray, kecamatan_of: np.ndarray, has: np.ndarray
) -> int:
    """Give the skill to as many of the jobless (people by number) who lack it; how many were trained.

    `has` (people,) is changed in place.
    """
    rng, done = generator(key, 4, month), 0
    bit = {skill.name: np.uint32(1 << i) for i, skill in enumerate(skills())}
    for one in all_wanted:
        people = int(np.floor(one.trained + rng.random()))
        if people > 0:
            able = jobless[(has[jobless] & bit[one.skill]) == 0]
            able = able if one.place < 0 else able[kecamatan_of[able] == one.place]
            chosen = rng.permutation(able)[:people]
            has[chosen] |= bit[one.skill]
            done += len(chosen)
    return done
