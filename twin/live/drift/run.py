"""Drift in runs of live days: alarms with what to do about them, and the window of data for a calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from twin.errors import DriftError
from twin.files import read_rows, write_whole
from twin.live.drift.counts import turning_counts
from twin.live.drift.liars import Liar, liars, who_else
from twin.live.drift.recorded import day_at
from twin.live.drift.sensors import BATTERY, DETECTOR, SENSOR_SORTS, SUN
from twin.live.drift.series import Day, aligned
from twin.live.drift.watch import DEMAND, POLICY, SORTS, WEATHER, Drift, learn, watch
from twin.live.drift.weather import write_weather
from twin.live.mqtt import asked_to_stop
from twin.live.parameters import DATA
from twin.live.trust import Doubt, keep
from twin.terminal import tell
from twin.traffic.demand.counts import counts_csv
from twin.traffic.demand.hours import day_type, synthetic_counts
from twin.traffic.networks.files import read_net
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for

SHAPE = ("sort", "source", "run", "raised", "since_run", "since", "until_run", "until", "size", "size_sd", "way",
         "percent", "low", "high", "probability", "or_else", "compared_with", "data", "assumed_turns_percent",
         "advice")  # fmt: skip
LIAR = "a sensor drifted too, look at it first; then "
LEFT_OUT = "look at it; what estimates from these days leaves it out until it fits again (--trust-all: does not)"
DOUBTED = 0.25  # a chance of lying from which on a sensor is left out
ADVICE = {
    DEMAND: "calibrate demand anew: `python -m twin traffic calibrate --network {network} --counts {data} --to …`",
    DETECTOR: LEFT_OUT,
    POLICY: "is the release in force the one that it should be? `python -m twin live shadow` compares it with another",
    WEATHER: "calibrate the weather anew: `python -m twin calibrate {data}`",
    SUN: f"{LEFT_OUT}; is a panel dirty, or in the shade?",
    BATTERY: f"{LEFT_OUT}: its charge is known by its power alone",
}
NEW_SKY = "the sky, which changed too: take reference days from under it"
CONFUSED = {DEMAND: (DETECTOR,), WEATHER: (SUN,)}  # what a lie of which sensors looks like


def drift(
    runs: Sequence[Path], reference: int, per_30_days: float | None, network: str | None, to: Path | None,
    progress: Callable[..., None] = lambda *_: None, say: Callable[[str], None] = tell,
) -> list[dict[str, Any]]:  # fmt: skip
    """Alarms of the live days after the first `reference` ones, in the order given, as rows.

    A day that is still being recorded counts until its last whole bin. Written below `to`: where demand drifted and a
    network is given, the counts of the day of the alarm since it seems to have begun; where the weather drifted, the
    figures of all days since then; and beside the last day, who is not believed (`twin.live.trust`). Raises RunError or
    DriftError.
    """
    every, compared, paths = list[Day](), set[tuple[str, str]](), list[Path]()
    for n, path in enumerate(runs, 1):
        if (recorded := day_at(path)) is not None:
            every.append(recorded.day)
            paths.append(path)
            compared |= recorded.values
        progress(n, len(runs), path.name)
    if len(every) <= reference:
        raise DriftError(f"{len(every)} days, of which {reference} are the reference: none is left to be watched")
    days = aligned(every)
    learned, usual = learn(days[:reference], per_30_days)
    if missing := [sort for sort in SORTS if sort not in learned]:
        say(f"not watched, as the reference days tell too little: {', '.join(missing)}")
    if blind := [f"{row['kind']} {row['value']}" for row in not_found() if (row["kind"], row["value"]) in compared]:
        say(f"compared with nothing, a lie of theirs is not found: {', '.join(blind)}")
    watched, paths = days[reference:], paths[reference:]
    found = [one for one in watch(watched, learned, usual) if one.sort not in SENSOR_SORTS]
    named = liars(days[:reference], watched, per_30_days)
    told = [(one.day, _row(one, watched, paths, network, to)) for one in found]
    changed = min((one.since_day for one in found if one.sort == WEATHER), default=None)
    if changed is not None and to is not None:
        data = to / f"weather-{_name(paths[changed])}-to-{_name(paths[-1])}.yaml"
        _hand_over([row for _, row in told if row["sort"] == WEATHER], watched[changed:], data)
    for _, row in told:
        if {one.sort for one in named} & set(CONFUSED.get(row["sort"], ())):
            row["advice"] = f"{LIAR}{row['advice']}"
    for one in named:
        row = _liar_row(one, paths)
        if one.sort == SUN and changed is not None and changed <= one.day:
            row["or_else"] = f"{NEW_SKY}{', ' if row['or_else'] else ''}{row['or_else']}"
        told.append((one.day, row))
    if to is not None:
        keep(paths[-1].parent, doubts(named, watched), paths[-1].name)
    return [row for _, row in sorted(told, key=lambda one: (one[0], one[1]["raised"]))]


def looks(
    look: Callable[[Callable[[str], None]], list[dict[str, Any]]], every_s: float, for_s: float | None
) -> Iterator[list[dict[str, Any]]]:
    """What is found whenever it is another than before, until Ctrl-C or so long is over; `look` is told how to say."""
    began_s, last = time.monotonic(), None
    with asked_to_stop() as stop:
        while not stop.is_set():
            found = look(tell if last is None else lambda _: None)
            if found != last:
                yield found
            last = found
            left_s = every_s if for_s is None else min(every_s, began_s + for_s - time.monotonic())
            if left_s <= 0 or stop.wait(left_s):
                return


def not_found() -> list[dict[str, str]]:
    """Values of feeds that nothing else tells of, by `data/lies.csv`."""
    return [row for row in read_rows(DATA / "lies.csv") if not row["compared_with"]]


def doubts(named: Sequence[Liar], days: Sequence[Day]) -> list[Doubt]:
    """Who is not believed: whoever is named, and whoever it may well be instead."""
    found = []
    for one in named:
        since_s, until_s = days[one.since_day].begin_s + one.since_s, None
        if one.until_day is not None and one.until_s is not None:
            until_s = days[one.until_day].begin_s + one.until_s
        others = [source for source, chance in one.suspects if chance >= DOUBTED]
        found += [Doubt(source, since_s, until_s) for source in (one.source, *others)]
    return found


def _row(
    one: Drift, days: Sequence[Day], paths: Sequence[Path], network: str | None, to: Path | None
) -> dict[str, Any]:
    daily, day = one.sort == WEATHER, days[one.day]
    data, assumed_percent = None, None
    if one.sort == DEMAND and network is not None and to is not None:
        data = to / f"counts-{_name(paths[one.day])}-{_clock(one.bin * day.bin_s).replace(':', '')}.csv"
        from_bin = one.since_bin if one.since_day == one.day else 0
        assumed_percent = write_counts(day, from_bin, network, data)
    return {
        **dict.fromkeys(SHAPE), "sort": one.sort, "source": one.source, "run": paths[one.day].name,
        "raised": "" if daily else _clock(one.bin * day.bin_s),
        "since_run": paths[one.since_day].name, "since": "" if daily else _clock(one.since_bin * day.bin_s),
        "size": f"{one.size_sd:+.1f} sd", "size_sd": one.size_sd, "data": str(data) if data else None,
        "assumed_turns_percent": assumed_percent,
        "advice": ADVICE[one.sort].format(network=network or "…", data=data or "…"),
    }  # fmt: skip


def _hand_over(rows: Sequence[dict[str, Any]], days: Sequence[Day], path: Path) -> None:
    """Write the window of all weather alarms, and name it in their rows; days that are too few are told."""
    if write_weather(days, path):
        for row in rows:
            row.update(data=str(path), advice=ADVICE[WEATHER].format(data=path))
    else:
        tell(f"{len(days)} days tell too little to calibrate the weather with; wait for more")


def _liar_row(one: Liar, paths: Sequence[Path]) -> dict[str, Any]:
    return {
        **dict.fromkeys(SHAPE), "sort": one.sort, "source": one.source, "run": paths[one.day].name,
        "raised": _clock(one.at_s),
        "since_run": paths[one.since_day].name, "since": _clock(one.since_s),
        "until_run": None if one.until_day is None else paths[one.until_day].name,
        "until": None if one.until_s is None else _clock(one.until_s),
        "size": f"{one.way} {one.percent:+.0f} % ({one.low:+.0f} … {one.high:+.0f})",
        "way": one.way, "percent": one.percent, "low": one.low, "high": one.high, "probability": one.probability,
        "or_else": who_else(one), "compared_with": ", ".join(one.compared),
        "advice": ADVICE[one.sort],
    }  # fmt: skip


def _name(day: Path) -> str:
    return day.stem.removeprefix(".")


def _clock(at_s: int) -> str:
    """A second of the day, in Trenggalek."""
    return f"{at_s // 3600:02}:{at_s % 3600 // 60:02}"


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
