"""The catalogue of figures: every target of the source book is in it, with its number and its direction."""

import pytest

from twin.kpi import catalogue

TARGETS = {  # the book's numeric targets
    "crypto_income_gain_percent": (">=", 10), "crypto_pdrb_percent": (">=", 1), "crypto_umkm_percent": (">=", 20),
    "crypto_literacy_percent": (">=", 50), "crypto_platforms": (">=", 3), "crypto_startups": (">=", 5),
    "crypto_communities": (">=", 10), "crypto_investment_growth_percent": (">=", 20), "crypto_awareness_percent": (">=", 75),
    "podcast_business_slots_percent": (">=", 70), "podcast_meeting_slots_percent": (">=", 30),
    "aipreneur_businesses": (">=", 20), "aipreneur_digital_percent": (">=", 80), "aipreneur_ai_percent": (">=", 70),
    "aipreneur_revenue_gain_percent": (">=", 20), "aipreneur_marketing_cost_change_percent": ("<=", -50),
    "aipreneur_completion_percent": (">=", 80), "aipreneur_satisfaction_percent": (">=", 85),
    "solar_load_served_percent": (">=", 80), "solar_grid_reduction_percent": (">=", 80),
    "solar_saving_idr_per_office_month": (">=", 200_000), "solar_genset_fuel_l": ("<=", 0), "solar_trained_per_village": (">=", 24),
    "ecobalance_projects_percent": (">=", 40), "ecobalance_volume_tco2e": (">=", 10_000_000),
    "ecobalance_revenue_idr": (">=", 500_000_000), "ecobalance_companies": (">=", 30), "ecobalance_onchain_percent": (">=", 100),
    "ecobalance_uptime_percent": (">=", 99), "ecobalance_retired_percent": (">=", 50),
    "laras_satisfaction_percent": (">=", 80), "laras_answer_time_s": ("<=", 5), "laras_regulations_percent": (">=", 90),
    "personnel_preference_percent": (">=", 90), "personnel_served": (">=", 5000), "personnel_officers_trained": (">=", 200),
    "personnel_paper_change_percent": ("<=", -90), "personnel_travel_change_percent": ("<=", -100),
    "personnel_evaluations": (">=", 1), "jobtren_seekers_change_percent": (">=", 50),
}  # fmt: skip
DIRECTIONS = {  # indicators without a number
    "traffic_stop_time_s": "down", "traffic_speed_km_h": "up", "traffic_throughput_veh_per_h": "up", "junction_crashes": "down",
    "red_light_violations": "down", "emergency_travel_time_s": "down", "traffic_co2_g_per_veh_km": "down",
    "signal_electricity_kwh": "down", "signal_operating_cost_idr": "down", "signal_faults": "down", "signal_repair_time_h": "down",
    "traffic_satisfaction": "up", "traffic_app_users": "up", "podcast_jobs": "up", "podcast_printed_materials": "down",
    "podcast_innovation_rank": "down", "laras_user_growth_percent": "up", "jobtren_vacancies": "up", "unemployment_percent": "down",
    "jobtren_innovation_rank": "down", "iso37122_7_4_decentralised_percent": "up", "iso37122_7_10_stations_per_ev": "up",
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_of_the_book(name: str):
    kpi = catalogue()[name]
    assert (kpi.target_op, kpi.target) == TARGETS[name]
    assert kpi.target_wording


@pytest.mark.parametrize("name", DIRECTIONS)
def test_an_indicator_of_the_book(name: str):
    assert catalogue()[name].better == DIRECTIONS[name]


def test_the_catalogue_is_consistent():
    order = [kpi.programme for kpi in catalogue().values()]
    assert sorted(order, key=order.index) == order, "figures of a programme must stand together"
    for kpi in catalogue().values():
        assert kpi.better in {"up", "down"}, kpi.name
        assert (kpi.target is None) == (kpi.target_op == ""), kpi.name
        assert kpi.title_en, kpi.name
        assert kpi.title_id, kpi.name
        assert kpi.formula, kpi.name
        assert kpi.source, kpi.name
        assert bool(kpi.prior_note) == kpi.prior, kpi.name
