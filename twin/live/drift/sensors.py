"""Sensors against one another: the series in which one that lies plausibly stands out, three groups of them.

- detector: loops, counters and cameras of the street, as square roots of their counts: what of each its own kind's
  common part does not say, against the same of the sensors that went with it most closely in the reference;
- sun: irradiance and panels' power, the same with the logarithms of daylight hours;
- battery: by how much a gauge moved within an hour, against the power that was told into the battery.

The residual of one given the others is, but for its scale, the likelihood ratio of a constant error of this one sensor
(Baarda 1968, A testing procedure for use in geodetic networks); its sign turned wherever less than usual is expected it
is that of a sensor which moves too little or too much. A stuck one does not move at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.live.drift.model import mean_known
from twin.live.drift.series import DAY_S, Day

DETECTOR, SUN, BATTERY = SENSOR_SORTS = ("detector", "sun", "battery")
Usual = Mapping[str, np.ndarray]
STREET = (("loop", "passed"), ("counter", "counted"), ("camera", "vehicles"))
ROOFS = (("irradiance", "ghi"), ("inverter", "pv"))
LEAST_VEH = {"passed": 5.0, "counted": 5.0, "vehicles": 0.5}  # in a bin, on average: below that counts say little
NEIGHBOURS = 8
HOUR_S, DAYLIGHT_H = 3600, 12
FULL_PERCENT = 85.0  # of an hour on average: the battery may have been full by its end
LEAST_BRIGHT = 0.4  # of a day's mean with its night: hours above that are daylight
LEAST_SHARE = 0.02  # of it: below that a sensor tells nothing of the sun
LEVEL, MOVEMENT = WAYS = ("level", "movement")  # in which a sensor may be wrong


@dataclass(frozen=True)
class Series:
    """A sort's series of several days: values (D, B, S), covariates (D, B, S, F), its sources' names."""

    sort: str
    sources: tuple[str, ...]
    values: np.ndarray
    covariates: np.ndarray
    bins_a_day: float


@dataclass(frozen=True)
class SensorSeries(Series):
    """With what each sensor told itself (D, B, S), on the `scale` on which it is compared, and with whom it is.

    `filled` is `told` with what may stand for a source that told nothing. Scales: the square `root` of a count, a
    `log`arithm, `points` as they are.
    """

    scale: str
    told: np.ndarray
    filled: np.ndarray
    near: np.ndarray
    compared: tuple[tuple[str, ...], ...]


def sensor_series(days: Sequence[Day], usual: Usual) -> Iterator[SensorSeries]:
    """The groups of which more than one sensor told anything."""
    yield from filter(None, (street(days, usual), roofs(days, usual), batteries(days)))


def usual_of(reference: Sequence[Day]) -> dict[str, np.ndarray]:
    """What is usual of each source by series, 0 where it told nothing, and who goes with whom."""
    found = {
        name: np.nan_to_num(mean_known(mean_known(stacked(reference, name)), axis=0)) for name in reference[0].names
    }
    for one in filter(None, (street(reference, found), roofs(reference, found))):
        found[one.sort] = one.near
    return found


def stacked(days: Sequence[Day], name: str) -> np.ndarray:
    """A series of several days (D, B, sources)."""
    return np.stack([day.values[name] for day in days])


def street(days: Sequence[Day], usual: Usual) -> SensorSeries | None:
    """Loops, counters and cameras."""
    names, kinds, counts, veh = list[str](), list[int](), list[np.ndarray](), list[np.ndarray]()
    for kind, (word, series) in enumerate(STREET):
        busy = np.flatnonzero(usual[series] >= LEAST_VEH[series])
        names += [f"{word} {days[0].names[series][s]}" for s in busy]
        kinds += [kind] * len(busy)
        counts.append(stacked(days, series)[..., busy])
        veh.append(usual[series][busy])
    if len(names) < 2:
        return None
    every, usual_veh = np.concatenate(counts, axis=-1), np.concatenate(veh)

    def common(which: np.ndarray) -> np.ndarray:
        return against(every[..., which], usual_veh[which])[..., None] * np.sqrt(usual_veh)

    per_day = DAY_S / days[0].bin_s
    return _compared(DETECTOR, names, np.array(kinds), np.sqrt(every), np.sqrt(every), common, usual, per_day, "root")


def roofs(days: Sequence[Day], usual: Usual) -> SensorSeries | None:
    """Irradiance and panels' power in daylight, by the hour.

    An office's two sensors are judged in the hours in which both tell; in others the one stands for the other in what
    is common to all, so that this does not hang on whose battery was full.
    """
    names, kinds, hourly, usually = list[str](), list[int](), list[np.ndarray](), list[np.ndarray]()
    for kind, (word, series) in enumerate(ROOFS):
        there = np.flatnonzero(usual[series] > 0)
        names += [f"{word} {days[0].names[series][s]}" for s in there]
        kinds += [kind] * len(there)
        every = uncurtailed(days) if series == "pv" else by_hour(stacked(days, series), days[0].bin_s)
        hourly.append(every[..., there])
        usually.append(usual[series][there])
    if len(names) < 2:
        return None
    share = np.concatenate(hourly, axis=-1) / np.concatenate(usually)
    bright = mean_known(share, axis=-1)[..., None] > LEAST_BRIGHT
    told = np.log(np.where(bright & (share > LEAST_SHARE), share, np.nan))
    both, filled = told.copy(), told.copy()
    offices = np.array([name.split(" ", 1)[1] for name in names])
    for s, k in np.argwhere((offices[:, None] == offices) & ~np.eye(len(names), dtype=bool)):
        off = (told[..., s] - told[..., k])[~np.isnan(told[..., s] + told[..., k])]
        stands = told[..., k] + (np.median(off) if len(off) else np.nan)
        filled[..., s] = np.where(np.isnan(told[..., s]), stands, told[..., s])
        both[..., s] = np.where(np.isnan(told[..., k]), np.nan, told[..., s])

    def common(which: np.ndarray) -> np.ndarray:
        return mean_known(filled[..., which], axis=-1)[..., None] * np.ones(len(names))

    return _compared(SUN, names, np.array(kinds), both, filled, common, usual, DAYLIGHT_H, "log")


def uncurtailed(days: Sequence[Day]) -> np.ndarray:
    """Hourly power of panels [kW] (D, 24, inverters), NaN where their battery was nearly full: nobody takes it all."""
    one, hourly = days[0], by_hour(stacked(days, "pv"), days[0].bin_s)
    soc = by_hour(stacked(days, "soc"), one.bin_s)
    for i, name in enumerate(one.names["pv"]):
        if name in one.names["soc"]:
            full = soc[..., one.names["soc"].index(name)] > FULL_PERCENT
            hourly[..., i] = np.where(full, np.nan, hourly[..., i])
    return hourly


def performance(days: Sequence[Day]) -> np.ndarray:
    """Power of all panels over irradiance in the same hours, by day (D,) [kW for 1 W/m²]; NaN where not both told."""
    pv, ghi = mean_known(uncurtailed(days), axis=-1), mean_known(by_hour(stacked(days, "ghi"), days[0].bin_s), axis=-1)
    both = ~np.isnan(pv) & (ghi > 0)
    bright = np.where(both, ghi, 0.0).sum(axis=1)
    made: np.ndarray = np.where(both, pv, 0.0).sum(axis=1) / np.maximum(bright, 1e-9)
    return np.where(made > 0, made, np.nan)


def batteries(days: Sequence[Day]) -> SensorSeries | None:
    """Hourly changes of gauges [%] against the mean power of both hours, and its size, as losses differ by direction.

    All less their day's mean: a constant error of the power is left to the filter of the charge, which knows of such.
    """
    one = days[0]
    names = [name for name in one.names["soc"] if name in one.names["power"]]
    if not names:
        return None
    soc, power = (
        by_hour(stacked(days, series)[..., [one.names[series].index(name) for name in names]], one.bin_s)
        for series in ("soc", "power")
    )
    before = (soc.shape[0], 1, soc.shape[2])
    nothing = np.full(before, np.nan)
    moved = np.concatenate([nothing, np.diff(soc, axis=1)], axis=1)
    mean_kw = np.concatenate([nothing, (power[:, 1:] + power[:, :-1]) / 2], axis=1)
    known = ~np.isnan(moved) & ~np.isnan(mean_kw)
    moved, into, size = (_of_day(np.where(known, part, np.nan)) for part in (moved, mean_kw, np.abs(mean_kw)))
    covariates = np.stack([into, size], axis=-1)
    return SensorSeries(
        BATTERY, tuple(f"gauge {name}" for name in names), moved, covariates, DAY_S / HOUR_S, "points", moved, moved,
        np.zeros((len(names), 0), dtype=int), tuple((f"power {name}",) for name in names),
    )  # fmt: skip


def against(counts: np.ndarray, usual_veh: np.ndarray) -> np.ndarray:
    """Square root of the counts (…, Z) over the usual ones (Z,) of those zones that told anything [-].

    NaN where zones of less than half the usual count did.
    """
    there = ~np.isnan(counts)
    usual = np.where(there, usual_veh, 0.0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(usual > usual_veh.sum() / 2, np.sqrt(np.nansum(counts, axis=-1) / usual), np.nan)


def neighbours(others: np.ndarray, s: int) -> np.ndarray:
    """Whose reference values (D, B, S) went most closely with those of source s, NEIGHBOURS or fewer."""
    left = np.nan_to_num(others - mean_known(others)).reshape(-1, others.shape[-1])
    together = np.abs(left.T @ left[:, s]) / np.maximum(np.sqrt((left**2).sum(axis=0)), 1e-12)
    together[s] = -1.0
    found: np.ndarray = np.argsort(-together, kind="stable")[: min(NEIGHBOURS, len(together) - 1)]
    return found


def by_hour(values: np.ndarray, bin_s: int) -> np.ndarray:
    """Hourly means (D, 24, S) of bins (D, B, S); NaN where half of them or fewer were told."""
    days, bins, sources = values.shape
    parts = values.reshape(days, bins * bin_s // HOUR_S, HOUR_S // bin_s, sources)
    few = (~np.isnan(parts)).sum(axis=2) <= parts.shape[2] / 2
    return np.where(few, np.nan, mean_known(parts, axis=2))


def _of_day(values: np.ndarray) -> np.ndarray:
    """Values (D, B, S) less their day's mean."""
    return values - mean_known(values, axis=1)[:, None, :]


def _compared(
    sort: str, names: Sequence[str], kinds: np.ndarray, told: np.ndarray, filled: np.ndarray,
    common: Callable[[np.ndarray], np.ndarray], usual: Usual, bins_a_day: float, scale: str,
) -> SensorSeries:  # fmt: skip
    """Each source (D, B, S) less what is common to the others of its kind, against the same of its neighbours.

    `filled` is what is taken of a source that told nothing, `common` of some what they say of each (D, B, S). The
    source itself has no part in what it is held against, as it may lie. Where it is the only one of its kind, all
    others of a street say what is common; a lone station or inverter is not judged, as sky and dirt are common to all.
    """
    own, near = np.empty_like(told), list[np.ndarray]()
    covariates = list[np.ndarray]()
    for s in range(len(names)):
        rest = np.arange(len(names)) != s
        off = np.empty_like(told)
        for kind in np.unique(kinds):
            mates = np.flatnonzero(rest & (kinds == kind))
            members = kinds == kind
            off[..., members] = (filled - common(mates if len(mates) or sort == SUN else np.flatnonzero(rest)))[
                ..., members
            ]
        near.append(usual[sort][s] if sort in usual else neighbours(off, s))
        own[..., s] = np.where(np.isnan(told[..., s]), np.nan, off[..., s])
        covariates.append(off[..., near[-1]])
    compared = tuple(tuple(names[k] for k in one) for one in near)
    return SensorSeries(
        sort, tuple(names), own, np.stack(covariates, axis=2), bins_a_day, scale, told, filled, np.array(near), compared
    )
