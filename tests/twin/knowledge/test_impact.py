"""The impact agent: its model by hand and against simulated truth, its table, and what a document says of a class."""

import math

import numpy as np
import pytest
from scipy.stats import t

from twin.knowledge.facts import rows
from twin.knowledge.impact import IN_CO2, LEVEL, estimate, fitted, left_out, published, rate

QUANTITIES = ("forest_growth", "mangrove_growth", "mangrove_soil", "grid_factor", "root_shoot")


def test_theory_the_analysis_of_variance_by_hand():
    # logarithms: a 0, 2 and b 4, 6. Within: (1+1+1+1) / 2 = 2. Across: 2*4 + 2*4 = 16; (16 - 2) / (4 - 8/4) = 7
    fit = fitted([("a", 1), ("a", math.e**2), ("b", math.e**4), ("b", math.e**6)])
    assert (fit.residual, fit.between, fit.mean, fit.freedom) == pytest.approx((2, 7, 3, 2))
    # b is pulled to the mean by 7 / (7 + 2/2) = 7/8: 3 + 7/8 * 2; variance 7/8 * 1 + (1/8)**2 * (7 + 1) / 2, and 2
    assert fit.predict("b") == pytest.approx((4.75, math.sqrt(2 + 7 / 8 + 4 / 64)))
    assert fit.predict("never seen") == pytest.approx((3, math.sqrt(2 + 7 + 4)))


def test_theory_a_row_a_class_scatters_as_a_whole():
    fit = fitted([("a", 1), ("b", math.e**2)])
    assert (fit.residual, fit.between, fit.freedom) == pytest.approx((2, 0, 1))
    with pytest.raises(ValueError, match="two values"):
        fitted([("a", 1)])


def test_theory_the_interval_holds_a_new_draw_as_often_as_it_says():
    rng, held, runs = np.random.default_rng(1), 0, 500
    for _ in range(runs):
        means = rng.normal(2, 0.7, 4)
        drawn = [(str(k), math.exp(rng.normal(means[k], 0.5))) for k in range(4) for _ in range(4)]
        fit = fitted(drawn)
        location, scale = fit.predict("0")
        held += abs(rng.normal(means[0], 0.5) - location) <= scale * t.ppf((1 + LEVEL) / 2, fit.freedom)
    assert held / runs == pytest.approx(LEVEL, abs=0.04)  # 3 standard errors


def test_every_row_is_convertible_and_says_where_it_is_from():
    for row in rows("published_factors"):
        assert rate(row) > 0
        assert row["source"]
        assert row["confidence"] in ("published", "second hand", "prior")
        assert row["unit"].removesuffix("/year") in IN_CO2
    known = {(row["quantity"], row["class"]) for row in rows("published_factors")}
    assert {(row["quantity"], row["class"]) for row in rows("growth_classes")} <= known


def test_theory_units_by_hand():
    of = {row["source"][:4] + row["value"]: rate(row) for row in rows("published_factors")}
    assert of["Poor3.05"] == pytest.approx(3.05 * 44 / 12)
    assert of["Alon179.6"] == pytest.approx(1.796 * 44 / 12)
    roots = (0.18 * 0.381 * 0.26) ** (1 / 3)
    assert of["Krae120"] == pytest.approx(120 / 20 * 44 / 12 / (1 + roots))


def test_a_left_out_row_lies_in_the_interval_of_the_others():
    held = [one for quantity in QUANTITIES for one in left_out(quantity)]
    assert len(held) == sum(len(published(quantity)) for quantity in QUANTITIES)
    assert sum(held) / len(held) >= 0.8


def test_a_document_says_which_forest_it_is():
    mid = {text: estimate(["forest_growth"], text).mid for text in ("hutan tanaman jati", "regenerasi alami", "primer")}
    assert mid["hutan tanaman jati"] > mid["primer"] > mid["regenerasi alami"]  # unsaid: an equal share of both
    assert "old_growth" in estimate(["forest_growth"], "hutan primer").source


def test_a_yield_without_a_published_row_is_called_a_prior():
    found = estimate(["grid_factor"], "PLTS 100 kWp")
    assert "prior" in found.source
    assert "second hand" in found.source
    assert found.low < 0.82 * 1.29 < found.high
