"""The city's rules: one stream a name, Jacobi coupling, checkpoints that continue to the bit."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import Counter

from twin.city import City, stream
from twin.scenario import Scenario

EMPTY = Scenario(name="empty", horizon_months=6)


def lived(*modules, months=6, seed=1):
    city = City(EMPTY, seed, modules)
    history = []
    for _ in range(months):
        city.step()
        history.append(city.observed)
    return history


def test_adding_a_module_changes_no_other_modules_draws():
    alone = [month["a"] for month in lived(Counter("a", "nobody"))]
    in_company = [month["a"] for month in lived(Counter("b"), Counter("a", "nobody"), Counter("c"))]
    assert alone == in_company


def test_the_order_of_modules_cannot_change_a_result():
    forward = lived(Counter("a", "b"), Counter("b", "a"))
    backward = lived(Counter("b", "a"), Counter("a", "b"))
    assert forward == backward


def test_seen_is_the_month_before():
    history = lived(Counter("a", "b"), Counter("b", "a"))
    draws = [month["b"]["b_rows"][0]["draw"] for month in history]
    assert [month["a"]["a_rows"][0]["saw"] for month in history] == [0.0, *draws[:-1]]


def test_streams_differ_by_name_and_by_seed():
    draws = {stream(seed, name).integers(2**63) for seed in (1, 2) for name in ("traffic", "solar")}
    assert len(draws) == 4


@given(st.integers(1, 5))
def test_a_checkpoint_continues_to_the_bit(stop_after: int):
    whole = lived(Counter("a", "b"), Counter("b", "a"))
    first = City(EMPTY, 1, [Counter("a", "b"), Counter("b", "a")])
    for _ in range(stop_after):
        first.step()
    saved = json.loads(json.dumps(first.checkpoint()))
    second = City(EMPTY, 1, [Counter("a", "b"), Counter("b", "a")])
    second.restore(saved)
    assert second.months_lived == second.steps == stop_after
    rest = []
    while not second.finished:
        second.step()
        rest.append(second.observed)
    assert rest == whole[stop_after:]


def test_the_calendar_ends_at_the_horizon():
    city = City(Scenario(name="x", start="2027-11", horizon_months=3), 1, [Counter()])
    while not city.finished:
        city.step()
    assert city.month == pd.Period("2028-02", "M")
    assert city.months_lived == 3
    assert not city.running


@pytest.mark.parametrize("section", ["traffic", "solar", "carbon", "labour", "programmes"])
def test_switching_a_sector_off_leaves_the_others_draws_alone(section: str):
    base = Scenario.load("smoke", ["horizon_months=1"])
    without = Scenario.load("smoke", ["horizon_months=1", f"{section}=null"])
    full, less = City(base, 3), City(without, 3)
    full.step()
    less.step()
    for name, rows in less.observed.items():
        assert rows == full.observed[name], name
