"""The battery: energy conserved in every hour, limits kept, the bookkeeping mistakes that others made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twin.solar.options import SolarOptions
from twin.solar.storage.ageing import Life, faded, life_years, replaced
from twin.solar.storage.battery import Battery, dispatch
from twin.solar.system import battery_of

BOOK = battery_of(SolarOptions())
IDEAL = Battery(2.0, 10.0, 2.0, 1.0, 1.0, 100.0, 100.0, 100.0, 100.0, 1.0)
energies = st.floats(0, 5)


def run(battery: Battery, pv, load, out_min, soc, **vehicles):
    pv, load = np.atleast_2d(np.asarray(pv, dtype=float)), np.atleast_2d(np.asarray(load, dtype=float))
    out = np.atleast_2d(np.asarray(out_min, dtype=np.uint8))
    return dispatch(pv, load, out, np.full(len(pv), float(soc)), np.tile(battery.array(), (len(pv), 1)), **vehicles)


def test_theory_a_hand_computed_day():
    # 3 h of 4 kWh sun with load 1; then load 3 in the dark; 10 kWh of which 2 are never used.
    flows = run(IDEAL, [4, 4, 4, 0, 0, 0, 0], [1, 1, 1, 3, 3, 3, 3], [0] * 7, 2.0)
    assert flows.soc[0].tolist() == [5.0, 8.0, 10.0, 7.0, 4.0, 2.0, 2.0]
    assert flows.curtailed[0].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert flows.grid[0].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 3.0]


def test_theory_the_reserve_is_for_outages_alone():
    keeps = Battery(2.0, 10.0, 6.0, 1.0, 1.0, 100.0, 100.0, 100.0, 100.0, 1.0)
    flows = run(keeps, [0, 0, 0], [3, 3, 3], [0, 0, 60], 8.0)
    assert flows.soc[0].tolist() == [6.0, 6.0, 3.0]
    assert flows.grid[0].tolist() == [1.0, 3.0, 0.0]
    assert flows.unmet[0].tolist() == [0.0, 0.0, 0.0]


def test_theory_part_of_an_hour_without_pln():
    # Nothing stored: 15 minutes out of 60 are unmet, PLN carries the other 45.
    flows = run(IDEAL, [0], [4], [15], 2.0)
    assert (flows.unmet[0, 0], flows.grid[0, 0]) == (1.0, 3.0)


def test_theory_limits_of_rate_controller_and_inverter():
    slow = Battery(0.0, 10.0, 0.0, 1.0, 1.0, 0.5, 0.25, 2.0, 1.0, 1.0)
    charging = run(slow, [9], [0], [0], 0.0)
    assert (charging.charged[0, 0], charging.curtailed[0, 0]) == (0.5, 8.5)
    giving = run(slow, [0], [3], [0], 5.0)
    assert (giving.discharged[0, 0], giving.grid[0, 0]) == (0.25, 2.75)
    assert run(slow, [9], [3], [0], 5.0).served[0, 0] == 1.0
    assert run(slow, [9], [0.2], [0], 5.0).curtailed[0, 0] == pytest.approx(8.3)


def test_bug_no_energy_for_free_after_an_outage():
    # ssc #1270: a battery emptied in an outage must be filled by the sun before it gives anything again.
    flows = run(BOOK, np.zeros(72), np.full(72, 0.2), np.r_[np.full(36, 60), np.zeros(36)], BOOK.soc_max_kwh)
    most = (BOOK.soc_max_kwh - BOOK.soc_min_kwh) * BOOK.discharge_efficiency * BOOK.inverter_efficiency
    assert flows.served.sum() <= most
    assert flows.served[0, 36:].sum() == 0
    assert flows.soc[0, -1] <= flows.soc[0, 35]


def test_bug_outage_hours_are_not_load_met():
    # ssc #1110: in an outage without sun or charge nothing is served and nothing comes from the grid.
    flows = run(BOOK, np.zeros(5), np.full(5, 0.3), np.full(5, 60), BOOK.soc_min_kwh)
    assert flows.served.sum() == flows.grid.sum() == 0
    assert flows.unmet.sum() == pytest.approx(1.5)


def test_bug_losses_are_counted():
    # ssc #590: out of the battery comes what went in times both efficiencies and the inverter's, less what leaked.
    flows = run(BOOK, np.r_[np.full(6, 0.5), np.zeros(42)], np.r_[np.zeros(6), np.full(42, 0.3)], np.zeros(48), 0.96)
    through = flows.charged.sum() * BOOK.charge_efficiency - flows.leaked.sum()
    assert flows.served.sum() == pytest.approx(through * BOOK.discharge_efficiency * BOOK.inverter_efficiency, rel=1e-3)
    assert flows.served.sum() < 0.86 * 3.0


@settings(max_examples=200, deadline=None)
@given(
    arrays(float, (2, 24), elements=energies),
    arrays(float, (2, 24), elements=energies),
    arrays(np.uint8, (2, 24), elements=st.integers(0, 60)),
    arrays(float, (2, 24), elements=st.floats(0, 2)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 20)),
    st.tuples(st.floats(0.5, 1), st.floats(0.5, 1), st.floats(0, 5), st.floats(0, 5), st.floats(0, 0.01)),
)
def test_energy_is_conserved_in_every_hour(pv, load, out_min, arriving, charge, limits):
    low, reserve, filled, capacity = charge
    eta_in, eta_out, most_in, most_out, leak = limits
    least = low * capacity
    kept = least + reserve * (capacity - least)
    battery = Battery(least, capacity, kept, eta_in, eta_out, most_in, most_out, 2.88, 1.0, 0.92, leak)
    before = least + filled * (capacity - least)
    f = run(battery, pv, load, out_min, before, arriving_kwh=arriving, charger_kw=0.6)
    was = np.column_stack([np.full(2, before), f.soc[:, :-1]])
    assert np.abs(f.pv - f.direct - f.charged - f.curtailed).max() < 1e-9
    assert np.abs(f.load + f.vehicles - f.served - f.grid - f.unmet).max() < 1e-9
    assert np.abs(f.soc - was - f.charged * eta_in + f.discharged / eta_out + f.leaked).max() < 1e-9
    assert np.abs(f.served - (f.direct + f.discharged) * 0.92).max() < 1e-9
    out = out_min / 60.0
    assert (f.grid <= (1 - out) * f.load + f.vehicles + 1e-9).all()
    assert (f.unmet <= out * f.load + 1e-9).all()
    assert f.soc.max() <= capacity + 1e-9
    assert (f.soc >= np.minimum(was - f.leaked, least) - 1e-9).all()
    for values in vars(f).values():
        assert values.min() >= -1e-9


@settings(max_examples=50, deadline=None)
@given(arrays(float, (1, 48), elements=st.floats(0, 1)), arrays(np.uint8, (1, 48), elements=st.integers(0, 60)))
def test_more_battery_never_leaves_more_unmet_without_a_reserve(pv, out_min):
    load = np.full((1, 48), 0.4)
    small, large = (run(battery_of(SolarOptions(battery_kwh=kwh)), pv, load, out_min, kwh) for kwh in (4.8, 9.6))
    assert large.unmet.sum() <= small.unmet.sum() + 1e-9


def test_vehicles_wait_for_the_office_and_leave_when_it_lasts():
    arriving = np.array([[1.0, 1.0, 1.0, 1.0]])
    served = run(BOOK, [0, 0, 0, 0], [0.1] * 4, [0] * 4, 4.8, arriving_kwh=arriving, charger_kw=0.6)
    assert served.vehicles[0].tolist() == [0.6] * 4
    assert served.vehicles_lost.sum() == pytest.approx(4.0 - 2.4 - 1.2)  # two hours' worth may wait
    dark = run(BOOK, [0, 0, 0, 0], [0.1] * 4, [60] * 4, 0.96, arriving_kwh=arriving, charger_kw=0.6)
    assert dark.vehicles.sum() == 0
    assert dark.unmet.sum() == pytest.approx(0.4)


def test_theory_a_battery_ages_by_calendar_and_use():
    life = Life(cycles=1000, calendar_years=10)
    # A year at rest costs a tenth of 20 %; 100 full cycles cost a tenth of 20 %.
    assert faded(np.ones(1), np.zeros(1), 5.0, 1.0, life)[0] == pytest.approx(0.98)
    assert faded(np.ones(1), np.array([500.0]), 5.0, 0.0, life)[0] == pytest.approx(0.98)
    assert life_years(500.0, 5.0, life) == pytest.approx(5.0)
    health, worn = replaced(np.array([0.81, 0.80, 0.5]))
    assert (health.tolist(), worn.tolist()) == ([0.81, 1.0, 1.0], [False, True, True])


@pytest.mark.parametrize(
    "wrong",
    [{"soc_min_percent": 60.0, "soc_max_percent": 50.0}, {"reserve_percent": 95.0, "soc_max_percent": 90.0}],
)
def test_impossible_limits_are_refused(wrong):
    with pytest.raises(ValueError, match="lies above"):
        SolarOptions(**wrong)


def test_impossible_batteries_are_refused():
    with pytest.raises(ValueError, match="least charge"):
        Battery(5.0, 4.0, 4.5, 1, 1, 1, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="reserve"):
        Battery(1.0, 4.0, 4.5, 1, 1, 1, 1, 1, 1, 1)
