"""A battery beside the panels: solar first, then the battery, then the grid. Energy is conserved in every step."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass

import numpy as np

from twin.solar.weather import DATA


@dataclass(frozen=True)
class Battery:
    """Limits and efficiencies; energies in kWh, powers in kW, efficiencies 0 … 1."""

    capacity_kwh: float
    soc_min_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    controller_kw: float
    inverter_kw: float
    inverter_efficiency: float


@dataclass(frozen=True)
class Flows:
    """Energies of every hour [kWh], shape (sites, hours).

    `pv` is what the panels could give at the charge controller; `pv = direct + charged + curtailed` on the DC side,
    `load = served + grid` on the AC side, and `soc` is the charge after the hour.
    """

    pv_kwh: np.ndarray
    direct_kwh: np.ndarray
    charged_kwh: np.ndarray
    curtailed_kwh: np.ndarray
    discharged_kwh: np.ndarray
    served_kwh: np.ndarray
    grid_kwh: np.ndarray
    soc_kwh: np.ndarray


def dispatch(pv_kwh: np.ndarray, load_kwh: np.ndarray, soc_kwh: np.ndarray, battery: Battery) -> Flows:
    """Hour by hour for all sites; `soc_kwh` (sites,) is the charge before the first hour. There are no outages here.

    Per hour h: need = min(load, inverter) / η_inv; direct = min(pv, need); the battery takes what is left over, up to
    its room and the controller, and gives what is lacking, down to its reserve.
    """
    b = battery
    keys = ("direct", "charged", "curtailed", "discharged", "served", "grid", "soc")
    out = {key: np.empty(pv_kwh.shape) for key in keys}
    soc = soc_kwh.astype(float).copy()
    need = np.minimum(load_kwh, b.inverter_kw) / b.inverter_efficiency
    for h in range(pv_kwh.shape[1]):
        pv = pv_kwh[:, h]
        usable = np.minimum(pv, b.controller_kw)
        direct = np.minimum(usable, need[:, h])
        charged = np.minimum(usable - direct, np.maximum(b.capacity_kwh - soc, 0) / b.charge_efficiency)
        available = np.maximum(soc - b.soc_min_kwh, 0) * b.discharge_efficiency
        discharged = np.minimum(need[:, h] - direct, available)
        soc = soc + charged * b.charge_efficiency - discharged / b.discharge_efficiency
        served = (direct + discharged) * b.inverter_efficiency
        values = (direct, charged, pv - direct - charged, discharged, served, load_kwh[:, h] - served, soc)
        for key, value in zip(keys, values, strict=True):
            out[key][:, h] = value
    return Flows(pv_kwh, *(out[key] for key in keys))


@functools.cache
def load_shape() -> np.ndarray:
    """Share of a day's use in each hour, shape (24,), adding to 1: a prior."""
    with (DATA / "load_profile.csv").open(newline="", encoding="utf-8") as file:
        shares = np.array([float(row["share"]) for row in csv.DictReader(file)])
    return shares / shares.sum()
