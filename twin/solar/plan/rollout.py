"""In which order and how fast systems are built: a village's class comes first, and installers are few.

A month's installations are limited by the villages whose class is over, by the pairs of technicians there are (a share
of the people trained so far goes on installing), and by the weeks that a site takes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from twin.programmes.budget import amount, budget_of
from twin.solar.facts import values


@dataclass
class Rollout:
    """Progress so far. Fractions of a class or of a site are carried into the next month."""

    sites: int
    trainers: int
    months: int = 0
    classes: float = 0.0
    built: float = 0.0

    @property
    def installed(self) -> int:
        """Systems that are finished."""
        return math.floor(self.built + 1e-9)

    @property
    def technicians(self) -> int:
        """Trained people who go on installing."""
        p = values("rollout")
        return math.floor(self.classes * p["trained_per_village"] * p["stay_share"] + 1e-9)

    def month(self, days: int) -> dict[str, Any]:
        """Live through a month; what was trained, built and spent in it (table `solar_rollout`)."""
        p, weeks = values("rollout"), days / 7
        trained, hired, installed = self._trained(), self.technicians, self.installed
        if self.months >= p["socialisation_months"]:
            pairs = self.technicians // p["technicians_per_site"]
            self.classes = min(self.sites, self.classes + self.trainers * weeks / p["training_weeks"])
            self.built = min(self.built + pairs * weeks / p["weeks_per_site"], math.floor(self.classes), self.sites)
        self.months += 1
        return {
            "installed": self.installed - installed,
            "installed_total": self.installed,
            "trained": self._trained() - trained,
            "trained_total": self._trained(),
            "villages_trained": math.floor(self.classes),
            "technicians": self.technicians,
            "technicians_new": self.technicians - hired,
            "capital_idr": (self.installed - installed) * capital_idr_per_site(),
        }

    def _trained(self) -> int:
        return math.floor(self.classes) * int(values("rollout")["trained_per_village"])

    def state(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def capital_lines() -> dict[str, int]:
    """The source book's lines for one office [Rp]."""
    budget = budget_of("solar")
    return {line.item: amount(line, budget) for line in budget if line.kind == "line"}


def capital_idr_per_site() -> int:
    """What one office costs by the book's lines [Rp]."""
    return sum(capital_lines().values())
