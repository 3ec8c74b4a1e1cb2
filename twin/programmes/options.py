"""What a scenario says about the programmes: which run from when, on whose assumptions, at which discount rate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin.module import Options

Held = dict[str, dict[str, float]]  # programme -> name of an assumption -> value instead of its range
Start = Annotated[int, Field(ge=0, le=239)] | None


class Starts(Options):
    """Month in which each programme starts, counted from the scenario's first (0); null: it does not run."""

    signals: Start = Field(0, description="smart traffic lights")
    crypto: Start = Field(0, description="crypto for Trenggalek")
    podcast: Start = Field(0, description="Paraduta podcast")
    aipreneur: Start = Field(0, description="AI-Preneur")
    solar: Start = Field(0, description="One Office One Solar Rooftop")
    ecobalance: Start = Field(0, description="EcoBalance")
    laras: Start = Field(0, description="LARAS")
    personnel: Start = Field(0, description="Anti Mbangkong Plus")
    jobtren: Start = Field(0, description="JOBTREN")


class ProgrammesOptions(Options):
    """The nine programmes' money."""

    assumptions: Literal["book", "twin"] = Field(
        "twin", description="book: the source book's claims; twin: our own labelled priors"
    )
    case: Literal["conservative", "moderate", "optimistic"] = Field(
        "moderate", description="which end of the ranges the monthly accounts use; the appraisal draws from all of it"
    )
    budget_basis: Literal["stated", "computed"] = Field(
        "stated", description="the book's stated totals, or what its lines add up to"
    )
    starts: Starts = Field(default_factory=Starts, description="when each programme starts")
    crypto_regulation: Literal["allowed", "investment_only", "voucher_token"] = Field(
        "investment_only",
        description="what businesses may take: paying with crypto is prohibited in Indonesia (Bank Indonesia), so "
        "`allowed` is a what-if; voucher_token: closed vouchers in rupiah",
    )
    waste_token_neutral: bool = Field(True, description="waste tokens are redeemed only up to the handling they save")
    aipreneur_cohorts_year: int = Field(1, ge=0, le=12, description="AI-Preneur cohorts of 20 a year [-]; prior")
    podcast_weeks_between: int = Field(
        1, ge=1, le=8, description="weeks from one podcast episode to the next (book: 1)"
    )
    budget_idr: int = Field(
        7_000_000_000, ge=0, description="what the regency sets aside for all programmes at the start [Rp]; prior"
    )
    discount_rate_percent: float = Field(10.0, ge=0, le=30, description="discount rate [%/year]; prior, often 6 to 12")
    appraisal_years: int = Field(10, ge=1, le=30, description="longest time that benefits are counted [years]")
    draws: int = Field(2000, ge=10, le=1_000_000, description="draws of the appraisal [-]")
    inputs: Held = Field({}, description="inputs of the benefits held at a value, as {crypto: {levy_percent: 0.2}}")
    dynamics: Held = Field({}, description="parameters of moving programmes held, as {crypto: {aware_p: 0.03}}")

    @model_validator(mode="after")
    def _known(self) -> ProgrammesOptions:
        from twin.programmes.dynamics import ranges
        from twin.programmes.facts import PROGRAMMES, inputs
        from twin.scenario import nearest

        faults = []
        for section, held, table in (("inputs", self.inputs, inputs), ("dynamics", self.dynamics, ranges)):
            known = {key: list(table(self.assumptions, key)) for key in PROGRAMMES}
            have = [key for key, names in known.items() if names]
            faults += [f"{section}.{key}: is none of them; {nearest(key, have)}" for key in held if key not in have]
            faults += [
                f"{section}.{key}.{name}: is no assumption of {self.assumptions}; {nearest(name, known[key])}"
                for key in held if key in have for name in held[key] if name not in known[key]
            ]  # fmt: skip
        if faults:
            raise ValueError("; ".join(faults))
        return self
