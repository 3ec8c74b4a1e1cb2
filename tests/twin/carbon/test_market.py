"""The market on the calendar: conservation, replay to the bit, calibration, surveillance, statistics by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from twin.carbon.facts import value
from twin.carbon.marketdata import stats
from twin.carbon.module import CarbonModule
from twin.carbon.options import CarbonOptions
from twin.carbon.protection import detect
from twin.carbon.protection.log import DayLog
from twin.carbon.studies import surveillance, sync_rules
from twin.module import Seen
from twin.programmes.module import ProgrammesModule
from twin.programmes.options import ProgrammesOptions

START = pd.Period("2026-01", "M")
CITY = Seen({"solar": {"solar_total": [{"co2_avoided_kg": 13_000.0}]}})


def begun(**options) -> CarbonModule:
    module = CarbonModule()
    module.reset(SimpleNamespace(carbon=CarbonOptions(**options)), np.random.default_rng(1))
    return module


@pytest.fixture(scope="module")
def year() -> list[dict]:
    """A year of the default market."""
    module, months = begun(), []
    for i in range(12):
        module.step(START + i, CITY)
        months.append(module.observe())
    return months


def test_golden_the_default_market_has_the_size_of_2024(year):
    traded = sum(month["carbon_month"][0]["volume_tco2e"] for month in year)
    assert traded == pytest.approx(value("volume_2024"), rel=0.25)


def test_the_depth_of_the_book_is_a_table(year):
    for month in year:
        rows, bids, asks = month["carbon_depth"], [], []
        for row in rows:
            (bids if row["side"] == "buy" else asks).append(row["price_idr"])
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert not bids or not asks or bids[0] < asks[0]
        assert all(row["lots"] >= row["orders"] >= 1 for row in rows)
    assert any(month["carbon_depth"] for month in year)


def test_the_ledger_conserves_in_every_month(year):
    for month in year:
        row = month["carbon_month"][0]
        assert row["conserved"] == 1
        assert row["issued"] == row["spe_grk"] + row["tokens"] + row["retired"] + row["cancelled"]
    numbers = [entry["number"] for month in year for entry in month["carbon_ledger"]]
    assert numbers == list(range(len(numbers)))


def test_measured_reductions_become_credits_once(year):
    rows = [row for month in year for row in month["carbon_mrv"]]
    assert {row["activity"] for row in rows} == {"solar", "forest"}
    solar = [row for row in rows if row["activity"] == "solar"]
    assert len(solar) == 11  # the first month has seen nobody
    assert sum(row["issued_tco2e"] for row in solar) <= 11 * 13
    issues = [e["batch"] for month in year for e in month["carbon_ledger"] if e["action"] == "issue"]
    assert len(issues) == len(set(issues))


def test_prices_keep_to_the_days_limits_and_the_tick(year):
    days = pd.DataFrame([day for month in year for day in month["carbon_day"]])
    assert (days.low_idr % 50 == 0).all()
    assert (days.high_idr >= days.low_idr).all()
    assert (days.close_idr.pct_change().dropna().abs() <= 0.2 + 1e-9).all()


def test_a_checkpoint_continues_to_the_bit():
    planted = {"circular": 1, "coordinated": 1, "spoofing": 1, "laundering": 1}
    whole, first, second = begun(manipulators=planted), begun(manipulators=planted), begun(manipulators=planted)
    for i in range(2):
        whole.step(START + i, CITY)
        first.step(START + i, CITY)
    saved = json.loads(json.dumps({"state": first.state(), "rng": first.rng.bit_generator.state}))
    second.rng.bit_generator.state = saved["rng"]
    second.restore(saved["state"])
    for i in range(2, 4):
        whole.step(START + i, CITY)
        second.step(START + i, CITY)
        assert whole.observe() == second.observe()


def test_surveillance_finds_what_is_planted():
    rows = {row["type"]: row for row in surveillance(CarbonOptions(), 2, [5], 3)}
    assert {kind: row["planted"] for kind, row in rows.items()} == dict.fromkeys(rows, 3)
    for kind, row in rows.items():
        assert row["recall"] >= 2 / 3, kind
        assert row["precision"] >= 0.6, kind


def test_held_out_manipulators_are_found_less_often_than_plain_ones():
    plain, evasive = (surveillance(CarbonOptions(), 2, [5], 3, held_out) for held_out in (False, True))
    assert sum(row["planted"] for row in plain) == sum(row["planted"] for row in evasive) == 12
    assert sum(row["found"] for row in evasive) < sum(row["found"] for row in plain)


def test_without_manipulators_there_are_few_alerts(year):
    assert sum(len(month["carbon_alert"]) for month in year) <= 12


def test_the_band_keeps_the_price_nearer_than_no_rule():
    rows = {row["rule"]: row for row in sync_rules(CarbonOptions(), 2, [1])}
    assert rows["band"]["tracking_error_percent"] < rows["none"]["tracking_error_percent"]
    assert rows["arbitrage"]["volume_tco2e"] > rows["none"]["volume_tco2e"]
    assert rows["peg"]["volume_tco2e"] < rows["none"]["volume_tco2e"]


def test_the_platforms_revenue_is_regional_income_of_the_month_after():
    programmes = ProgrammesModule()
    scenario = SimpleNamespace(programmes=ProgrammesOptions(draws=10))
    programmes.reset(scenario, np.random.default_rng(1))
    for i in range(14):
        programmes.step(START + i, Seen({"carbon": {"carbon_month": [{"revenue_idr": 7_000_000}]}}))
        (row,) = (row for row in programmes.observe()["programme_month"] if row["programme"] == "ecobalance")
        assert row["pad_idr"] == (7_000_000 if i >= 12 else 0)  # twelve months of building first


def day_log(trades) -> DayLog:
    """A day in which seller rests and buyer takes, all at one price: trades of (seller, buyer, lots)."""
    n = len(trades)
    account = np.array([who for seller, buyer, _ in trades for who in (seller, buyer)])
    lots = np.array([t for *_, t in trades])
    zeros = np.zeros(2 * n, int)
    return DayLog("d", zeros, np.tile([1, 0], n), zeros + 100, np.repeat(lots, 2), zeros - 1, account, zeros,
                  2 * np.arange(n) + 1, 2 * np.arange(n), np.full(n, 100), lots, np.empty((0, 4)))  # fmt: skip


def test_theory_a_ring_and_a_pair_are_found_and_a_chain_is_not():
    log = day_log([(1, 2, 100), (2, 3, 100), (3, 1, 90), (7, 8, 50), (8, 7, 50), (10, 11, 80), (11, 12, 80)])
    alerts = detect.cycles(log)
    assert {(alert.type, alert.accounts) for alert in alerts} == {("circular", (1, 2, 3)), ("coordinated", (7, 8))}
    assert detect.wash_trades(log, alerts).tolist() == [True] * 5 + [False] * 2


def test_theory_statistics_by_hand():
    assert stats.gini(np.array([1, 1, 1, 1])) == pytest.approx(0)
    assert stats.gini(np.array([0, 0, 0, 4])) == pytest.approx(0.75)
    assert stats.gini(np.array([0, 0])) is None
    assert stats.impact_idr_per_t(np.array([10, -20]), np.array([5, -10])) == pytest.approx(0.5)
    assert stats.tracking_error_percent(np.array([110.0]), np.array([100.0])) == pytest.approx(100 * np.log(1.1))
    bars = stats.candles(np.array([0.5, 0.9, 2.1]), np.array([10, 12, 9]), np.array([1, 2, 3]), 1.0)
    assert bars.tolist() == [[0, 10, 12, 10, 12, 3], [2, 9, 9, 9, 9, 3]]
    assert stats.volatility_percent(np.array([100.0, 100.0, 100.0]), 245) == 0
