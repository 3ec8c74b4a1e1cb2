"""How something new spreads: Bass's closed form, a simulation of people, and the threshold model's invariants."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from twin.errors import AdoptionError
from twin.places import kecamatan
from twin.programmes.adoption import Bass, bass_month, contacts, published, simulate_bass, threshold_month
from twin.programmes.cli import app
from twin.programmes.facts import read
from twin.programmes.fitting import Adopted, fit, read_adopted
from twin.programmes.groups import groups

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


def adopted(bass, m, months, rng=None):
    years = np.arange(1, months + 1) / 12
    new = m * np.diff(bass.share(years), prepend=0.0)
    return Adopted(years, np.cumsum(new if rng is None else rng.poisson(new)).astype(float))


@pytest.mark.parametrize("truth", [(0.03, 0.38, 5000), (0.02, 0.8, 2000), (0.1, 0.3, 800)])
def test_fit_recovers_the_closed_form(truth):
    p, q, m = truth
    found = fit(adopted(Bass(p, q), m, 60))
    assert tuple(found.values.values()) == pytest.approx(truth, rel=1e-5)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    truth = {"p": 0.03, "q": 0.6, "m": 4000}
    fits = [fit(adopted(Bass(0.03, 0.6), 4000, 60, np.random.default_rng(seed))) for seed in range(30)]
    held = [one.intervals[name][0] <= truth[name] <= one.intervals[name][1] for one in fits for name in truth]
    assert np.mean(held) >= 0.85  # 95 % of 90; the three of one fit hang together
    assert np.mean([one.overdispersion for one in fits]) == pytest.approx(1, abs=0.15)


def test_data_from_before_the_bend_leave_the_market_open():
    assert fit(adopted(Bass(0.03, 0.4), 4000, 12, np.random.default_rng(1))).intervals["m"] is None


def test_fit_adoption_reads_a_file_and_says_what_it_found(tmp_path):
    path, data = tmp_path / "users.csv", adopted(Bass(0.03, 0.5), 40_000, 48)
    lines = [f"{pd.Period('2024-08', 'M') + i},{round(n)}" for i, n in enumerate(data.adopters)]
    path.write_text("\n".join(["month,adopters", *lines[6:]]) + "\n")  # counted from the seventh month on
    out = CliRunner().invoke(app, ["fit-adoption", str(path), "--since", "2024-08", "--json"])
    rows = {row["parameter"]: row for row in json.loads(out.stdout)}
    assert [rows[name]["value"] for name in "pqm"] == pytest.approx([0.03, 0.5, 40_000], rel=0.01)
    assert all(row["low_95"] < row["value"] < row["high_95"] for row in rows.values())
    assert CliRunner().invoke(app, ["fit-adoption", str(path), "--since", "August"]).exit_code == 2


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


def test_faults_of_the_data_are_told_at_once(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("month,adopters\n2025-01,5\n2025-13,many\n2025-03,4\n")
    with pytest.raises(AdoptionError, match=r"3 faults(.|\n)*line 3: month '2025-13'(.|\n)*'many'(.|\n)*at least 6"):
        read_adopted(path)
    path.write_text("month,adopters\n" + "".join(f"2025-0{i},{n}\n" for i, n in zip("124355", "013256", strict=True)))
    with pytest.raises(
        AdoptionError, match=r"4 faults(.|\n)*line 5: month 2025-03(.|\n)*line 5: 2 adopters(.|\n)*began"
    ):
        read_adopted(path, "2025-09")
    path.write_text("month,users\n2025-01,5\n")
    with pytest.raises(AdoptionError, match="no column adopters"):
        read_adopted(path)
    with pytest.raises(AdoptionError, match="cannot be read"):
        read_adopted(tmp_path / "none.csv")


# ---- groups ----------------------------------------------------------------------------------------------------------


def test_groups_are_everybody_of_working_age_and_see_somebody():
    found = groups()
    assert found.all_people == 599_807  # book
    np.testing.assert_allclose(found.mixing.sum(axis=1), 1.0)
    assert ((found.hears >= 0) & (found.hears <= 1)).all()
    assert all(row["source"] and row["confidence"] == "prior" for row in read("groups.csv"))


@given(
    arrays(float, (14, 3), elements=st.floats(0, 1)), arrays(float, (14, 3), elements=st.floats(0, 0.3)),
    arrays(float, (14, 3), elements=st.floats(0, 0.3)),
)  # fmt: skip
def test_whoever_is_nudged_more_uses_it_no_less_in_any_place_or_group(share, nudge, more):
    g, contact = groups(), contacts(10.0, 0.8)
    one, two = (
        threshold_month(share, contact, g.mixing, 0.25 * g.threshold_factor, 0.12, 0.1, extra)
        for extra in (nudge, nudge + more)
    )
    assert (two >= one - 1e-12).all()
    assert (one >= share).all()
    assert (two <= 1).all()
