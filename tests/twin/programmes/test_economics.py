"""The programmes' money: the book's tables to the rupiah, theory by hand, another tool, and invariants."""

import json
from types import SimpleNamespace

import numpy as np
import numpy_financial
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.city import City
from twin.module import Seen
from twin.programmes import appraisal, benefits, budget, ledger
from twin.programmes.crypto import CryptoModule
from twin.programmes.facts import PROGRAMMES, inputs, programmes, stands_on_prior
from twin.programmes.module import BudgetModule, ProgrammesModule
from twin.programmes.options import ProgrammesOptions, Starts
from twin.scenario import Scenario

# ---- the book's tables, given the book's inputs ----------------------------------------------------------------------


def test_book_aipreneur_table():
    rows = {case: benefits.aipreneur_table(case) for case in ("conservative", "moderate", "optimistic")}
    assert [rows[c]["revenue"] for c in rows] == [480_000_000, 1_200_000_000, 2_400_000_000]
    assert [rows[c]["tax"] for c in rows] == [4_800_000, 12_000_000, 24_000_000]
    assert [rows[c]["marketing saving"] for c in rows] == [480_000_000] * 3
    assert [rows[c]["jobs"] for c in rows] == [480_000_000, 720_000_000, 960_000_000]
    assert [rows[c]["total"] for c in rows] == [1_444_800_000, 2_412_000_000, 3_864_000_000]


def test_book_ecobalance_volume_and_revenue():
    volume = benefits.ecobalance_volume_t()
    assert (volume["month"], volume["year"]) == (1_506_667, 18_080_004)
    values = {name: one.value for name, one in inputs("book", "ecobalance").items()}
    assert volume["year"] == values["volume_t_year"]
    rows = benefits.ecobalance_rows(values)
    assert rows == {
        "fee": 1_808_000_400, "verification": 40_000_000, "API": 600_000_000, "ads": 300_000_000, "premium": 720_000_000,
    }  # fmt: skip
    assert benefits.ecobalance(values) == 3_468_000_400


def test_book_personnel_savings():
    savings = benefits.personnel_savings_idr()
    assert (savings["month"], savings["year"]) == (92_450_000, 339_400_000)
    assert (savings["recurring_month"], savings["recurring_year"], savings["once"]) == (
        22_450_000,
        269_400_000,
        70_000_000,
    )


def test_book_solar_office_and_jobtren_rate():
    assert budget.total_idr("solar", "stated") == budget.total_idr("solar", "computed") == 28_900_000
    saving = inputs("book", "solar")["saving_idr_office_month"]
    assert (saving.low, saving.high) == (200_000, 400_000)
    i = inputs("book", "jobtren")
    assert (
        round(float(100 * i["unemployed"].value / i["labour_force"].value), 2) == float(i["tpt_percent"].value) == 4.52
    )
    assert i["employed"].value + i["unemployed"].value == i["labour_force"].value


def test_book_every_budget_difference():
    found = {(d.programme, d.item): d.difference_idr for d in budget.differences()}
    assert found == {
        ("signals", "Sub B: solar/PLN hybrid supply"): 4_500_000,
        ("signals", "Sub B"): 4_000_000,
        ("signals", "Sub B, against the stated amounts under it"): -500_000,
        ("signals", "Total"): 4_000_000,
        ("podcast", "Total as first stated"): -6_400_000,
        ("aipreneur", "Prepare: selection"): -1_800_000,
        ("aipreneur", "Prepare"): 67_500_000,
        ("aipreneur", "Prepare, against the stated amounts under it"): 69_300_000,
        ("aipreneur", "Sum"): -1_800_000,
        ("aipreneur", "Sum, against the stated amounts under it"): -69_300_000,
        ("aipreneur", "Contingency 10 %"): -180_000,
        ("aipreneur", "Total"): -1_980_000,
        ("ecobalance", "Total"): 20_000_000,
        ("jobtren", "maintenance"): -48_000_000,
        ("jobtren", "socialisation"): -15_000_000,
        ("jobtren", "Total"): -63_000_000,
    }


def test_book_inconsistencies_are_computed():
    found = {(i.programme, i.item): i for i in budget.inconsistencies()}
    trips = found["personnel", "return trips avoided a month: at least"]
    assert (trips.stated, trips.computed) == (500, 480)
    certificates = found["personnel", "certificates a month against what was served"]
    assert certificates.computed == pytest.approx(6443 / 11)  # August 2024 to June 2025
    kgb = found["personnel", "periodic pay rise (KGB) a month against what was served"]
    assert kgb.computed == pytest.approx(220 / 5)
    assert found["aipreneur", "moderate total counts tax and wages twice"].computed == 1_680_000_000
    assert found["solar", "use a day that the highest saving needs"].computed == pytest.approx(7.74, abs=0.01)
    volume = found["ecobalance", "volume a year, forest rounded to 1.04 Mt a month"]
    assert volume.computed == pytest.approx(12 * (1_048_250 + 250_000 + 650_000 / 3))
    assert all(i.stated != i.computed for i in found.values())


# ---- theory by hand --------------------------------------------------------------------------------------------------


def test_theory_annuity_and_npv():
    assert appraisal.annuity(0.0, 7) == 7
    assert appraisal.annuity(0.1, 2) == pytest.approx(1 / 1.1 + 1 / 1.21)
    # 100 now, 60 at the end of each of two years at 10 %: −100 + 54.545 + 49.587 = 4.132
    assert appraisal.npv(100.0, 60.0, 0.1, 2) == pytest.approx(4.132, abs=1e-3)


def test_theory_payback():
    assert appraisal.payback_years(100, 40, 5) == 2.5
    assert appraisal.payback_years(100, 10, 5) is None
    assert appraisal.payback_years(100, 0, 5) is None
    assert appraisal.payback_years(100, -1, 5) is None


def test_theory_triangular_draws_have_their_mean():
    one = inputs("twin", "jobtren")["placements_year"]
    draws = appraisal.triangular(one, 200_000, np.random.default_rng(1))
    assert draws.mean() == pytest.approx(float(one.low + one.value + one.high) / 3, rel=0.01)
    assert draws.min() >= one.low
    assert draws.max() <= one.high


def test_theory_a_point_range_is_its_point():
    # EcoBalance's book inputs have no range: every draw gives the table.
    found = appraisal.appraise("book", "ecobalance", "stated", 0.10, 10, 50, np.random.default_rng(1))
    expected = 3_468_000_400 * appraisal.annuity(0.10, 10) - 230_000_000
    assert found.npv_p10_idr == pytest.approx(expected)
    assert found.npv_p90_idr == pytest.approx(expected)
    assert found.probability_npv_positive == 1.0
    assert found.payback_years == pytest.approx(230_000_000 / 3_468_000_400)


def test_the_effect_lasts_no_longer_than_its_life():
    one = appraisal.appraise("book", "aipreneur", "stated", 0.10, 3, 50, np.random.default_rng(1))
    assert one == appraisal.appraise("book", "aipreneur", "stated", 0.10, 30, 50, np.random.default_rng(1))


def test_a_tornado_is_sorted_and_brackets_the_mode():
    for programme in PROGRAMMES:
        swings = appraisal.tornado("twin", programme, "stated", 0.10, 10)
        widths = [abs(s.npv_high_idr - s.npv_low_idr) for s in swings]
        assert widths == sorted(widths, reverse=True)
        assert swings


def test_zero_effect_is_within_jobtrens_range():
    assert inputs("twin", "jobtren")["placements_year"].low == 0
    assert inputs("twin", "crypto")["gain_percent"].low < 0


# ---- another tool ----------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e9), st.floats(-1e9, 1e9), st.floats(0.001, 0.3), st.integers(1, 30))
def test_another_tool_numpy_financial_agrees_on_npv(capital, yearly, rate, years):
    theirs = numpy_financial.npv(rate, [-capital, *[yearly] * years])
    assert appraisal.npv(capital, yearly, rate, years) == pytest.approx(theirs, rel=1e-9, abs=1e-3)


# ---- invariants ------------------------------------------------------------------------------------------------------

postings = st.lists(
    st.builds(
        ledger.Posting,
        st.sampled_from(["cash", "spending", "income"]),
        st.sampled_from(["cash", "spending", "income"]),
        st.sampled_from(PROGRAMMES),
        st.integers(0, 10**15),
        st.just("x"),
    )
)


@given(postings)
def test_debits_equal_credits_to_the_rupiah(made):
    assert sum(ledger.balances(made).values()) == 0


@given(st.integers(-(10**15), 10**15), st.integers(1, 240))
def test_a_split_leaves_no_rupiah(amount, parts):
    shares = ledger.split(amount, parts)
    assert sum(shares) == amount
    assert len(shares) == parts
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("amount", [-1, 0.5])
def test_a_posting_is_whole_and_not_negative(amount):
    with pytest.raises(ValueError, match="whole, non-negative"):
        ledger.Posting("cash", "income", "solar", amount, "x")


def test_every_programme_has_inputs_in_both_sets_and_says_where_from():
    for which in ("book", "twin"):
        for key in PROGRAMMES:
            table = inputs(which, key)
            assert table, (which, key)
            for one in table.values():
                assert one.low <= one.value <= one.high, (which, key, one.name)
                assert one.source
                assert one.confidence in {"stated", "official", "measured", "prior"}
    assert set(programmes()) == set(PROGRAMMES)
    assert stands_on_prior("twin", "crypto")
    assert not stands_on_prior("book", "ecobalance")


# ---- the modules -----------------------------------------------------------------------------------------------------


def lived(months=18, solar_saving=None, crypto=(), **options):
    scenario = SimpleNamespace(programmes=ProgrammesOptions(draws=20, **options))
    modules = [ProgrammesModule(), BudgetModule()]
    for module in modules:
        module.reset(scenario, np.random.default_rng(1))
    history, observed = [], {}
    for i in range(months):
        seen = Seen(observed)
        for module in modules:
            module.step(pd.Period("2026-01", "M") + i, seen)
        observed = {module.name: module.observe() for module in modules}
        if solar_saving is not None:
            observed["solar"] = {"solar_total": [{"saving_idr": solar_saving}]}
        if crypto:
            levies, borne = crypto[i] if i < len(crypto) else (0.0, 0.0)
            observed["crypto"] = {"crypto_month": [{"levies_idr": levies, "waste_budget_idr": borne}]}
        history.append(observed)
    return history


def column(history, programme, name):
    return [
        next(row[name] for row in month["programmes"]["programme_month"] if row["programme"] == programme)
        for month in history
    ]


def test_capital_is_spent_to_the_rupiah():
    history = lived(months=12, assumptions="book")
    assert sum(column(history, "signals", "cost_idr")) == 569_000_000
    assert sum(column(history, "aipreneur", "cost_idr")) == 162_910_000
    assert sum(column(history, "solar", "cost_idr")) == 157 * 28_900_000
    assert sum(column(lived(months=12, budget_basis="computed"), "ecobalance", "cost_idr")) == 210_000_000


def test_a_year_of_benefit_is_the_books_table():
    history = lived(months=16, assumptions="book")
    assert sum(column(history, "aipreneur", "benefit_idr")) == 2_412_000_000  # months 5 to 16
    assert sum(column(history, "aipreneur", "pad_idr")) == 12_000_000


def test_the_budget_balances_to_the_rupiah_every_month():
    history = lived(months=18, assumptions="book")
    closing = ProgrammesOptions().budget_idr
    for before, month in zip([None, *history], history, strict=False):
        balance = month["budget"]["budget_balance"][0]
        assert balance["opening_idr"] == closing
        closing = balance["closing_idr"]
        assert closing == balance["opening_idr"] + balance["income_idr"] - balance["spending_idr"]
        rows = before["programmes"]["programme_month"] if before else []
        assert balance["spending_idr"] == sum(row["cost_idr"] + row["borne_idr"] for row in rows)
        assert balance["income_idr"] == sum(row["pad_idr"] for row in rows)


rupiahs = st.floats(-1e8, 1e8)


@given(st.lists(st.tuples(rupiahs.map(abs), rupiahs), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_every_rupiah_of_crypto_on_the_regional_budget_is_booked_exactly_once(told):
    history = lived(len(told) + 2, crypto=told)
    rows = [row for month in history for row in month["budget"]["ledger"] if row["programme"] == "crypto"]
    assert all(row["amount_idr"] > 0 for row in rows)
    booked = sorted(row["amount_idr"] * (1 if row["debit"] == "cash" else -1) for row in rows)
    cost = [-amount for amount in column(history, "crypto", "cost_idr")[:-1]]
    told_idr = [round(levies) for levies, _ in told] + [-round(borne) for _, borne in told]
    assert booked == sorted(amount for amount in cost + told_idr if amount)


@pytest.mark.parametrize("neutral", [True, False])
def test_the_crypto_sectors_own_months_reach_the_cash_once_each(neutral):
    chosen = ["programmes.crypto_regulation=voucher_token", f"programmes.waste_token_neutral={str(neutral).lower()}"]
    city = City(Scenario.load("book", chosen), 2, [CryptoModule(), ProgrammesModule(), BudgetModule()])
    levies, borne, cash = [], [], 0
    for _ in range(30):
        city.step()
        month = city.observed["crypto"]["crypto_month"][0]
        levies.append(round(month["levies_idr"]))
        borne.append(round(month["waste_budget_idr"]))
        for row in city.observed["budget"]["ledger"]:
            if row["programme"] == "crypto" and "cost" not in row["text"]:
                cash += row["amount_idr"] * (1 if row["debit"] == "cash" else -1)
    assert cash == sum(levies[:-2]) - sum(borne[:-2])  # booked two months later: shown, accounted, posted
    assert sum(levies[:-2]) > 0
    assert not neutral or max(borne) <= 0


def test_solar_benefit_follows_the_solar_sector():
    history = lived(months=15, solar_saving=12_000_000)
    months = programmes()["solar"].spend_months
    assert column(history, "solar", "benefit_idr") == [12_000_000 * min(t, months) // months for t in range(15)]


def test_a_programme_that_does_not_run_costs_and_gives_nothing():
    history = lived(months=3, starts=Starts(signals=None, laras=2))
    assert column(history, "signals", "cost_idr") == [0, 0, 0]
    assert column(history, "signals", "active") == [0, 0, 0]
    assert column(history, "laras", "active") == [0, 0, 1]


def test_the_count_of_months_survives_a_checkpoint():
    scenario = SimpleNamespace(programmes=ProgrammesOptions(draws=20))
    first, second = ProgrammesModule(), ProgrammesModule()
    first.reset(scenario, np.random.default_rng(1))
    first.step(pd.Period("2026-01", "M"), Seen({}))
    second.reset(scenario, np.random.default_rng(1))
    second.restore(json.loads(json.dumps(first.state())))
    for module in (first, second):
        module.step(pd.Period("2026-02", "M"), Seen({}))
    assert first.observe() == second.observe()
    assert first.observe()["appraisal"] == []
