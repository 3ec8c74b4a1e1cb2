"""When PLN fails: interruptions by Poisson arrivals and log-normal durations, calibrated to SAIFI and SAIDI.

An office is interrupted SAIFI times a year in the mean, for SAIDI / SAIFI minutes each. Most interruptions hit a whole
kecamatan; some of these are announced maintenance by day. The others come more often in rain and gusts and in the dark
months, by factors that leave the yearly mean as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from twin.solar.facts import values
from twin.solar.weather.synthetic import monthly_clearness

HOURS_A_YEAR = 8760.0
KINDS = ("planned", "feeder", "local")
WORK_FROM_H, WORK_TO_H = 8, 15


@dataclass(frozen=True)
class Outages:
    """Interruptions, one row each: site, scenario, begin and end [min from the start], and index into KINDS."""

    site: np.ndarray
    scenario: np.ndarray
    start_min: np.ndarray
    end_min: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.site)


def hazard(rain: np.ndarray, gust: np.ndarray, months: np.ndarray) -> np.ndarray:
    """How much likelier a failure is in every hour than in the year's mean; shape of `rain`, mean 1.

    `months` (hours,) is the calendar month, 1 to 12: darker months are wetter.
    """
    p, w = values("outages"), values("weather")
    mean = 1 + p["rain_factor"] * ndtr(w["rain_below_sd"]) + p["gust_factor"] * ndtr(-w["gust_above_sd"])
    cloudy = 1 - monthly_clearness()
    season = (cloudy / cloudy.mean())[months - 1]
    return season * (1 + p["rain_factor"] * rain + p["gust_factor"] * gust) / mean


def draw(
    weights: np.ndarray,
    feeder: np.ndarray,
    saifi: float,
    saidi_min: float,
    rng: np.random.Generator,
    scenarios: int = 1,
) -> Outages:
    """Interruptions of a span of hours in independent scenarios, in order of site, scenario and time.

    `weights` (sites, hours) come from `hazard`; `feeder` (sites,) is a number a site: equal ones fail together.
    """
    p, per_hour = values("outages"), saifi / HOURS_A_YEAR
    clock = np.arange(weights.shape[1]) % 24
    by_day = np.where((clock >= WORK_FROM_H) & (clock < WORK_TO_H), 24 / (WORK_TO_H - WORK_FROM_H), 0.0)
    shared, alone = per_hour * p["feeder_share"], per_hour * (1 - p["feeder_share"])
    causes = []  # (expected in every hour, who is hit, kind)
    for one in np.unique(feeder):
        members = np.flatnonzero(feeder == one)
        causes.append((shared * p["planned_share"] * by_day, members, 0))
        causes.append((shared * (1 - p["planned_share"]) * weights[members[0]], members, 1))
        causes += [(alone * weights[member], np.array([member]), 2) for member in members]
    mean_min = saidi_min / saifi if saifi > 0 else 1.0
    parts = []
    for curve, members, kind in causes:
        scenario, start, end = _arrivals(curve, scenarios, mean_min, rng)
        n, m = len(start), len(members)
        parts.append((np.tile(members, n), np.repeat(scenario, m), np.repeat(start, m), np.repeat(end, m),
                      np.full(n * m, kind)))  # fmt: skip
    columns = [np.concatenate([part[i] for part in parts]) for i in range(5)]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    return Outages(*(column[order] for column in columns))


def _arrivals(
    curve: np.ndarray, scenarios: int, mean_min: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scenario, begin and end [min] of the arrivals of a Poisson process with `curve` expected in each hour."""
    before = np.concatenate([[0.0], np.cumsum(curve)])
    counts = rng.poisson(before[-1], scenarios)
    at = rng.random(int(counts.sum())) * before[-1]
    start = np.interp(at, before, 60.0 * np.arange(len(before))).astype(np.int64)
    return np.repeat(np.arange(scenarios), counts), start, start + _durations_min(len(start), mean_min, rng)


def _durations_min(count: int, mean_min: float, rng: np.random.Generator) -> np.ndarray:
    """Whole minutes, at least one: log-normal with the mean and the table's spread."""
    sigma2 = np.log(1 + values("outages")["duration_cv"] ** 2)
    drawn = rng.lognormal(np.log(mean_min) - sigma2 / 2, np.sqrt(sigma2), count)
    return np.maximum(np.rint(drawn), 1).astype(np.int64)


def minutes_out(outages: Outages, sites: int, hours: int, still_out_min: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minutes without PLN in every hour, shape (sites, hours), and how long each site stays out after the last one.

    `still_out_min` (sites,) is what the span before left over.
    """
    out = np.zeros((sites, hours), dtype=np.uint8)
    left = np.zeros(sites, dtype=np.int64)
    begun = [(site, 0, int(end)) for site, end in enumerate(still_out_min) if end > 0]
    rows = [*begun, *zip(outages.site.tolist(), outages.start_min.tolist(), outages.end_min.tolist(), strict=True)]
    by_site: dict[int, list[tuple[int, int]]] = {}
    for site, start, end in rows:
        by_site.setdefault(site, []).append((start, end))
    for site, spans in by_site.items():
        for start, end in merged(spans):
            left[site] = max(left[site], end - 60 * hours)
            for h in range(start // 60, min(-(-end // 60), hours)):
                out[site, h] += min(end, 60 * h + 60) - max(start, 60 * h)
    return out, left


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap or touch made one: an office cannot be without PLN twice at once."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
