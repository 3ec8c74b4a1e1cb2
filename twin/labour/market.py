"""Search and matching, week by week: the crowd as columns, employers as agents, applications by deferred acceptance.

A week: people lose, leave and enter; employers post; registered people register; seekers hear of vacancies and ask for
the good ones; every vacancy takes the best who asked, as a stable matching of the week's applications; old vacancies
are withdrawn. How many find work is what comes of it: no matching function is put in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from twin.labour import crowd
from twin.labour.chance import generator
from twin.labour.employers import ANYWHERE, OWN_SECTOR, Board, Employers, empty_board
from twin.labour.facts import AWAY, EMPLOYED, UNEMPLOYED, minimum_wage_idr, parameters, read, seasons, sectors
from twin.labour.matching.deferred import deferred_acceptance
from twin.labour.matching.lists import Lists, vacancies_of
from twin.labour.population import People
from twin.places import distance_km, kecamatan

WEEKS_A_YEAR = 365.25 / 7
FIRST_MONDAY = pd.Timestamp("1970-01-05")
TINY = 1e-12
LEAVING_WEEK = 0.08  # unemployment left a week, for the spells at the very start; settling forgets them
YOUNG_GROUPS, GRADUATION = 2, (6, 7)  # 15 to 24; June and July


def weeks_of(month: pd.Period) -> range:
    """The weeks whose Monday falls in a month, counted from the first Monday of 1970."""
    first = -((FIRST_MONDAY - month.start_time).days // 7)
    after = -((FIRST_MONDAY - (month + 1).start_time).days // 7)
    return range(first, after)


def weekly(monthly: float) -> float:
    """A monthly chance as one a week."""
    return float(1 - (1 - monthly) ** (12 / WEEKS_A_YEAR))


def distances_km() -> np.ndarray:
    """Between the seats of the sub-districts, (14, 14)."""
    seats = [(k.latitude_deg, k.longitude_deg) for k in kecamatan()]
    return np.array([[distance_km(*a, *b) for b in seats] for a in seats])


@dataclass(frozen=True)
class Platform:
    """What JOBTREN does this week; the default is a city without it."""

    registration_lift: float = 0.0  # rise of the weekly rate of registering
    information_gain: float = 0.0  # chance of hearing of a vacancy there, if registered, against own search
    employer_share: float = 0.0  # vacancies that are posted there


@dataclass
class MonthCount:
    """What happened in some weeks: moves by kind and kecamatan, and the vacancies' side."""

    moves: np.ndarray = field(default_factory=lambda: np.zeros((crowd.MOVES, len(kecamatan())), dtype=np.int64))
    posted_seats: int = 0
    posted_on_platform: int = 0
    weeks_open: float = 0.0  # sum over filled seats
    weeks_jobless: float = 0.0  # sum over those hired
    hired: list[np.ndarray] = field(default_factory=list)  # people by number

    def total(self, move: int) -> int:
        """One kind of move, all sub-districts."""
        return int(self.moves[move].sum())


class Market:
    """The labour market of a population; `key` decides all chance, `effort` how many vacancies a person hears of.

    It is the number a week where as many are open as usual. Every vacancy has the same chance of being heard of: where
    half as many are open, a person hears of half as many.
    """

    def __init__(self, people: People, key: int, effort: float, settle_weeks: int = 52, week: int = 0) -> None:
        self.people, self.key, self.effort = people, key, effort
        self.status, self.skills = people.status.copy(), people.skills.copy()
        self.registered = np.zeros(len(people), dtype=bool)
        self.since = np.full(len(people), week - settle_weeks, dtype=np.int64)
        self.employer, self.employers = self._employers()
        n_local = len(sectors()) * len(kecamatan())
        self.employer_of = np.arange(n_local).reshape(len(sectors()), len(kecamatan()))
        self.board = self.shown = empty_board()  # what is open, and what seekers saw in the last week
        self.distance_km = distances_km()
        self.demand, self.demand_level, self.platform = 0.0, 1.0, Platform()
        self.usual_vacancies = self._usual_vacancies()
        self.extra = empty_board()
        self.entry = self._steady_entry()
        self._begin(week - settle_weeks)
        for w in range(week - settle_weeks, week):
            self.week(w, month=1, year=2024, count=MonthCount(), seasonal=False)

    def _employers(self) -> tuple[np.ndarray, Employers]:
        """Every job belongs to an employer: one a sector and sub-district, remote, gigs, and (nobody yet) abroad."""
        people, n_places = self.people, len(kecamatan())
        number = people.sector.astype(np.int64) * n_places + people.kecamatan
        places = len(sectors()) * n_places
        sector = np.repeat(np.arange(len(sectors())), n_places).tolist()
        place = np.tile(np.arange(n_places), len(sectors())).tolist()
        names = [one.name for one in sectors()]
        for kind in OWN_SECTOR:
            own = names.index(OWN_SECTOR[kind])
            wanted = round(parameters().get(f"{kind}_share", 0.0) * int((people.status == EMPLOYED).sum()))
            candidates = np.flatnonzero((people.sector == own) & (number < places))
            number[generator(self.key, len(sector)).permutation(candidates)[:wanted]] = len(sector)
            sector, place = [*sector, own], [*place, ANYWHERE]
        number[people.status != EMPLOYED] = -1
        headcount = np.bincount(number[number >= 0], minlength=len(sector))
        jobs: np.ndarray = headcount * (1 + parameters()["open_seats_share"])
        jobs[-1] = parameters()["abroad_seats_week"] * len(people) / 600_000
        kinds = ["local"] * places + list(OWN_SECTOR)
        employers = Employers(self.key, kinds, np.array(sector), np.array(place), jobs)
        employers.headcount += headcount
        return number, employers

    def _usual_vacancies(self) -> np.ndarray:
        """How many vacancies would be open in every sub-district, (14,), if the usual share of its jobs were."""
        place = self.employers.place
        jobs = np.bincount(place[place >= 0], self.employers.headcount[place >= 0], minlength=len(kecamatan()))
        return np.maximum(1.0, jobs) * parameters()["open_seats_share"] / parameters()["seats_per_vacancy"]

    def _begin(self, week: int) -> None:
        """Spells and registrations as if it had always been so; the week's first postings fill the board."""
        rng = generator(self.key, 1)
        jobless = np.flatnonzero(self.status == UNEMPLOYED)
        self.since[jobless] = week - rng.geometric(LEAVING_WEEK, len(jobless))
        self.registered[jobless] = rng.random(len(jobless)) < parameters()["registered_share"]

    def _steady_entry(self) -> np.ndarray:
        """Weekly rate of entering by age group, (age groups,): in each, as many enter as leave, in the mean.

        People do not grow older here; those who are abroad come back after their contracts.
        """
        age, given = self.people.age_group, parameters()
        working, jobless, idle = (np.bincount(age[self.status == s], minlength=age.max() + 1) for s in range(3))
        leaving = working * weekly(given["retirement_month"]) + jobless * weekly(given["giving_up_month"])
        return leaving / np.maximum(idle, 1)

    def shock(self, month: pd.Period) -> None:
        """Let demand take its shock of a month."""
        given = parameters()
        shock = generator(self.key, 2, month.ordinal).normal() * given["demand_sd"]
        self.demand = given["demand_memory"] * self.demand + shock * np.sqrt(1 - given["demand_memory"] ** 2)

    def month(self, month: pd.Period) -> MonthCount:
        """Live through the weeks of a month; demand takes its monthly shock."""
        self.shock(month)
        count = MonthCount()
        for week in weeks_of(month):
            self.week(week, month.month, month.year, count)
        return count

    def week(self, week: int, month: int, year: int, count: MonthCount, seasonal: bool = True) -> None:
        """Live through one week; what happens is added to `count`."""
        wage_idr = minimum_wage_idr(year)
        self._flow(week, month, count, seasonal)
        self._post(week, month, wage_idr, count, seasonal)
        self.shown = self.board
        seekers = np.flatnonzero(self.status == UNEMPLOYED)
        rate = parameters()["registration_week"] * (1 + self.platform.registration_lift)
        crowd.register(np.uint64(self.key), week, seekers, self.registered, rate)
        self._match(week, seekers, wage_idr, count)
        old = week - self.board.posted_week >= parameters()["vacancy_life_weeks"]
        np.subtract.at(self.employers.open_seats, self.board.employer[old], self.board.seats[old])
        self.board = self.board.where(~old)

    def separation(self) -> np.ndarray:
        """Weekly rate of losing or leaving a job by employer; its mean over jobs is that of the parameters."""
        employers = self.employers
        factor = np.array([one.separation_factor for one in sectors()])[employers.sector]
        return weekly(parameters()["separation_month"]) * factor / np.average(factor, weights=employers.headcount)

    def _flow(self, week: int, month: int, count: MonthCount, seasonal: bool) -> None:
        given = parameters()
        entry = self.entry.copy()
        if seasonal:  # what is more in two months is less in the ten others
            graduation = given["graduation_factor"]
            entry[:YOUNG_GROUPS] *= 12 / (10 + 2 * graduation) * (graduation if month in GRADUATION else 1.0)
        crowd.flow(
            np.uint64(self.key), week, self.status, self.employer, self.since, self.registered, self.people.age_group,
            self.people.kecamatan, self.separation(), self.employers.headcount,
            weekly(given["retirement_month"]), weekly(given["giving_up_month"]), entry,
            weekly(given["abroad_return_month"]), count.moves,
        )  # fmt: skip

    def _post(self, week: int, month: int, wage_idr: float, count: MonthCount, seasonal: bool) -> None:
        employers, board = self.employers, self.board
        n = len(employers.sector)
        weeks_open = np.bincount(board.employer, week - board.posted_week, minlength=n)
        overdue = weeks_open > parameters()["patience_weeks"] * np.bincount(board.employer, minlength=n)
        season = seasons()[employers.sector, month - 1] if seasonal else 1.0
        demand = self.demand_level * (1 + self.demand) * season * np.ones(n)
        new = employers.post(week, demand, overdue, wage_idr, self.platform.employer_share).with_more(self.extra)
        np.add.at(employers.open_seats, self.extra.employer, self.extra.seats)
        self.extra = empty_board()
        count.posted_seats += int(new.seats.sum())
        count.posted_on_platform += int(new.seats[new.on_platform].sum())
        self.board = board.with_more(new)

    def search(self, wage_idr: float, place: np.ndarray, on_platform: np.ndarray) -> crowd.Search:
        """How people search this year, when vacancies at these places are open, these of them on the platform."""
        given, claims = parameters(), np.array([float(row["value"]) for row in read("reservation.csv")])
        in_place = np.bincount(place[place >= 0], minlength=len(self.usual_vacancies))
        usual = self.usual_vacancies.sum()
        local = self.effort * given["local_share"] * in_place / self.usual_vacancies
        anywhere = self.effort * (1 - given["local_share"]) * len(place) / usual
        on_board = self.effort * self.platform.information_gain * on_platform.sum() / usual
        return crowd.Search(
            local + anywhere, local / np.maximum(local + anywhere, TINY), float(on_board),
            given["commuting_idr_per_km"], wage_idr * claims,
            given["reservation_decline_week"], given["reservation_floor"], given["untrained_accepted"],
        )  # fmt: skip

    def applied(self, week: int, seekers: np.ndarray, board: Board, wage_idr: float) -> Lists:
        """The week's applications of some people (by number) to a board, as preference lists."""
        order = np.argsort(np.where(board.place < 0, len(kecamatan()), board.place), kind="stable")
        places = np.concatenate(
            [[0], np.cumsum(np.bincount(board.place[board.place >= 0], minlength=len(kecamatan())))]
        )
        shown = crowd.Board(
            order, places, np.flatnonzero(board.on_platform), board.place, board.wage_idr, board.min_education,
            board.asked,
        )  # fmt: skip
        looking = crowd.Crowd(self.since, self.registered, self.people.education, self.people.kecamatan, self.skills)
        start, vacancy, rank = crowd.applications(
            np.uint64(self.key),
            week,
            seekers,
            looking,
            shown,
            self.search(wage_idr, board.place, board.on_platform),
            self.distance_km,
        )
        position = np.arange(len(vacancy), dtype=float)
        return Lists(start, vacancy, position, rank, board.seats, np.arange(len(seekers)))

    def _match(self, week: int, seekers: np.ndarray, wage_idr: float, count: MonthCount) -> None:
        lists = self.applied(week, seekers, self.board, wage_idr)
        taken = vacancies_of(lists, deferred_acceptance(lists))
        who, vacancy = seekers[taken >= 0], taken[taken >= 0]
        employer, abroad = self.board.employer[vacancy], len(self.employers.headcount) - 1
        count.weeks_open += float((week - self.board.posted_week[vacancy]).sum())
        count.weeks_jobless += float((week - self.since[who]).sum())
        count.hired.append(who)
        np.add.at(count.moves[crowd.HIRED], self.people.kecamatan[who], 1)
        np.add.at(count.moves[crowd.LEFT_ABROAD], self.people.kecamatan[who[employer == abroad]], 1)
        self.status[who] = np.where(employer == abroad, AWAY, EMPLOYED)
        self.employer[who] = np.where(employer == abroad, -1, employer)
        self.since[who] = week
        self.registered[who] = False
        here = employer[employer != abroad]
        np.add.at(self.employers.headcount, here, 1)
        np.subtract.at(self.employers.open_seats, employer, 1)
        self.board = replace(self.board, seats=self.board.seats - np.bincount(vacancy, minlength=len(self.board)))
        self.board = self.board.where(self.board.seats > 0)
