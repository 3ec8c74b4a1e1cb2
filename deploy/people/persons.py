"""What the services hold about a person: handed over, and erased."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from deploy.app.auth import Who
from deploy.app.problems import ALWAYS, documented
from deploy.exchange.credits import account_body
from deploy.people import questions
from deploy.people.models import Application, Notification, Seeker, Vacancy
from deploy.people.register import erase, profile_of

router = APIRouter(prefix="/v1/me", tags=["accounts"], responses={**ALWAYS, **documented(409)})


@router.get("/data", response_model=dict[str, Any])
def export(request: Request, who: Who) -> Any:
    """Everything that is held about oneself."""
    state = request.app.state
    found: dict[str, Any] = {"account": None, "jobtren": {}, "personnel": [], "laras": [],
                             "exchange": None}  # fmt: skip
    if not who.name.startswith("oidc:"):
        found["account"] = state.accounts.exported(who.name)
    with state.database.session() as session:
        seeker = session.scalar(sa.select(Seeker).where(Seeker.account == who.name))
        if seeker is not None:
            own = session.scalars(sa.select(Application).where(Application.seeker == seeker.id))
            applied = [{"vacancy": one.vacancy, "state": one.state} for one in own]
            kept = {"profile": profile_of(seeker), "pseudonym": seeker.pseudonym, "applications": applied}
            found["jobtren"] = kept
        offered = session.scalars(sa.select(Vacancy).where(Vacancy.employer == who.name))
        found["jobtren"] |= {"vacancies": [one.title for one in offered]}
        told = session.scalars(sa.select(Notification).where(Notification.account == who.name))
        found["jobtren"] |= {"notifications": [one.text for one in told]}
        found["laras"] = questions.of(session, who.name)
    requests = state.personnel.desk.requests.values()
    found["personnel"] = [{"number": one.number, "kind": one.kind, "state": one.state} for one in requests
                          if one.applicant == who.name]  # fmt: skip
    x = state.writer.exchange
    if who.name in x.numbers:
        found["exchange"] = account_body(x, x.numbers[who.name])
    state.audit.note(who.name, "data exported")
    return found


@router.delete("", status_code=204)
def erase_me(request: Request, who: Who) -> Response:
    """Erase oneself: profile, applications, messages, questions, names and password; all tokens end.

    What the law has kept stays under the account's name alone: the exchange's log, signed requests, the audit log.
    """
    state = request.app.state
    with state.database.session() as session:
        erase(session, who.name)
        questions.erase(session, who.name)
    if not who.name.startswith("oidc:"):
        state.accounts.erase(who.name)
    state.audit.note(who.name, "erased")
    return Response(status_code=204)
