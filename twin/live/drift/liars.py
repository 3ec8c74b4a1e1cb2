"""Which sensor lies, since when and by how much: alarms of sensors against one another, brought to names.

A sensor that lies moves what is expected of its neighbours too. Of all sensors of a group the one is named whose error
alone explains best what was seen since the change (`evidence`). With even chances before, the chance of each is in
proportion to exp(κ T²/2), κ being the share of bins that tell something new. Whoever is named is left out, all is
learned again without it, and the rest is looked at again: a sensor that fits again later is not watched a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, softmax

from twin.live.drift.cusum import Alarm
from twin.live.drift.model import innovations, mean_known
from twin.live.drift.sensors import BATTERY, MOVEMENT, SENSOR_SORTS, WAYS, SensorSeries, Usual, sensor_series, usual_of
from twin.live.drift.series import DAY_S, Day
from twin.live.drift.watch import MOST_SD, Watched, alarms_of, learned_of, standardised_days, swings

SERIES_OF = {
    "loop": "passed", "counter": "counted", "camera": "vehicles",
    "irradiance": "ghi", "inverter": "pv", "gauge": "soc",
}  # fmt: skip
SUSPICIOUS = 0.05  # a chance from which on somebody else is named too
AGAIN = float(np.log(1000))  # log-likelihood ratio by which a liar must fit again before it is said to,
LEAST_AGAIN = 6  # and in so many bins at least: one odd bin is no return
INTERVAL = float(ndtri(0.975))
LEAST_ROOT = 0.1  # of a count that should have been there


@dataclass(frozen=True)
class Liar:
    """A sensor that does not fit the others: day (its number) and second of the day when told, and since when.

    Its `level` is wrong by `percent` of what it should tell (of a gauge: by percent of the charge an hour), or its
    `movement` by percent of what it should move (-100: it is stuck), with a 95 % interval from `low` to `high`.
    `probability` is its own, `suspects` are others with theirs, `compared` those that it was compared with. From
    `until_s` of `until_day` on it fits again; None where it does not.
    """

    sort: str
    source: str
    day: int
    at_s: int
    since_day: int
    since_s: int
    way: str
    percent: float
    low: float
    high: float
    probability: float
    suspects: tuple[tuple[str, float], ...]
    compared: tuple[str, ...]
    until_day: int | None = None
    until_s: int | None = None


@dataclass(frozen=True)
class Group:
    """A sort's reference: its sensors, what is usual, and what its series is expected to be.

    `profile` (B, S) is of what they tell, `precision` (S, S) the inverse of the covariance of what is left.
    """

    sort: str
    sources: tuple[str, ...]
    usual: Usual
    watched: Watched
    profile: np.ndarray
    precision: np.ndarray


def liars(reference: Sequence[Day], days: Sequence[Day], per_30_days: float | None = None) -> list[Liar]:
    """All of them, in the order in which they were told; `per_30_days` false alarms are wished of each sort."""
    found = list[Liar]()
    for sort in SENSOR_SORTS:
        known, told = reference, days
        while (group := group_of(known, sort, per_30_days)) and (liar := accused(told, group)):
            found.append(liar)
            known, told = without(known, liar.source), without(told, liar.source)
    return sorted(found, key=lambda one: (one.day, one.at_s, one.source))


def group_of(reference: Sequence[Day], sort: str, per_30_days: float | None = None) -> Group | None:
    """A sort's group; None where the reference tells too little of it."""
    usual = usual_of(reference)
    for one in sensor_series(reference, usual):
        if one.sort == sort and (watched := learned_of(one, per_30_days)) is not None:
            profile = mean_known(one.filled)
            off = np.nan_to_num(one.filled - profile).reshape(-1, len(one.sources))
            precision = np.linalg.inv(off.T @ off / len(off) + np.diag(watched.expected.sd**2) / 4)
            return Group(sort, one.sources, usual, watched, profile, precision)
    return None


def without(days: Sequence[Day], source: str) -> list[Day]:
    """The same days in which a sensor told nothing."""
    word, name = source.split(" ", 1)
    series = SERIES_OF[word]
    found = []
    for day in days:
        values = day.values[series].copy()
        values[:, day.names[series].index(name)] = np.nan
        found.append(replace(day, values={**day.values, series: values}))
    return found


def accused(days: Sequence[Day], group: Group) -> Liar | None:
    """Who is named by the first alarm of a group, by all that was seen until it fits again, or the end of the days."""
    one = next(series for series in sensor_series(days, group.usual) if series.sort == group.sort)
    raised = alarms_of(one, group.watched)
    if not raised:
        return None
    alarm = min((alarm for _, _, alarm in raised), key=lambda alarm: (alarm.at, alarm.since))
    z, lie = standardised_days(group.watched.expected, one), shapes(one, group.watched)
    memory = group.watched.expected.memory
    new = (1 - memory) / (1 + memory)
    s, way, chance = _named(one, group, slice(alarm.since, None), new)
    until = fits_again(z[:, way, s], lie[:, way, s], alarm, new)
    if until is not None:
        s, way, chance = _named(one, group, slice(alarm.since, until), new)
        until = fits_again(z[:, way, s], lie[:, way, s], alarm, new)
    seen = slice(alarm.since, until)
    percent = _level(one, group.watched, s, seen) if way == 0 else _movement(one, group.watched, s, seen)
    bins = one.values.shape[1]
    bin_s = DAY_S // bins
    order = [k for k in np.argsort(-chance) if k != s and chance[k] >= SUSPICIOUS]
    return Liar(
        one.sort, one.sources[s], alarm.at // bins, alarm.at % bins * bin_s, alarm.since // bins,
        alarm.since % bins * bin_s, WAYS[way], *percent, float(chance[s]),
        tuple((one.sources[k], float(chance[k])) for k in order), one.compared[s],
        *((None, None) if until is None else (until // bins, until % bins * bin_s)),
    )  # fmt: skip


def _named(one: SensorSeries, group: Group, seen: slice, new: float) -> tuple[int, int, np.ndarray]:
    """Who lies in a stretch of bins, in which way, and the chance of each sensor (S,)."""
    t = evidence(one, group, seen) if group.sort != BATTERY else _own(one, group.watched, seen)
    t = np.where(np.isnan(one.values).all(axis=(0, 1)), 0.0, t)  # who is not judged is not named
    chance = softmax(new * t**2 / 2).sum(axis=0)
    s = int(chance.argmax())
    return s, int(np.abs(t[:, s]).argmax()), chance


def fits_again(z: np.ndarray, lie: np.ndarray, alarm: Alarm, new: float) -> int | None:
    """From where on a series (n,) is as expected again after an alarm; None where it is not.

    `lie` (n,) is the shape of what is off. The likelihood of a lie from the change until each bin, its size fitted, is
    compared with that of one until the end, a share `new` of each bin telling something new.
    """
    told = np.clip(z, -MOST_SD, MOST_SD)[alarm.since :]
    x = np.where(np.isnan(told), 0.0, np.nan_to_num(lie[alarm.since :]))
    explained = np.cumsum(x * np.nan_to_num(told)) ** 2 / np.maximum(np.cumsum(x**2), 1e-12)
    last = int(explained[alarm.at - alarm.since :].argmax()) + alarm.at
    gain = new * (explained[last - alarm.since] - explained[-1]) / 2
    lasts = np.count_nonzero(x[last + 1 - alarm.since :])
    return last + 1 if gain > AGAIN and lasts >= LEAST_AGAIN else None


def shapes(one: SensorSeries, watched: Watched) -> np.ndarray:
    """How a lie of each source shows in a series (n, ways, S), but for its size.

    Of a level in roots of counts by as much as there is, else evenly; of a movement by as much as there should be.
    """
    left, moves = swings(watched.expected, one)
    level = one.told - left if one.scale == "root" else np.ones_like(left)
    new = [
        np.stack([innovations(day, watched.expected.lag) for day in part]) / watched.expected.sd
        for part in (level, moves)
    ]
    return np.stack([new[0], new[1] * np.sign(moves)], axis=2).reshape(-1, len(WAYS), left.shape[-1])


def evidence(one: SensorSeries, group: Group, seen: slice) -> np.ndarray:
    """The statistic T (ways, S) of an error of each sensor alone, in a stretch of bins.

    With P the inverse of the covariance of all sensors' deviations d from their profile, it is the sum of P d of the
    sensor over the root of n P of the sensor with itself: T² is twice the logarithm of the likelihood ratio.
    """
    off = np.nan_to_num(one.filled - group.profile).reshape(-1, len(one.sources))[seen]
    weighed = off @ group.precision
    sign = np.nan_to_num(np.sign(swings(group.watched.expected, one)[1])).reshape(-1, len(one.sources))[seen]
    known = ~np.isnan(one.filled).reshape(-1, len(one.sources))[seen]
    size = np.sqrt(np.maximum(known.sum(axis=0), 1) * np.diag(group.precision))
    return np.stack([np.where(known, weighed, 0.0).sum(axis=0), (sign * weighed).sum(axis=0)]) / size


def _own(one: SensorSeries, watched: Watched, seen: slice) -> np.ndarray:
    """The same (ways, S) of sensors that are compared with nobody else of their group."""
    z = standardised_days(watched.expected, one)[seen]
    found: np.ndarray = np.nansum(z, axis=0) / np.sqrt(np.maximum((~np.isnan(z)).sum(axis=0), 1))
    return found


def _level(one: SensorSeries, watched: Watched, s: int, seen: slice) -> tuple[float, float, float]:
    """By how much a source's level is off, with its interval."""
    z = standardised_days(watched.expected, one)[seen, 0, s]
    n = max(int((~np.isnan(z)).sum()), 1)
    lasts = watched.expected.sd[s] / (1 - watched.expected.lag[s])  # of a constant error only a part is new in a bin
    off, half = np.nansum(z) / n * lasts, INTERVAL * lasts * np.sqrt(1 / n + 1 / watched.expected.n)
    told = float(np.nanmean(one.told.reshape(len(one.told) * one.told.shape[1], -1)[seen, s]))
    middle, low, high = (_in_percent(one.scale, told, float(off + side * half)) for side in (0, -1, 1))
    return middle, low, high


def _in_percent(scale: str, told: float, off: float) -> float:
    if scale == "log":
        return 100 * float(np.expm1(off))
    return 100 * ((told / max(told - off, LEAST_ROOT)) ** 2 - 1) if scale == "root" else off


def _movement(one: SensorSeries, watched: Watched, s: int, seen: slice) -> tuple[float, float, float]:
    """By what share of what it should move a source moves too much, by least squares, with its interval [%]."""
    left, should = (part.reshape(-1, part.shape[-1])[seen, s] for part in swings(watched.expected, one))
    size = np.nansum(should**2)
    share = np.nansum(left * should) / size
    half = INTERVAL * watched.expected.sd[s] / np.sqrt((1 - watched.expected.lag[s] ** 2) * size)
    return 100 * share, 100 * (share - half), 100 * (share + half)


def who_else(liar: Liar) -> str:
    """Who may lie instead of the one that is named; empty where nobody may."""
    if liar.sort == BATTERY and not (liar.way == MOVEMENT and liar.low <= -100 <= liar.high):
        return liar.compared[0]  # only a gauge that is stuck can be told from its power sensor
    return ", ".join(f"{name} ({100 * chance:.0f} %)" for name, chance in liar.suspects)
