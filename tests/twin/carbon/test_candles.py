"""Candles by hand, against pandas, and over any stream of trades; arbitrage re-mints what it bought too much."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.carbon.marketdata.candles import Candle, candles
from twin.carbon.module import CarbonModule
from twin.carbon.options import CarbonOptions
from twin.module import Seen

TRADE = st.tuples(st.integers(0, 500), st.integers(1, 10**6), st.integers(1, 1000))


def test_theory_a_candle_by_hand():
    found = candles(np.array([541, 550, 599.9, 660]), np.array([5, 9, 7, 4]), np.array([1, 2, 3, 4]), 60)
    assert found == [Candle(540, 5, 9, 5, 7, 6), Candle(660, 4, 4, 4, 4, 4)]
    assert candles(np.array([]), np.array([]), np.array([]), 60) == []


@given(st.lists(TRADE, min_size=1), st.integers(1, 60))
def test_agreement_with_pandas(trades, every):
    time, price, lots = np.array(sorted(trades)).T
    grouped = pd.DataFrame({"price": price, "lots": lots}).groupby(time // every * every)
    table = grouped["price"].ohlc().assign(lots=grouped["lots"].sum())
    assert [tuple(vars(one).values()) for one in candles(time, price, lots, every)] == list(table.itertuples(name=None))


@pytest.mark.parametrize(("supply_ratio", "crossed"), [(4.0, "remint"), (0.3, "tokenise")])
def test_hours_of_a_day_make_the_day_and_arbitrage_crosses_over(supply_ratio, crossed):
    module = CarbonModule()
    options = CarbonOptions(sync_rule="arbitrage", supply_ratio=supply_ratio)
    module.reset(SimpleNamespace(carbon=options), np.random.default_rng(1))
    actions: dict[str, int] = {}
    for i in range(4):
        module.step(pd.Period("2026-01", "M") + i, Seen({}))
        rows = module.observe()
        hours, days = pd.DataFrame(rows["carbon_candle"]).groupby("day"), pd.DataFrame(rows["carbon_day"])
        days = days[days.volume_tco2e > 0].set_index("day")
        assert hours.volume_tco2e.sum().to_dict() == days.volume_tco2e.to_dict()
        assert hours.high_idr.max().to_dict() == days.high_idr.to_dict()
        assert hours.close_idr.last().to_dict() == days.close_idr.to_dict()
        (month,) = rows["carbon_month"]
        assert month["conserved"] == 1
        burned = sum(e["tco2e"] for e in rows["carbon_ledger"] if e["action"] == "remint")
        assert month["reminted_tco2e"] == burned
        for entry in rows["carbon_ledger"]:
            actions[entry["action"]] = actions.get(entry["action"], 0) + entry["tco2e"]
        assert module.market.position[module.market.groups["arbitrageurs"].accounts].tolist() == (
            module.market.groups["arbitrageurs"].endowment().tolist()
        )
    assert actions[crossed] > 0
