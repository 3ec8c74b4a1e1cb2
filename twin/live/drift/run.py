"""Drift in runs of live days: alarms with what to do about them, and the window of data for a calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from twin.errors import DriftError
from twin.files import write_whole
from twin.live.drift.counts import turning_counts
from twin.live.drift.series import WHAT, Day, aligned, day_of_rows
from twin.live.drift.watch import DEMAND, DETECTOR, POLICY, SORTS, WEATHER, Drift, learn, parameters, watch
from twin.module import Row
from twin.run import Run
from twin.terminal import tell
from twin.traffic.demand.counts import counts_csv
from twin.traffic.demand.hours import day_type, synthetic_counts
from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for

COLUMNS = ("at_s", "arrived_s", "kind", "source", "name", "value", "flags")
LIAR = "a detector drifted too, look at it first; then "
ADVICE = {
    DEMAND: "calibrate demand anew: `python -m twin traffic calibrate --network {network} --counts {counts} --to …`",
    DETECTOR: "look at this detector; its counts do not fit its neighbours'",
    POLICY: "is the release in force the one that it should be? `python -m twin live shadow` compares it with another",
    WEATHER: "take newer weather: `python -m twin solar fetch`",
}


def drift(
    runs: Sequence[Path], reference: int, per_30_days: float | None, network: str | None, to: Path | None,
    progress: Callable[..., None] = lambda *_: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Alarms of the live days after the first `reference` ones, in the order given, as rows.

    Where demand drifted and a network is given, the counts of the day of the alarm since it seems to have begun are
    written below `to`. Raises RunError or DriftError.
    """
    days = []
    for n, path in enumerate(runs, 1):
        with Run.open(path) as run:
            if not run.has("live_reading"):
                raise DriftError(f"{path}: is no live day")
            try:
                days.append(day_of_rows(_readings(run), int(parameters()["bin_s"])))
            except DriftError as error:
                raise DriftError(f"{path}: {error}") from error
        progress(n, len(runs), path.name)
    if len(days) <= reference:
        raise DriftError(f"{len(days)} days, of which {reference} are the reference: none is left to be watched")
    days = aligned(days)
    learned, usual = learn(days[:reference], per_30_days)
    if missing := [sort for sort in SORTS if sort not in learned]:
        tell(f"not watched, as the reference days tell too little: {', '.join(missing)}")
    watched, paths = days[reference:], runs[reference:]
    found = watch(watched, learned, usual)
    rows = [_row(one, watched, paths, network, to) for one in found]
    if any(one.sort == DETECTOR for one in found):  # its counts are in what seems to be demand
        for row in rows:
            row["advice"] = f"{LIAR if row['sort'] == DEMAND else ''}{row['advice']}"
    return rows


def _readings(run: Run) -> Iterator[Row]:
    wanted = {(kind, value) for kind, value, _ in WHAT.values()}
    marks = " OR ".join(["(kind = ? AND name = ?)"] * len(wanted))
    query = f"SELECT {', '.join(COLUMNS)} FROM live_reading WHERE {marks} ORDER BY rowid"  # noqa: S608 (our own words)
    for values in run.connection.execute(query, [word for pair in sorted(wanted) for word in pair]):
        yield dict(zip(COLUMNS, values, strict=True))


def _row(
    one: Drift, days: Sequence[Day], paths: Sequence[Path], network: str | None, to: Path | None
) -> dict[str, Any]:
    daily, day = one.sort == WEATHER, days[one.day]
    counts, assumed_percent = None, None
    if one.sort == DEMAND and network is not None and to is not None:
        counts = to / f"counts-{paths[one.day].stem}-{_clock(one.bin, day.bin_s).replace(':', '')}.csv"
        from_bin = one.since_bin if one.since_day == one.day else 0
        assumed_percent = write_counts(day, from_bin, network, counts)
    return {
        "sort": one.sort, "source": one.source, "run": paths[one.day].name,
        "raised": "" if daily else _clock(one.bin, day.bin_s),
        "since_run": paths[one.since_day].name, "since": "" if daily else _clock(one.since_bin, day.bin_s),
        "size_sd": one.size_sd, "counts": str(counts) if counts else None, "assumed_turns_percent": assumed_percent,
        "advice": ADVICE[one.sort].format(network=network or "…", counts=counts or "…"),
    }  # fmt: skip


def _clock(at: int, bin_s: int) -> str:
    """The beginning of a bin, in Trenggalek."""
    return f"{at * bin_s // 3600:02}:{at * bin_s % 3600 // 60:02}"


def write_counts(day: Day, from_bin: int, network: str, path: Path) -> float | None:
    """Write a day's turning counts from a bin on; returns the share of assumed turns [%], None where none was counted.

    On the sketch a lane's turns are split as its prior demand turns.
    """
    found = locate(network)
    net = read_net(found.net_file)
    signals = signals_of(found.net_file, detectors_for(network).camera_range_m)
    believed = {}
    if network == "trenggalek":
        prior = synthetic_counts(day_type("weekday"), net)
        believed = {
            (turn.from_edge, turn.to_edge): float(veh) for turn, veh in zip(prior.turns, prior.hourly(), strict=True)
        }
    try:
        counts, assumed_percent = turning_counts(day, from_bin, signals, net, believed)
    except DriftError:
        return None
    write_whole(path, counts_csv(counts))
    return assumed_percent
