"""Which sensors are not believed: those that `live drift` named when it last looked, and those that somebody names.

What drift found lies beside the days as `distrusted.json`; whatever estimates from these days reads it and leaves out
what a sensor told from when it began to lie until it fitted again, so that an estimate is wider there.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import FaultsError, LiveError
from twin.files import write_whole
from twin.live.store import ZONE
from twin.module import Row
from twin.scenario import nearest

if TYPE_CHECKING:
    import pandas as pd

FILE = "distrusted.json"
SENSORS = {  # as drift names them: their kind of feed and values
    "loop": ("detectors", ("passed",)), "camera": ("detectors", ("vehicles", "halting")),
    "counter": ("counters", ("passed",)), "irradiance": ("weather", ("ghi_w_m2",)),
    "inverter": ("inverter", ("pv_kw",)), "gauge": ("battery", ("soc_percent",)),
}  # fmt: skip


@dataclass(frozen=True)
class Doubt:
    """A sensor that is not believed, as drift names it (`camera zone-3`), from `since_s` to `until_s` [s UTC].

    Without `until_s` it is not believed yet. Raises ValueError for no sort of sensor.
    """

    sensor: str
    since_s: float
    until_s: float | None = None

    def __post_init__(self) -> None:
        word = self.sensor.partition(" ")[0]
        if word not in SENSORS:
            raise ValueError(f"{self.sensor!r}: {nearest(word, list(SENSORS))}, then a space and its source")

    @property
    def values(self) -> tuple[str, tuple[str, ...], str]:
        """The kind of its feed, the values that it tells, and its source."""
        word, _, source = self.sensor.partition(" ")
        return *SENSORS[word], source

    def covers(self, at_s: float) -> bool:
        """Whether a reading of this moment is left out."""
        return self.since_s <= at_s and (self.until_s is None or at_s < self.until_s)

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since_s, ZONE)
        until = "" if self.until_s is None else f" until {datetime.fromtimestamp(self.until_s, ZONE):%Y-%m-%d %H:%M}"
        return f"{self.sensor} since {since:%Y-%m-%d %H:%M}{until}"


def keep(folder: Path, doubts: Sequence[Doubt], looked_at: str) -> Path:
    """Say beside a folder's days who is not believed, in place of what was said before; nobody is a finding too."""
    body = {"looked_at": looked_at, "sensors": [asdict(one) for one in doubts]}
    write_whole(folder / FILE, json.dumps(body, indent=1))
    return folder / FILE


def kept(place: Path) -> tuple[Doubt, ...]:
    """Who is not believed in a folder of live days, or beside a day's file; nobody where drift never looked.

    Raises LiveError for a damaged file.
    """
    path = (place if place.is_dir() else place.parent) / FILE
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return ()
    return _read(path, stamp)


@functools.lru_cache(16)
def _read(path: Path, stamp: int) -> tuple[Doubt, ...]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["sensors"]
        return tuple(
            Doubt(one["sensor"], float(one["since_s"]), None if one["until_s"] is None else float(one["until_s"]))
            for one in told
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LiveError(f"{path}: is not what `live drift` writes ({error}); let it look again, or remove it") from None


def left_out(rows: Iterable[Row], doubts: Sequence[Doubt]) -> list[Row]:
    """Readings without those of sensors that are not believed."""
    told = {(kind, name, source): one for one in doubts for kind, names, source in (one.values,) for name in names}
    found = []
    for row in rows:
        doubt = told.get((str(row["kind"]), str(row["name"]), str(row["source"]))) if told else None
        if doubt is None or not doubt.covers(float(row["at_s"] or 0.0)):
            found.append(row)
    return found


def trusted(table: pd.DataFrame, doubts: Sequence[Doubt]) -> pd.DataFrame:
    """Readings without those of sensors that are not believed."""
    left = table
    for one in doubts:
        kind, names, source = one.values
        told = (left.kind == kind) & (left.source == source) & left.name.isin(names) & (left.at_s >= one.since_s)
        left = left[~(told if one.until_s is None else told & (left.at_s < one.until_s))]
    return left


def named(table: pd.DataFrame, sensors: Sequence[str]) -> list[Doubt]:
    """Sensors that somebody names, as doubts about all that they told.

    Raises FaultsError for a name of no sensor, or of one that told nothing.
    """
    faults, found = [], list[Doubt]()
    for sensor in sensors:
        try:
            found.append(Doubt(sensor, float("-inf")))
        except ValueError as error:
            faults.append(f"--distrust {error}")
            continue
        kind, names, source = found[-1].values
        told = sorted(set(table.source[(table.kind == kind) & table.name.isin(names)]))
        if source not in told:
            faults.append(f"--distrust {sensor!r}: told nothing; {nearest(source, told) if told else 'nobody did'}")
    if faults:
        raise FaultsError("distrusted sensors", faults)
    return found


def trusted_of(
    table: pd.DataFrame, day: Path, sensors: Sequence[str] = (), everybody: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """A day's readings that are believed, and who is left out of them: whom drift named, and these sensors.

    `everybody`: what drift found does not count. Raises FaultsError or LiveError.
    """
    found = [one for one in (() if everybody else kept(day)) if len(trusted(table, [one])) < len(table)]
    told = [*map(str, found), *sensors]
    return trusted(table, [*found, *named(table, sensors)]), told
