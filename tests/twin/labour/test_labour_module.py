"""The labour market in the city: conservation, couplings, checkpoints to the bit, small groups hidden."""

import json

import numpy as np
import pandas as pd
import pytest

from twin.city import City
from twin.labour import couplings
from twin.labour.facts import minimum_wage_idr, skills
from twin.labour.module import LabourModule
from twin.labour.privacy import suppressed
from twin.module import Seen
from twin.run import Run
from twin.scenario import Scenario
from twin.traffic.demand.hours import employment_factor

SCENARIO = Scenario.load("smoke", ["traffic=null", "solar=null", "labour.people=20000", "horizon_months=4"])


@pytest.fixture(scope="module")
def history():
    city = City(SCENARIO, 1)
    shown, saved = [], []
    for _ in range(4):
        city.step()
        shown.append(city.observed["labour"])
        saved.append(json.dumps(city.checkpoint()))
    return shown, saved


def test_totals_are_the_sums_of_the_sub_districts(history):
    for month in history[0]:
        total = month["labour_total"][0]
        for name in ("employed", "unemployed"):
            assert sum(row[name] for row in month["labour_month"]) == pytest.approx(
                total["weight"] * total[name], abs=7
            )
        assert len(month["labour_month"]) == 14
        jobs = sum(row["employed"] or 0 for row in month["labour_sector"])
        assert jobs == pytest.approx(total["employed"], abs=20)
        assert sum(row["people"] or 0 for row in month["labour_duration"]) == pytest.approx(total["unemployed"], abs=35)


def test_traffic_reads_employment_from_it(history):
    employed = Seen({"labour": history[0][0]}).total("labour", "labour_month", "employed")
    assert employed == pytest.approx(462_262, rel=0.03)  # of the regency, although 20,000 people are simulated
    assert employment_factor(employed) == pytest.approx(1, abs=0.05)


def test_jobtren_starts_a_month_after_the_programme_does(history):
    assert [month["labour_total"][0]["jobtren_months"] for month in history[0]] == [0, 1, 2, 3]
    assert [month["labour_total"][0]["posted_on_jobtren"] > 0 for month in history[0]] == [False, True, True, True]


def test_without_the_programme_it_does_not_run():
    city = City(SCENARIO.model_copy(update={"programmes": None}), 1)
    for _ in range(2):
        city.step()
    assert city.observed["labour"]["labour_total"][0]["jobtren_months"] == 0


@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_checkpoint_continues_to_the_bit(history, stop_after):
    city = City(SCENARIO, 1)
    city.restore(json.loads(history[1][stop_after - 1]))
    for expected in history[0][stop_after:]:
        city.step()
        assert city.observed["labour"] == expected


@pytest.mark.parametrize(
    "told", [{"podcast": {"podcast_month": [{"reach": 2e6}]}}, {"knowledge": {"laras_month": [{"users": 2e6}]}}]
)
def test_those_whom_podcast_and_laras_tell_of_jobtren_register(told):
    running = {"programmes": {"programme_month": [{"programme": "jobtren", "active": 1}]}}
    registered = []
    for seen in (running, running | told):
        module = LabourModule()
        module.reset(SCENARIO, np.random.default_rng(1))
        for i in range(2):
            module.step(SCENARIO.start_month + i, Seen(seen))
        registered.append(module.observe()["labour_total"][0]["registered"])
    assert registered[1] > registered[0]


def programme_rows(*active):
    return {"programme_month": [{"programme": name, "active": int(name in active)} for name in ("solar", "aipreneur")]}


def test_running_programmes_open_jobs_and_train():
    assert couplings.wanted(Seen({}), 2e6) == []
    found = couplings.wanted(Seen({"programmes": programme_rows("solar")}), 2e6)
    assert [(one.skill, one.seats, one.trained) for one in found] == [("solar", 6.5, 78.5)]
    half = couplings.wanted(Seen({"programmes": programme_rows("solar")}), 2e6, 0.5)
    assert half[0].seats == 3.25


def test_a_sectors_own_table_replaces_the_programmes_line():
    jobs = [{"skill": "solar", "seats": 3, "wage_idr_month": 2_000_000, "kecamatan_code": "35.03.02"}]
    training = [{"skill": "solar", "people": 24, "kecamatan_code": ""}]
    seen = Seen({"programmes": programme_rows("solar"), "solar": {"solar_jobs": jobs, "solar_training": training}})
    one, two = couplings.wanted(seen, 2e6)
    assert (one.seats, one.place, one.wage_idr) == (3, 1, 2_000_000)
    assert (two.trained, two.place) == (24, -1)
    board = couplings.vacancies([one, two], 10, 1, np.arange(140).reshape(10, 14))
    assert (board.seats.tolist(), board.place.tolist(), board.on_platform.tolist()) == ([3], [1], [True])


def test_no_job_of_the_carbon_market_is_counted_twice():
    running = {"programme_month": [{"programme": "ecobalance", "active": 1}]}
    assert [one.seats for one in couplings.wanted(Seen({"programmes": running}), 2e6)] == [0.3]
    jobs = [{"skill": "digital", "seats": 1, "wage_idr_month": 5_000_000, "kecamatan_code": ""}]
    seen = Seen({"programmes": running, "carbon": {"carbon_jobs": jobs}})
    assert [one.seats for one in couplings.wanted(seen, 2e6)] == [1]


def test_training_gives_the_skill_to_those_without_it():
    bit = 1 << [one.name for one in skills()].index("solar")
    has = np.array([bit, 0, 0, 0], dtype=np.uint32)
    wish = couplings.Wanted("solar", 0.0, 2.0, 0.0)
    done = couplings.train([wish], 1, 5, np.array([0, 1, 2]), np.zeros(4, int), has)
    assert done == 2
    assert has.tolist() == [bit, bit, bit, 0]  # the fourth has work


def test_small_groups_are_empty():
    rows = [
        {"group": "a", "people": 4, "share": 0.5},
        {"group": "b", "people": 5, "share": 0.5},
        {"group": "c", "people": 0, "share": 0.0},
    ]
    shown = suppressed(rows, 5, ["people"], {"share": ("people",)})
    assert [(row["people"], row["share"]) for row in shown] == [(None, None), (5, 0.5), (0, 0.0)]


def test_no_shown_count_is_below_k(history):
    for month in history[0]:
        for table in ("labour_month", "labour_duration", "labour_group"):
            for row in month[table]:
                counts = [value for value in row.values() if isinstance(value, int) and not isinstance(value, bool)]
                weeks = {row.get("weeks_from"), row.get("weeks_to")}
                assert not [count for count in counts if 0 < count < 5 and count not in weeks]


def test_the_wage_floor_follows_the_year():
    assert minimum_wage_idr(pd.Period("2025-06", "M").year) == 2_378_784


def test_the_figures_of_a_run(smoke_run):
    from twin.labour.kpis import FUNCTIONS

    with Run.open(smoke_run) as run:
        values = {name: function(run) for name, function in FUNCTIONS.items()}
    assert values["jobtren_seekers_change_percent"] is None  # smoke is shorter than six months of JOBTREN
    assert 2 < values["unemployment_percent"] < 8
    assert values["jobtren_vacancies"] > 0
    assert values["labour_time_to_hire_days"] > 0
