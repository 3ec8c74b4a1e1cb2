"""SUMO against closed forms, where there are any: one lane, one signal under its fixed programme."""

from pathlib import Path

import numpy as np
import pytest
import sumolib

from twin.traffic.signals.theory import free_flow_travel_time_s
from twin.traffic.simulation.measures import measures
from twin.validation.signal import (
    SPEED_M_PER_S,
    UPSTREAM_M,
    even_arrivals,
    flow,
    lane,
    programme,
    random_arrivals,
    saturated,
    simulated,
)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return lane(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def signal(net: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[float, float, float]:
    return saturated(net, tmp_path_factory.mktemp("saturated"))


def test_theory_a_car_alone_needs_the_free_flow_time(net: Path, tmp_path: Path):
    cycle_s, green_s, _ = programme(net)
    depart_s = (green_s + 5 - UPSTREAM_M / SPEED_M_PER_S) % cycle_s  # reaches the line when it is green
    trip = f'<trip id="0" type="car" depart="{np.ceil(depart_s)}" departSpeed="max" from="in" to="out"/>'
    trips = simulated(net, tmp_path, trip, 600)
    free_s = free_flow_travel_time_s(trips["routeLength"], SPEED_M_PER_S)
    assert trips["duration"] == pytest.approx(free_s, abs=1.0)  # SUMO notes arrival at its next full second
    assert trips["timeLoss"] == pytest.approx(0.0, abs=0.1)


def test_theory_the_saturation_flow_is_that_of_the_following_model(signal):
    # Krauss: a car follows at its length + minGap + v·tau, that is a headway of (5 + 2.5) / 10 + 1 = 1.75 s; the queue
    # is still speeding up when its first cars cross, so the mean is somewhat lower.
    cycle_s, green_s, saturation = signal
    assert 0.88 < saturation * 1.75 <= 1.0
    assert 0.4 * cycle_s < green_s < 0.55 * cycle_s


@pytest.mark.parametrize("headway_s", [5.3, 7, 11, 17])  # none goes into the cycle of 90 s: all phases of it are met
def test_theory_evenly_spaced_arrivals_wait_as_in_a_d_d_1_queue(net: Path, tmp_path: Path, signal, headway_s: float):
    found = even_arrivals(net, tmp_path, signal, headway_s)
    assert found.agrees, found.as_row()  # found: 1 to 4 % of the 6 allowed


@pytest.mark.parametrize(("degree", "seeds"), [(0.5, 2), (0.7, 3), (0.9, 5)])
def test_theory_random_arrivals_wait_as_webster_says(net: Path, tmp_path: Path, signal, degree: float, seeds: int):
    found = random_arrivals(net, tmp_path, signal, degree, seeds)
    assert found.agrees, found.as_row()


def test_another_tool_no_vehicle_is_lost_or_made(net: Path, tmp_path: Path):
    # 20 % more than the signal lets through: some arrive, some are under way, some never got in.
    demand = flow('period="2.5" number="400"', 1000).replace('end="1000" ', "")
    for end_s in (300, 900, 1200):
        folder = tmp_path / str(end_s)
        trips = simulated(net, folder, demand, end_s, "--statistic-output", "statistic.xml")
        found = measures(trips, end_s)
        (told,) = sumolib.xml.parse_fast(
            str(folder / "statistic.xml"), "vehicles", ["loaded", "inserted", "running", "waiting"]
        )
        assert found.vehicles == min(400, int(np.ceil(end_s / 2.5)))
        assert found.not_inserted == int(told.waiting)
        assert found.vehicles - found.not_inserted == int(told.inserted)
        assert found.arrived == int(told.inserted) - int(told.running)
    assert found.arrived < found.vehicles
