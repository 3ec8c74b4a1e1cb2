"""JOBTREN's API: profiles, vacancies, applications with their screening, interviews, match runs, notifications."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from deploy.app.accounts import Identity
from deploy.app.auth import Who, having
from deploy.app.fields import Number
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.ops.backup import WORK
from deploy.people.jobtren_schemas import (
    ApplicationView,
    Import,
    Imported,
    Invitation,
    MatchView,
    NewMatchRun,
    NotificationView,
    Profile,
    Reply,
    Terms,
    VacancyView,
)
from deploy.people.models import Application, Match, Notification, Seeker, Vacancy
from deploy.people.register import everybody, imported, profile_of, screened, written
from deploy.work.routes import JobView, jobs_of, view
from twin.labour.advice.intake import read_register
from twin.labour.privacy import pseudonym

router = APIRouter(prefix="/v1/jobtren", tags=["jobtren"], responses={**ALWAYS, **documented(409)})
SeekerRole = Annotated[Identity, having(Role.SEEKER)]
Employer = Annotated[Identity, having(Role.EMPLOYER)]
Manpower = Annotated[Identity, having(Role.MANPOWER)]


@router.put("/me", response_model=Profile)
def tell(request: Request, who: SeekerRole, profile: Profile) -> Any:
    """Tell or change one's profile."""
    kept = _kept_profile(profile)
    name = pseudonym(who.name, request.app.state.pseudonyms)
    with request.app.state.database.session() as session:
        found = session.scalar(sa.select(Seeker).where(Seeker.account == who.name))
        if found is None:
            session.add(Seeker(account=who.name, pseudonym=name, profile=json.dumps(kept)))
        else:
            found.profile = json.dumps(kept)
    request.app.state.audit.note(who.name, "profile told", name)
    return profile


@router.get("/me", response_model=Profile)
def told(request: Request, who: SeekerRole) -> Any:
    """One's profile."""
    with request.app.state.database.session() as session:
        kept = profile_of(_seeker(session, who.name))
    return {**kept, "skills": _words(kept["skills"]), "disability": kept["disability"] == "yes"}


@router.get("/vacancies", response_model=list[VacancyView])
def vacancies(
    request: Request, who: Who, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    most: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Any:  # fmt: skip
    """Open vacancies, a page at a time: `after` is the last number of the page before."""
    wanted = sa.select(Vacancy).where(Vacancy.is_open, Vacancy.id > after).order_by(Vacancy.id).limit(most)
    with request.app.state.database.session() as session:
        return [vacancy_view(one) for one in session.scalars(wanted)]


@router.post("/vacancies", response_model=VacancyView, status_code=201)
def offer(request: Request, who: Employer, terms: Terms) -> Any:
    """Offer work."""
    kept = _kept_terms(terms)
    with request.app.state.database.session() as session:
        made = Vacancy(employer=who.name, title=terms.title, terms=kept, is_open=True)
        session.add(made)
        session.flush()
        shown = vacancy_view(made)
    request.app.state.audit.note(who.name, "vacancy offered", str(shown["id"]))
    return shown


@router.delete("/vacancies/{vacancy}", response_model=VacancyView)
def close_vacancy(request: Request, who: Employer, vacancy: Number) -> Any:
    """Take no more applications."""
    with request.app.state.database.session() as session:
        found = own_vacancy(session, vacancy, who)
        found.is_open = False
        shown = vacancy_view(found)
    request.app.state.audit.note(who.name, "vacancy closed", str(vacancy))
    return shown


@router.post("/vacancies/{vacancy}/applications", response_model=ApplicationView, status_code=201)
def apply(request: Request, who: SeekerRole, vacancy: Number) -> Any:
    """Apply; the screening answers at once, with its reasons in Bahasa Indonesia."""
    with request.app.state.database.session() as session:
        seeker = _seeker(session, who.name)
        found = session.get(Vacancy, vacancy)
        if found is None or not found.is_open:
            raise missing(f"open vacancy {vacancy}")
        same = sa.select(Application).where(Application.seeker == seeker.id, Application.vacancy == vacancy)
        if session.scalar(same):
            raise ProblemError(409, f"you have applied for vacancy {vacancy}", "applied")
        reasons, parts = screened(profile_of(seeker), found.terms)
        made = Application(
            seeker=seeker.id, vacancy=vacancy, state="screened" if reasons else "passed", reasons=reasons, parts=parts,
            interview_at=None, interview_place="", made_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(made)
        session.flush()
        notify(session, found.employer, f"Lamaran baru untuk lowongan {vacancy}: {found.title}")
        shown = application_view(made, seeker)
    request.app.state.audit.note(who.name, "applied", str(vacancy))
    return shown


@router.get("/applications", response_model=list[ApplicationView])
def own_applications(request: Request, who: SeekerRole) -> Any:
    """One's applications."""
    with request.app.state.database.session() as session:
        seeker = _seeker(session, who.name)
        found = session.scalars(sa.select(Application).where(Application.seeker == seeker.id).order_by(Application.id))
        return [application_view(one, seeker) for one in found]


@router.get("/vacancies/{vacancy}/applications", response_model=list[ApplicationView])
def candidates(request: Request, who: Employer, vacancy: Number) -> Any:
    """Who applied for an own vacancy, under pseudonyms, best score first."""
    with request.app.state.database.session() as session:
        own_vacancy(session, vacancy, who)
        pairs = session.execute(
            sa.select(Application, Seeker).join(Seeker, Seeker.id == Application.seeker)
            .where(Application.vacancy == vacancy)
        )  # fmt: skip
        shown = [application_view(one, seeker) for one, seeker in pairs]
    return sorted(shown, key=lambda one: -sum(part["employer_points"] for part in one["parts"]))


@router.post("/applications/{application}/interview", response_model=ApplicationView)
def invite(request: Request, who: Employer, application: Number, invitation: Invitation) -> Any:
    """Invite a candidate who passed the screening."""
    with request.app.state.database.session() as session:
        found, vacancy = own_application(session, application, who, ("passed", "invited"), "not_passed")
        found.state, found.interview_at, found.interview_place = "invited", invitation.at, invitation.place
        seeker = session.get_one(Seeker, found.seeker)
        when = invitation.at.isoformat(timespec="minutes")
        notify(session, seeker.account, f"Undangan wawancara untuk {vacancy.title}: {when}, {invitation.place}")
        shown = application_view(found, seeker)
    request.app.state.audit.note(who.name, "invited", str(application))
    return shown


@router.post("/applications/{application}/reply", response_model=ApplicationView)
def reply(request: Request, who: SeekerRole, application: Number, answer: Reply) -> Any:
    """Accept or decline an invitation."""
    with request.app.state.database.session() as session:
        seeker = _seeker(session, who.name)
        found = session.get(Application, application)
        if found is None or found.seeker != seeker.id:
            raise missing(f"application {application}")
        if found.state != "invited":
            raise ProblemError(409, f"application {application} is {found.state}", "not_invited")
        found.state = "accepted" if answer.accept else "declined"
        vacancy = session.get_one(Vacancy, found.vacancy)
        notify(session, vacancy.employer, f"Kandidat {seeker.pseudonym[:8]}: {found.state} ({vacancy.title})")
        shown = application_view(found, seeker)
    request.app.state.audit.note(who.name, "replied", str(application), accept=answer.accept)
    return shown


@router.post("/imports", response_model=Imported, status_code=201)
def import_register(request: Request, who: Manpower, given: Import) -> Any:
    """Add the manpower office's register."""
    with tempfile.TemporaryDirectory() as folder:
        people, offers = FilePath(folder) / "seekers.csv", FilePath(folder) / "vacancies.csv"
        people.write_text(given.seekers_csv, encoding="utf-8", newline="")
        offers.write_text(given.vacancies_csv, encoding="utf-8", newline="")
        register = read_register(people, offers, request.app.state.pseudonyms)
    with request.app.state.database.session() as session:
        seekers, found = imported(session, register)
    request.app.state.audit.note(who.name, "register imported", "", seekers=seekers, vacancies=found)
    return {"seekers": seekers, "vacancies": found}


@router.post("/match-runs", response_model=JobView, status_code=202)
def match_run(request: Request, who: Manpower, wanted: NewMatchRun) -> Any:
    """Match everybody with every open vacancy, as a job; its result has parity and other methods beside."""
    with request.app.state.database.session() as session:
        people, offers = everybody(session)
    if not people or not offers:
        raise ProblemError(409, "there are no seekers, or no open vacancies", "empty")
    beside = request.app.state.settings.data / WORK
    beside.mkdir(exist_ok=True)
    folder = FilePath(tempfile.mkdtemp(prefix="match-", dir=beside))
    written(folder, people, offers)
    job = jobs_of(request).add("match", who.name, {"folder": str(folder), "listed": wanted.listed})
    request.app.state.audit.note(who.name, "match run", str(job.id), seekers=len(people), vacancies=len(offers))
    request.app.state.wake()
    return view(job)


@router.get("/matches", response_model=list[MatchView])
def matches(request: Request, who: SeekerRole) -> Any:
    """What one was matched with, newest run last, and why."""
    with request.app.state.database.session() as session:
        seeker = _seeker(session, who.name)
        rows = session.execute(
            sa.select(Match, Vacancy.title).join(Vacancy, Vacancy.id == Match.vacancy)
            .where(Match.seeker == seeker.id).order_by(Match.id)
        )  # fmt: skip
        return [{"run": one.job, "vacancy": one.vacancy, "title": title, "score": one.score, "because": one.because}
                for one, title in rows]  # fmt: skip


@router.get("/notifications", response_model=list[NotificationView])
def notifications(request: Request, who: Who) -> Any:
    """One's messages, newest first."""
    wanted = sa.select(Notification).where(Notification.account == who.name).order_by(Notification.id.desc()).limit(200)
    with request.app.state.database.session() as session:
        return [{"id": one.id, "text": one.text, "at": one.at, "was_read": one.was_read}
                for one in session.scalars(wanted)]  # fmt: skip


@router.post("/notifications/read", status_code=204)
def mark_read(request: Request, who: Who) -> Response:
    """Mark all of one's messages as read."""
    with request.app.state.database.session() as session:
        session.execute(sa.update(Notification).where(Notification.account == who.name).values(was_read=True))
    return Response(status_code=204)


def _kept_profile(profile: Profile) -> dict[str, Any]:
    kept = profile.model_dump()
    return {**kept, "skills": ";".join(profile.skills), "disability": "yes" if profile.disability else "no"}


def _kept_terms(terms: Terms) -> dict[str, Any]:
    kept = terms.model_dump(exclude={"title"})
    return {**kept, "skills": ";".join(terms.skills), "kecamatan": terms.kecamatan or ""}


def _words(text: str) -> list[str]:
    return [word for word in text.split(";") if word]


def _seeker(session: Session, account: str) -> Seeker:
    found = session.scalar(sa.select(Seeker).where(Seeker.account == account))
    if found is None:
        raise ProblemError(404, "you have no profile yet: PUT /v1/jobtren/me", "no_profile")
    return found


def own_vacancy(session: Session, vacancy: int, who: Identity) -> Vacancy:
    """An employer's own vacancy. Raises ProblemError 404 for any other."""
    found = session.get(Vacancy, vacancy)
    if found is None or found.employer != who.name:
        raise missing(f"vacancy {vacancy}")
    return found


def own_application(
    session: Session, application: int, who: Identity, states: Sequence[str], code: str
) -> tuple[Application, Vacancy]:
    """An application to an employer's own vacancy, in one of these states.

    Raises ProblemError: 404 where there is none, 409 with `code` in another state.
    """
    found = session.get(Application, application)
    if found is None:
        raise missing(f"application {application}")
    vacancy = own_vacancy(session, found.vacancy, who)
    if found.state not in states:
        raise ProblemError(409, f"application {application} is {found.state}", code)
    return found, vacancy


def vacancy_view(one: Vacancy) -> dict[str, Any]:
    """A vacancy as the API gives it."""
    return {"id": one.id, "employer": one.employer, "title": one.title, "terms": one.terms, "is_open": one.is_open}


def application_view(one: Application, seeker: Seeker) -> dict[str, Any]:
    """An application as the API gives it: the candidate under a pseudonym."""
    return {
        "id": one.id, "vacancy": one.vacancy, "candidate": seeker.pseudonym, "state": one.state, "reasons": one.reasons,
        "parts": one.parts, "interview_at": one.interview_at, "interview_place": one.interview_place,
        "made_at": one.made_at,
    }  # fmt: skip


def notify(session: Session, account: str | None, text: str) -> None:
    """Leave somebody a message; nobody where there is no account."""
    if account is not None:
        session.add(Notification(account=account, text=text, at=datetime.now(UTC), was_read=False))
