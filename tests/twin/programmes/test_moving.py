"""Crypto, podcast, AI-Preneur, Anti Mbangkong, LARAS: theory by hand, invariants, what one hears of another, continuation."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from twin.carbon.credits import mrv
from twin.city import City
from twin.labour.couplings import wanted
from twin.labour.facts import minimum_wage_idr
from twin.module import Seen
from twin.places import with_role
from twin.programmes import aipreneur, crypto, personnel, podcast, studies
from twin.programmes.alternatives import Way, ways
from twin.programmes.cli import app
from twin.programmes.dynamics import ranges, typical
from twin.programmes.facts import read
from twin.programmes.filing.rules import kinds
from twin.programmes.laras import KnowledgeModule
from twin.programmes.module import ProgrammesModule
from twin.programmes.options import ProgrammesOptions
from twin.programmes.personnel_module import PersonnelModule, outage_share, people_helped
from twin.scenario import Scenario

MONTH = pd.Period("2026-01", "M")


def filings(assumptions):
    return personnel.filings_month(assumptions, typical(assumptions, "personnel"))


def lived(module, months=1, seen=None, seed=1, **options):
    module.reset(SimpleNamespace(programmes=ProgrammesOptions(**options)), np.random.default_rng(seed))
    rows = []
    for i in range(months):
        module.step(MONTH + i, seen or Seen({}))
        rows.append(module.observe())
    return rows


MODULES = (podcast.PodcastModule, crypto.CryptoModule, aipreneur.AiPreneurModule, PersonnelModule, KnowledgeModule)

# ---- theory ----------------------------------------------------------------------------------------------------------


def test_log_price_has_the_mean_and_variance_of_merton():
    p = typical("twin", "crypto", drift_year=0.1, volatility_year=0.6, crashes_year=0.4)
    rng = np.random.default_rng(1)
    log = np.log([crypto.price_month(1.0, p, rng) for _ in range(40_000)])
    mean = (0.1 - 0.18) / 12 - 0.5 * 0.4 / 12
    variance = 0.36 / 12 + 0.4 / 12 * (0.5**2 + 0.2**2)
    assert log.mean() == pytest.approx(mean, abs=4 * (variance / 40_000) ** 0.5)
    assert log.var() == pytest.approx(variance, rel=0.05)


def test_an_episode_is_seen_as_often_as_it_is_worth():
    assert podcast.views_of_episode(np.arange(400), 100.0, 1.5).sum() == pytest.approx(100.0)


@given(st.lists(st.tuples(st.floats(0, 160), st.floats(0.01, 5)), min_size=1, max_size=30), st.integers(1, 4))
@settings(max_examples=50)
def test_queue_is_first_come_first_served_at_each_clerk(passes, clerks):
    at, service = np.array(sorted(a for a, _ in passes)), np.array([s for _, s in passes])
    left, free = personnel.queue(at, service, np.zeros(clerks))
    by_hand = np.zeros(clerks)
    for i in range(len(at)):
        by_hand[i % clerks] = max(by_hand[i % clerks], at[i]) + service[i]
        assert left[i] == pytest.approx(by_hand[i % clerks])
    np.testing.assert_allclose(free, by_hand)


def test_one_clerk_waits_as_pollaczek_and_khinchine_say():
    rng, n, busy = np.random.default_rng(2), 400_000, 0.7
    at = np.cumsum(rng.exponential(1.0, n))
    left, _ = personnel.queue(at, rng.exponential(busy, n), np.zeros(1))
    assert (left - at).mean() == pytest.approx(busy / (1 - busy), rel=0.05)  # M/M/1: time in the system


def test_books_trips_are_480_and_served_counts_make_a_month():
    shares, means = personnel.places()[0], filings("book")
    assert shares.sum() == pytest.approx(1.0)
    assert means @ personnel.TRIPS_EACH == 2 * (100 + 10 + 10 + 110 + 10)
    assert filings("twin")[personnel.KINDS.index("leave")] == pytest.approx(629 / 11)


def test_people_helped_is_the_occupancy_of_a_simulation():
    drawn = [len(set(np.random.default_rng(s).integers(0, 500, 700))) for s in range(200)]
    assert people_helped(700, 500) == pytest.approx(np.mean(drawn), rel=0.01)


def test_book_case_is_reproduced_and_its_errors_are_told():
    table, errors = aipreneur.book_case()
    assert [row["total"] for row in table.values()] == [1_444_800_000, 2_412_000_000, 3_864_000_000]
    prepare = next(one for one in errors if one.item == "Prepare")
    assert (prepare.stated_idr, prepare.computed_idr) == (78_000_000, 10_500_000)


def test_cohorts_stop_paying_where_mentors_are_full():
    p = typical("twin", "aipreneur", mentors=4, revenue_rise_idr_month=2e6)
    best, nets = aipreneur.best_cohorts(p)
    assert best == 3
    assert nets[4] < nets[3]


# ---- invariants ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_fewer_errors_make_no_more_passes_on_the_same_chance(seed):
    month = personnel.draw_month(filings("twin"), np.random.default_rng(seed))
    p = typical("twin", "personnel")
    manual = personnel.counter(month, p, np.zeros(4))
    digital = personnel.application(month, p, np.zeros(4), np.zeros(14))
    assert (digital.passes <= manual.passes).all()
    assert (manual.wait_h >= 0).all()
    assert (digital.wait_h >= 0).all()


def test_what_is_filed_is_what_the_desk_takes():
    filed = set(personnel.KINDS) - {"certificate_trip"}  # the trip for a recommendation's certificate is no request
    assert filed | {"maternity_leave"} == set(kinds())  # the book counts it among the leaves
    assert len(personnel.BOOK_ITEMS) < len(personnel.KINDS)
    trips = {row["item"]: float(row["trips_each"]) for row in read("personnel_savings.csv")}
    for kind, item in personnel.BOOK_ITEMS.items():
        assert personnel.TRIPS_EACH[personnel.KINDS.index(kind)] == trips[item]


def test_a_transfer_passes_two_offices_and_so_waits_longer():
    p = typical("twin", "personnel", transfers_month=400, awards_month=400)
    month = personnel.draw_month(personnel.filings_month("twin", p), np.random.default_rng(1))
    done = personnel.counter(month, {**p, "error_manual": 0.0}, np.zeros(4))
    transfer, award = (month.kind == personnel.KINDS.index(name) for name in ("transfer", "award"))
    assert (done.passes[transfer] == 2).all()
    assert (done.passes[award] == 1).all()
    assert (done.trips[transfer | award] == 2).all()
    assert done.wait_h[transfer].mean() > done.wait_h[award].mean() + 0.9 * personnel.REWORK_H


def test_a_broken_connection_delays():
    month = personnel.draw_month(filings("twin"), np.random.default_rng(1))
    p = typical("twin", "personnel")
    fine, dark = (personnel.application(month, p, np.zeros(4), np.full(14, share)).wait_h for share in (0.0, 0.5))
    assert dark.mean() > fine.mean() + 1


def test_paying_is_prohibited_unless_the_scenario_says_otherwise():
    shares = {}
    for regulation in ("investment_only", "voucher_token", "allowed"):
        given_p = typical("twin", "crypto", aware_p=0.5)
        rows = lived(crypto.CryptoModule(given_p), 60, crypto_regulation=regulation)
        shares[regulation] = rows[-1]["crypto_month"][0]["umkm_percent"]
        assert (rows[-1]["crypto_month"][0]["fees_idr"] > 0) == (regulation != "investment_only")
    assert shares["investment_only"] == 0 < shares["voucher_token"]
    assert ProgrammesOptions().crypto_regulation == "investment_only"


def test_losses_show():
    p = typical("twin", "crypto", drift_year=-1.0, earner_gain_percent=0.0)
    row = lived(crypto.CryptoModule(p), 36)[-1]["crypto_month"][0]
    assert row["income_gain_percent"] < 0
    assert row["gain_idr"] < 0
    assert row["losers_percent"] > 50
    assert row["drawdown_percent"] > 0


def test_neutral_waste_tokens_cost_the_budget_nothing():
    p = typical("twin", "crypto", waste_token_idr_kg=500, waste_saved_idr_kg=100, redeemed_share=0.9)
    assert crypto.redeemed_idr(p, 1000, True) == (100_000, 0.0)
    assert crypto.redeemed_idr(p, 1000, False) == (450_000, 350_000)


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_every_question_of_laras_is_answered_or_abstained_from(seed, beyond, missed):
    p = typical("twin", "laras", beyond_share=beyond, missed_formal=missed, months_built=0)
    for month in lived(KnowledgeModule(p), 6, seed=seed):
        row = month["laras_month"][0]
        assert row["answered"] + row["abstained"] == row["questions"]
        assert 0 <= row["right"] <= row["answered"]
        assert row["satisfied"] <= row["questions"]
        assert row["active"] <= min(row["users"], row["questions"])
        assert row["hours_saved"] == pytest.approx(row["right"] * p["hours_saved"])


def test_laras_answers_as_often_as_its_rates_say():
    p = typical("twin", "laras", use_p_year=50, questions_user_month=3, months_built=0, documents_first=70)
    row = lived(KnowledgeModule(p), 3)[-1]["laras_month"][0]
    missed = p["colloquial_share"] * p["missed_colloquial"] + (1 - p["colloquial_share"]) * p["missed_formal"]
    answered = (1 - p["beyond_share"]) * (1 - missed) + p["beyond_share"] * p["answered_beyond"]
    # by hand; about 19,000 questions, four standard errors of a share
    assert row["answered"] / row["questions"] == pytest.approx(answered, abs=4 * 0.5 / row["questions"] ** 0.5)


def test_ranges_are_in_order_with_a_source_and_the_book_only_replaces():
    for programme in studies.MOVING:
        assert set(ranges("book", programme)) == set(ranges("twin", programme))
        for one in ranges("twin", programme).values():
            assert one.low <= one.value <= one.high
            assert one.source


@pytest.mark.parametrize("module", MODULES)
def test_a_restored_module_goes_on_to_the_bit(module):
    scenario, fresh = Scenario.load("book"), [module()]
    city = City(scenario, 3, fresh)
    for _ in range(7):
        city.step()
    saved = json.loads(json.dumps(city.checkpoint()))
    other = City(scenario, 3, [module()])
    other.restore(saved)
    for _ in range(8):
        city.step()
        other.step()
        assert city.observed == other.observed


@pytest.mark.parametrize("module", MODULES)
def test_rows_are_what_the_dictionary_says(module):
    for observed in lived(module(), 14):
        for table, rows in observed.items():
            for row in rows:
                assert list(row) == [column.name for column in module.tables[table].columns]


@pytest.mark.parametrize("module", MODULES)
def test_nothing_happens_before_the_start(module):
    assert lived(module(), 3, starts={module.programme or module.name: 2})[:2] == [{}, {}]


# ---- what one hears of another ---------------------------------------------------------------------------------------


def test_podcast_makes_more_people_aware_most_near_panggul():
    p = typical("twin", "crypto")
    quiet = lived(crypto.CryptoModule(p), 6)[-1]["crypto_kecamatan"]
    heard = lived(crypto.CryptoModule(p), 6, Seen({"podcast": {"podcast_month": [{"reach": 20_000.0}]}}))[-1]
    gain = [
        b["awareness_percent"] - a["awareness_percent"] for a, b in zip(quiet, heard["crypto_kecamatan"], strict=True)
    ]
    assert min(gain) > 0
    assert int(np.argmax(gain)) == with_role("podcast_studio")[0]


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 2e4), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_more_reach_means_no_less_awareness_or_use_anywhere(reach, more, users, seed):
    p = typical("twin", "crypto")
    fewer, greater = (
        lived(
            crypto.CryptoModule(p),
            12,
            seed=seed,
            crypto_regulation="voucher_token",
            seen=Seen({"podcast": {"podcast_month": [{"reach": r}]}, "knowledge": {"laras_month": [{"users": users}]}}),
        )
        for r in (reach, reach + more)
    )
    for one, two in zip(fewer, greater, strict=True):
        for a, b in zip(one["crypto_kecamatan"], two["crypto_kecamatan"], strict=True):
            for name in list(a)[1:]:
                assert 0 <= a[name] <= b[name] + 1e-9 <= 100 + 1e-6


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("podcast", {"podcast": {"podcast_month": [{"reach": 4e4}]}}),
        ("school", {}),
        ("laras", {"knowledge": {"laras_month": [{"users": 4e4}]}}),
    ],
)
def test_podcast_schools_and_laras_nudge_the_groups_that_hear_them(source, told):
    without = typical("twin", "crypto", nudge_aware=0, nudge_podcast=0, nudge_school=0, nudge_laras=0)
    rows = [
        lived(crypto.CryptoModule(p), 24, Seen(told), crypto_regulation="voucher_token")[-1]["crypto_month"][0]
        for p in (without, {**without, f"nudge_{source}": 0.3})
    ]
    assert rows[0]["awareness_percent"] == rows[1]["awareness_percent"]
    gain = {name: rows[1][f"{name}_percent"] - rows[0][f"{name}_percent"] for name in ("umkm", "students", "adults")}
    assert min(gain.values()) > 0  # heard, or seen at those who heard
    assert source != "school" or max(gain, key=gain.get) == "students"


def test_lessons_make_pupils_aware():
    rows = [
        lived(crypto.CryptoModule(typical("twin", "crypto", schools_year=rate)), 12)[-1]["crypto_month"][0]
        for rate in (0.0, 0.5)
    ]
    assert rows[1]["awareness_percent"] > rows[0]["awareness_percent"]


def test_laras_makes_people_aware():
    p = typical("twin", "crypto")
    rows = [
        lived(crypto.CryptoModule(p), 3, Seen({"knowledge": {"laras_month": [{"users": users}]}}))[-1]["crypto_month"][
            0
        ]
        for users in (0, 5000)
    ]
    assert rows[1]["awareness_percent"] > rows[0]["awareness_percent"]


@pytest.mark.parametrize(
    "told", [{"podcast": {"podcast_month": [{"reach": 5e4}]}}, {"knowledge": {"laras_month": [{"users": 5e4}]}}]
)
def test_podcast_and_laras_fill_seats_of_aipreneur(told):
    p = typical("twin", "aipreneur", applicants=12)
    seen = Seen(told)
    assert lived(aipreneur.AiPreneurModule(p))[0]["aipreneur_month"][0]["businesses"] == 12
    assert lived(aipreneur.AiPreneurModule(p), 1, seen)[0]["aipreneur_month"][0]["businesses"] == 20


def test_hires_of_aipreneur_become_vacancies():
    p = typical("twin", "aipreneur", jobs_per_business=2)
    ended = lived(aipreneur.AiPreneurModule(p), 5)[-1]
    assert {row["wage_idr_month"] for row in ended["aipreneur_jobs"]} == {minimum_wage_idr(2025)}
    seats = wanted(Seen({"aipreneur": ended}), 2_378_784.0)
    assert sum(one.seats for one in seats) == ended["aipreneur_month"][0]["jobs"] > 0


@pytest.mark.parametrize(("sector", "column"), [("crypto", "levies_idr"), ("aipreneur", "tax_idr")])
def test_levies_and_tax_become_regional_income(sector, column):
    seen = Seen({sector: {f"{sector}_month": [{column: 12_345.0, "waste_budget_idr": 0.0}]}})
    for month in lived(ProgrammesModule(), 50, seen, draws=10):  # from the first month on, and past the appraised life
        assert next(row for row in month["programme_month"] if row["programme"] == sector)["pad_idr"] == 12_345


def test_trips_avoided_become_a_claim_of_the_carbon_sector():
    months = lived(PersonnelModule(typical("twin", "personnel")), 6)[-1]
    claims = mrv.claims(Seen({"personnel": months}), "2026-06", 0.0, 0.0)
    trips = next(claim for claim in claims if claim.activity == "trips")
    assert trips.tco2e > 0


def test_outages_at_offices_without_a_system_reach_personnel():
    from twin.places import kecamatan, villages

    site = villages()[0]
    of = sum(one.kecamatan == site.kecamatan for one in villages())
    share = outage_share(Seen({"solar": {"solar_reliability": [{"code": site.code, "service_lost_h": 16.0}]}}))
    place = [one.name for one in kecamatan()].index(site.kecamatan)
    assert of > 0
    assert share[place] == pytest.approx(16.0 / personnel.OFFICE_H)
    assert share.sum() == share[place]


def test_outages_at_offices_without_a_system_keep_questions_from_laras():
    from twin.places import villages

    p = typical("twin", "laras", use_p_year=5, questions_user_month=2, months_built=0)
    dark = [{"code": site.code, "service_lost_h": personnel.OFFICE_H / 4} for site in villages()]
    fine, out = (
        lived(KnowledgeModule(p), 3, seen)[-1]["laras_month"][0]
        for seen in (Seen({}), Seen({"solar": {"solar_reliability": dark}}))
    )
    assert (fine["unasked"], fine["service_lost_h"]) == (0, 0.0)
    assert out["service_lost_h"] == pytest.approx(personnel.OFFICE_H / 4)
    wanted = out["unasked"] + out["questions"]
    assert out["unasked"] / wanted == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / wanted) ** 0.5)
    assert out["users"] == fine["users"]  # who would ask does not hang on the power


# ---- the commands ----------------------------------------------------------------------------------------------------


def test_targets_and_savings_as_json():
    out = CliRunner().invoke(app, ["targets", "--scenario", "book", "--seeds", "1..12", "--json"])
    rows = {row["kpi"]: row for row in json.loads(out.stdout)}
    assert rows["crypto_umkm_percent"]["probability"] == 0
    assert rows["aipreneur_businesses"]["probability"] == 1
    assert any(row["matters_most"] for row in rows.values())
    out = CliRunner().invoke(app, ["savings", "--seeds", "1..3", "--assumptions", "book", "--json"])
    rows = {row["item"]: row for row in json.loads(out.stdout)}
    assert rows["return trips avoided"]["book"] == 480
    assert rows["all recurring"]["book"] == 22_450_000
    assert rows["transfer"]["book"] is rows["award"]["book"] is None


def test_the_case_shows_the_books_table_beside_the_twins():
    rows = json.loads(CliRunner().invoke(app, ["case", "--json"]).stdout)
    totals = {row["case"]: row for row in rows if row["item"] == "total"}
    assert totals["moderate"]["book_stated_idr"] == 2_412_000_000
    assert all(row["difference_idr"] == 0 for row in rows)
    # by hand: 16 businesses, a year: 1 million more at a margin of 30 % and half a million of marketing saved
    assert totals["moderate"]["twin_idr"] == 16 * 12 * (300_000 + 500_000)


def test_the_podcasts_money_spent_otherwise_by_hand():
    p = typical("twin", "podcast", ad_idr_per_view=50, reach_per_view=0.5, visit_share=0.001, sale_share=0.002,
                ad_visit_factor=0.5, ad_sale_factor=1.0, training_visit_idr=500_000, training_people=2,
                training_orders_month=4, training_months=10)  # fmt: skip
    months = pd.DataFrame(
        {"cost_idr": [600_000.0, 400_000.0], "reach": [10.0, 20.0], "visits": [1, 0], "orders": [0, 2]}
    )
    found = ways(months, p)
    assert found["podcast"] == Way(30.0, 1.0, 2.0)
    assert found["ads"] == Way(10_000.0, 10.0, 40.0)
    assert found["training visits"] == Way(4.0, 0.0, 80.0)


def test_alternatives_pay_the_same_and_show_the_studio():
    out = CliRunner().invoke(app, ["alternatives", "--scenario", "book", "--seeds", "1..6", "--json"])
    found = json.loads(out.stdout)
    price = {(row["cost_of_a"], row["way"]): row for row in found["prices"]}
    assert len(price) == 9
    assert price["visit to Panggul", "training visits"]["median"] is None
    assert all(0 <= row["podcast_cheaper"] <= 1 for (_, way), row in price.items() if way != "podcast")
    assert [row["target"] for row in found["studio"][:2]] == [70, 30]
    assert CliRunner().invoke(app, ["alternatives", "--scenario", "status_quo"]).exit_code == 2


def test_an_unknown_programme_is_a_usage_error():
    assert CliRunner().invoke(app, ["assumptions", "solar"]).exit_code == 2
