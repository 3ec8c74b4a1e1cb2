"""Hourly use of a site, from its appliances, the calendar and what happens in the village hall."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from twin.module import Options
from twin.solar.facts import rows, values
from twin.solar.office.calendar import is_working

SITE_TYPES = ("office", "mosque", "jls")
DAY_TYPES = ("working", "closed", "event")


class Appliance(Options):
    """Some equal things that run on one schedule."""

    name: str
    power_w: float = Field(gt=0, le=100_000)
    count: int = Field(1, ge=0, le=1000)
    schedule: Literal["office_hours", "always", "night", "event", "prayers"]


@functools.cache
def schedule_shares() -> dict[tuple[str, str], np.ndarray]:
    """For a schedule and a type of day: how much of the power runs in each hour, shape (24,)."""
    found = {(row["schedule"], day): np.zeros(24) for row in rows("schedules") for day in DAY_TYPES}
    for row in rows("schedules"):
        shares = found[row["schedule"], row["day_type"]]
        shares[int(row["from_hour"]) : int(row["to_hour"])] = float(row["share"])
    return found


def appliances_of(site_type: str) -> tuple[Appliance, ...]:
    """What a site of this type has, if nobody knows better: a prior."""
    return tuple(
        Appliance(name=row["appliance"], power_w=float(row["power_w"]), count=int(row["count"]),
                  schedule=row["schedule"])  # type: ignore[arg-type]
        for row in rows("appliances")
        if row["site_type"] == site_type
    )  # fmt: skip


def day_kwh(appliances: Sequence[Appliance], day_type: str) -> np.ndarray:
    """Energy in each hour of a type of day [kWh], shape (24,); `event` is what an evening adds."""
    total = np.zeros(24)
    for one in appliances:
        total += one.power_w * one.count / 1000 * schedule_shares()[one.schedule, day_type]
    return total


def mean_day_kwh(appliances: Sequence[Appliance], year: int) -> float:
    """An average day of a year [kWh], events at their chance."""
    o, open_share = values("office"), float(is_working(pd.Period(year=year, freq="Y")).mean())
    chance = open_share * o["event_chance_working"] + (1 - open_share) * o["event_chance_closed"]
    working, closed, event = (float(day_kwh(appliances, day).sum()) for day in DAY_TYPES)
    return open_share * working + (1 - open_share) * closed + chance * event


def month_kwh(
    appliances: Sequence[Appliance], sites: int, month: pd.Period, mean_kwh: float | None, rng: np.random.Generator
) -> np.ndarray:
    """Hourly use of equal sites [kWh], shape (sites, hours), each with its own events.

    With `mean_kwh` the appliances give the shape alone and an average day uses so much; else they give the size too.
    """
    o, working = values("office"), is_working(month)
    usual = np.where(working[:, None], day_kwh(appliances, "working"), day_kwh(appliances, "closed"))
    chance = np.where(working, o["event_chance_working"], o["event_chance_closed"])
    events = rng.random((sites, len(working))) < chance
    use = usual[None] + events[:, :, None] * day_kwh(appliances, "event")
    scale = 1.0 if mean_kwh is None else mean_kwh / mean_day_kwh(appliances, month.year)
    return scale * use.reshape(sites, -1)


def service_hours(month: pd.Period) -> np.ndarray:
    """Whether the counter is open in each hour of a month, shape (hours,)."""
    o = values("office")
    hour = np.arange(24)
    opened = (hour >= o["service_from_hour"]) & (hour < o["service_to_hour"])
    return (is_working(month)[:, None] & opened).ravel()
