"""Stable matching and the planner's optimum against other tools."""

import pytest

from twin.validation.labour import SIDES, optima, others


@pytest.mark.parametrize("side", SIDES)
def test_the_same_matching_as_the_matching_package_on_a_thousand_markets(side: str):
    pytest.importorskip("matching")
    assert others(side, 1000) == 0


def test_the_same_optimum_as_a_linear_programme_of_highs():
    ours, theirs = optima(100)
    assert ours == pytest.approx(theirs)
