"""The best that could be done with a battery if all of a month were known before: a linear programme, the bound."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from twin.solar.storage.battery import Battery
from twin.solar.storage.episode import Episode


def least_cost_idr(
    episode: Episode, battery: Battery, soc_kwh: float, tariff: float, lost_load: float, stored: float
) -> float:
    """Least cost of PLN's energy and of unmet load, less the worth of what is left in the battery [Rp].

    Prices in Rp/kWh; `stored` is what a stored kWh is worth at the end. Variables by hour: direct, charged, discharged,
    grid, unmet, charge after. Whatever `battery.step` does under any reserve is feasible here: no policy is cheaper.
    """
    n, b = len(episode.pv_kwh), battery
    pv, load, out = np.minimum(episode.pv_kwh, b.controller_kw), episode.load_kwh, episode.out_min / 60
    eye, none = sparse.identity(n), sparse.csr_matrix((n, n))
    before = sparse.diags([np.ones(n), -(1 - b.leak_per_h) * np.ones(n - 1)], [0, -1])
    eta = b.inverter_efficiency
    balance = sparse.hstack([eta * eye, none, eta * eye, eye, eye, none])
    storage = sparse.hstack([none, -b.charge_efficiency * eye, eye / b.discharge_efficiency, none, none, before])
    first = np.zeros(n)
    first[0] = (1 - b.leak_per_h) * soc_kwh
    panels = sparse.hstack([eye, eye, none, none, none, none])
    inverter = sparse.hstack([eye, none, eye, none, none, none])
    cost = np.concatenate([np.zeros(3 * n), np.full(n, tariff), np.full(n, lost_load), np.zeros(n)])
    cost[-1] = -stored
    least = min(b.soc_min_kwh, soc_kwh) * (1 - b.leak_per_h) ** n  # a battery at its least still leaks
    top = np.concatenate([
        pv, np.full(n, b.charge_kw), np.full(n, b.discharge_kw), (1 - out) * load, out * load,
        np.full(n, max(b.soc_max_kwh, soc_kwh)),
    ])  # fmt: skip
    bottom = np.concatenate([np.zeros(5 * n), np.full(n, least)])
    found = linprog(
        cost,
        A_ub=sparse.vstack([panels, inverter]).tocsr(),
        b_ub=np.concatenate([pv, np.minimum(load, b.inverter_kw) / eta]),
        A_eq=sparse.vstack([balance, storage]).tocsr(),
        b_eq=np.concatenate([load, first]),
        bounds=np.column_stack([bottom, top]),
        method="highs",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme has no solution: {found.message}")
    return float(found.fun)
