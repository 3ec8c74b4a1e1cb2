"""JOBTREN's register: profiles and vacancies of the database as the twin's columns, screening, and match runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from deploy.people.models import Application, Match, Notification, Seeker, Vacancy
from twin.csv_input import write_table
from twin.errors import LabourError
from twin.labour.advice.explain import score_explained, screened_out
from twin.labour.advice.intake import (
    SEEKER_COLUMNS,
    SEEKER_OPTIONAL,
    VACANCY_COLUMNS,
    VACANCY_OPTIONAL,
    Register,
    read_register,
    skill_words,
)  # fmt: skip
from twin.labour.facts import EDUCATIONS, SEXES
from twin.places import kecamatan

PEOPLE, OFFERS = "seekers.csv", "vacancies.csv"
IMPORTED = "#import"  # whose the vacancies of an import are


def written(
    folder: Path, people: Mapping[str, Mapping[str, Any]], offers: Mapping[str, Mapping[str, Any]]
) -> tuple[Path, Path]:
    """Profiles and terms by name as the two tables that the twin reads."""
    seekers = pd.DataFrame([{**one, "id": name} for name, one in people.items()],
                           columns=[*SEEKER_COLUMNS, *SEEKER_OPTIONAL])  # fmt: skip
    vacancies = pd.DataFrame([{**one, "vacancy": name} for name, one in offers.items()],
                             columns=[*VACANCY_COLUMNS, *VACANCY_OPTIONAL])  # fmt: skip
    for table, name in ((seekers, PEOPLE), (vacancies, OFFERS)):
        write_table(table, folder / name, LabourError)
    return folder / PEOPLE, folder / OFFERS


def register_of(people: Mapping[str, Mapping[str, Any]], offers: Mapping[str, Mapping[str, Any]]) -> Register:
    """Checked columns. Raises LabourError with all faults."""
    with tempfile.TemporaryDirectory() as folder:
        return read_register(*written(Path(folder), people, offers), None)


def screened(profile: Mapping[str, Any], terms: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Why a candidate does not pass a vacancy's screening (Bahasa Indonesia), and the parts of the score."""
    one = register_of({"s": profile}, {"v": terms})
    return screened_out(one.seekers, 0, one.vacancies, 0), score_explained(one.seekers, 0, one.vacancies, 0)


def profile_of(seeker: Seeker) -> dict[str, Any]:
    """A seeker's profile."""
    found: dict[str, Any] = json.loads(seeker.profile)
    return found


def everybody(session: Session) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Profiles of all seekers and terms of all open vacancies, by their numbers."""
    people = {str(one.id): profile_of(one) for one in session.scalars(sa.select(Seeker).order_by(Seeker.id))}
    offers = {str(one.id): one.terms
              for one in session.scalars(sa.select(Vacancy).where(Vacancy.is_open).order_by(Vacancy.id))}  # fmt: skip
    return people, offers


def imported(session: Session, register: Register) -> tuple[int, int]:
    """Add a register of the manpower office; who is there already under the same pseudonym is replaced."""
    codes = [one.code for one in kecamatan()]
    s, v = register.seekers, register.vacancies
    there = {one.pseudonym: one for one in session.scalars(sa.select(Seeker).where(Seeker.account.is_(None)))}
    for i, name in enumerate(register.names):
        profile = json.dumps({
            "age": int(s.age[i]), "sex": SEXES[s.sex[i]], "education": EDUCATIONS[s.education[i]],
            "kecamatan": codes[s.kecamatan[i]], "skills": skill_words(s.skills[i]), "interest": int(s.interest[i]),
            "wage_idr": float(s.wage_idr[i]), "furthest_km": float(s.furthest_km[i]),
            "disability": "yes" if s.disability[i] else "no",
        })  # fmt: skip
        if name in there:
            there[name].profile = profile
        else:
            session.add(Seeker(account=None, pseudonym=name, profile=profile))
    for i, name in enumerate(register.vacancies_named):
        terms = {
            "seats": int(v.seats[i]), "kecamatan": "" if v.kecamatan[i] < 0 else codes[v.kecamatan[i]],
            "min_education": EDUCATIONS[v.min_education[i]], "skills": skill_words(v.skills[i]),
            "kbji": int(v.kbji[i]), "wage_idr": float(v.wage_idr[i]), "youngest": int(v.youngest[i]),
            "oldest": int(v.oldest[i]), "reserved": int(v.reserved[i]),
        }  # fmt: skip
        session.add(Vacancy(employer=IMPORTED, title=name, terms=terms, is_open=True))
    return len(register.names), len(register.vacancies_named)


def keep_matches(session: Session, job: int, rows: Sequence[Mapping[str, Any]], now: Any) -> None:
    """Store a match run's pairs, and tell those who have an account."""
    session.execute(sa.delete(Match).where(Match.job == job))
    there = set(session.scalars(sa.select(Seeker.id)))
    titles = {row[0]: row[1] for row in session.execute(sa.select(Vacancy.id, Vacancy.title))}
    wanted = sa.select(Seeker.id, Seeker.account).where(Seeker.account.is_not(None))
    accounts = {row[0]: row[1] for row in session.execute(wanted)}
    for row in rows:
        seeker, vacancy = int(row["seeker"]), int(row["vacancy"])
        if seeker not in there or vacancy not in titles:
            continue  # erased meanwhile
        session.add(Match(job=job, seeker=seeker, vacancy=vacancy, score=row["score"], because=row["because"]))
        if (account := accounts.get(seeker)) is not None:
            text = f"Anda cocok dengan lowongan {vacancy}: {titles[vacancy]}"
            session.add(Notification(account=account, text=text, at=now, was_read=False))


def erase(session: Session, account: str) -> None:
    """Take everything about a person out of the register."""
    seeker = session.scalar(sa.select(Seeker).where(Seeker.account == account))
    if seeker is not None:
        session.execute(sa.delete(Application).where(Application.seeker == seeker.id))
        session.execute(sa.delete(Match).where(Match.seeker == seeker.id))
        session.delete(seeker)
    session.execute(sa.delete(Notification).where(Notification.account == account))
    session.execute(sa.update(Vacancy).where(Vacancy.employer == account).values(is_open=False))
