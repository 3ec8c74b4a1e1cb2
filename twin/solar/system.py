"""From a scenario's options to what the physics take: a roof, a battery, a battery's life."""

from __future__ import annotations

from twin.solar.facts import chemistry
from twin.solar.options import SolarOptions
from twin.solar.pv.system import Plane, PvSystem, combined_losses_percent
from twin.solar.storage.ageing import Life
from twin.solar.storage.battery import Battery

HOURS_A_MONTH = 8760 / 12


def battery_of(options: SolarOptions) -> Battery:
    """The battery and its electronics as the scenario has them. The reserve is the least charge at least."""
    o, c, kwh = options, chemistry(options.battery), options.battery_kwh
    least = kwh * o.soc_min / 100
    return Battery(
        soc_min_kwh=least,
        soc_max_kwh=kwh * o.soc_max_percent / 100,
        reserve_kwh=max(least, kwh * o.reserve_percent / 100),
        charge_efficiency=o.charge_efficiency or c["charge_efficiency"],
        discharge_efficiency=o.discharge_efficiency or c["discharge_efficiency"],
        charge_kw=c["c_rate_charge"] * kwh,
        discharge_kw=c["c_rate_discharge"] * kwh,
        controller_kw=o.scc_a * o.battery_v / 1000,
        inverter_kw=o.inverter_kw,
        inverter_efficiency=o.inverter_efficiency,
        leak_per_h=c["leak_percent_per_month"] / 100 / HOURS_A_MONTH,
    )


def life_of(options: SolarOptions) -> Life:
    """How long such a battery lasts."""
    c = chemistry(options.battery)
    return Life(c["cycle_life"], c["calendar_life_years"])


def roof_of(options: SolarOptions, age_years: float = 0.0) -> PvSystem | None:
    """The panels as they are after some years; None where there are none."""
    o, watt_peak = options, options.panels * options.panel_wp
    if watt_peak == 0:
        return None
    planes = tuple(Plane(watt_peak * p.share, p.tilt_deg, p.azimuth_deg) for p in o.slopes)
    losses = combined_losses_percent(o.losses_percent, 0.0, o.panel_ageing_percent_per_year, age_years)
    return PvSystem(
        planes or (Plane(watt_peak, o.tilt_deg, o.azimuth_deg),), losses, o.gamma_per_c, cell_model=o.cell_model
    )
