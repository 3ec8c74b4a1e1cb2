"""Employers as mesa agents: each decides every week how many seats to offer, at which wage, and whether on JOBTREN.

One agent stands for all jobs of a sector in a sub-district (own-account work included), one each for remote work and
gigs, and one for jobs abroad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np

from twin.labour.chance import OFFER, POST, uniform
from twin.labour.facts import parameters, sectors
from twin.programmes.ledger import split

ANYWHERE = -1
OWN_SECTOR = {"remote": "other_services", "gig": "transport", "abroad": "manufacturing"}


@dataclass(frozen=True)
class Posting:
    """A vacancy as it is posted; wages in Rp a month."""

    employer: int
    seats: int
    wage_idr: float
    place: int
    min_education: int
    asked: int
    on_platform: bool


class Employers(mesa.Model):
    """All employers. `headcount` and `open_seats` are columns that the crowd and the board keep up to date."""

    def __init__(
        self,
        key: int,
        sector: np.ndarray,
        place: np.ndarray,
        headcount: np.ndarray,
        kinds: list[str],
        seats_abroad_week: float,
    ) -> None:
        super().__init__(seed=0)  # every draw is by counter: mesa's own generator is not used
        self.key, self.sector = np.uint64(key), sector
        self.headcount = headcount.astype(np.int64)
        self.open_seats = np.zeros(len(sector), dtype=np.int64)
        self.week, self.month, self.demand = 0, 1, 1.0
        self.season = np.ones(len(sectors()))
        self.minimum_wage_idr, self.platform_share, self.overdue = 0.0, 0.0, np.zeros(len(sector), dtype=bool)
        self.posted: list[Posting] = []
        for i, kind in enumerate(kinds):
            if kind == "abroad":
                Abroad(self, i, int(sector[i]), int(place[i]), seats_abroad_week)
            else:
                jobs = float(headcount[i]) * (1 + parameters()["open_seats_share"])
                Employer(self, i, int(sector[i]), int(place[i]), jobs)

    def decide(self) -> list[Posting]:
        """What all employers post this week."""
        self.posted = []
        self.agents.do("decide")
        return self.posted


class Employer(mesa.Agent):
    """Wants a headcount that follows demand and season, and offers more while its vacancies stay open too long."""

    def __init__(self, model: Employers, number: int, sector: int, place: int, jobs: float) -> None:
        super().__init__(model)
        self.model: Any = model
        self.number, self.sector, self.place = number, sectors()[sector], place
        self.sector_number = sector
        self.jobs, self.offer = jobs, 1.0

    def decide(self) -> None:
        """Post as many seats as are missing."""
        model, given = self.model, parameters()
        rise = given["offer_rise_week"]
        self.offer = min(1.5, self.offer * (1 + rise)) if model.overdue[self.number] else max(1.0, self.offer - rise)
        wanted = self.jobs * model.demand * model.season[self.sector_number]
        missing = wanted - model.headcount[self.number] - model.open_seats[self.number]
        self.post(int(np.floor(missing + self.draw(POST, 0))))

    def draw(self, purpose: int, nth: int) -> float:
        """This employer's nth draw of the week for a purpose."""
        return uniform(self.model.key, self.model.week, purpose, self.number * 100_000 + nth)

    def post(self, seats: int) -> None:
        """Divide seats into vacancies of the usual size, each with a wage and one of the sector's skills."""
        if seats > 0:
            vacancies = int(np.ceil(seats / parameters()["seats_per_vacancy"]))
            self.model.posted += [self._vacancy(size, nth) for nth, size in enumerate(split(seats, vacancies))]

    def _vacancy(self, seats: int, nth: int) -> Posting:
        model, sector = self.model, self.sector
        u, on = self.draw(OFFER, 3 * nth), self.draw(OFFER, 3 * nth + 1)
        # A triangular draw has the spread of a normal one without its tails: u of two, centred.
        spread = parameters()["wage_spread"] * np.sqrt(6) * (u + self.draw(OFFER, 3 * nth + 2) - 1)
        wage_idr = model.minimum_wage_idr * sector.wage_factor * self.offer * float(np.exp(spread))
        bits = [bit for bit in range(32) if sector.skills >> bit & 1]
        asked = 1 << bits[int(u * len(bits))]
        share = model.platform_share if self.place != ANYWHERE else min(1.0, 2 * model.platform_share)
        return Posting(self.number, seats, wage_idr, self.place, sector.min_education, asked, on < share)


class Abroad(Employer):
    """Jobs abroad: so many seats a week, whatever happens here, at twice the wage."""

    def decide(self) -> None:
        """Post the week's seats; `jobs` is how many."""
        self.offer = 2.0
        self.post(int(self.jobs + self.draw(POST, 0)))
