"""The published hours: a new day's book when the market opens, closed when it closes; a halt is a person's to lift."""

from __future__ import annotations

import asyncio
from datetime import datetime

from deploy.app.problems import ProblemError
from deploy.exchange.outside import JAKARTA
from deploy.exchange.state import Exchange
from deploy.exchange.writer import Writer

LOOK_S = 15.0
SATURDAY = 5
CLOCK = "#clock"  # who gives these commands; no account can be called so


def due(x: Exchange, now: datetime) -> tuple[str, dict[str, str]] | None:
    """The command that the clock asks for at this moment, if any."""
    local, r = now.astimezone(JAKARTA), x.rules_of["regular"]
    inside = local.weekday() < SATURDAY and r.open_hour <= local.hour < r.close_hour
    if inside and x.session == "closed":
        return "new_day", {}
    if not inside and x.session == "open":
        return "session", {"session": "closed"}
    return None


async def keep_hours(writer: Writer) -> None:
    """Open and close for ever."""
    while True:
        now = datetime.now(JAKARTA)
        if (wanted := due(writer.exchange, now)) is not None:
            try:
                await writer.do(wanted[0], CLOCK, f"clock-{now:%Y%m%d-%H%M%S}", wanted[1])
            except ProblemError:
                return  # the services are ending, or the disk failed: nothing to open
        await asyncio.sleep(LOOK_S)
