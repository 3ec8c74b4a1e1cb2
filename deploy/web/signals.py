"""The engineer's page of the junctions: what each runs, and roll-outs that wait for a word after a kill."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from deploy.app.problems import missing
from deploy.app.roles import Role
from deploy.signals import routes as signals
from deploy.web.visit import form_of, must_be, onward, page, told

router = APIRouter(include_in_schema=False)
ACTIONS = {"resume": signals.resume_roll_out, "end": signals.stop_roll_out}


@router.get("/sinyal")
@told
async def junctions(request: Request) -> Response:
    """Junctions and roll-outs."""
    who = must_be(request, Role.SIGNALS)
    there = await asyncio.to_thread(signals.controllers, request, who)
    found = await asyncio.to_thread(signals.roll_outs, request, who)
    return page(request, "signals.html", controllers=there, roll_outs=found[::-1])


@router.post("/sinyal/{roll_out}/{action}")
@told
async def act(request: Request, roll_out: str, action: str) -> Response:
    """Resume a roll-out, or end it."""
    await form_of(request)
    who = must_be(request, Role.SIGNALS)
    if action not in ACTIONS:
        raise missing(action)
    await asyncio.to_thread(ACTIONS[action], request, who, roll_out)
    return onward("/sinyal")
