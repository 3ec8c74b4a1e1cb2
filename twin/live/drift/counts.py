"""A window of a day as turning counts, by turn and quarter: what `python -m twin traffic calibrate` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.errors import DriftError
from twin.live.drift.series import Day
from twin.traffic.demand.counts import QUARTER_S, Counts, Turn
from twin.traffic.signals.plans import Signals


def turning_counts(
    day: Day, from_bin: int, signals: Signals, net: Any, believed: Mapping[tuple[str, str], float]
) -> tuple[Counts, float]:
    """Counts of the day's whole quarters from a bin on, and the share of vehicles [%] whose turn had to be assumed.

    A lane from which vehicles turn several ways is split as `believed` (vehicles by from and to edge), where it says
    anything, else evenly. Zones are called `zone-0` …, as the feed calls them. A turn is left out where one of its
    lanes did not tell in every quarter. Raises DriftError where there is no whole quarter.
    """
    bins = QUARTER_S // day.bin_s
    first = -(-from_bin // bins)
    passed = day.values["passed"][first * bins :].reshape(-1, bins, len(day.names["passed"]))
    known = np.flatnonzero(~np.isnan(passed).all(axis=(1, 2)))
    if not len(known):
        raise DriftError(f"{day.date}: no whole quarter of an hour was counted after the change")
    until = int(known[-1]) + 1
    begin, passed = int(known[0]), passed[int(known[0]) : until]
    with np.errstate(invalid="ignore"):
        quarters = np.nansum(passed, axis=1) * bins / (~np.isnan(passed)).sum(axis=1)  # (quarters, zones)
    by_turn: dict[Turn, np.ndarray] = {}
    assumed_veh = 0.0
    for name, veh in zip(day.names["passed"], quarters.T, strict=True):
        lane = net.getLane(signals.zones[int(name.removeprefix("zone-"))][0][0])
        shares = _shares(lane, believed)
        assumed_veh += float(np.nansum(veh)) * (len(shares) > 1)
        for turn, share in shares.items():
            by_turn[turn] = by_turn.get(turn, 0.0) + share * veh
    whole = {turn: veh for turn, veh in sorted(by_turn.items()) if not np.isnan(veh).any()}
    if not whole:
        raise DriftError(f"{day.date}: no stop line was counted in every quarter after the change")
    counts = Counts(
        f"live day {day.date}", (first + begin) * QUARTER_S, tuple(whole), np.round(np.array(list(whole.values())))
    )
    return counts, 100 * assumed_veh / max(float(np.nansum(quarters)), 1.0)


def _shares(lane: Any, believed: Mapping[tuple[str, str], float]) -> dict[Turn, float]:
    """The turns from a lane, with the share of its vehicles that takes each."""
    edge = lane.getEdge()
    turns = {}
    for connection in lane.getOutgoing():
        to = connection.getTo().getID()
        if connection.getDirection() != "t" and connection.getToLane().allows("passenger"):
            turns[Turn(edge.getToNode().getID(), edge.getID(), to)] = believed.get((edge.getID(), to), 0.0)
    total = sum(turns.values())
    return {turn: veh / total if total > 0 else 1 / len(turns) for turn, veh in turns.items()}
