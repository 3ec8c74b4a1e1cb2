"""What a scenario says about the labour market."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.module import Options


class LabourOptions(Options):
    """Which figures the population is fitted to, how people search, and what JOBTREN is assumed to do.

    JOBTREN starts when the programmes' section starts it (`programmes.starts.jobtren`).
    """

    vintage: Literal["book_2024", "bps_2024", "bps_2025"] = Field(
        "book_2024", description="the source book's figures, or the statistics office's of August 2024 or 2025"
    )
    people: int | None = Field(
        None, ge=2_000, le=2_000_000, description="working-age people; null: as many as the vintage has"
    )
    search_effort: float | None = Field(
        None, gt=0, le=6, description="vacancies heard of in a week where as many are open as usual; null: calibrated"
    )
    demand_percent: float = Field(100.0, ge=50, le=150, description="jobs on offer against the vintage's [%]")
    registration_lift: float = Field(
        0.4, ge=0, le=20, description="JOBTREN: rise of the rate of registering, once known [-]; prior 0 to 1.5"
    )
    information_gain: float = Field(
        0.3, ge=0, le=10, description="JOBTREN: hearing of a vacancy there against own search [-]; prior 0 to 1.5"
    )
    employer_share: float = Field(
        0.3, ge=0, le=1, description="JOBTREN: vacancies posted there, once known [-]; prior 0.1 to 0.6"
    )
    smallest_group: int = Field(5, ge=2, le=100, description="counts of fewer people are not shown (k-anonymity)")
