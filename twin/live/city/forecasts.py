"""The next hour of a followed city, told anew every minute from the minutes that have been heard."""

from __future__ import annotations

from collections import deque

import numpy as np

from twin.live.city.estimates import Known
from twin.live.counters import MINUTE_S
from twin.live.day import STEP_S
from twin.live.estimate.city import Told
from twin.live.estimate.travel import MINUTES
from twin.live.forecast.roads import PER_H, PLAN, Forecaster, intervals_until, learned, rows, seen_of
from twin.module import Row
from twin.traffic.forecast.feed import at_hand, lived_days
from twin.traffic.networks.roads import SIGNS, mean_of

Hour = deque[tuple[np.ndarray, np.ndarray, np.ndarray]]  # vehicles, halting (Z,) and counts (C,) of the last minutes


def forecaster_of(network: str) -> Forecaster | None:
    """What days on a network taught, where they have been lived already; no day is lived for this."""
    if not at_hand(network, PLAN):
        return None
    roads, past, _ = lived_days(network, [], plan=PLAN)
    return learned(roads, past)


def minutes_heard() -> Hour:
    """For an hour of minutes: further back no forecast looks."""
    return deque(maxlen=MINUTES * PER_H)


def take(heard: Hour, came: Told, step_s: int) -> None:
    """Remember the minute to which `came` leads: means of the cameras, and what the counters counted."""
    last = MINUTE_S // step_s
    heard.append((mean_of(came.vehicles[-last:], 0), mean_of(came.halting[-last:], 0), came.counted[-1]))


def told(forecaster: Forecaster, known: Known, heard: Hour, at_s: float) -> list[Row]:
    """Rows of `live_forecast`; what was before the first minute heard counts as usual.

    Raises LiveError for a moment that the learned days do not have.
    """
    n = intervals_until(at_s, forecaster)
    seen = np.full((n, len(forecaster.roads), len(SIGNS)), np.nan)
    if whole := min(n, len(heard) // MINUTES):
        vehicles, halting, counted = (np.array(one)[-whole * MINUTES :] for one in zip(*heard, strict=True))
        again = round(MINUTE_S / STEP_S)  # a minute's mean stands for each of its moments
        there, standing = (np.repeat(one, again, axis=0) for one in (vehicles, halting))
        came = Told(standing, there, np.zeros((0, 0)), counted)
        seen[-whole:] = seen_of(came, known.layout.views, known.p["believed_miss_percent"] / 100)
    return [
        {**{name: value for name, value in row.items() if name != "at"}, "live": int(row["live"]), "at_s": at_s}
        for row in rows(forecaster, seen, at_s)
    ]
