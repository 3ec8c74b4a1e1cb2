"""What a scenario says about traffic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.module import Options

NetworkName = Literal["trenggalek", "cologne1"]


class TrafficOptions(Options):
    """One representative hour a month, on every network, under the fixed programme."""

    networks: tuple[NetworkName, ...] = Field(
        ("trenggalek", "cologne1"),
        description="trenggalek: a labelled sketch of five junctions; cologne1: a real junction and demand (RESCO)",
    )
    hour_s: int = Field(3600, ge=60, le=3600, description="how much of the representative hour is simulated [s]")
    demand_scale: float = Field(1.0, gt=0, le=5, description="demand against the network's own [-]")
    demand_growth_percent_per_year: float = Field(
        0.0, ge=-50, le=50, description="growth of demand from the scenario's start, compound [%/year]"
    )
    motorcycle_share: float = Field(
        0.75, ge=0, le=1, description="motorcycles among the vehicles of trenggalek [-]; prior: they are the majority"
    )
    simulate_every_months: int = Field(
        1, ge=1, le=240, description="months between simulations; the months between carry the last one [month]"
    )
