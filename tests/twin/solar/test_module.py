"""The sector on the calendar: totals, roll-out, outages that others read, sites of other kinds, checkpoints."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from twin.module import Seen
from twin.places import PlacesOptions
from twin.solar.facts import rows
from twin.solar.kpis import FUNCTIONS
from twin.solar.module import SolarModule
from twin.solar.office.calendar import holidays, is_working
from twin.solar.office.load import Appliance, appliances_of, day_kwh, mean_day_kwh, month_kwh, service_hours
from twin.solar.office.tariff import tariff_idr_per_kwh
from twin.solar.options import SolarOptions
from twin.solar.plan.rollout import Rollout, capital_idr_per_site
from twin.solar.spklu import arriving, mean_charge_kwh, queue_figures

JANUARY = pd.Period("2026-01", "M")
TOWN = "35.03.11.2001"


def module(**options) -> SolarModule:
    solar = SolarModule()
    scenario = SimpleNamespace(solar=SolarOptions(**options), places=PlacesOptions(), start_month=JANUARY)
    solar.reset(scenario, np.random.default_rng(1))
    return solar


def lived(months: int, **options) -> tuple[SolarModule, list]:
    solar, seen = module(**options), []
    for i in range(months):
        solar.step(JANUARY + i, Seen({}))
        seen.append(solar.observe())
    return solar, seen


# ---- the office ------------------------------------------------------------------------------------------------------


def test_the_decrees_days_are_all_there():
    table = pd.DataFrame(rows("holidays"))
    count = table.groupby([table.date.str[:4], "kind"]).size()
    # decree 1497/2025 has 17 holidays and 8 days of joint leave; 1017/2024 with 933/2025 has 17 and 11
    assert [count["2026", "holiday"], count["2026", "joint_leave"]] == [17, 8]
    assert [count["2025", "holiday"], count["2025", "joint_leave"]] == [17, 11]
    assert (table.confidence[table.date < "2027"] == "official").all()
    assert (table.confidence[table.date >= "2027"] == "prior").all()


def test_the_calendar_knows_holidays_and_weekends():
    assert np.datetime64("2026-03-21") in holidays()  # Idul Fitri 1447 H
    august = is_working(pd.Period("2026-08", "M"))
    assert not august[16]  # 17 August, and a Monday
    assert not august[0]  # a Saturday
    assert august[2]
    assert 225 < is_working(pd.Period("2026", "Y")).sum() < 245


def test_theory_a_day_is_its_appliances():
    own = (
        Appliance(name="lamp", power_w=100, count=2, schedule="night"),
        Appliance(name="r", power_w=10, schedule="always"),
    )
    assert day_kwh(own, "working").sum() == pytest.approx(0.2 * 11 + 0.24)
    assert day_kwh(own, "event").sum() == 0


def test_a_months_use_scales_to_the_mean_day():
    rng = np.random.default_rng(1)
    year = [
        month_kwh(appliances_of("office"), 40, m, 4.0, rng) for m in pd.period_range("2026-01", "2026-12", freq="M")
    ]
    assert sum(m.sum() for m in year) / 40 / 365 == pytest.approx(4.0, rel=0.02)
    unscaled = month_kwh(appliances_of("office"), 40, JANUARY, None, rng)
    assert unscaled.sum() / 40 / 31 == pytest.approx(mean_day_kwh(appliances_of("office"), 2026), rel=0.1)
    mosque = month_kwh(appliances_of("mosque"), 1, JANUARY, None, rng).reshape(31, 24)
    assert mosque[:, 12].min() > mosque[:, 10].max()
    assert service_hours(JANUARY).sum() == 8 * is_working(JANUARY).sum()


@pytest.mark.parametrize(("va", "idr"), [(6600, 1699.53), (900, 1050.0)])
def test_the_tariff_is_the_connections(va, idr):
    assert tariff_idr_per_kwh(va) == idr
    assert SolarOptions(connection_va=va).tariff == idr
    with pytest.raises(ValueError, match="no tariff class"):
        tariff_idr_per_kwh(6000)


def test_theory_vehicles_bring_what_the_table_says():
    count, found = arriving(157, 157, 50_000, 24 * 31, np.random.default_rng(1))
    expected = 50_000 * 0.08 * 31 * mean_charge_kwh()
    assert found.sum() == pytest.approx(expected, rel=0.02)
    assert found.reshape(157, 31, 24)[:, :, :7].sum() == 0
    assert found.sum() == pytest.approx(count.sum() * mean_charge_kwh(), rel=0.01)


def test_theory_a_queue_of_vehicles_by_hand():
    # four of 1 kWh come in the first hour; one is served an hour, and the last leaves: the others take 1, 2, 3 hours
    kwh = np.array([[4.0, 0.0, 0.0]])
    sold, left = np.array([[1.0, 1.0, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    found = queue_figures(np.array([[4, 0, 0]]), kwh, sold, left, np.zeros(1))
    assert found == {"vehicles_arrived": 4, "vehicles_lost": 1, "vehicles_wait_h": pytest.approx(0.5 + (2 + 1) / 3)}
    nothing = queue_figures(np.zeros((1, 3), int), *[np.zeros((1, 3))] * 3, np.zeros(1))
    assert nothing == {"vehicles_arrived": 0, "vehicles_lost": 0, "vehicles_wait_h": None}


# ---- the roll-out ----------------------------------------------------------------------------------------------------


def test_a_roll_out_waits_for_classes_and_technicians():
    rollout, rows = Rollout(157, trainers=2), []
    for _ in range(36):
        rows.append(rollout.month(30))
    assert rows[0]["trained"] == rows[1]["installed"] == 0  # two months of socialisation
    assert rows[-1]["installed_total"] == 157
    assert sum(row["installed"] for row in rows) == 157
    assert rows[-1]["trained_total"] == 157 * 36
    for row in rows:
        assert row["installed_total"] <= row["villages_trained"]
        assert row["capital_idr"] == row["installed"] * 28_900_000
    assert capital_idr_per_site() == 28_900_000
    slow = Rollout(157, trainers=1)
    assert sum(slow.month(30)["installed"] for _ in range(12)) < sum(row["installed"] for row in rows[:12])


# ---- the module ------------------------------------------------------------------------------------------------------


def test_a_year_of_the_books_system_is_plausible():
    _, rows = lived(12, offices=(TOWN,))
    year = pd.DataFrame([row["solar_total"][0] for row in rows])
    # Golden, with a margin: 1.1 kWp gives about 1,420 kWh AC a year in the measured notes; ours is before the inverter.
    assert year.pv_kwh.sum() * 0.92 == pytest.approx(1420, rel=0.12)
    assert 0.70 < year.served_kwh.sum() / year.load_kwh.sum() < 0.97
    assert 4.2 < year.ghi_kwh_per_m2_day.mean() < 5.4  # prior 4.78 ± 10 %
    assert len([row for month in rows for row in month["solar_week"]]) == 168


def test_totals_are_the_sum_of_offices_and_energy_is_conserved():
    _, rows = lived(1)
    offices, total = pd.DataFrame(rows[0]["solar_month"]), rows[0]["solar_total"][0]
    assert len(offices) == total["offices"] == 157
    for column in ("pv_kwh", "served_kwh", "saving_idr", "co2_avoided_kg", "unmet_kwh"):
        assert offices[column].sum() == pytest.approx(total[column])
    asked = offices.load_kwh + offices.vehicles_kwh
    assert (offices.served_kwh + offices.grid_kwh + offices.unmet_kwh - asked).abs().max() < 1e-6


def test_outages_are_written_for_traffic_and_lost_hours_for_the_offices():
    _, rows = lived(6, offices=(TOWN,), saifi_per_year=60.0, saidi_min_per_year=9000.0)
    table = pd.DataFrame([row for month in rows for row in month["solar_outage"]])
    assert set(table.columns) == {"code", "kecamatan", "start_h", "duration_h", "kind"}
    assert table.start_h.between(0, 744).all()
    assert (table.duration_h > 0).all()
    feeder = table[(table.kecamatan == "Trenggalek") & (table.kind == "feeder")]
    assert feeder.groupby(["start_h", "duration_h"]).code.nunique().ge(13).all()
    reliability = pd.DataFrame([row for month in rows for row in month["solar_reliability"]])
    without, having = (reliability[reliability.has_system == k] for k in (0, 1))
    assert len(having) == 6
    assert without.service_lost_h.mean() > having.service_lost_h.mean()
    assert without.unmet_kwh.mean() > having.unmet_kwh.mean()
    assert without.outage_h.mean() == pytest.approx(9000 / 60 / 12, rel=0.15)
    assert len([row for month in rows for row in month["solar_outage_day"]]) == 24


def test_nothing_without_pln_failures():
    _, rows = lived(1, saifi_per_year=0.0, saidi_min_per_year=0.0)
    assert rows[0]["solar_outage"] == []
    assert rows[0]["solar_total"][0]["unmet_kwh"] == rows[0]["solar_total"][0]["genset_l"] == 0


def test_a_stop_on_the_southern_road_has_no_pln():
    stop = {"name": "JLS km 12", "kind": "jls", "latitude_deg": -8.30, "longitude_deg": 111.50}
    mosque = {"name": "Masjid", "kind": "mosque", "latitude_deg": -8.05, "longitude_deg": 111.71}
    _, rows = lived(1, offices=(), extra_sites=(stop, mosque))
    found = {row["code"]: row for row in rows[0]["solar_month"]}
    assert set(found) == {"JLS km 12", "Masjid"}
    assert found["JLS km 12"]["grid_kwh"] == found["JLS km 12"]["grid_before_kwh"] == 0
    assert found["JLS km 12"]["saving_idr"] == 0
    assert found["Masjid"]["grid_kwh"] > 0
    assert not any(row["code"] == "JLS km 12" for row in rows[0]["solar_outage"])
    with pytest.raises(ValueError, match="outside the regency"):
        SolarOptions(extra_sites=({**stop, "latitude_deg": 8.3},))


def test_a_roll_out_brings_systems_month_by_month():
    _, rows = lived(5, rollout={"trainers": 4})
    finished = [row["solar_rollout"][0]["installed_total"] for row in rows]
    working = [row["solar_total"][0]["offices"] for row in rows]
    assert working == [0, *finished[:-1]]
    assert finished[-1] > finished[3] > 0
    assert len([row for month in rows for row in month["solar_week"]]) == 168


def test_three_planes_and_hills_change_what_the_panels_give():
    flat, split, hills = (
        lived(1, offices=(TOWN,), **options)[1][0]["solar_total"][0]["pv_kwh"]
        for options in (
            {},
            {"slopes": tuple({"share": 1 / 3, "tilt_deg": 30.0, "azimuth_deg": a} for a in (90.0, 180.0, 270.0))},
            {"horizon_deg": (0.0, 40.0, 0.0, 40.0)},
        )
    )
    assert split < flat
    assert hills < flat
    with pytest.raises(ValueError, match="add up to"):
        SolarOptions(slopes=({"share": 0.5, "tilt_deg": 10.0, "azimuth_deg": 0.0},))


def test_a_month_after_restoring_is_equal_to_the_bit():
    options = {"rollout": {"trainers": 40}, "saifi_per_year": 60.0, "saidi_min_per_year": 9000.0}
    first, _ = lived(4, **options)
    saved, generator = json.loads(json.dumps(first.state())), first.rng.bit_generator.state
    first.step(JANUARY + 4, Seen({}))
    second = module(**options)
    second.restore(saved)
    second.rng.bit_generator.state = generator
    second.step(JANUARY + 4, Seen({}))
    assert second.observe() == first.observe()


def test_no_office_is_a_result_not_a_fault():
    _, rows = lived(1, offices=())
    assert rows[0]["solar_total"][0]["offices"] == 0
    assert len(rows[0]["solar_reliability"]) == 157


@pytest.mark.parametrize("codes", [("35.03.01.9999",), ("35.03.01.2001", "35.03.01.2001")])
def test_wrong_offices_are_refused(codes):
    with pytest.raises(ValueError, match=r"unknown village code|given twice"):
        SolarOptions(offices=codes)


def test_panels_without_any_give_nothing():
    _, rows = lived(2, panels=0, offices=(TOWN,), soc_min_percent=0.0, reserve_percent=0.0)
    total = rows[1]["solar_total"][0]
    assert total["pv_kwh"] == 0
    assert total["served_kwh"] == pytest.approx(0, abs=1e-9)


def test_a_run_without_any_site_month_has_no_figure_of_reliability():
    # As a run of one month gives it: no month before it to tell of, and a text column of nothing.
    nothing = pd.DataFrame({"month": pd.array([], dtype="str"), "has_system": [], "unmet_kwh": []})
    run = SimpleNamespace(has=lambda _: True, table=lambda _: nothing)
    assert FUNCTIONS["solar_unmet_kwh_per_office"](run) is None
