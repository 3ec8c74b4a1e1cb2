"""What a scenario says about village solar: by default the source book's system on every office."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from twin.module import Options
from twin.places import unknown_code


class SolarOptions(Options):
    """One system an office: panels, charge controller, battery, inverter; and what its electricity is worth."""

    offices: Literal["all"] | tuple[str, ...] = Field("all", description="codes of the offices with a system, or all")
    panels: int = Field(2, ge=0, le=200, description="panels an office (book: 2)")
    panel_wp: float = Field(550.0, gt=0, le=1000, description="rating of a panel [Wp] (book: 550)")
    tilt_deg: float = Field(10.0, ge=0, le=90, description="tilt of the panels [deg]; prior")
    azimuth_deg: float = Field(0.0, ge=0, lt=360, description="direction they face, 0 = north [deg]; prior")
    losses_percent: float = Field(14.0, ge=0, lt=100, description="soiling, wiring, mismatch [%]; prior (PVWatts)")
    gamma_per_c: float = Field(-0.0035, ge=-0.02, le=0, description="power against cell temperature [1/degC]; prior")
    scc_a: float = Field(60.0, gt=0, le=1000, description="charge controller's current [A] (book: 60)")
    battery_v: float = Field(48.0, gt=0, le=1000, description="battery voltage [V] (book: 48)")
    battery_kwh: float = Field(4.8, ge=0, le=1000, description="battery capacity [kWh] (book: 48 V × 100 Ah)")
    soc_min_percent: float = Field(20.0, ge=0, lt=100, description="charge that is never used [%]; prior")
    charge_efficiency: float = Field(0.96, gt=0, le=1, description="into the battery [-]; prior")
    discharge_efficiency: float = Field(0.96, gt=0, le=1, description="out of the battery [-]; prior")
    inverter_kw: float = Field(1.0, gt=0, le=1000, description="inverter's rating [kW] (book: 1000 W)")
    inverter_efficiency: float = Field(0.92, gt=0, le=1, description="low-frequency inverter [-]; prior")
    load_kwh_per_day: float = Field(4.0, ge=0, le=1000, description="an office's use [kWh/day] (book: up to 4)")
    tariff_idr_per_kwh: float = Field(1699.53, ge=0, description="PLN P-1/TR from 6,600 VA [Rp/kWh]")
    grid_factor_tco2e_per_mwh: float = Field(0.817, ge=0, le=2, description="Jawa-Madura-Bali, RUPTL 2019 [t/MWh]")
    regency_electricity_mwh_per_year: float = Field(
        380_000.0, gt=0, description="all electricity used in the regency [MWh/year]; prior: about 500 kWh a head"
    )
    charging_point_per_office: bool = Field(True, description="a mini-SPKLU at every office with a system (book)")
    registered_electric_vehicles: int = Field(500, ge=1, description="electric vehicles registered [-]; prior")

    @field_validator("offices")
    @classmethod
    def _known(cls, offices: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(offices, str):
            return offices
        faults = [fault for code in offices if (fault := unknown_code(code)) is not None]
        faults += [f"{code} given twice" for code in sorted({c for c in offices if offices.count(c) > 1})]
        if faults:
            raise ValueError("; ".join(faults))
        return offices
