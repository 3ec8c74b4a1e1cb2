"""How something new spreads: Bass's closed form, a simulation of people, and the threshold model's invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import AdoptionError
from twin.places import kecamatan
from twin.programmes.adoption import Bass, bass_month, contacts, fit_bass, published, simulate_bass, threshold_month

# ---- theory ----------------------------------------------------------------------------------------------------------


def test_textbook_parameters_reach_15_percent_in_three_years():
    assert float(Bass(0.03, 0.38).share(3)) == pytest.approx(0.151, abs=0.001)
    assert float(Bass(0.042, 0.38).share(3)) == pytest.approx(0.20, abs=0.005)  # what the book's 20 % would need


def test_bass_solves_its_differential_equation():
    bass, t, h = Bass(0.02, 0.5, 0.6), np.linspace(0.1, 15, 40), 1e-5
    x = bass.share(t) / bass.market
    slope = (bass.share(t + h) - bass.share(t - h)) / (2 * h)
    np.testing.assert_allclose(slope, bass.market * (bass.p + bass.q * x) * (1 - x), rtol=1e-6)


@given(st.floats(0.001, 0.1), st.floats(0.01, 1.0), st.floats(0.05, 1.0))
def test_months_add_up_to_the_closed_form(p, q, market):
    share = np.zeros(1)
    for _ in range(36):
        share = bass_month(share, p, q, market)
    assert float(share[0]) == pytest.approx(float(Bass(p, q, market).share(3.0)), rel=1e-9)


# ---- agreement -------------------------------------------------------------------------------------------------------


def test_people_who_decide_by_chance_follow_the_closed_form():
    bass, months = Bass(0.03, 0.38, 0.8), 96
    runs = np.array([simulate_bass(bass, 50_000, months, np.random.default_rng(seed)) for seed in range(10)])
    # the closed form is continuous and the simulation monthly: half a month of q is the step error
    np.testing.assert_allclose(runs.mean(axis=0)[11::12], bass.share(np.arange(1, 9)), rtol=0.03)


def test_fit_finds_what_made_the_data():
    truth, years = Bass(0.02, 0.45, 0.7), np.arange(1, 11)
    noisy = np.maximum.accumulate(truth.share(years) * (1 + np.random.default_rng(1).normal(0, 0.01, 10)))
    found = fit_bass(years, noisy)
    assert (found.p, found.q, found.market) == pytest.approx((0.02, 0.45, 0.7), rel=0.15)


# ---- invariants and bad input ----------------------------------------------------------------------------------------


@given(st.floats(0, 1), st.floats(0, 0.3), st.floats(0.05, 0.5))
def test_threshold_shares_never_fall_or_leave_the_unit_interval(start, nudge, mean):
    contact, mixing = contacts(10.0, 0.8), np.array([[0.7, 0.3], [0.2, 0.8]])
    share = np.full((14, 2), start)
    for _ in range(5):
        after = threshold_month(share, contact, mixing, mean, 0.12, 0.1, nudge)
        assert (after >= share).all()
        assert (after <= 1).all()
        share = after


def test_a_nudge_tips_the_threshold_model_where_none_leaves_it_at_rest():
    contact, mixing = contacts(10.0, 0.8), np.eye(1)
    ends = []
    for nudge in (0.0, 0.15):
        share = np.zeros((14, 1))
        for _ in range(240):
            share = threshold_month(share, contact, mixing, 0.25, 0.08, 0.1, nudge)
        ends.append(share.mean())
    assert ends[0] < 0.01
    assert ends[1] > 0.95


def test_neighbours_hear_more_than_far_places():
    contact, names = contacts(10.0, 0.8), [one.name for one in kecamatan()]
    np.testing.assert_allclose(contact.sum(axis=1), 1.0)
    panggul = names.index("Panggul")
    assert contact[panggul, names.index("Munjungan")] > contact[panggul, names.index("Durenan")]


def test_published_ranges_have_a_source_and_order():
    assert all(one.low <= one.value <= one.high and one.source for one in published().values())


def test_faults_of_the_data_are_told_at_once():
    with pytest.raises(AdoptionError, match=r"2 faults(.|\n)*times must rise(.|\n)*cannot fall"):
        fit_bass(np.array([2.0, 1.0, 3.0]), np.array([0.3, 0.2, 0.4]))
