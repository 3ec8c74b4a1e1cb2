"""The sorts of drift of a city's live days, against reference days in which all was well.

- demand: what passed over all stop lines, against the same of the reference;
- policy: what stands, and how often lamps change, against what they were with so much passing;
- weather: a day's mean irradiance, and what all panels make of it;
- detector, sun, battery: a sensor against the others (`sensors`): one that lies plausibly is found there, and named by
  `liars`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.errors import DriftError
from twin.live.drift.cusum import Alarm, alarms, threshold
from twin.live.drift.model import LEAST_SD, Expected, fit, mean_known, standardised, swing
from twin.live.drift.sensors import (
    BATTERY,
    DETECTOR,
    SUN,
    WAYS,
    SensorSeries,
    Series,
    Usual,
    against,
    performance,
    sensor_series,
    stacked,
    usual_of,
)
from twin.live.drift.series import DAY_S, Day
from twin.live.parameters import parameters_of

DEMAND, POLICY, WEATHER = "demand", "policy", "weather"
SORTS = (DEMAND, DETECTOR, POLICY, WEATHER, SUN, BATTERY)
RIDGES = {DETECTOR: "ridge_veh", SUN: "ridge_log"}
MOST_RATE = 0.1  # of false alarms a value, whatever is wished
MOST_SD = 4.0  # of a sensor in a bin: one odd bin (a shower, a closed lane) is no lie
PANELS = "all panels, against irradiance"


def parameters() -> Mapping[str, float]:
    """`data/drift.csv`."""
    return parameters_of("drift")


@dataclass(frozen=True)
class Watched:
    """What a sort's series is expected to be, and the h of its sums."""

    expected: Expected
    h: float
    false_alarms_a_day: float


@dataclass(frozen=True)
class Drift:
    """An alarm of a sort and source: day (its number) and bin when raised, and since when things seem to differ."""

    sort: str
    source: str
    day: int
    bin: int
    since_day: int
    since_bin: int
    size_sd: float


def series_of(days: Sequence[Day], usual: Usual) -> Iterator[Series]:
    """The series of days with the same sources; who hardly tells anything is left out."""
    one = days[0]
    passed, halting, changes, ghi, pv = (stacked(days, name) for name in ("passed", "halting", "changes", "ghi", "pv"))
    per_day = DAY_S / one.bin_s
    demand = against(passed, usual["passed"])
    if passed.shape[2]:
        yield Series(DEMAND, ("all stop lines",), demand[..., None], np.zeros((*demand.shape, 1, 0)), per_day)
    yield from sensor_series(days, usual)
    stands = against(halting, usual["halting"])
    lamps = [(one.names["changes"][j], changes[..., j]) for j in range(changes.shape[2])]
    told = [*([("queues", stands)] if halting.shape[2] else []), *lamps]
    if told:
        values = np.stack([value for _, value in told], axis=-1)
        covariates = np.repeat(demand[..., None, None], len(told), axis=2)
        yield Series(
            POLICY, tuple(name for name, _ in told), values, covariates[..., : int(passed.shape[2] > 0)], per_day
        )
    if ghi.shape[2]:
        daily, names = mean_known(ghi, axis=1)[:, None, :], one.names["ghi"]
        if pv.shape[2]:
            daily = np.concatenate([daily, np.log(performance(days))[:, None, None]], axis=-1)
            names = (*names, PANELS)
        yield Series(WEATHER, names, daily, np.zeros((*daily.shape, 0)), 1.0)


def learn(reference: Sequence[Day], per_30_days: float | None = None) -> tuple[dict[str, Watched], Usual]:
    """What each sort is expected to be, and what is usual of each source.

    `per_30_days` false alarms are wished of each sort; the table's where nothing is given. A sort of which too little
    is known is not learned. Raises DriftError for too few days, or where that leaves none.
    """
    least = int(parameters()["least_days"])
    if len(reference) < least:
        raise DriftError(f"{len(reference)} reference days are too few; take {least} or more")
    usual = usual_of(reference)
    every = {one.sort: learned_of(one, per_30_days) for one in series_of(reference, usual)}
    found = {sort: watched for sort, watched in every.items() if watched is not None}
    if not found:
        raise DriftError(f"no time of day was told of on {least} reference days: take days that cover the same hours")
    return found, usual


def learned_of(one: Series, per_30_days: float | None = None) -> Watched | None:
    """What a series of reference days is expected to be; None where too little is known."""
    p, least = parameters(), int(parameters()["least_days"])
    ridge = p[RIDGES[one.sort]] if one.sort in RIDGES else 0.0
    expected = fit(one.values, one.covariates, ridge, least, p["least_sd_log"] if one.sort == SUN else LEAST_SD)
    if expected.n < least:
        return None
    values_a_day = one.bins_a_day * len(one.sources) * (len(WAYS) if isinstance(one, SensorSeries) else 1)
    rate = min(MOST_RATE, (per_30_days or p["false_alarms_per_30_days"]) / 30 / values_a_day)
    return Watched(expected, threshold(p["slack"], rate, expected.n), rate * values_a_day)


def watch(days: Sequence[Day], learned: Mapping[str, Watched], usual: Usual) -> list[Drift]:
    """Every alarm of days in their order; sums go on from day to day."""
    found = []
    for one in series_of(days, usual):
        if one.sort in learned:
            for source, _, alarm in alarms_of(one, learned[one.sort]):
                found.append(_drift(one, one.sources[source], alarm))
    return sorted(found, key=lambda drift: (drift.day, drift.bin, SORTS.index(drift.sort)))


def alarms_of(one: Series, watched: Watched) -> list[tuple[int, int, Alarm]]:
    """Every alarm of a series with its source's number and the way (0: level, 1: movement) in which it differs."""
    z = standardised_days(watched.expected, one)
    if isinstance(one, SensorSeries):
        z = np.clip(z, -MOST_SD, MOST_SD)
    return [
        (s, way, alarm)
        for way in range(z.shape[1])
        for s in range(z.shape[2])
        for alarm in alarms(z[:, way, s], parameters()["slack"], watched.h)
    ]


def standardised_days(expected: Expected, one: Series) -> np.ndarray:
    """Days one after the other (D·B, ways, S) in standard deviations."""
    z = np.stack([standardised(expected, *day) for day in zip(one.values, one.covariates, strict=True)])
    ways = [z, z * np.sign(swings(expected, one)[1])] if isinstance(one, SensorSeries) else [z]
    return np.stack(ways, axis=2).reshape(-1, len(ways), z.shape[-1])


def swings(expected: Expected, one: SensorSeries) -> tuple[np.ndarray, np.ndarray]:
    """What is not expected, and by how much sources should differ from their day's mean, (D, B, S) each."""
    both = [swing(expected, *day) for day in zip(one.values, one.covariates, one.told, strict=True)]
    return np.stack([left for left, _ in both]), np.stack([should for _, should in both])


def _drift(one: Series, source: str, alarm: Alarm) -> Drift:
    bins = one.values.shape[1]
    (day, at), (since_day, since) = divmod(alarm.at, bins), divmod(alarm.since, bins)
    return Drift(one.sort, source, day, at, since_day, since, alarm.size)
