"""Anti Mbangkong: a month of filings through the counter and through the application, on the same random numbers.

Time is office time [h from the month's begin, 160 a month]. A filing makes one pass in every office that deals with it
(a transfer: the sending and the receiving one), and one more each time that it is sent back; clerks take passes in
turn, first come first served (Lindley's recursion for each clerk).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from twin.places import distance_km, kecamatan, villages, with_role
from twin.programmes.dynamics import Parameters
from twin.programmes.facts import read

OFFICE_H, MOST_PASSES, REWORK_H, CALENDAR_H = 160.0, 4, 16.0, 730.0
KINDS = tuple(row["kind"] for row in read("filings.csv"))
BOOK_ITEMS = {row["kind"]: row["book_item"] for row in read("filings.csv") if row["book_item"]}  # of its savings table
TRIPS_EACH = np.array([float(row["trips_each"]) for row in read("filings.csv")])  # brought and fetched
OFFICES = np.array([int(row["offices"]) for row in read("filings.csv")])  # that deal with it one after another
SHEETS_PER_REAM, REAM_IDR = 500, 45_000


def filings_month(assumptions: str, p: Parameters) -> np.ndarray:
    """Mean filings a month of each kind: the book's savings table, or what was served (book's counts over months).

    Kinds that the book serves and does not count are a parameter.
    """
    rows = {row["item"]: row for row in read("personnel_savings.csv")}
    found = []
    for kind in read("filings.csv"):
        if kind["parameter"]:
            found.append(p[kind["parameter"]])
            continue
        row = rows[kind["book_item"]]
        if assumptions == "twin" and row["served"]:
            (y0, m0), (y1, m1) = (map(int, row[name].split("-")) for name in ("served_from", "served_until"))
            found.append(float(row["served"]) / (12 * (y1 - y0) + m1 - m0 + 1))
        else:
            found.append(float(row["per_month"]))
    return np.array(found)


@functools.cache
def places() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each sub-district: its share of filings (by village offices), straight km to the town, and whether far."""
    names = [one.name for one in kecamatan()]
    offices = np.array([sum(site.kecamatan == name for site in villages()) for name in names], dtype=float)
    town = kecamatan()[with_role("capital")[0]]
    km = np.array(
        [distance_km(k.latitude_deg, k.longitude_deg, town.latitude_deg, town.longitude_deg) for k in kecamatan()]
    )
    return offices / offices.sum(), np.maximum(km, 2.0), np.isin(np.arange(len(names)), with_role("far"))


@dataclass(frozen=True)
class Month:
    """One month's chance, shared by both processes: each filing's kind, place, time [h] and uniform numbers."""

    kind: np.ndarray
    place: np.ndarray
    at_h: np.ndarray
    error: np.ndarray  # (filings, MOST_PASSES)
    visit: np.ndarray
    user: np.ndarray
    service: np.ndarray  # (filings, most passes in all offices) exponential with mean 1
    line: np.ndarray


def draw_month(means: np.ndarray, rng: np.random.Generator) -> Month:
    """Filings of a month: Poisson by kind, anywhere in office time, places by their offices."""
    kind = np.repeat(np.arange(len(means)), rng.poisson(means))
    n = len(kind)
    at_h = rng.random(n) * OFFICE_H
    return Month(
        kind, rng.choice(len(places()[0]), n, p=places()[0]), at_h, rng.random((n, MOST_PASSES)), rng.random(n),
        rng.random(n), rng.exponential(1.0, (n, MOST_PASSES + OFFICES.max() - 1)), rng.exponential(1.0, n),
    )  # fmt: skip


def queue(at_h: np.ndarray, service_h: np.ndarray, free_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When passes that come at `at_h` (sorted) leave clerks who are free from `free_h` (clerks,), and who is free when.

    Passes go to the clerks in turn; each clerk's leaving times are Lindley's recursion in closed form.
    """
    clerks, n = len(free_h), len(at_h)
    left, free = np.empty(n), free_h.copy()
    for clerk in range(clerks):
        mine = slice(clerk, n, clerks)
        if at_h[mine].size:
            work = np.cumsum(service_h[mine])
            begin = np.maximum(at_h[mine], free_h[clerk])
            left[mine] = work + np.maximum.accumulate(begin - (work - service_h[mine]))
            free[clerk] = left[mine][-1]
    return left, free


@dataclass(frozen=True)
class Process:
    """What a process made of the month's filings. Arrays are by filing; `free_h` is the clerks' backlog at its end.

    `passes` counts each time that clerks had it in hand: once in every office, and again each time it was sent back.
    """

    passes: np.ndarray
    trips: np.ndarray
    wait_h: np.ndarray
    free_h: np.ndarray


def counter(month: Month, p: Parameters, free_h: np.ndarray) -> Process:
    """The manual process: bring, come again each time it is sent back, fetch."""
    sent_back = _sent_back(month.error, p["error_manual"])
    passes = OFFICES[month.kind] + sent_back
    left, free = _through(month.at_h, passes, month.service * p["minutes_manual"] / 60, free_h)
    trips = np.where(TRIPS_EACH[month.kind] > 0, TRIPS_EACH[month.kind] + sent_back, 0.0)
    return Process(passes, trips, left - month.at_h, free)


def application(month: Month, p: Parameters, free_h: np.ndarray, outage_share: np.ndarray) -> Process:
    """The digital process: sent when there is a connection and power; `outage_share` (places,) has no PLN."""
    passes = OFFICES[month.kind] + _sent_back(month.error, p["error_digital"])
    down = np.minimum(p["down_share"] * np.where(places()[2], p["down_far_factor"], 1.0) + outage_share, 0.95)
    held_h = np.where(month.error[:, -1] < down[month.place], 4.0 * month.line, 0.0)  # a half day's break on average
    left, free = _through(month.at_h + held_h, passes, month.service * p["minutes_digital"] / 60, free_h)
    trips = np.where((month.visit < p["visit_digital"]) & (TRIPS_EACH[month.kind] > 0), 1.0, 0.0)
    return Process(passes, trips, left - month.at_h, free)


def _sent_back(error: np.ndarray, rate: float) -> np.ndarray:
    """How often each filing is sent back: once for each error in a row."""
    return np.cumprod(error[:, :-1] < rate, axis=1).sum(axis=1)


def _through(
    at_h: np.ndarray, passes: np.ndarray, service_h: np.ndarray, free_h: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """When each filing's last pass is done [h]; a further pass comes two working days after the one before."""
    of, number = np.nonzero(np.arange(service_h.shape[1]) < passes[:, None])
    come = at_h[of] + REWORK_H * number
    order = np.argsort(come, kind="stable")
    left, free = queue(come[order], service_h[of, number][order], free_h)
    done = np.zeros(len(at_h))
    np.maximum.at(done, of[order], left)
    return done, np.maximum(free - OFFICE_H, 0.0)


@dataclass(frozen=True)
class Bill:
    """What a process cost: return trips, hours on the road, fuel, CO2, paper and money."""

    trips: float
    travel_h: float
    fuel_l: float
    co2_kg: float
    sheets: float
    printed: float
    cost_idr: float


def bill(
    month: Month, process: Process, which: np.ndarray, p: Parameters, digital: bool, trip_idr: float | None
) -> Bill:
    """The bill of the filings `which` (mask); a trip costs `trip_idr` (the book's flat rate), or its fuel."""
    trips, km = process.trips[which], 2 * places()[1][month.place[which]] * p["detour"]
    travelled = float((trips * km).sum())
    fuel = travelled * p["litre_per_km"]
    sheets = float(process.passes[which].sum()) * p["sheets_digital" if digital else "sheets_manual"]
    printed = 0.0 if digital else float((month.kind[which] == KINDS.index("certificate")).sum())
    travel_idr = float(trips.sum()) * trip_idr if trip_idr is not None else fuel * p["fuel_idr_per_litre"]
    cost = travel_idr + printed * p["certificate_idr"] + sheets / SHEETS_PER_REAM * REAM_IDR
    return Bill(
        float(trips.sum()), travelled / p["speed_km_h"], fuel, fuel * p["co2_kg_per_litre"], sheets, printed, cost
    )
