"""Figures of the traffic sector: means over the simulated hours of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from twin.run import Run


def hours(run: Run, network: str) -> pd.DataFrame:
    """The simulated hours of one network; empty where there are none."""
    if not run.has("traffic_hour"):
        return pd.DataFrame()
    table = run.table("traffic_hour")
    return table[(table.network == network) & (table.simulated == 1)]


def mean_of(column: str, network: str) -> Callable[[Run], float | None]:
    """A function of a run: the mean of one column over the simulated hours of one network."""

    def kpi(run: Run) -> float | None:
        simulated = hours(run, network)
        return float(simulated[column].mean()) if len(simulated) else None

    return kpi


def co2_g_per_veh_km(run: Run) -> float | None:
    """CO2 over distance, all simulated hours together."""
    simulated = hours(run, "trenggalek")
    distance_veh_km = float(simulated.distance_veh_km.sum()) if len(simulated) else 0.0
    return 1000 * float(simulated.co2_kg.sum()) / distance_veh_km if distance_veh_km > 0 else None


FUNCTIONS: dict[str, Callable[[Run], float | None]] = {
    "traffic_delay_s": mean_of("delay_s", "trenggalek"),
    "traffic_delay_p95_s": mean_of("delay_p95_s", "trenggalek"),
    "traffic_stop_time_s": mean_of("stop_time_s", "trenggalek"),
    "traffic_speed_km_h": mean_of("speed_km_h", "trenggalek"),
    "traffic_throughput_veh_per_h": mean_of("throughput_veh_per_h", "trenggalek"),
    "traffic_not_inserted_veh": mean_of("not_inserted", "trenggalek"),
    "traffic_co2_g_per_veh_km": co2_g_per_veh_km,
    "reference_delay_s": mean_of("delay_s", "cologne1"),
    "reference_not_inserted_veh": mean_of("not_inserted", "cologne1"),
}
