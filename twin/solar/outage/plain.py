"""The same many years with plain numpy, every hour for all offices and scenarios at once: the yardstick."""

from __future__ import annotations

import numpy as np

from twin.solar.outage.scenarios import Calendar


def minutes_by_hour(when: Calendar, hours: int) -> np.ndarray:
    """Minutes without PLN, shape (hours, columns)."""
    out = np.zeros((hours, when.columns), dtype=np.uint8)
    for column in range(when.columns):
        for e in range(when.first[column], when.first[column + 1]):
            start, end = int(when.start_min[e]), int(when.end_min[e])
            for h in range(start // 60, min(-(-end // 60), hours)):
                out[h, column] += min(end, 60 * h + 60) - max(start, 60 * h)
    return out


def unmet_kwh(
    pv_kwh: np.ndarray, load_kwh: np.ndarray, soc_kwh: np.ndarray, batteries: np.ndarray, out_min: np.ndarray
) -> np.ndarray:
    """Energy unmet in outages [kWh], shape (sites, scenarios): `storage.battery.step` written with arrays.

    Panels and load (sites, hours), charge (sites,), batteries (sites, 11), minutes (hours, sites × scenarios). What
    does not depend on the charge is worked out once a site, not once a scenario.
    """
    sites = len(pv_kwh)
    low, full, reserve, eta_in, eta_out, charge_kw, discharge_kw, controller, inverter, eta, leak = (
        column[:, None] for column in batteries.T
    )
    soc = np.repeat(soc_kwh[:, None], out_min.shape[1] // sites, axis=1)
    total = np.zeros_like(soc)
    for h in range(len(out_min)):
        pv, load, out = pv_kwh[:, h, None], load_kwh[:, h, None], out_min[h].reshape(soc.shape) / 60.0
        need = np.minimum(load, inverter) / eta
        usable = np.minimum(pv, controller)
        direct = np.minimum(usable, need)
        gain = np.minimum(usable - direct, charge_kw) * eta_in
        lacking = np.minimum(need - direct, discharge_kw)
        soc = soc - soc * leak
        soc = np.where(gain >= np.maximum(full - soc, 0.0), np.maximum(soc, full), soc + gain)
        floor = np.where(out > 0.0, low, reserve)
        have = np.maximum(soc - floor, 0.0)
        empty = lacking / eta_out >= have
        discharged = np.where(empty, have * eta_out, lacking)
        soc = np.where(empty, np.minimum(soc, np.maximum(floor, soc - have)), soc - discharged / eta_out)
        total += np.maximum(out * load - np.minimum((direct + discharged) * eta, load), 0.0)
    return total
