"""Plans: money by hand, the table of offices, sizes, the book's claims, appliances, and the command line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
import yaml

from twin.errors import PlacesError, ScenarioError, TwinError
from twin.places import PlacesOptions
from twin.scenario import Scenario
from twin.solar.office.editor import edited, write_scenario
from twin.solar.office.load import appliances_of
from twin.solar.options import SolarOptions
from twin.solar.plan.claims import claims
from twin.solar.plan.money import Capital, capital_of, replacements_idr, worth
from twin.solar.plan.sizing import answers, cheapest, designs, pareto
from twin.solar.plan.study import by_kecamatan, office_table
from twin.solar.sites import sites_of

SITES = sites_of(SolarOptions(), PlacesOptions().sites())
TOWN = next(site for site in SITES if site.code == "35.03.11.2001")


def test_theory_the_books_system_costs_what_its_lines_add_up_to():
    assert capital_of(SolarOptions()).total_idr == pytest.approx(28_900_000)
    double = capital_of(SolarOptions(panels=4, battery_kwh=9.6))
    assert double.total_idr == pytest.approx(28_900_000 + 4_400_000 + 6_500_000)
    assert capital_of(SolarOptions(inverter_kw=1.5)).electronics_idr == 2_000_000 + 2 * 4_500_000


def test_theory_net_present_value_levelised_cost_and_payback_by_hand():
    capital = Capital(10e6, 5e6, 0.0, 5e6)
    # Batteries of 8 years are bought again after 8 and 16 years.
    again = replacements_idr(capital, 8.0, 0.1, 20)
    assert again == pytest.approx(5e6 * (1.1**-8 + 1.1**-16))
    factor = (1 - 1.1**-20) / 0.1
    found = worth(capital, np.array([3e6, 0.1e6]), np.array([1000.0, 1000.0]), 8.0)
    cost = 20e6 + again + 0.2e6 * factor
    assert found.npv_idr[0] == pytest.approx(3e6 * factor - cost)
    assert found.lcoe_idr_per_kwh[0] == pytest.approx(cost / (1000 * factor))
    assert found.payback_years[0] == pytest.approx(20e6 / 2.8e6)
    assert found.payback_years[1] == np.inf


@pytest.fixture(scope="module")
def table():
    return office_table(SolarOptions(), SITES, 2, 3, 1)


def test_every_office_has_its_quantiles(table):
    assert len(table) == 157
    for row in table:
        for name in (
            "solar_share_percent",
            "unmet_kwh_year",
            "saving_idr_month",
            "payback_years",
            "co2_avoided_kg_year",
        ):
            assert row[f"{name}_p10"] <= row[f"{name}_p50"] <= row[f"{name}_p90"]
        assert 60 < row["solar_share_percent_p50"] < 100
        # A bill cannot be cut by more than it is: 4 kWh a day at Rp 1,699.53.
        assert row["saving_idr_month_p90"] < 1.03 * 4 * 365 / 12 * 1699.53
    regency = by_kecamatan(table)
    assert len(regency) == 15
    assert regency[-1]["offices"] == 157


def test_golden_the_books_system_saves_what_the_measured_notes_say(table):
    # Measured notes: 87-90 % of the load, Rp 180-187 thousand a month, about 1.0 t a year; ours has outages, weekends.
    share = np.mean([row["solar_share_percent_p50"] for row in table])
    saving = np.mean([row["saving_idr_month_p50"] for row in table])
    co2 = np.mean([row["co2_avoided_kg_year_p50"] for row in table])
    assert share == pytest.approx(86, abs=9)
    assert saving == pytest.approx(178_000, rel=0.12)
    assert co2 == pytest.approx(1020, rel=0.12)


def test_the_same_seed_gives_the_same_table():
    few = SITES[:2]
    assert office_table(SolarOptions(), few, 1, 2, 5) == office_table(SolarOptions(), few, 1, 2, 5)
    assert office_table(SolarOptions(), few, 1, 2, 5) != office_table(SolarOptions(), few, 1, 2, 6)


def test_theory_pareto_keeps_what_nothing_beats():
    costs = np.array([[1, 5], [2, 3], [3, 3], [4, 1], [2, 3], [5, 5]], dtype=float)
    assert pareto(costs).tolist() == [True, True, False, True, True, False]


def test_more_panels_and_battery_serve_more_and_the_front_is_sound():
    rows = designs(SolarOptions(), TOWN, 1, 3, 1)
    by = {(row["panels"], row["battery_kwh"], row["reserve_percent"]): row for row in rows}
    for battery in (4.8, 9.6):
        shares = [by[n, battery, 20.0]["solar_share_percent_p50"] for n in (1, 2, 4, 8)]
        assert shares == sorted(shares)
    assert by[2, 4.8, 60.0]["unmet_kwh_year_p50"] <= by[2, 4.8, 20.0]["unmet_kwh_year_p50"] + 1e-9
    assert by[2, 4.8, 60.0]["solar_share_percent_p50"] < by[2, 4.8, 20.0]["solar_share_percent_p50"]
    assert any(row["pareto"] for row in rows)
    assert not all(row["pareto"] for row in rows)
    best = cheapest(rows, "solar_share_percent_p50", 90.0)
    assert best["solar_share_percent_p50"] >= 90
    assert cheapest(rows, "solar_share_percent_p50", 101.0) is None
    asked = answers(rows)
    assert len(asked) == 12
    prices = [row["capital_idr"] for row in asked if row["at"] == "p50" and row["capital_idr"] is not None]
    assert prices == sorted(prices)


def test_the_books_saving_cannot_be_reached_and_it_says_which_system_would():
    rows = {row["claim"]: row for row in claims(SolarOptions(), TOWN, 1, 2, 1)}
    upper = next(row for claim, row in rows.items() if "upper end" in claim)
    assert upper["met_percent"] == 0
    assert upper["p90"] < 210_000
    assert "needs a use of 7.7 kWh a day" in upper["remark"]
    lower = next(row for claim, row in rows.items() if "lower end" in claim)
    assert lower["met_percent"] < 50
    assert "worth 206,9" in lower["remark"]


def test_appliances_are_edited_and_kept_as_a_scenario(tmp_path):
    found = edited((), ["rice cooker:350:1:office_hours"], ["printer"])
    names = [one.name for one in found]
    assert "rice cooker" in names
    assert "printer" not in names
    assert len(found) == len(appliances_of("office"))
    write_scenario(found, "smoke", tmp_path / "office.yaml")
    scenario = Scenario.load(tmp_path / "office.yaml")
    assert scenario.solar.appliances == found
    assert scenario.solar.load_kwh_per_day is None
    assert yaml.safe_load((tmp_path / "office.yaml").read_text())["extends"] == "smoke"


def test_wrong_edits_are_told_all_at_once():
    with pytest.raises(ScenarioError) as refused:
        edited((), ["x:1:1:never", "y", "z:-5:1:night"], ["sauna"])
    text = str(refused.value)
    assert len(refused.value.faults) == 4
    for part in (
        "--remove sauna",
        "--add x:1:1:never: schedule",
        "--add y: expected NAME",
        "--add z:-5:1:night: power_w",
    ):
        assert part in text


# ---- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weather_file(tmp_path_factory) -> Path:
    times = pd.date_range("2025-01-01 00:30", periods=8760, freq="h", tz="Asia/Jakarta")
    sun = np.maximum(np.sin((times.hour.to_numpy() + 0.5 - 5.5) / 12 * np.pi), 0)
    table = pd.DataFrame({"time": [t.isoformat() for t in times], "ghi": 800 * sun, "dni": 500 * sun, "dhi": 250 * sun,
                          "temp_air": 27.0, "wind_speed": 1.5})  # fmt: skip
    path = tmp_path_factory.mktemp("weather") / "year.csv"
    table.to_csv(path, index=False)
    return path


def call(capsys, *words) -> tuple[str, str]:
    """The command line in this process: what it says, and what it tells on standard error."""
    from twin.cli import app

    capsys.readouterr()
    app([str(word) for word in words], standalone_mode=False)
    said = capsys.readouterr()
    return said.out, said.err


def test_yield_prints_one_document_and_writes_the_hours(capsys, weather_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = ("solar", "yield", "--weather", weather_file, "--lat", "-8.05", "--lon", "111.71", "--json")
    document = json.loads(call(capsys, *place)[0])
    assert len(document["monthly_kwh"]) == 12
    assert sum(document["monthly_kwh"]) == pytest.approx(document["annual_kwh"])
    assert len((tmp_path / document["hourly"]).read_text().splitlines()) == 8761
    one = document["annual_kwh"]
    assert json.loads(call(capsys, *place, "--path", "fast")[0])["annual_kwh"] == pytest.approx(one, rel=1e-4)
    assert json.loads(call(capsys, *place, "--panels-wp", 2200)[0])["annual_kwh"] == pytest.approx(2 * one, rel=1e-6)
    split = ("--plane", "550:10:0", "--plane", "550:10:0")
    assert json.loads(call(capsys, *place, *split)[0])["annual_kwh"] == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--lat", "8.05", "--lon", "111.71"), "the minus sign of the latitude is missing"),
        (("--lat", "-8.05", "--lon", "10", "--anywhere"), "wrong time zone"),
        (("--lat", "-8.05", "--lon", "111.71", "--path", "quick"), "none of chain, fast"),
        (("--lat", "-8.05", "--lon", "111.71", "--plane", "550:10"), "like 550:10:90"),
        (("--lat", "-8.05", "--lon", "111.71", "--repair", "all"), "none of gaps"),
    ],
)
def test_yield_refuses_what_it_cannot_use(capsys, weather_file, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TwinError, typer.BadParameter), match=says):
        call(capsys, "solar", "yield", "--weather", weather_file, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_users_mistake_is_one_message_and_exit_code_2(twin, tmp_path):
    done = twin("solar", "yield", "--weather", "none.csv", "--lat", "-8.05", "--lon", "111.71", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.csv" in done.stderr
    assert "is not there" in done.stderr


def test_results_give_every_office(capsys, tmp_path):
    words = ("--weathers", 1, "--outages", 2, "--to", tmp_path / "offices.csv")
    assert len(json.loads(call(capsys, "solar", "results", *words, "--json")[0])) == 157
    assert len((tmp_path / "offices.csv").read_text().splitlines()) == 158
    with pytest.raises(PlacesError, match="unknown village code"):
        call(capsys, "solar", "sizing", "--office", "35.03.11.9999")
    with pytest.raises(ScenarioError, match="has no solar section"):
        call(capsys, "solar", "results", "--set", "solar=null")
