"""A battery between panels, office and PLN, and one hour of it. Energy is conserved in every hour.

Solar first, then the battery, then PLN. While PLN is there the battery is used down to its reserve; in an hour with an
outage down to its least charge. What the system gives in such an hour goes to the minutes without PLN first; PLN
carries the rest of the other minutes, and what is then lacking is unmet.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numba
import numpy as np

FLOWS = ("direct", "charged", "curtailed", "discharged", "served", "grid", "unmet", "leaked", "soc")
PATIENCE_H = 2.0  # vehicles that would have to wait longer for a charger leave


@dataclass(frozen=True)
class Battery:
    """Limits and efficiencies: energies in kWh, powers in kW, efficiencies 0 … 1, leak as a share an hour.

    The order of the fields is the order in which the compiled step reads them.
    """

    soc_min_kwh: float
    soc_max_kwh: float
    reserve_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    charge_kw: float
    discharge_kw: float
    controller_kw: float
    inverter_kw: float
    inverter_efficiency: float
    leak_per_h: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.soc_min_kwh <= self.soc_max_kwh:
            raise ValueError(f"least charge {self.soc_min_kwh:g} kWh lies above the most, {self.soc_max_kwh:g} kWh")
        if not self.soc_min_kwh <= self.reserve_kwh <= self.soc_max_kwh:
            raise ValueError(
                f"reserve {self.reserve_kwh:g} kWh lies outside {self.soc_min_kwh:g} … {self.soc_max_kwh:g} kWh"
            )

    def array(self) -> np.ndarray:
        """As the compiled functions take it, shape (11,)."""
        return np.array(astuple(self))

    def aged(self, health: float) -> Battery:
        """With its charges scaled by what is left of the capacity (0 … 1)."""
        parts = {name: getattr(self, name) * health for name in ("soc_min_kwh", "soc_max_kwh", "reserve_kwh")}
        return replace(self, **parts)


@numba.njit(cache=True)
def step(pv, load, out, reserve, soc, b):  # type: ignore[no-untyped-def]
    """One hour: panels [kWh DC], load [kWh AC], share of the hour without PLN, charge before; `b` is Battery.array().

    Returns FLOWS [kWh]: pv = direct + charged + curtailed (DC); load = served + grid + unmet (AC); served = (direct +
    discharged) × η_inverter; change of soc = charged × η_in − discharged / η_out − leaked.
    """
    leaked = soc * b[10]
    soc = soc - leaked
    usable = min(pv, b[7])
    need = min(load, b[8]) / b[9]
    direct = min(usable, need)
    charged = min(usable - direct, b[5])
    room = max(b[1] - soc, 0.0)
    if charged * b[3] >= room:
        charged = room / b[3]
        soc = max(soc, b[1])
    else:
        soc = soc + charged * b[3]
    floor = b[0] if out > 0.0 else reserve
    have = max(soc - floor, 0.0)
    discharged = min(need - direct, b[6])
    if discharged / b[4] >= have:
        discharged = have * b[4]
        soc = min(soc, max(floor, soc - have))
    else:
        soc = soc - discharged / b[4]
    served = min((direct + discharged) * b[9], load)
    unmet = max(out * load - served, 0.0)
    grid = load - served - unmet
    return direct, charged, pv - direct - charged, discharged, served, grid, unmet, leaked, soc


@dataclass(frozen=True)
class Flows:
    """Energies of every hour [kWh], shape (sites, hours) each; `soc` is the charge after the hour.

    pv = direct + charged + curtailed; load + vehicles = served + grid + unmet. `vehicles` is what was sold to electric
    vehicles, `vehicles_lost` what those wanted that left.
    """

    pv: np.ndarray
    load: np.ndarray
    direct: np.ndarray
    charged: np.ndarray
    curtailed: np.ndarray
    discharged: np.ndarray
    served: np.ndarray
    grid: np.ndarray
    unmet: np.ndarray
    leaked: np.ndarray
    soc: np.ndarray
    vehicles: np.ndarray
    vehicles_lost: np.ndarray


@numba.njit(cache=True, nogil=True)
def _dispatch(pv, load, out_min, soc, batteries, arriving, charger, queue, found):  # type: ignore[no-untyped-def]
    """Vehicles are charged after the office: not in an outage once the charge is down to the reserve."""
    for site in range(pv.shape[0]):
        b = batteries[site]
        charge = soc[site]
        waiting = queue[site]
        for h in range(pv.shape[1]):
            out = out_min[site, h] / 60.0
            waiting += arriving[site, h]
            plugged = min(waiting, charger)
            if out > 0.0 and charge <= b[2]:
                plugged *= 1.0 - out
            flows = step(pv[site, h], load[site, h] + plugged, out, b[2], charge, b)
            charge = flows[8]
            for k in range(9):
                found[k, site, h] = flows[k]
            found[6, site, h] = max(out * load[site, h] - flows[4], 0.0)
            refused = flows[6] - found[6, site, h]
            waiting -= plugged - refused
            leaving = max(waiting - charger * PATIENCE_H, 0.0)
            waiting -= leaving
            found[9, site, h] = plugged - refused
            found[10, site, h] = leaving
        queue[site] = waiting


def dispatch(
    pv_kwh: np.ndarray, load_kwh: np.ndarray, out_min: np.ndarray, soc_kwh: np.ndarray, batteries: np.ndarray,
    arriving_kwh: np.ndarray | None = None, charger_kw: float = 0.0, queue_kwh: np.ndarray | None = None,
) -> Flows:  # fmt: skip
    """Hour by hour for all sites: panels and load (sites, hours), minutes without PLN, charge before, (sites, 11).

    Vehicles bring `arriving_kwh` (sites, hours) to a charger; `queue_kwh` (sites,) waits already and is updated.
    """
    found = np.empty((len(FLOWS) + 2, *pv_kwh.shape))
    arriving = np.zeros_like(pv_kwh) if arriving_kwh is None else arriving_kwh
    queue = np.zeros(len(pv_kwh)) if queue_kwh is None else queue_kwh
    _dispatch(pv_kwh, load_kwh, out_min, soc_kwh.astype(float), batteries, arriving, charger_kw, queue, found)
    return Flows(pv_kwh, load_kwh, *found)
