"""What the rest of the city does to the street: employment to its demand, PLN's outages to its lamps."""

from __future__ import annotations

import pandas as pd

from twin.module import Seen
from twin.places import kecamatan, with_role
from twin.traffic.demand.hours import employment_factor, parameters
from twin.traffic.simulation.events import EventOptions, Outage

AREA_WIDE = ("planned", "feeder")  # outages that reach a whole kecamatan; a local one is some customer's own


def commuting_factor(seen: Seen) -> float:
    """Commuting follows employment, where the labour sector shows any [-].

    In steps of `commuting_step`, so that a what-if that hardly moves employment finds its hours lived.
    """
    employed = seen.total("labour", "labour_month", "employed")
    step = parameters()["commuting_step"]
    return step * round(employment_factor(employed) / step) if employed > 0 else 1.0


def with_outages(
    events: EventOptions, seen: Seen, month: pd.Period, day: float, begin_h: float, hour_s: int, junctions: list[str]
) -> EventOptions:
    """The events of an hour in which PLN fails as it did last month in the town, at that hour of a day.

    `day` in [0, 1) says which day of last month the hour stands for, `begin_h` when it begins. Junctions with a hybrid
    supply stay lit: `simulation.events` sees to that. The same events come back where no outage meets the hour.
    """
    town = kecamatan()[with_role("capital")[0]].name
    begin_s = 3600 * (24 * int(day * (month - 1).days_in_month) + begin_h)
    spans = {
        (3600 * float(row["start_h"] or 0) - begin_s, 3600 * float(row["duration_h"] or 0))
        for row in seen.rows("solar", "solar_outage", "kecamatan", "kind", "start_h", "duration_h")
        if row["kecamatan"] == town and row["kind"] in AREA_WIDE
    }
    dark = [(max(0, round(start_s)), min(hour_s, round(start_s + lasts_s))) for start_s, lasts_s in sorted(spans)]
    outages = [
        Outage(junction=name, from_s=from_s, until_s=until_s)
        for from_s, until_s in dark
        if until_s > from_s
        for name in junctions
    ]
    return events.model_copy(update={"outages": (*events.outages, *outages)})
