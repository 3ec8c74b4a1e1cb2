"""A live day in bins: what passed and stood before each signal, how often lamps changed, sun, panels, batteries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from twin.errors import DriftError
from twin.live.estimate.seen import NOT_USED
from twin.live.messages import kinds
from twin.live.store import ZONE, day_of
from twin.module import Row

DAY_S = 86_400
LEAST_SHARE = 0.5  # of a bin's readings; with fewer it says nothing


@dataclass(frozen=True)
class Day:
    """A day's bins (bins, sources), NaN where too little came, with the names of the sources.

    `passed` [veh] in a bin, `halting` and `vehicles` [veh, mean] by zone, `counted` [veh] in a bin by counter,
    `changes` of phase by signal, means of `ghi` [W/m²] by weather station, `pv` [kW], `power` into the battery [kW]
    and charge `soc` [%] by office.
    """

    date: date
    bin_s: int
    names: Mapping[str, tuple[str, ...]]
    values: Mapping[str, np.ndarray]

    @property
    def begin_s(self) -> float:
        """Its first moment [s UTC]."""
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=ZONE).timestamp()


WHAT = {  # series: kind of feed, value, how a bin is made of its readings
    "passed": ("detectors", "passed", "sum"),
    "halting": ("detectors", "halting", "mean"),
    "vehicles": ("detectors", "vehicles", "mean"),
    "counted": ("counters", "passed", "sum"),
    "changes": ("lamps", "phase", "changes"),
    "ghi": ("weather", "ghi_w_m2", "mean"),
    "pv": ("inverter", "pv_kw", "mean"),
    "soc": ("battery", "soc_percent", "mean"),
    "power": ("battery", "power_kw", "mean"),
}


def day_of_series(date: date, bin_s: int, told: Mapping[str, Mapping[str, np.ndarray]]) -> Day:
    """A day from what sources told by bin (bins,), by series and name; series that nobody told are empty."""
    names = {series: tuple(sorted(told.get(series, {}))) for series in WHAT}
    nothing = np.zeros((DAY_S // bin_s, 0))
    values = {
        series: np.column_stack([told[series][name] for name in own]) if own else nothing
        for series, own in names.items()
    }
    return Day(date, bin_s, names, values)


def aligned(days: Sequence[Day]) -> list[Day]:
    """The same days with the same sources: all that any of them has."""
    names = {series: tuple(sorted({name for day in days for name in day.names[series]})) for series in WHAT}
    found = []
    for day in days:
        values = {}
        for series, own in names.items():
            place = {name: i for i, name in enumerate(day.names[series])}
            nothing = np.full(DAY_S // day.bin_s, np.nan)
            columns = [day.values[series][:, place[name]] if name in place else nothing for name in own]
            values[series] = np.array(columns).T.reshape(DAY_S // day.bin_s, len(own))
        found.append(Day(day.date, day.bin_s, names, values))
    return found


def day_of_rows(rows: Iterable[Row], bin_s: int) -> Day:
    """A day from its `live_reading` rows, by event time; what may not be trusted is left out.

    Raises DriftError where nobody told anything.
    """
    read: dict[str, dict[str, list[tuple[float, float]]]] = {series: {} for series in WHAT}
    of = {(kind, value): series for series, (kind, value, _) in WHAT.items()}
    at: date | None = None
    for row in rows:
        series = of.get((str(row["kind"]), str(row["name"])))
        if series is None or NOT_USED & set(str(row["flags"]).split(",")) or row["value"] is None:
            continue
        at = day_of(float(row["arrived_s"] or 0.0)) if at is None else at
        read[series].setdefault(str(row["source"]), []).append((float(row["at_s"] or 0.0), float(row["value"])))
    if at is None:
        raise DriftError("no reading of a street's detector, a lamp, a weather station or an office")
    begin_s = Day(at, bin_s, {}, {}).begin_s
    names = {series: tuple(sorted(own)) for series, own in read.items()}
    values = {}
    for series, (kind, value, how) in WHAT.items():
        every_s = kinds()[kind][value].every_s
        columns = [_binned(read[series][name], begin_s, bin_s, every_s, how) for name in names[series]]
        values[series] = np.array(columns).T.reshape(DAY_S // bin_s, len(columns))
    return Day(at, bin_s, names, values)


def _binned(read: list[tuple[float, float]], begin_s: float, bin_s: int, every_s: float, how: str) -> np.ndarray:
    """Bins of a source; a sum is scaled up by what is missing, changes of phase by the pairs that are known."""
    bins = DAY_S // bin_s
    read.sort()
    at_s, values = np.array(read).reshape(-1, 2).T
    if len(at_s) > 2:
        every_s = float(np.median(np.diff(at_s)))  # its own: a kind's is what it should be
    place = np.ceil((at_s - begin_s) / bin_s - 1e-9).astype(int) - 1  # a reading tells of the time before it
    told = np.ones(len(values))
    if how == "changes":
        told = np.concatenate([[0.0], np.abs(np.diff(at_s) - every_s) < every_s / 2])[: len(values)]
        values = np.concatenate([[0.0], np.diff(values) != 0])[: len(values)] * told
    inside = (place >= 0) & (place < bins)
    n = np.bincount(place[inside], told[inside], bins)
    sums = np.bincount(place[inside], values[inside], bins)
    expected = bin_s / every_s
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(n >= LEAST_SHARE * expected, sums / n, np.nan)
    return means if how == "mean" else means * expected
