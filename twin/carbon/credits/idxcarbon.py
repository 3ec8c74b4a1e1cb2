"""A simulated IDXCarbon: its price, its register's statuses, and a line to it that is late and sometimes dead.

The log price returns to a mean (Ornstein-Uhlenbeck, exact daily step). Mean and spread come from what is published: the
mean price of all trades to September 2025 (value over volume, about Rp 48,900), the first day's close of Rp 77,000 as
two standard deviations above it; the half-life is a prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from twin.carbon.facts import value
from twin.errors import LedgerError

HALF_LIFE_DAYS = 120.0  # prior


class Status(StrEnum):
    """Where a registry unit stands in SRN-PPI."""

    ISSUED = "issued"
    TOKENISED = "tokenised"
    TRADED = "traded"
    RETIRED = "retired"
    RE_MINTED = "re-minted"


NEXT = {
    Status.ISSUED: {Status.TOKENISED, Status.TRADED, Status.RETIRED},
    Status.TOKENISED: {Status.TRADED, Status.RETIRED, Status.RE_MINTED},
    Status.TRADED: {Status.TRADED, Status.TOKENISED, Status.RETIRED, Status.RE_MINTED},
    Status.RE_MINTED: {Status.RE_MINTED, Status.TOKENISED, Status.TRADED, Status.RETIRED},
    Status.RETIRED: set(),
}


@dataclass
class Register:
    """Status of every batch in SRN-PPI; what is retired never trades again."""

    status: dict[str, Status] = field(default_factory=dict)

    def report(self, batch: str, status: Status) -> None:
        """Take a report. Raises LedgerError where the status cannot follow the one before."""
        before = self.status.get(batch)
        if before is None:
            if status is not Status.ISSUED:
                raise LedgerError(f"{batch}: is not in the register, so it cannot be {status}")
        elif status not in NEXT[before]:
            raise LedgerError(f"{batch}: is {before}, so it cannot be {status}")
        self.status[batch] = status


def log_price_parameters() -> tuple[float, float]:
    """Mean and stationary standard deviation of the log price."""
    mean = math.log(value("value_to_2025_09") / value("volume_to_2025_09"))
    return mean, (math.log(value("price_first_day_close")) - mean) / 2


@dataclass
class Link:
    """The line to IDXCarbon: today's price there, and what reaches us of it.

    `pull` gives the price of `latency_rounds` ago, or None where the call fails.
    """

    price_idr: float
    failure_percent: float = 1.0
    latency_rounds: int = 0
    pulled: list[float] = field(default_factory=list)
    calls: int = 0
    failures: int = 0

    def new_day(self, rng: np.random.Generator) -> None:
        """The price of the next trading day."""
        mean, sd = log_price_parameters()
        keep = 0.5 ** (1 / HALF_LIFE_DAYS)
        now = mean + keep * (math.log(self.price_idr) - mean) + sd * math.sqrt(1 - keep * keep) * rng.standard_normal()
        self.price_idr = math.exp(now)

    def pull(self, rng: np.random.Generator) -> float | None:
        """Ask for the price."""
        self.calls += 1
        self.pulled = [*self.pulled, self.price_idr][-(self.latency_rounds + 1) :]
        if rng.random() * 100 < self.failure_percent:
            self.failures += 1
            return None
        return self.pulled[0]
