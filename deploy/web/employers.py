"""Employers' pages: own vacancies, their candidates and why, interviews, and who is taken."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from deploy.app.fields import Number
from deploy.app.problems import missing
from deploy.app.roles import Role
from deploy.people import employers, jobtren
from deploy.people.jobtren_schemas import Decision
from deploy.web.visit import form_of, must_be, onward, page, text, told
from twin.labour.facts import EDUCATIONS, skills
from twin.places import kecamatan

router = APIRouter(prefix="/pemberi-kerja", include_in_schema=False)
LOCAL = ZoneInfo("Asia/Jakarta")


@router.get("")
@told
async def own(request: Request) -> Response:
    """Own vacancies, messages, and a form for another vacancy."""
    who = must_be(request, Role.EMPLOYER)
    found = await asyncio.to_thread(employers.own_vacancies, request, who, 0, 500)
    messages = await asyncio.to_thread(jobtren.notifications, request, who)
    choices: dict[str, Any] = {"skills": skills(), "educations": EDUCATIONS, "kecamatan": kecamatan()}
    return page(request, "employer.html", vacancies=found[::-1], messages=messages[:20], **choices)


@router.post("")
@told
async def offer(request: Request) -> Response:
    """Offer work."""
    form = await form_of(request)
    who = must_be(request, Role.EMPLOYER)
    numbers = {name: int(text(form, name) or "0") for name in ("seats", "kbji", "wage_idr", "youngest", "oldest")}
    words = {"title": text(form, "title"), "min_education": text(form, "min_education")}
    chosen = [one for one in form.getlist("skills") if isinstance(one, str)]
    where = text(form, "kecamatan") or None
    terms = jobtren.Terms.model_validate({**numbers, **words, "skills": chosen, "kecamatan": where})
    made = await asyncio.to_thread(jobtren.offer, request, who, terms)
    return onward(f"/pemberi-kerja/{made['id']}")


@router.get("/{vacancy}")
@told
async def candidates(request: Request, vacancy: Number) -> Response:
    """An own vacancy: who applied, whom the match run found, and why."""
    who = must_be(request, Role.EMPLOYER)
    rows = await asyncio.to_thread(employers.own_vacancies, request, who, vacancy - 1, 1)
    if not rows or rows[0]["id"] != vacancy:
        raise missing(f"vacancy {vacancy}")
    applied = await asyncio.to_thread(jobtren.candidates, request, who, vacancy)
    found = await asyncio.to_thread(employers.found_candidates, request, who, vacancy)
    return page(request, "candidates.html", vacancy=rows[0], applications=applied, matches=found, local=LOCAL)


@router.post("/{vacancy}/tutup")
@told
async def close(request: Request, vacancy: Number) -> Response:
    """Take no more applications."""
    await form_of(request)
    await asyncio.to_thread(jobtren.close_vacancy, request, must_be(request, Role.EMPLOYER), vacancy)
    return onward(f"/pemberi-kerja/{vacancy}")


@router.post("/lamaran/{application}/wawancara")
@told
async def interview(request: Request, application: Number) -> Response:
    """Invite a candidate; the time is the regency's (WIB)."""
    form = await form_of(request)
    at = datetime.fromisoformat(text(form, "at")).replace(tzinfo=LOCAL)
    invitation = jobtren.Invitation(at=at, place=text(form, "place"))
    who = must_be(request, Role.EMPLOYER)
    invited = await asyncio.to_thread(jobtren.invite, request, who, application, invitation)
    return onward(f"/pemberi-kerja/{invited['vacancy']}")


@router.post("/lamaran/{application}/putusan")
@told
async def decide(request: Request, application: Number) -> Response:
    """Take or decline a candidate."""
    form = await form_of(request)
    decision = Decision(accept=text(form, "accept") == "yes")
    who = must_be(request, Role.EMPLOYER)
    decided = await asyncio.to_thread(employers.decide, request, who, application, decision)
    return onward(f"/pemberi-kerja/{decided['vacancy']}")
