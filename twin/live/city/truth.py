"""What really happens on a simulated street, for the scores alone: who turned where, and how long roads took."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import libsumo
import numpy as np

from twin.live.counters import MINUTE_S, Crossings
from twin.traffic.forecast.days import INTERVAL_S
from twin.traffic.networks.files import read_net
from twin.traffic.networks.roads import roads_of

LEAST_M = 1.0  # of driving, so that an edge on which all stood has a time


class Truth:
    """Looks at the running simulation once a second; `minute` tells what the last minutes were, once there are enough.

    A turn counts when its exit is reached. A road's travel time is SUMO's edgeData's: the length of each of its edges
    over the mean speed of all driving on it, at free flow where nobody was.
    """

    def __init__(self, crossings: Crossings, net_file: Path, recent_min: int) -> None:
        self.crossings = crossings
        self.roads = [road for road in roads_of(net_file) if road.watched]
        net = read_net(net_file)
        self._edges = [edge for road in self.roads for edge in road.edges]
        self._lanes = [(e, lane.getID()) for e, edge in enumerate(self._edges) for lane in net.getEdge(edge).getLanes()]
        self._length_m = np.array([net.getEdge(edge).getLength() for edge in self._edges])
        self._free_s = np.array([free_s for road in self.roads for free_s in road.edge_free_flow_s])
        self._first = np.cumsum([0, *(len(road.edges) for road in self.roads)])[:-1]
        self._came_by: dict[str, int] = {}
        self._turned, self._driven = self._nothing()
        self._last_turned: deque[np.ndarray] = deque(maxlen=recent_min)
        self._last_driven: deque[np.ndarray] = deque(maxlen=INTERVAL_S // MINUTE_S)

    def _nothing(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.crossings.allowed.shape), np.zeros((2, len(self._edges)))

    def watch(self) -> None:
        """Look once."""
        there, allowed = libsumo.edge.getLastStepVehicleIDs, self.crossings.allowed
        for x, edge in enumerate(self.crossings.exits):
            for vehicle in there(edge):
                came_by = self._came_by.pop(vehicle, None)
                if came_by is not None and allowed[came_by, x]:
                    self._turned[came_by, x] += 1
        for a, edge in enumerate(self.crossings.approaches):
            self._came_by.update(dict.fromkeys(there(edge), a))
        for e, lane in self._lanes:  # SUMO's mean speed of an edge counts its empty lanes, too
            if n := libsumo.lane.getLastStepVehicleNumber(lane):
                self._driven[:, e] += n, n * libsumo.lane.getLastStepMeanSpeed(lane)

    def minute(self) -> dict[str, Any]:
        """After a minute: `turned` (A, X) in the last `recent_min`, `travel_s` (R,) in the last 5 (null: nobody)."""
        self._last_turned.append(self._turned)
        self._last_driven.append(self._driven)
        self._turned, self._driven = self._nothing()
        told: dict[str, Any] = {"turned": None, "travel_s": None}
        if len(self._last_turned) == self._last_turned.maxlen:
            told["turned"] = np.sum(self._last_turned, axis=0).tolist()
        if len(self._last_driven) == self._last_driven.maxlen:
            times_s = travel_s(np.sum(self._last_driven, axis=0), self._length_m, self._free_s, self._first)
            told["travel_s"] = [None if np.isnan(one) else float(one) for one in times_s]
        return told


def travel_s(driven: np.ndarray, length_m: np.ndarray, free_s: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mean travel time (R,) from seconds and metres driven on each edge (2, E); NaN where nobody was on a road.

    A road's edges begin at `first` (R,); of each the length and the time at free flow (E,).
    """
    seconds, metres = driven
    times_s = np.where(seconds > 0, length_m * seconds / np.maximum(metres, LEAST_M), free_s)
    there = np.add.reduceat(seconds, first) > 0
    return np.where(there, np.add.reduceat(times_s, first), np.nan)
