"""Figures of the traffic sector: means over the simulated hours of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from twin.run import Run

HOURS_A_YEAR = 8760


def hours(run: Run, network: str) -> pd.DataFrame:
    """The simulated hours of one network under the controller in charge; empty where there are none."""
    options = run.scenario.traffic
    if options is None or not run.has("traffic_hour"):
        return pd.DataFrame()
    table = run.table("traffic_hour")
    return table[(table.network == network) & (table.controller == options.controllers[0]) & (table.simulated == 1)]


def mean_of(column: str, network: str) -> Callable[[Run], float | None]:
    """A function of a run: the mean of one column over the simulated hours of one network."""

    def kpi(run: Run) -> float | None:
        simulated = hours(run, network)
        values = simulated[column].dropna().to_list() if len(simulated) else []
        return math.fsum(values) / len(values) if values else None

    return kpi


def co2_g_per_veh_km(run: Run) -> float | None:
    """CO2 over distance, all simulated hours together."""
    simulated = hours(run, "trenggalek")
    distance_veh_km = float(simulated.distance_veh_km.sum()) if len(simulated) else 0.0
    return 1000 * float(simulated.co2_kg.sum()) / distance_veh_km if distance_veh_km > 0 else None


def signal_electricity_kwh(run: Run) -> float | None:
    """A year's electricity of the signals, from the simulated hours' mean load."""
    an_hour = mean_of("signal_electricity_kwh", "trenggalek")(run)
    hours_s = mean_of("hour_s", "trenggalek")(run)
    return an_hour * 3600 / hours_s * HOURS_A_YEAR if an_hour is not None and hours_s else None


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "traffic_delay_s": mean_of("delay_s", "trenggalek"),
    "traffic_delay_p95_s": mean_of("delay_p95_s", "trenggalek"),
    "traffic_stop_time_s": mean_of("stop_time_s", "trenggalek"),
    "traffic_speed_km_h": mean_of("speed_km_h", "trenggalek"),
    "traffic_throughput_veh_per_h": mean_of("throughput_veh_per_h", "trenggalek"),
    "traffic_not_inserted_veh": mean_of("not_inserted", "trenggalek"),
    "traffic_co2_g_per_veh_km": co2_g_per_veh_km,
    "emergency_travel_time_s": mean_of("emergency_travel_time_s", "trenggalek"),
    "signal_electricity_kwh": signal_electricity_kwh,
    "reference_delay_s": mean_of("delay_s", "cologne1"),
    "reference_not_inserted_veh": mean_of("not_inserted", "cologne1"),
}
