"""The pages: logging in, work, personnel requests, LARAS, traffic. They call what the API calls, and nothing else."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from deploy.app import routes as accounts
from deploy.app.problems import ProblemError
from deploy.app.roles import Role
from deploy.exchange import routes as exchange
from deploy.people import jobtren, laras, personnel
from deploy.signals import routes as signals
from deploy.web.visit import SESSION, form_of, must_be, onward, page, set_cookie, text, told
from twin.labour.facts import EDUCATIONS, skills
from twin.places import kecamatan
from twin.programmes.filing.rules import kinds
from twin.programmes.filing.workflow import STEPS

router = APIRouter(include_in_schema=False)


@router.get("/")
@told
async def home(request: Request) -> Response:
    """What there is."""
    return page(request, "home.html")


@router.get("/masuk")
@told
async def log_in_page(request: Request) -> Response:
    """Log in."""
    return page(request, "log_in.html")


@router.post("/masuk")
@told
async def log_in(request: Request) -> Response:
    """Log in, and get the cookie."""
    form = await form_of(request)
    given = accounts.Credentials(name=text(form, "name"), password=text(form, "password"))
    token = await asyncio.to_thread(accounts.log_in, request, given)
    response = onward("/")
    set_cookie(request, response, SESSION, token.access_token)
    return response


@router.post("/daftar")
@told
async def register(request: Request) -> Response:
    """Make an account for a job seeker or an employer."""
    form = await form_of(request)
    fields = {name: text(form, name) for name in ("name", "password", "full_name", "contact")}
    fields["role"] = text(form, "role") or "seeker"
    await asyncio.to_thread(accounts.register, request, accounts.Registration.model_validate(fields))
    return onward("/masuk")


@router.post("/keluar")
@told
async def log_out(request: Request) -> Response:
    """Log out everywhere."""
    await form_of(request)
    await asyncio.to_thread(accounts.log_out, request, must_be(request))
    response = onward("/")
    response.delete_cookie(SESSION)
    return response


@router.get("/lowongan")
@told
async def vacancies(request: Request) -> Response:
    """Open vacancies, one's profile, one's applications and matches."""
    who = must_be(request)
    found = await asyncio.to_thread(jobtren.vacancies, request, who)
    values: dict[str, Any] = {"vacancies": found, "profile": None, "applications": [], "matches": [], "messages": []}
    if who.may(Role.SEEKER):
        try:
            values["profile"] = await asyncio.to_thread(jobtren.told, request, who)
            values["applications"] = await asyncio.to_thread(jobtren.own_applications, request, who)
            values["matches"] = await asyncio.to_thread(jobtren.matches, request, who)
        except ProblemError as error:
            if error.reason != "no_profile":
                raise
        values["messages"] = await asyncio.to_thread(jobtren.notifications, request, who)
    choices: dict[str, Any] = {"skills": skills(), "educations": EDUCATIONS, "kecamatan": kecamatan()}
    return page(request, "work.html", **values, **choices)


@router.post("/profil")
@told
async def profile(request: Request) -> Response:
    """Tell one's profile."""
    form = await form_of(request)
    who = must_be(request, Role.SEEKER)
    whole = {name: int(text(form, name) or "0") for name in ("age", "interest", "wage_idr", "furthest_km")}
    words = {name: text(form, name) for name in ("sex", "education", "kecamatan")}
    chosen = [one for one in form.getlist("skills") if isinstance(one, str)]
    told_by_form = {**whole, **words, "skills": chosen, "disability": text(form, "disability") == "yes"}
    made = jobtren.Profile.model_validate(told_by_form)
    await asyncio.to_thread(jobtren.tell, request, who, made)
    return onward("/lowongan")


@router.post("/lowongan/{vacancy}/lamar")
@told
async def apply(request: Request, vacancy: int) -> Response:
    """Apply for a vacancy."""
    await form_of(request)
    await asyncio.to_thread(jobtren.apply, request, must_be(request, Role.SEEKER), vacancy)
    return onward("/lowongan")


@router.post("/lamaran/{application}/jawab")
@told
async def reply(request: Request, application: int) -> Response:
    """Accept or decline an interview."""
    form = await form_of(request)
    answer = jobtren.Reply(accept=text(form, "accept") == "yes")
    await asyncio.to_thread(jobtren.reply, request, must_be(request, Role.SEEKER), application, answer)
    return onward("/lowongan")


@router.get("/kepegawaian")
@told
async def requests(request: Request) -> Response:
    """Own requests, or the desk's."""
    who = must_be(request, Role.EMPLOYEE, Role.OFFICER, Role.HEAD)
    found = await asyncio.to_thread(personnel.requests, request, who)
    return page(request, "requests.html", requests=found, kinds=kinds(), today=date.today())


@router.post("/kepegawaian")
@told
async def new_request(request: Request) -> Response:
    """Begin a request."""
    form = await form_of(request)
    who = must_be(request, Role.EMPLOYEE)
    wanted = personnel.NewRequest(kind=text(form, "kind"), effective=date.fromisoformat(text(form, "effective")))
    filed = await asyncio.to_thread(personnel.post_request, request, who, wanted)
    return onward(f"/kepegawaian/{filed['number']}")


@router.get("/kepegawaian/{number}")
@told
async def one_request(request: Request, number: str) -> Response:
    """A request, its documents, its trail, and what can be done now."""
    who = must_be(request, Role.EMPLOYEE, Role.OFFICER, Role.HEAD)
    filed = personnel.must_be_theirs(personnel.desk_of(request), number, who)
    mine = filed.applicant == who.name
    actions = [name for name, step in STEPS.items() if filed.state in step.before
               and who.may(personnel.DESK_ROLES[step.role]) and mine == (step.role == "applicant")]  # fmt: skip
    trail = personnel.desk_of(request).desk.history(number)
    return page(request, "request.html", filed=filed, kind=kinds()[filed.kind], actions=actions, trail=trail, mine=mine)


@router.post("/kepegawaian/{number}/dokumen/{name}")
@told
async def attach(request: Request, number: str, name: str) -> Response:
    """Attach a document."""
    form = await form_of(request)
    who, given = must_be(request, Role.EMPLOYEE), form.get("content")
    if not isinstance(given, UploadFile):
        raise ProblemError(422, "Pilih berkas dahulu.", "input_at_fault")
    content = await given.read()
    await form.close()
    await asyncio.to_thread(personnel.attach, personnel.desk_of(request), who, number, name, content)
    return onward(f"/kepegawaian/{number}")


@router.post("/kepegawaian/{number}/langkah")
@told
async def step(request: Request, number: str) -> Response:
    """Do what comes next."""
    form = await form_of(request)
    wanted = personnel.Step(action=text(form, "action"), reason=text(form, "reason"))
    desk, who = personnel.desk_of(request), must_be(request)
    await asyncio.to_thread(personnel.act, desk, who, number, wanted.action, wanted.reason)
    return onward(f"/kepegawaian/{number}")


@router.get("/kepegawaian/{number}/keputusan")
@told
async def decision(request: Request, number: str) -> Response:
    """The signed decision."""
    who = must_be(request, Role.EMPLOYEE, Role.OFFICER, Role.HEAD)
    return await asyncio.to_thread(personnel.decision, request, who, number)


@router.get("/laras")
@told
async def questions(request: Request) -> Response:
    """Ask LARAS."""
    must_be(request)
    return page(request, "laras.html", question="", answer=None)


@router.post("/laras")
@told
async def question(request: Request) -> Response:
    """LARAS's answer, with its quotes."""
    form = await form_of(request)
    asked = laras.Asked(question=text(form, "question"))
    answer = await asyncio.to_thread(laras.post_question, request, must_be(request), asked)
    return page(request, "laras.html", question=asked.question, answer=answer)


@router.post("/laras/{number}/nilai")
@told
async def rating(request: Request, number: int) -> Response:
    """Whether it helped."""
    form = await form_of(request)
    given = laras.Rating(satisfied=text(form, "satisfied") == "yes")
    await asyncio.to_thread(laras.post_rating, request, must_be(request), number, given)
    return onward("/laras")


@router.get("/lalu-lintas/{network}")
@told
async def traffic(request: Request, network: str) -> Response:
    """The public feed."""
    if not re.fullmatch(r"[a-z0-9]{1,40}", network):
        raise ProblemError(404, "Jaringan itu tidak ada.", "not_found")
    return page(request, "traffic.html", feed=await asyncio.to_thread(signals.public_feed, request, network))


@router.get("/sertifikat/{certificate}")
@told
async def certificate(request: Request, certificate: str) -> Response:
    """A certificate, for anybody who was shown one."""
    return page(request, "certificate.html", one=await exchange.certificate(request, certificate))
