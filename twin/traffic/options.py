"""What a scenario says about traffic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from twin.module import Options
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.events import EventOptions

NetworkName = Literal[
    "trenggalek", "cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "grid4x4",
    "arterial4x4",
]  # fmt: skip
Controller = Literal["shipped", "webster", "actuated", "delay_based", "max_pressure", "sotl"]
DayType = Literal["weekday", "market_day", "school_peak", "lebaran", "night"]
Share = Annotated[float, Field(ge=0, le=1)]
NetworkPath = Annotated[str, StringConstraints(pattern=r"\.(sumocfg|xml|gz)$|/$")]


class TrafficOptions(Options):
    """One representative hour a month, on every network, under every controller; the first controller is in charge."""

    networks: tuple[NetworkName | NetworkPath, ...] = Field(
        ("trenggalek", "cologne1"),
        description="trenggalek: a labelled sketch of five junctions; cologne1 and others: real networks (RESCO); "
        "or the path of a .sumocfg, of a .net.xml, or of a folder (ending in /) that import-osm made",
    )
    controllers: tuple[Controller, ...] = Field(
        ("shipped",), min_length=1, description="who sets the lamps: the first is in charge, others for comparison"
    )
    day_type: DayType = Field("weekday", description="what sort of hour, on trenggalek; prior")
    hour_s: int = Field(3600, ge=60, le=3600, description="how much of the representative hour is simulated [s]")
    hour_begins_h: float = Field(
        6.5, ge=0, lt=24, description="when the hour begins, for PLN's outages that meet it [h]; prior: morning peak"
    )
    demand_scale: float = Field(1.0, gt=0, le=5, description="demand against the network's own [-]")
    demand_growth_percent_per_year: float = Field(
        0.0, ge=-50, le=50, description="growth of demand from the scenario's start, compound [%/year]"
    )
    motorcycle_share: Share = Field(
        0.75, description="motorcycles among the vehicles of trenggalek on a weekday [-]; prior: they are the majority"
    )
    detectors: DetectorOptions = Field(
        default_factory=lambda: DetectorOptions(camera_range_m=100.0), description="what the controllers see"
    )
    events: EventOptions = Field(default_factory=EventOptions, description="what happens in the hour")
    simulate_every_months: int = Field(
        1, ge=1, le=240, description="months between simulations; the months between carry the last one [month]"
    )
