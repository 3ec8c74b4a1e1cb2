"""JOBTREN's API for employers: own vacancies, whom a match run found for them, and whether a candidate is taken."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request

from deploy.app.fields import Number
from deploy.app.problems import ALWAYS, documented
from deploy.people.jobtren import Employer, application_view, notify, own_application, own_vacancy, vacancy_view
from deploy.people.jobtren_schemas import ApplicationView, CandidateMatch, Decision, VacancyView
from deploy.people.models import Application, Match, Seeker, Vacancy

router = APIRouter(prefix="/v1/jobtren", tags=["jobtren"], responses={**ALWAYS, **documented(409)})
UNDECIDED = ("passed", "invited", "accepted")


@router.get("/employer/vacancies", response_model=list[VacancyView])
def own_vacancies(
    request: Request, who: Employer, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    most: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Any:  # fmt: skip
    """One's own vacancies, open and closed, a page at a time: `after` is the last number of the page before."""
    wanted = sa.select(Vacancy).where(Vacancy.employer == who.name, Vacancy.id > after).order_by(Vacancy.id).limit(most)
    with request.app.state.database.session() as session:
        return [vacancy_view(one) for one in session.scalars(wanted)]


@router.get("/vacancies/{vacancy}/matches", response_model=list[CandidateMatch])
def found_candidates(request: Request, who: Employer, vacancy: Number) -> Any:
    """Whom the newest match run that found somebody for an own vacancy found, under pseudonyms, and why."""
    with request.app.state.database.session() as session:
        own_vacancy(session, vacancy, who)
        newest = sa.select(sa.func.max(Match.job)).where(Match.vacancy == vacancy).scalar_subquery()
        applied = sa.and_(Application.seeker == Match.seeker, Application.vacancy == Match.vacancy)
        rows = session.execute(
            sa.select(Match, Seeker.pseudonym, Application.id).join(Seeker, Seeker.id == Match.seeker)
            .outerjoin(Application, applied).where(Match.vacancy == vacancy, Match.job == newest)
            .order_by(Match.score.desc())
        )  # fmt: skip
        return [{"run": one.job, "candidate": name, "score": one.score, "because": one.because, "application": number}
                for one, name, number in rows]  # fmt: skip


@router.post("/applications/{application}/decision", response_model=ApplicationView)
def decide(request: Request, who: Employer, application: Number, decision: Decision) -> Any:
    """Take or decline a candidate of an own vacancy; they are told."""
    with request.app.state.database.session() as session:
        found, vacancy = own_application(session, application, who, UNDECIDED, "decided")
        found.state = "hired" if decision.accept else "rejected"
        seeker = session.get_one(Seeker, found.seeker)
        said = "Selamat, Anda diterima" if decision.accept else "Mohon maaf, Anda belum diterima"
        notify(session, seeker.account, f"{said} untuk {vacancy.title}")
        shown = application_view(found, seeker)
    request.app.state.audit.note(who.name, "decided", str(application), accept=decision.accept)
    return shown
