"""Employers as mesa agents: each decides every week how many seats to offer, and how much above the usual wage.

One agent stands for all jobs of a sector in a sub-district (own-account work included), one each for remote work and
gigs, and one for jobs abroad. Their decisions become vacancies, which are columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np

from twin.labour.chance import OFFER, POST, uniforms
from twin.labour.facts import parameters, sectors

ANYWHERE = -1
OWN_SECTOR = {"remote": "other_services", "gig": "transport", "abroad": "manufacturing"}
MOST_A_WEEK = 100_000  # vacancies of one employer: what keeps their draws apart


@dataclass
class Board:
    """Vacancies as columns, one entry a vacancy; wages in Rp a month."""

    employer: np.ndarray
    seats: np.ndarray
    wage_idr: np.ndarray
    place: np.ndarray  # kecamatan, ANYWHERE for work without a way to it
    min_education: np.ndarray
    asked: np.ndarray  # skills of which one is enough, 0 for none
    on_platform: np.ndarray
    posted_week: np.ndarray

    def __len__(self) -> int:
        return len(self.seats)

    def where(self, keep: np.ndarray) -> Board:
        """Some of the vacancies."""
        return Board(*(column[keep] for column in vars(self).values()))

    def with_more(self, other: Board) -> Board:
        """These and then those."""
        return Board(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def empty_board() -> Board:
    """No vacancy at all."""
    none = np.empty(0, dtype=np.int64)
    return Board(none, none, none.astype(float), none, none, none.astype(np.uint32), none.astype(bool), none)


class Employers(mesa.Model):
    """All employers with their columns; `headcount` and `open_seats` are kept up to date by the market."""

    def __init__(self, key: int, kind: list[str], sector: np.ndarray, place: np.ndarray, jobs: np.ndarray) -> None:
        super().__init__(seed=0)  # every draw is by counter: mesa's own generator is not used
        self.key, self.sector, self.place = np.uint64(key), sector, place
        self.headcount, self.open_seats, self.seats = (np.zeros(len(sector), dtype=np.int64) for _ in range(3))
        self.offer = np.ones(len(sector))
        self.luck, self.demand, self.overdue = self.offer, self.offer, np.zeros(len(sector), dtype=bool)
        self.rounding = uniforms(self.key, 0, POST, np.arange(len(sector)))
        for number, (what, wanted) in enumerate(zip(kind, jobs.tolist(), strict=True)):
            (Abroad if what == "abroad" else Employer)(self, number, wanted)

    def post(self, week: int, demand: np.ndarray, overdue: np.ndarray, wage_idr: float, platform_share: float) -> Board:
        """Let every employer decide, and make vacancies of the seats; `demand` and `overdue` by employer."""
        self.luck = uniforms(self.key, week, POST, np.arange(len(self.sector)))
        self.demand, self.overdue = demand, overdue
        self.agents.do("decide")
        self.open_seats += self.seats
        vacancies = np.ceil(self.seats / parameters()["seats_per_vacancy"]).astype(np.int64)
        employer = np.repeat(np.arange(len(vacancies)), vacancies)
        nth = np.arange(len(employer)) - np.repeat(np.cumsum(vacancies) - vacancies, vacancies)
        seats, more = np.divmod(self.seats, np.maximum(1, vacancies))
        draw = [uniforms(self.key, week, OFFER, (employer * MOST_A_WEEK + nth) * 4 + i) for i in range(4)]
        sector = self.sector[employer]
        usual = np.array([one.wage_factor for one in sectors()])[sector] * self.offer[employer] * wage_idr
        # The sum of two uniform draws has the spread of a normal one without its tails.
        spread = parameters()["wage_spread"] * np.sqrt(6) * (draw[0] + draw[1] - 1)
        return Board(
            employer, seats[employer] + (nth < more[employer]), usual * np.exp(spread), self.place[employer],
            np.array([one.min_education for one in sectors()])[sector], _one_skill(sector, draw[2]),
            draw[3] < platform_share, np.full(len(employer), week),
        )  # fmt: skip


def _one_skill(sector: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """One of the sector's skills for every vacancy, as a bit."""
    bits = [[bit for bit in range(32) if one.skills >> bit & 1] for one in sectors()]
    count = np.array([len(one) for one in bits])
    table = np.array([[one[i % len(one)] for i in range(count.max())] for one in bits], dtype=np.uint32)
    return np.uint32(1) << table[sector, (draw * count[sector]).astype(np.int64)]


class Employer(mesa.Agent):
    """Wants a headcount that follows demand and season, and pays more while its vacancies stay open too long."""

    def __init__(self, model: Employers, number: int, jobs: float) -> None:
        super().__init__(model)
        self.model: Any = model
        self.number, self.jobs = number, jobs

    def decide(self) -> None:
        """Post as many seats as are missing.

        A wanted headcount is rounded the same way every week: rounding anew would end at the next whole number, half a
        seat too many an employer, which is much in a small population.
        """
        model, i, given = self.model, self.number, parameters()
        rise = given["offer_rise_week"] if model.overdue[i] else -given["offer_rise_week"]
        model.offer[i] = min(given["offer_ceiling"], max(1.0, model.offer[i] + rise))
        missing = self.jobs * model.demand[i] - model.headcount[i] - model.open_seats[i]
        model.seats[i] = max(0, int(np.floor(missing + model.rounding[i])))


class Abroad(Employer):
    """Jobs abroad: `jobs` seats a week, whatever happens here, at twice the wage."""

    def decide(self) -> None:
        """Post the week's seats."""
        self.model.offer[self.number] = 2.0
        self.model.seats[self.number] = int(self.jobs + self.model.luck[self.number])
