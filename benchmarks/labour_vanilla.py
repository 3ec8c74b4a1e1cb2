"""The labour market's rules written the usual way: a mesa agent a person, Python objects, one method call each.

It is the peer of `benchmarks.labour_crowd` and the other implementation in the tests. Employers are the twin's own
(agents there too); the crowd, its search and the weekly matching are written anew, with mesa's random numbers.
"""

from __future__ import annotations

import mesa
import numpy as np

from twin.labour.crowd import MOST_LOOKS, OVERQUALIFIED
from twin.labour.facts import AWAY, EMPLOYED, OUT, UNEMPLOYED, minimum_wage_idr, parameters, seasons
from twin.labour.market import GRADUATION, YOUNG_GROUPS, Market, weekly, weeks_of


class Person(mesa.Agent):
    """Somebody of working age."""

    def __init__(self, model, status, employer, age_group, education, kecamatan, skills, since, registered):
        super().__init__(model)
        self.status, self.employer, self.age_group, self.education = status, employer, age_group, education
        self.kecamatan, self.skills, self.since, self.registered = kecamatan, skills, since, registered

    def step(self):
        """One week: lose a job, leave, enter, come back."""
        model, u = self.model, self.model.random.random()
        if self.status == EMPLOYED:
            rate = model.separation[self.employer]
            if u < rate + model.retirement:
                model.headcount[self.employer] -= 1
                self.employer = -1
                self.turn(UNEMPLOYED if u < rate else OUT)
        elif self.status == UNEMPLOYED:
            if u < model.giving_up:
                self.registered = False
                self.turn(OUT)
        elif self.status == OUT:
            if u < model.entry[self.age_group]:
                self.turn(UNEMPLOYED)
        elif u < model.returning:
            self.turn(UNEMPLOYED)

    def turn(self, status):
        """Change status this week."""
        self.status, self.since = status, self.model.week

    def look(self):
        """Hear of vacancies and ask for the good ones, best paid first."""
        model = self.model
        random, search = model.random, model.search
        if not self.registered and random.random() < model.registration:
            self.registered = True
        falls = max(search.claim_floor, 1 - search.claim_decline * (model.week - self.since))
        claim = search.claim_idr[self.education] * falls
        mean = search.looks[self.kecamatan]
        looks = int(mean) + (random.random() < mean - int(mean))
        asks = {}
        for _ in range(min(looks, MOST_LOOKS)):
            pool = (
                model.by_place[self.kecamatan] if random.random() < search.local_share[self.kecamatan] else model.board
            )
            if not pool:
                continue
            vacancy = pool[int(random.random() * len(pool))]
            if self.education < vacancy["min_education"] or vacancy["number"] in asks:
                continue
            trained = bool(self.skills & vacancy["asked"])
            if not trained and random.random() >= search.untrained_accepted:
                continue
            way = 0.0 if vacancy["place"] < 0 else model.distance_km[self.kecamatan][vacancy["place"]]
            net = vacancy["wage_idr"] - way * search.commuting_idr_per_km
            if net >= claim:
                surplus = OVERQUALIFIED * (self.education - vacancy["min_education"])
                asks[vacancy["number"]] = (net, random.random() + surplus - (1.0 if trained else 0.0))
        if asks:
            model.asking[self] = sorted(asks, key=lambda number: -asks[number][0])
            for number, (_, rank) in asks.items():
                model.ranks[number, self] = rank


class VanillaMarket(mesa.Model):
    """The same market as `source`, taken over as it stands, with an agent a person."""

    def __init__(self, source: Market, seed: int) -> None:
        super().__init__(seed=seed)
        self.source, self.employers = source, source.employers
        people, self.distance_km = source.people, source.distance_km.tolist()
        self.headcount = self.employers.headcount
        columns = (source.status, source.employer, people.age_group, people.education, people.kecamatan, source.skills,
                   source.since, source.registered)  # fmt: skip
        Person.create_agents(self, len(people), *(column.tolist() for column in columns))
        names = ("employer", "seats", "wage_idr", "place", "min_education", "asked", "on_platform", "posted_week")
        self.names, self.numbered = names, 0
        self.board = []
        self.pin(source.board)
        given = parameters()
        self.retirement, self.giving_up = weekly(given["retirement_month"]), weekly(given["giving_up_month"])
        self.returning, self.registration = weekly(given["abroad_return_month"]), given["registration_week"]

    def pin(self, board):
        """Take vacancies from columns onto the board."""
        for row in zip(*(getattr(board, name).tolist() for name in self.names), strict=True):
            self.board.append({**dict(zip(self.names, row, strict=True)), "number": self.numbered})
            self.numbered += 1

    def month(self, month) -> int:
        """Live through a month; how many found work. The shock to demand is the twin's."""
        self.source.shock(month)
        return sum(self.one_week(week, month.month, month.year) for week in weeks_of(month))

    def one_week(self, week: int, month: int, year: int) -> int:
        """Live through one week."""
        self.week, wage_idr = week, minimum_wage_idr(year)
        self.rates(month)
        self.agents.shuffle_do("step")  # before employers post, as in the twin: they replace this week's leavers
        employers, n = self.employers, len(self.employers.sector)
        weeks_open, vacancies = np.zeros(n), np.zeros(n)
        for vacancy in self.board:
            weeks_open[vacancy["employer"]] += week - vacancy["posted_week"]
            vacancies[vacancy["employer"]] += 1
        overdue = weeks_open > parameters()["patience_weeks"] * vacancies
        self.pin(
            employers.post(
                week, (1 + self.source.demand) * seasons()[employers.sector, month - 1], overdue, wage_idr, 0.0
            )
        )
        place, on_platform = (np.array([v[name] for v in self.board]) for name in ("place", "on_platform"))
        self.search = self.source.search(wage_idr, place, on_platform)
        self.by_place = [[v for v in self.board if v["place"] == k] for k in range(len(self.distance_km))]
        self.asking, self.ranks = {}, {}
        self.agents.select(lambda one: one.status == UNEMPLOYED).shuffle_do("look")
        hired = self.match()
        life = parameters()["vacancy_life_weeks"]
        for vacancy in self.board:
            if week - vacancy["posted_week"] >= life:
                employers.open_seats[vacancy["employer"]] -= vacancy["seats"]
        self.board = [v for v in self.board if v["seats"] > 0 and week - v["posted_week"] < life]
        return hired

    def rates(self, month: int) -> None:
        """Rates of the week, as the twin has them."""
        source, graduation = self.source, parameters()["graduation_factor"]
        self.separation = source.separation().tolist()
        entry = source.entry.copy()
        entry[:YOUNG_GROUPS] *= 12 / (10 + 2 * graduation) * (graduation if month in GRADUATION else 1.0)
        self.entry = entry.tolist()

    def match(self) -> int:
        """Deferred acceptance of the week's applications, with dictionaries."""
        held = {v["number"]: [] for v in self.board}
        by_number = {v["number"]: v for v in self.board}
        free, following = list(self.asking), dict.fromkeys(self.asking, 0)
        while free:
            person = free.pop()
            if following[person] == len(self.asking[person]):
                continue
            number = self.asking[person][following[person]]
            following[person] += 1
            held[number].append(person)
            if len(held[number]) > by_number[number]["seats"]:
                held[number].sort(key=lambda one, number=number: self.ranks[number, one])
                free.append(held[number].pop())
        for number, people in held.items():
            vacancy = by_number[number]
            for person in people:
                abroad = vacancy["employer"] == len(self.headcount) - 1
                person.turn(AWAY if abroad else EMPLOYED)
                person.registered, person.employer = False, -1 if abroad else vacancy["employer"]
                self.headcount[vacancy["employer"]] += 0 if abroad else 1
                vacancy["seats"] -= 1
                self.employers.open_seats[vacancy["employer"]] -= 1
        return sum(map(len, held.values()))

    def statuses(self) -> list[int]:
        """How many people are employed, unemployed, out, away."""
        return np.bincount([person.status for person in self.agents], minlength=4).tolist()
