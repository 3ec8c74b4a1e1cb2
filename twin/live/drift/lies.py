"""Sensors that always lie plausibly, planted in simulated days: who is named, how soon, and what estimates suffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from twin.live.drift.coverage import covered_of_offices, covered_of_street
from twin.live.drift.liars import SERIES_OF, Liar, accused, group_of, who_else
from twin.live.drift.sensors import BATTERY, DETECTOR, SENSOR_SORTS, SUN
from twin.live.drift.series import DAY_S, Day, aligned, day_of_series
from twin.live.drift.study import FIRST_SEED, OFTEN_PER_30_DAYS, Change, false_alarms, simulated_day
from twin.live.drift.watch import parameters
from twin.live.solar.city import Offices
from twin.live.solar.study import readings, simulated
from twin.live.store import ZONE

STREET_H, OFFICE_DAYS = 4, 5  # how long a lie is watched: hours of a street, days of offices
REFERENCE_DAYS, QUIET_DAYS, OFFICES = 14, 30, 6
SHAPE = ("sensor", "lie", "cases", "expected", "alarms", "named", "sure", "sure_named", "median_after_h", "size_held",
         "estimate", "covered_honest", "covered_lying", "covered_left_out")  # fmt: skip
SERIES = {**SERIES_OF, "power": "power"}


@dataclass(frozen=True)
class Lie:
    """What a sensor tells in place of the truth: a `share` of it, `offset` on top, or always its mean (`stuck`)."""

    sort: str
    sensor: str
    name: str
    share: float = 1.0
    offset: float = 0.0
    stuck: bool = False

    @property
    def percent(self) -> float | None:
        """What should be told of its size [%]; None where that is not one number."""
        return -100.0 if self.stuck else 100 * (self.share - 1) if self.share != 1.0 else None

    def told(self, values: np.ndarray, mean: float, rng: np.random.Generator) -> np.ndarray:
        """What it tells of the truth (B,), NaN where nothing; of vehicles a share is counted one by one."""
        if self.stuck:
            return np.where(np.isnan(values), np.nan, mean)
        if self.sensor in ("loop", "counter"):
            counted = rng.binomial(np.nan_to_num(np.round(values)).astype(int), self.share).astype(float)
            return np.where(np.isnan(values), np.nan, counted)
        lied = self.share * values + self.offset
        return np.clip(lied, 0, 100) if self.sensor == "gauge" else lied


LIES = (
    Lie(DETECTOR, "camera", "counts 70 %", 0.7), Lie(DETECTOR, "camera", "counts 85 %", 0.85),
    Lie(DETECTOR, "loop", "counts 70 %", 0.7), Lie(DETECTOR, "counter", "counts 70 %", 0.7),
    Lie(DETECTOR, "counter", "counts 85 %", 0.85), Lie(DETECTOR, "counter", "stuck at its mean", stuck=True),
    Lie(SUN, "inverter", "tells 115 %", 1.15), Lie(SUN, "inverter", "tells 95 %", 0.95),
    Lie(SUN, "irradiance", "tells 85 %", 0.85), Lie(BATTERY, "gauge", "stuck at its mean", stuck=True),
    Lie(BATTERY, "power", "tells 130 %", 1.3), Lie(BATTERY, "gauge", "tells 10 points more", offset=10.0),
)  # fmt: skip


def study(
    network: str, reference: int, quiet: int, duration_s: int, seed: int,
    progress: Callable[..., None] = lambda *_: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows: false alarms by sort at two rates, then each lie.

    Of a street's hours (an hour counts as a day), and of days of offices.
    """
    hours = []
    for i in range(1, reference + quiet + 1):
        hours.append(simulated_day(network, FIRST_SEED + 1000 * seed + i, duration_s, Change("nothing")))
        progress(i, reference + quiet, "hours")
    hours, city = aligned(hours), simulated(seed, 1 + REFERENCE_DAYS + QUIET_DAYS, OFFICES)
    days = office_days(city, seed)
    parts = {DETECTOR: (hours[:reference], hours[reference:], STREET_H)}
    parts |= dict.fromkeys((SUN, BATTERY), (days[:REFERENCE_DAYS], days[REFERENCE_DAYS:], OFFICE_DAYS))
    rows = []
    for known, told, _ in (parts[DETECTOR], parts[SUN]):
        for rate in (parameters()["false_alarms_per_30_days"], OFTEN_PER_30_DAYS):
            rows += [_quiet(one) for one in false_alarms(known, told, rate) if one["sort"] in SENSOR_SORTS]
    covered = covered_of_street(network, seed, duration_s, LIES) | covered_of_offices(seed, LIES)
    for lie in LIES:
        rows.append({**judged(lie, *parts[lie.sort], seed), **covered.get(lie, {})})
    return [{name: row.get(name) for name in SHAPE} for row in rows]


def office_days(city: Offices, seed: int) -> list[Day]:
    """Calendar days of simulated offices, as their sensors tell without a line's faults."""
    step_s = round(float(city.at_s[1] - city.at_s[0]))
    begin = datetime.fromtimestamp(float(city.at_s[0]) - step_s, ZONE)
    skipped = (begin.replace(hour=0, minute=0, second=0) + timedelta(days=1) - begin).seconds // step_s
    told, per_day, found = readings(city, np.random.default_rng([seed, 17])), DAY_S // step_s, []
    for n in range((len(city.at_s) - skipped) // per_day):
        part = slice(skipped + n * per_day, skipped + (n + 1) * per_day)
        series = {
            name: {f"office-{o}": values for o, values in enumerate(told[value][part].T)}
            for name, value in (("ghi", "ghi_w_m2"), ("pv", "pv_kw"), ("soc", "soc_percent"), ("power", "power_kw"))
        }
        found.append(day_of_series((begin + timedelta(days=1 + n)).date(), step_s, series))
    return found


def judged(lie: Lie, reference: Sequence[Day], quiet: Sequence[Day], block: int, seed: int) -> dict[str, Any]:
    """A lie at each watched sensor of its kind, in each block of quiet days from its first bin on.

    `named`: the first alarm names the liar (of a power sensor: its office's gauge), `sure`: it suspects nobody else,
    `sure_named`: both, `size_held`: of those named, the interval holds the true size.
    """
    cases = list(_cases(lie, reference, quiet, block, np.random.default_rng([seed, 20])))
    named = [liar for name, liar in cases if liar is not None and liar.source.split(" ", 1)[1] == name
             and liar.source.split(" ")[0] in (lie.sensor, "gauge" if lie.sensor == "power" else "")]  # fmt: skip
    held = [liar.low <= lie.percent <= liar.high for liar in named if lie.percent is not None]
    first_s, long_s = _told_s(quiet[0])
    after_h = [(one.day * long_s + one.at_s - first_s) / 3600 for one in named]
    return {
        "sensor": lie.sensor, "lie": lie.name, "cases": len(cases), "expected": None,
        "alarms": sum(liar is not None for _, liar in cases), "named": len(named),
        "sure": sum(not who_else(liar) for _, liar in cases if liar is not None),
        "sure_named": sum(not who_else(liar) for liar in named),
        "median_after_h": float(np.median(after_h)) if named else None,
        "size_held": int(sum(held)) if held and lie.sensor != "power" else None,
    }  # fmt: skip


def _cases(
    lie: Lie, reference: Sequence[Day], quiet: Sequence[Day], block: int, rng: np.random.Generator
) -> Iterator[tuple[str, Liar | None]]:
    if (group := group_of(reference, lie.sort)) is None:
        return
    series, own = SERIES[lie.sensor], "gauge" if lie.sensor == "power" else lie.sensor
    watched = [one.split(" ", 1)[1] for one in group.sources if one.split(" ")[0] == own]
    for name in watched:
        place = reference[0].names[series].index(name)
        mean = float(np.nanmean([day.values[series][:, place] for day in reference]))
        for first in range(0, len(quiet) - block + 1, block):
            lied = []
            for day in quiet[first : first + block]:
                values = day.values[series].copy()
                values[:, place] = lie.told(values[:, place], mean, rng)
                lied.append(replace(day, values={**day.values, series: values}))
            yield name, accused(lied, group)


def _told_s(day: Day) -> tuple[int, int]:
    """The second of the day at which something is told first, and for how long."""
    told = np.flatnonzero(np.concatenate([~np.isnan(values) for values in day.values.values()], axis=1).any(axis=1))
    return int(told[0]) * day.bin_s, int(told[-1] + 1 - told[0]) * day.bin_s


def _quiet(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "sensor": row["sort"], "lie": f"none, {row['per_30_days']:g} false alarms in 30 days",
        "cases": row["bins"], "expected": row["expected"], "alarms": row["alarms"],
    }  # fmt: skip
