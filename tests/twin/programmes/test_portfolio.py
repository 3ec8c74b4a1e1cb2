"""The best use of a budget: against every choice there is, by hand, and what a rupiah more buys."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.programmes.portfolio import Item, PortfolioError, Wish, best, front

ITEMS = [
    Item("signals", 1, 500e6, 2_000e6, 500e6, 4_000e6),
    Item("solar", 10, 30e6, -15e6, -20e6, -10e6, 1.0),
    Item("aipreneur", 3, 160e6, 400e6, 100e6, 800e6),
    Item("podcast", 1, 30e6, 6e6, -30e6, 20e6),
]


def by_trying(items, wish):
    ranges = [range(one.most + 1) for one in items]
    found = []
    for units in product(*ranges):
        cost = sum(n * one.cost_idr for n, one in zip(units, items, strict=True))
        co2 = sum(n * one.co2_tco2e_year for n, one in zip(units, items, strict=True))
        if cost <= wish.budget_idr + 1 and co2 >= wish.least_co2_tco2e_year - 1e-9:
            found.append(sum(n * one.value_idr for n, one in zip(units, items, strict=True)))
    return max(found, default=None)


@settings(max_examples=40)
@given(st.integers(0, 1500), st.integers(0, 12))
def test_no_choice_is_better(budget_million, tonnes):
    wish = Wish(budget_million * 1e6, tonnes)
    wanted = by_trying(ITEMS, wish)
    if wanted is None:
        with pytest.raises(PortfolioError):
            best(ITEMS, wish)
        return
    choice = best(ITEMS, wish)
    assert choice.value_idr == pytest.approx(wanted, abs=1)
    assert choice.cost_idr <= wish.budget_idr + 1
    assert choice.co2_tco2e_year >= tonnes - 1e-9


def test_shadow_prices_by_hand():
    # 600 million buy the signals (4 Rp for 1) and part of a cohort (2.5 Rp for 1): that is what a rupiah more brings.
    choice = best(ITEMS, Wish(600e6))
    assert choice.budget_price == pytest.approx(2.5)
    # With money to spare a tonne costs the loss of one solar office.
    choice = best(ITEMS, Wish(5_000e6, least_co2_tco2e_year=4))
    assert choice.budget_price == pytest.approx(0.0)
    assert choice.co2_price_idr == pytest.approx(15e6)
    assert choice.units["solar"] == 4


def test_what_must_and_must_not_run():
    choice = best(ITEMS, Wish(700e6, least={"podcast": 1}, most={"signals": 0}))
    assert choice.units == {"signals": 0, "solar": 0, "aipreneur": 3, "podcast": 1}
    with pytest.raises(PortfolioError, match="what must be bought costs 530,000,000"):
        best(ITEMS, Wish(100e6, least={"signals": 1, "podcast": 1}))


def test_the_front_never_falls():
    values = [choice.value_idr for _, choice in front(ITEMS, Wish(0))]
    assert len(values) == 25
    assert (np.diff(values) >= -1).all()
