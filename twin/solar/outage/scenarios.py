"""Many years of outages for many offices: simulated only from an outage until the charge is what it would have been.

Without outages a year is the same in every scenario: that base path is walked once an office. From an outage on, the
charge differs; as soon as it equals the base path's to the bit (the battery was full, or empty to its reserve, in both)
nothing further can differ until the next outage.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from twin.solar.outage.model import draw
from twin.solar.storage.battery import step

LOST_KWH = 1e-9


@dataclass(frozen=True)
class Calendar:
    """Outages of columns = site × scenario in order: spans of column c are first[c] … first[c + 1]."""

    first: np.ndarray
    start_min: np.ndarray
    end_min: np.ndarray

    @property
    def columns(self) -> int:
        """How many there are."""
        return len(self.first) - 1


@dataclass(frozen=True)
class Toll:
    """What outages cost each office and scenario, shape (sites, scenarios): energy unmet, asked for, hours."""

    unmet_kwh: np.ndarray
    wanted_kwh: np.ndarray
    lost_h: np.ndarray
    served_kwh: np.ndarray


def draw_calendar(
    weights: np.ndarray, feeder: np.ndarray, scenarios: int, saifi: float, saidi_min: float, rng: np.random.Generator
) -> Calendar:
    """Outages of `scenarios` years for every site; `weights` (sites, hours) as `model.draw` takes them."""
    sites, hours = weights.shape
    found = draw(weights, feeder, saifi, saidi_min, rng, scenarios)
    end_min = np.minimum(found.end_min, 60 * hours)
    return calendar(found.site * scenarios + found.scenario, found.start_min, end_min, sites * scenarios)


def calendar(column: np.ndarray, start_min: np.ndarray, end_min: np.ndarray, columns: int) -> Calendar:
    """Order spans by column and time and make those that overlap one."""
    order = np.lexsort((start_min, column))
    column, start, end = column[order], start_min[order], end_min[order]
    keep = _merge(column, start, end)
    first = np.searchsorted(column[keep], np.arange(columns + 1))
    return Calendar(first, start[keep], end[keep])


@numba.njit(cache=True)
def _merge(column, start, end):  # type: ignore[no-untyped-def]
    """Lengthen the first of overlapping spans (in place) and say which are kept."""
    keep = np.ones(len(column), dtype=np.bool_)
    last = 0
    for i in range(1, len(column)):
        if column[i] == column[last] and start[i] <= end[last]:
            end[last] = max(end[last], end[i])
            keep[i] = False
        else:
            last = i
    return keep


@numba.njit(cache=True, nogil=True)
def _base(pv, load, soc, b, path, served):  # type: ignore[no-untyped-def]
    """Without outages: charge before every hour and after the last, shape (hours + 1,), and served in each hour."""
    path[0] = soc
    for h in range(len(pv)):
        flows = step(pv[h], load[h], 0.0, b[2], path[h], b)
        path[h + 1] = flows[8]
        served[h] = flows[4]


@numba.njit(cache=True, nogil=True)
def _office(pv, load, soc, b, first, start, end, scenarios, toll):  # type: ignore[no-untyped-def]
    """All scenarios of one office; `toll` (4, scenarios) takes unmet, wanted, hours lost, served."""
    hours = len(pv)
    path, usual = np.empty(hours + 1), np.empty(hours)
    _base(pv, load, soc, b, path, usual)
    base_served = usual.sum()
    for k in range(scenarios):
        unmet = wanted = lost = 0.0
        served = base_served
        event, until = first[k], first[k + 1]
        while event < until:
            h = start[event] // 60
            charge = path[h]
            while h < hours:
                while event < until and end[event] <= 60 * h:
                    event += 1
                minutes, e = 0, event
                while e < until and start[e] < 60 * h + 60:
                    minutes += min(end[e], 60 * h + 60) - max(start[e], 60 * h)
                    e += 1
                if minutes == 0 and charge == path[h]:
                    break
                out = minutes / 60.0
                flows = step(pv[h], load[h], out, b[2], charge, b)
                unmet += flows[6]
                wanted += out * load[h]
                lost += out if flows[6] > LOST_KWH else 0.0
                served += flows[4] - usual[h]
                charge = flows[8]
                h += 1
            if h >= hours:
                break
        toll[0, k], toll[1, k], toll[2, k], toll[3, k] = unmet, wanted, lost, served


def simulate(
    pv_kwh: np.ndarray, load_kwh: np.ndarray, soc_kwh: np.ndarray, batteries: np.ndarray, when: Calendar
) -> Toll:
    """Walk every office (sites, hours) through its scenarios; `soc_kwh` (sites,) before, `batteries` (sites, 11)."""
    sites = len(pv_kwh)
    scenarios = when.columns // sites
    toll = np.empty((sites, 4, scenarios))

    def one(i: int) -> None:
        first = when.first[i * scenarios : (i + 1) * scenarios + 1]
        _office(pv_kwh[i], load_kwh[i], soc_kwh[i], batteries[i], first, when.start_min, when.end_min, scenarios,
                toll[i])  # fmt: skip

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        list(pool.map(one, range(sites)))
    return Toll(*(toll[:, k] for k in range(4)))
