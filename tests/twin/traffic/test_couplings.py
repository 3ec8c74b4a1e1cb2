"""What the city does to the street: employment scales demand, PLN's outages darken junctions without a hybrid supply."""

import numpy as np
import pandas as pd
import pytest

from twin.module import Seen
from twin.scenario import Scenario
from twin.traffic.couplings import commuting_factor, with_outages
from twin.traffic.demand.hours import employment_factor
from twin.traffic.module import TrafficModule
from twin.traffic.simulation.events import EventOptions, Outage

MARCH = pd.Period("2026-03", "M")  # February, which it sees, has 28 days


def failed(*rows: tuple[str, float, float, str]) -> Seen:
    names = ("kecamatan", "start_h", "duration_h", "kind")
    return Seen({"solar": {"solar_outage": [dict(zip(names, row, strict=True)) for row in rows]}})


def test_theory_commuting_follows_employment_where_the_labour_sector_shows_any():
    assert commuting_factor(Seen({})) == 1.0
    rows = {"labour_month": [{"employed": 231_131}, {"employed": 231_131}]}
    assert commuting_factor(Seen({"labour": rows})) == pytest.approx(1.0)  # the source book's 462,262
    fewer = {"labour_month": [{"employed": 416_036}]}
    assert commuting_factor(Seen({"labour": fewer})) == pytest.approx(employment_factor(416_036), abs=0.0026)


def test_theory_commuting_goes_in_steps_of_half_a_percent():
    # An elasticity of 0.5 makes of 1 % more at work (466,885) one step; of a tenth of that none.
    factors = [commuting_factor(Seen({"labour": {"labour_month": [{"employed": n}]}})) for n in (462_724, 466_885)]
    assert factors == pytest.approx([1.0, 1.005])


def test_theory_an_outage_that_meets_the_hour_darkens_every_junction_for_its_part_of_it():
    # Day 0.5 of February is its 15th (index 14): the hour begins at 14 · 24 + 6.5 = 342.5 h.
    seen = failed(("Trenggalek", 342.0, 0.75, "feeder"), ("Trenggalek", 343.25, 2.0, "planned"))
    events = with_outages(EventOptions(), seen, MARCH, 0.5, 6.5, 3600, ["J1", "J2"])
    assert events.outages == tuple(
        Outage(junction=name, from_s=from_s, until_s=until_s)
        for from_s, until_s in ((0, 900), (2700, 3600))
        for name in ("J1", "J2")
    )


@pytest.mark.parametrize(
    "row",
    [
        ("Panggul", 342.5, 1.0, "feeder"),  # elsewhere
        ("Trenggalek", 342.5, 1.0, "local"),  # one customer's own
        ("Trenggalek", 340.0, 2.5, "feeder"),  # over when the hour begins
        ("Trenggalek", 343.5, 2.0, "feeder"),  # begins when it is over
    ],
)
def test_other_outages_leave_the_street_alone(row: tuple[str, float, float, str]):
    events = EventOptions()
    assert with_outages(events, failed(row), MARCH, 0.5, 6.5, 3600, ["J1"]) == events


def test_a_month_of_darkness_is_seen_in_the_hour_and_a_hybrid_supply_prevents_it():
    dark = failed(("Trenggalek", 0.0, 31 * 24.0, "feeder"))
    lamps_kwh = {}
    for name, hybrid in (("dark", ()), ("lit", ("J1", "J2", "J3", "J4", "J5"))):
        sets = [
            "traffic.networks=[trenggalek]",
            "traffic.hour_s=300",
            f"traffic.events={{hybrid_supply: {list(hybrid)}}}",
        ]
        module = TrafficModule()
        scenario = Scenario.load("smoke", sets)
        module.reset(scenario, np.random.default_rng(1))
        module.step(scenario.start_month + 1, dark)
        lamps_kwh[name] = module.observe()["traffic_hour"][0]["signal_electricity_kwh"]
    assert lamps_kwh["dark"] == 0.0
    assert lamps_kwh["lit"] > 0.0
