"""What a scenario says about the carbon market: by default a market of the size of IDXCarbon in 2024."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.module import Options

SyncRule = Literal["none", "band", "arbitrage", "circuit", "peg"]


class ManipulatorOptions(Options):
    """Planted manipulators, groups of each sort; they exist to measure the detection."""

    circular: int = Field(0, ge=0, le=50, description="rings of three that pass tonnes round")
    coordinated: int = Field(0, ge=0, le=50, description="pairs that trade back and forth")
    spoofing: int = Field(0, ge=0, le=50, description="accounts that layer orders and withdraw them")
    laundering: int = Field(0, ge=0, le=50, description="pairs with deals far from the market's price")
    evasive: bool = Field(False, description="held-out manipulators, who know that somebody watches")


class CarbonOptions(Options):
    """Who trades how much; the defaults are calibrated to IDXCarbon's 413,000 t of 2024 [prior: who they are]."""

    companies: int = Field(80, ge=1, le=20_000, description="companies with a deficit of allowances [-]; prior")
    deficit_tco2e_per_company_year: float = Field(3900.0, gt=0, le=1e6, description="mean deficit [t/year]; calibrated")
    deficit_bought_percent: float = Field(100.0, ge=0, le=100, description="of it wanted as credits [%]; prior")
    voluntary: int = Field(60, ge=0, le=20_000, description="corporates that offset of their own will [-]; prior")
    offset_tco2e_per_corporate_year: float = Field(
        800.0, gt=0, le=1e6, description="wanted a corporate [t/year]; prior"
    )
    supply_ratio: float = Field(1.4, gt=0, le=20, description="credits on offer over credits wanted [-]; prior")
    wtp_idr: float = Field(75_000.0, gt=0, description="median price that a company would pay [Rp/t]; prior")
    cost_idr: float = Field(38_000.0, gt=0, description="median price that a developer needs [Rp/t]; prior")
    compliance_retired_percent: float = Field(
        60.0, ge=0, le=100, description="of what companies hold, retired at a month's end [%]; prior"
    )
    price_start_idr: int = Field(
        58_800, ge=1000, le=1_000_000, description="first reference price (IDXCarbon, Aug 2024)"
    )
    sync_rule: SyncRule = Field("band", description="how the price is kept near IDXCarbon's; see `carbon sync`")
    rounds_a_day: int = Field(4, ge=1, le=60, description="how often traders act in a trading day [-]")
    account_cap_tco2e: int = Field(100_000, ge=1, description="most that an account trades a day [t]; prior")
    market_cap_tco2e: int = Field(2_000_000, ge=1, description="most that the market trades a day [t]; prior")
    unverified_position_tco2e: int = Field(500, ge=1, description="most that an unverified account holds [t]; prior")
    link_failure_percent: float = Field(1.0, ge=0, le=100, description="calls to IDXCarbon that fail [%]; prior")
    link_latency_rounds: int = Field(1, ge=0, le=60, description="how late its price is [rounds]; prior")
    fee_percent: float = Field(0.1, ge=0, le=5, description="EcoBalance's fee on a trade [%] (book: 0.1)")
    services_idr_per_year: int = Field(
        182_000_000,
        ge=0,
        description="API, advertisements, premium, verifications [Rp/year]; prior (book: 1,660 million)",
    )
    forest_ha: float = Field(62_688.9, ge=0, description="Trenggalek's forest [ha] (book)")
    forest_enrolled_percent: float = Field(10.0, ge=0, le=100, description="of it in projects at the end [%] (book)")
    projects: int = Field(40, ge=1, le=10_000, description="eligible local projects [-]; prior")
    registration_percent_a_month: float = Field(
        5.0, ge=0, le=100, description="of those not yet registered, registered in a month [%]; prior"
    )
    footprint_tco2e_per_company_year: float = Field(10_000.0, gt=0, description="emissions a company [t/year] (book)")
    offset_target_percent: float = Field(30.0, ge=0, le=100, description="of the footprint to be offset [%] (book)")
    manipulators: ManipulatorOptions = Field(default_factory=ManipulatorOptions, description="planted manipulators")
