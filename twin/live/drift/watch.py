"""The four sorts of drift of a city's live days, against reference days in which all was well.

- demand: what passed over all stop lines, against the same of the reference;
- detector: what passed a stop line, against what its neighbours tell: a sensor that lies plausibly is found there;
- policy: what stands, and how often lamps change, against what they were with so much passing;
- weather: a day's mean irradiance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.errors import DriftError
from twin.live.drift.cusum import Alarm, alarms, threshold
from twin.live.drift.model import Expected, fit, standardised
from twin.live.drift.series import DAY_S, Day
from twin.live.parameters import parameters_of

SORTS = ("demand", "detector", "policy", "weather")
DEMAND, DETECTOR, POLICY, WEATHER = SORTS
Usual = Mapping[str, np.ndarray]  # `passed` and `halting` of a bin by zone (Z,), on average [veh]
MOST_RATE = 0.1  # of false alarms a value, whatever is wished
LEAST_VEH = 5.0  # passing a stop line in a bin, on average: below that its counts say little


def parameters() -> Mapping[str, float]:
    """`data/drift.csv`."""
    return parameters_of("drift")


@dataclass(frozen=True)
class Series:
    """A sort's series of several days: values (D, B, S), covariates (D, B, S, F), its sources' names."""

    sort: str
    sources: tuple[str, ...]
    values: np.ndarray
    covariates: np.ndarray
    bins_a_day: float


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
    """The series of days with the same sources; zones at which hardly anybody passes are left out of `detector`."""
    one = days[0]
    passed, halting, changes, ghi = (
        np.stack([day.values[name] for day in days]) for name in ("passed", "halting", "changes", "ghi")
    )
    per_day = DAY_S / one.bin_s
    usual_veh, demand = usual["passed"], against(passed, usual["passed"])
    if passed.shape[2]:
        yield Series(DEMAND, ("all stop lines",), demand[..., None], np.zeros((*demand.shape, 1, 0)), per_day)
        busy = np.flatnonzero(usual_veh >= LEAST_VEH)
        if len(busy) > 1:
            names = tuple(one.names["passed"][z] for z in busy)
            yield Series(DETECTOR, names, *against_neighbours(passed[..., busy], usual_veh[busy]), per_day)
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
        daily = _mean(ghi)[:, None, :]
        yield Series(WEATHER, one.names["ghi"], daily, np.zeros((*daily.shape, 0)), 1.0)


def against(counts: np.ndarray, usual_veh: np.ndarray) -> np.ndarray:
    """Square root of the counts (…, Z) over the usual ones (Z,) of those zones that told anything [-].

    NaN where zones of less than half the usual count did.
    """
    there = ~np.isnan(counts)
    usual = np.where(there, usual_veh, 0.0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(usual > usual_veh.sum() / 2, np.sqrt(np.nansum(counts, axis=-1) / usual), np.nan)


def against_neighbours(passed: np.ndarray, usual_veh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each stop line's share against what the others say of demand (D, B, Z), and the same of the others (…, Z, Z).

    Demand alone moves nobody here; its own place among the covariates is 0.
    """
    zones = passed.shape[2]
    others = [against(np.delete(passed, z, axis=2), np.delete(usual_veh, z)) for z in range(zones)]
    own = np.sqrt(passed) - np.sqrt(usual_veh) * np.stack(others, axis=-1)
    covariates = np.repeat(own[:, :, None, :], zones, axis=2)
    covariates[..., np.arange(zones), np.arange(zones)] = 0.0
    return own, covariates


def learn(reference: Sequence[Day], per_30_days: float | None = None) -> tuple[dict[str, Watched], Usual]:
    """What each sort is expected to be, and what is usual in each zone.

    `per_30_days` false alarms are wished of each sort; the table's where nothing is given. A sort of which too little
    is known is not learned. Raises DriftError for too few days, or where that leaves none.
    """
    p, least = parameters(), int(parameters()["least_days"])
    if len(reference) < least:
        raise DriftError(f"{len(reference)} reference days are too few; take {least} or more")
    usual = {
        name: np.nan_to_num(_mean(_mean(np.stack([day.values[name] for day in reference])), axis=0))
        for name in ("passed", "halting")
    }
    found = {}
    for one in series_of(reference, usual):
        expected = fit(one.values, one.covariates, p["ridge_veh"] if one.sort == DETECTOR else 0.0, least)
        if expected.n < least:
            continue
        values_a_day = one.bins_a_day * len(one.sources)
        rate = min(MOST_RATE, (per_30_days or p["false_alarms_per_30_days"]) / 30 / values_a_day)
        found[one.sort] = Watched(expected, threshold(p["slack"], rate, expected.n), rate * values_a_day)
    if not found:
        raise DriftError(f"no time of day was told of on {least} reference days: take days that cover the same hours")
    return found, usual


def watch(days: Sequence[Day], learned: Mapping[str, Watched], usual: Usual) -> list[Drift]:
    """Every alarm of days in their order; sums go on from day to day."""
    found = []
    for one in series_of(days, usual):
        if one.sort not in learned:
            continue
        watched = learned[one.sort]
        z = standardised_days(watched.expected, one)
        for s, source in enumerate(one.sources):
            for alarm in alarms(z[:, s], parameters()["slack"], watched.h):
                found.append(_drift(one, source, alarm))
    return sorted(found, key=lambda drift: (drift.day, drift.bin, SORTS.index(drift.sort)))


def standardised_days(expected: Expected, one: Series) -> np.ndarray:
    """Days one after the other (D·B, S) in standard deviations."""
    pairs = zip(one.values, one.covariates, strict=True)
    return np.concatenate([standardised(expected, values, covariates) for values, covariates in pairs])


def _drift(one: Series, source: str, alarm: Alarm) -> Drift:
    bins = one.values.shape[1]
    (day, at), (since_day, since) = divmod(alarm.at, bins), divmod(alarm.since, bins)
    return Drift(one.sort, source, day, at, since_day, since, alarm.size)


def _mean(values: np.ndarray, axis: int = 1) -> np.ndarray:
    n = (~np.isnan(values)).sum(axis=axis)
    return np.where(n > 0, np.nansum(values, axis=axis) / np.maximum(n, 1), np.nan)
