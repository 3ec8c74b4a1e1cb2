"""The slow path: pvlib's ModelChain itself, one site at a time. The yardstick of the fast path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from twin.solar.pv.system import ETA_REFERENCE, PvSystem

# pvlib's "open_rack_glass_polymer": SAPM cell temperature of panels with air behind them.
SAPM = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_polymer"]
FAIMAN = {"u0": 25.0, "u1": 6.84}  # pvlib's defaults


@dataclass(frozen=True)
class Power:
    """DC power after losses and AC power [W]."""

    dc_w: np.ndarray
    ac_w: np.ndarray


def model_chain(
    system: PvSystem, latitude_deg: float, longitude_deg: float, altitude_m: float
) -> pvlib.modelchain.ModelChain:
    """A ModelChain of the system: Perez, physical incidence loss, PVWatts DC, losses and inverter."""
    thermal = SAPM if system.cell_model == "sapm" else FAIMAN
    arrays = [
        pvlib.pvsystem.Array(
            pvlib.pvsystem.FixedMount(plane.tilt_deg, plane.azimuth_deg),
            module_parameters={"pdc0": plane.panels_wp, "gamma_pdc": system.gamma_per_c},
            temperature_model_parameters=thermal,
        )
        for plane in system.planes
    ]
    inverter = {
        "pdc0": system.inverter_dc_w,
        "eta_inv_nom": system.inverter_efficiency,
        "eta_inv_ref": ETA_REFERENCE,
    }
    nothing = dict.fromkeys(
        ("shading", "snow", "mismatch", "wiring", "connections", "lid", "nameplate_rating", "age", "availability"), 0
    )
    losses = {"soiling": system.losses_percent, **nothing}
    return pvlib.modelchain.ModelChain(
        pvlib.pvsystem.PVSystem(arrays, inverter_parameters=inverter, losses_parameters=losses),
        pvlib.location.Location(latitude_deg, longitude_deg, altitude=altitude_m),
        dc_model="pvwatts", ac_model="pvwatts", aoi_model="physical", spectral_model="no_loss",
        temperature_model=system.cell_model, losses_model="pvwatts", transposition_model="perez",
        airmass_model="kastenyoung1989",
    )  # fmt: skip


def chain_power(
    system: PvSystem, latitude_deg: float, longitude_deg: float, altitude_m: float, weather: pd.DataFrame
) -> Power:
    """Run ModelChain on one site's weather (index: times; columns ghi, dni, dhi, temp_air, wind_speed)."""
    chain = model_chain(system, latitude_deg, longitude_deg, altitude_m)
    chain.run_model(weather)
    results = chain.results
    dc = results.dc if isinstance(results.dc, tuple) else (results.dc,)
    total_dc = sum(np.nan_to_num(one.to_numpy(dtype=float)) for one in dc)
    return Power(np.asarray(total_dc), np.nan_to_num(results.ac.to_numpy(dtype=float)))
