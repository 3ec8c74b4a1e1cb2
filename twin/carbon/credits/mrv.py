"""Measuring, reporting, verifying: from a measured reduction with its uncertainty to whole tonnes of credit.

A claim names the boundary within which it was measured ("grid electricity of the village offices") and the month; no
two claims may share both, so no tonne is counted by two modules. What is credited is the lower end of the measurement's
one-sided 95 % interval, of that the share beyond the baseline (additionality), less what the buffer pool keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.carbon.facts import value
from twin.errors import LedgerError
from twin.module import Seen

Z_95 = 1.6449  # one-sided 95 % quantile of the normal distribution
KG_PER_T = 1000.0


@dataclass(frozen=True)
class Claim:
    """A measured reduction of one activity in one month; `sd_tco2e` is the standard error of the measurement."""

    activity: str
    boundary: str
    month: str
    tco2e: float
    sd_tco2e: float
    additional: float = 1.0
    buffer: float = 0.0

    @property
    def creditable_tco2e(self) -> float:
        """What may be issued, the buffer's part taken off."""
        return max(0.0, self.tco2e - Z_95 * self.sd_tco2e) * self.additional * (1 - self.buffer)

    @property
    def buffered_tco2e(self) -> float:
        """What the buffer pool keeps against reversals."""
        return max(0.0, self.tco2e - Z_95 * self.sd_tco2e) * self.additional * self.buffer


@dataclass
class Verified:
    """Claims that were verified: months taken a boundary, tonnes not yet a whole one, the buffer pool."""

    taken: dict[str, str]
    fraction_tco2e: dict[str, float]
    buffer_tco2e: float = 0.0

    def verify(self, claim: Claim) -> int:
        """Whole tonnes to issue for a claim; fractions are carried on.

        Raises LedgerError where its boundary was claimed for this month or a later one before.
        """
        if self.taken.get(claim.boundary, "") >= claim.month:
            raise LedgerError(f"{claim.boundary}: {claim.month} was claimed before; a tonne counts once")
        self.taken[claim.boundary] = claim.month
        self.buffer_tco2e += claim.buffered_tco2e
        total = self.fraction_tco2e.get(claim.activity, 0.0) + claim.creditable_tco2e
        self.fraction_tco2e[claim.activity] = total % 1.0
        return int(total)


def claims(seen: Seen, month: str, enrolled_ha: float, growth_factor: float) -> list[Claim]:
    """What last month's city can claim. `growth_factor` is the year's forest growth against its mean."""
    found = [_solar(seen, month), _traffic(seen, month), _trips(seen, month)]
    growth_tco2e = enrolled_ha * value("forest_growth") / 12 * growth_factor
    found.append(
        Claim(
            "forest", "growth of the enrolled forest", month, growth_tco2e,
            growth_tco2e * value("forest_growth_sd_percent") / 100 / 3,  # a third: inventories of nine plots
            value("forest_additional_percent") / 100, value("forest_buffer_percent") / 100,
        )
    )  # fmt: skip
    return [claim for claim in found if claim.tco2e > 0]


def _solar(seen: Seen, month: str) -> Claim:
    tco2e = seen.total("solar", "solar_total", "co2_avoided_kg") / KG_PER_T
    sd = tco2e * value("solar_sd_percent") / 100
    return Claim("solar", "grid electricity of the village offices", month, tco2e, sd)


def _traffic(seen: Seen, month: str) -> Claim:
    """The signals' controller against the networks' own programme, where the same hour was simulated under both."""
    rows = seen.rows("traffic", "traffic_hour", "network", "controller", "co2_kg")
    hours = [row for row in rows if row["network"] == "trenggalek"]
    own = [row for row in hours if row["controller"] == "shipped"]
    tco2e = 0.0
    if own and hours[0]["controller"] != "shipped":
        saved_kg = float(own[0]["co2_kg"] or 0) - float(hours[0]["co2_kg"] or 0)
        tco2e = max(0.0, saved_kg) * value("hours_a_month") / KG_PER_T
    return Claim("traffic", "vehicles at the five junctions", month, tco2e, tco2e * value("traffic_sd_percent") / 100)


def _trips(seen: Seen, month: str) -> Claim:
    """Trips to the education office that nobody had to make."""
    trips = seen.total("personnel", "personnel_month", "trips_avoided")
    tco2e = trips * value("trip_km") * value("trip_kg_per_km") / KG_PER_T
    return Claim("trips", "filing trips to the education office", month, tco2e, tco2e * value("trips_sd_percent") / 100)
