"""What a scenario says about village solar: by default the source book's system on every office."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from twin.module import Options
from twin.places import outside_regency, unknown_code
from twin.solar.facts import chemistry, published
from twin.solar.office.load import Appliance
from twin.solar.office.tariff import tariff_idr_per_kwh


class RoofPlane(Options):
    """Part of the panels, on a slope of their own."""

    share: float = Field(gt=0, le=1, description="share of the panels")
    tilt_deg: float = Field(ge=0, le=90)
    azimuth_deg: float = Field(ge=0, le=360, description="0 = north")


class ExtraSite(Options):
    """A mosque, or a stop on the southern road (JLS) where PLN does not reach."""

    name: str
    kind: Literal["mosque", "jls"]
    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None = None

    @model_validator(mode="after")
    def _inside(self) -> ExtraSite:
        if (outside := outside_regency(self.latitude_deg, self.longitude_deg)) is not None:
            raise ValueError(outside)
        return self


class RolloutOptions(Options):
    """How fast systems are built; without it they all stand from the first month on."""

    trainers: int = Field(2, ge=1, le=50, description="villages whose class runs at the same time; prior")


class SolarOptions(Options):
    """One system an office: panels, charge controller, battery, inverter; and what its electricity is worth."""

    offices: Literal["all"] | tuple[str, ...] = Field("all", description="codes of the offices with a system, or all")
    extra_sites: tuple[ExtraSite, ...] = Field((), description="mosques and stops on the southern road")
    rollout: RolloutOptions | None = Field(None, description="limited by trained technicians; null: all at once")
    panels: int = Field(2, ge=0, le=200, description="panels an office (book: 2)")
    panel_wp: float = Field(550.0, gt=0, le=1000, description="rating of a panel [Wp] (book: 550)")
    tilt_deg: float = Field(10.0, ge=0, le=90, description="tilt of the panels [deg]; prior")
    azimuth_deg: float = Field(0.0, ge=0, lt=360, description="direction they face, 0 = north [deg]; prior")
    slopes: tuple[RoofPlane, ...] = Field((), max_length=3, description="up to three slopes instead of the one")
    horizon_deg: tuple[float, ...] = Field(
        (), description="height of the hills at equal steps of azimuth from north over east [deg]"
    )
    clearness_factor: float = Field(1.0, ge=0.2, le=2, description="clearness over the prior's of each month [-]")
    losses_percent: float = Field(14.0, ge=0, lt=100, description="soiling, wiring, mismatch [%]; prior (PVWatts)")
    panel_ageing_percent_per_year: float = Field(0.5, ge=0, le=10, description="power lost by the panels; prior")
    gamma_per_c: float = Field(-0.0035, ge=-0.02, le=0, description="power against cell temperature [1/degC]; prior")
    cell_model: Literal["sapm", "faiman"] = Field("sapm", description="pvlib's model of the cell's temperature")
    scc_a: float = Field(60.0, gt=0, le=1000, description="charge controller's current [A] (book: 60)")
    battery_v: float = Field(48.0, gt=0, le=1000, description="battery voltage [V] (book: 48)")
    battery_kwh: float = Field(4.8, ge=0, le=1000, description="battery capacity [kWh] (book: 48 V × 100 Ah)")
    battery: Literal["lifepo4", "lead_acid"] = Field("lifepo4", description="chemistry; its limits are a table")
    soc_min_percent: float | None = Field(None, ge=0, le=100, description="charge never used [%]; the chemistry's")
    soc_max_percent: float = Field(100.0, ge=0, le=100, description="charge never exceeded [%]")
    reserve_percent: float = Field(
        20.0, ge=0, le=100, description="charge kept for outages while PLN is there [%]; the book keeps none"
    )
    charge_efficiency: float | None = Field(None, gt=0, le=1, description="into the battery [-]; the chemistry's")
    discharge_efficiency: float | None = Field(None, gt=0, le=1, description="out of it [-]; the chemistry's")
    inverter_kw: float = Field(1.0, gt=0, le=1000, description="inverter's rating [kW] (book: 1000 W)")
    inverter_efficiency: float = Field(0.92, gt=0, le=1, description="low-frequency inverter [-]; prior")
    load_kwh_per_day: float | None = Field(
        4.0, ge=0, le=1000, description="an office's mean use [kWh/day] (book: up to 4); null: what its appliances use"
    )
    appliances: tuple[Appliance, ...] = Field((), description="an office's appliances instead of the table's")
    reliability: Literal["national_2019", "jamali_2021"] = Field(
        "national_2019", description="PLN's published SAIDI and SAIFI, assumed for every office; prior"
    )
    saidi_min_per_year: float | None = Field(None, ge=0, le=100_000, description="instead of the published one [min]")
    saifi_per_year: float | None = Field(None, ge=0, le=1000, description="instead of the published one [1/year]")
    connection_va: int = Field(6600, ge=450, le=200_000, description="PLN connection [VA]: sets the tariff; prior")
    tariff_idr_per_kwh: float | None = Field(None, ge=0, description="instead of the connection's class [Rp/kWh]")
    grid_factor_tco2e_per_mwh: float = Field(0.817, ge=0, le=2, description="Jawa-Madura-Bali, RUPTL 2019 [t/MWh]")
    regency_electricity_mwh_per_year: float = Field(
        380_000.0, gt=0, description="all electricity used in the regency [MWh/year]; prior: about 500 kWh a head"
    )
    charging_point_per_office: bool = Field(True, description="a mini-SPKLU at every office with a system (book)")
    registered_electric_vehicles: int = Field(500, ge=1, description="electric vehicles registered [-]; prior")

    @property
    def tariff(self) -> float:
        """What a kilowatt-hour of PLN costs [Rp]."""
        return tariff_idr_per_kwh(self.connection_va) if self.tariff_idr_per_kwh is None else self.tariff_idr_per_kwh

    @property
    def soc_min(self) -> float:
        """Charge that is never used [%]."""
        return chemistry(self.battery)["soc_min_percent"] if self.soc_min_percent is None else self.soc_min_percent

    @property
    def saidi_min(self) -> float:
        """Minutes without PLN a year."""
        stated = published(self.reliability)["saidi_min_per_year"]
        return stated if self.saidi_min_per_year is None else self.saidi_min_per_year

    @property
    def saifi(self) -> float:
        """Interruptions a year."""
        stated = published(self.reliability)["saifi_per_year"]
        return stated if self.saifi_per_year is None else self.saifi_per_year

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

    @model_validator(mode="after")
    def _sound(self) -> SolarOptions:
        faults = []
        if self.soc_min > self.soc_max_percent:
            faults.append(f"soc_min_percent {self.soc_min:g} lies above soc_max_percent {self.soc_max_percent:g}")
        elif self.reserve_percent > self.soc_max_percent:
            faults.append(f"reserve_percent {self.reserve_percent:g} lies above soc_max_percent")
        if self.slopes and abs(sum(slope.share for slope in self.slopes) - 1) > 1e-6:
            faults.append(f"slopes: their shares add up to {sum(s.share for s in self.slopes):g}, not 1")
        if self.saifi == 0 and self.saidi_min > 0:
            faults.append("saidi_min_per_year without interruptions: saifi_per_year is 0")
        names = [site.name for site in self.extra_sites]
        faults += [f"extra_sites: {name!r} given twice" for name in sorted({n for n in names if names.count(n) > 1})]
        if faults:
            raise ValueError("; ".join(faults))
        return self
