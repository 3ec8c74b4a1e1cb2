"""Measures of a simulated hour, its electricity, closed forms and saturation flow: by hand, and against SUMO itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twin.errors import NetworkError
from twin.files import read_rows
from twin.traffic.demand.vehicles import kinds, vehicle_type
from twin.traffic.folders import SKETCH
from twin.traffic.signals import theory
from twin.traffic.simulation.electricity import lit_seconds, power, signal_electricity_kwh, signal_plts_percent
from twin.traffic.simulation.measures import (
    CONFLICTS,
    TRIPS,
    WALKS,
    Measures,
    count_conflicts,
    measures,
    occupancy,
    output_options,
    persons_in,
    queue_sizes,
    read,
    read_trips,
    read_walks,
)
from twin.traffic.studies.saturation import (
    CLASSES,
    COUNTED_S,
    Discharge,
    equivalents,
    manual,
    motorcycle_equivalent,
    saturation_flow,
    summary,
)

TRIP_HEADER = (
    "tripinfo_id;tripinfo_depart;tripinfo_departDelay;tripinfo_arrival;tripinfo_duration;tripinfo_routeLength;"
    "tripinfo_waitingTime;tripinfo_waitingCount;tripinfo_timeLoss;tripinfo_vType;tripinfo_vaporized;"
    "emissions_CO2_abs;emissions_NOx_abs;emissions_fuel_abs"
)
TRIP_ROWS = (  # a car that arrived, a motorcycle under way, a bus that never got in, an ambulance under way
    "a;0.00;0.00;100.00;100.00;1000.00;10.00;1;15.00;car;;1000000;2000;300000",
    "b;10.00;5.00;-1.00;50.00;500.00;20.00;2;25.00;motorcycle;end;2000000;1000;600000",
    "c;-1;30.00;-1.00;0.00;0.00;0.00;0;0.00;bus;end;0;0;0",
    "ambulance.0;40.00;2.00;-1.00;60.00;600.00;4.00;1;8.00;ambulance;end;500000;500;100000",
)
WALK_HEADER = (
    "personinfo_id;personinfo_depart;personinfo_duration;personinfo_waitingTime;personinfo_timeLoss;walk_depart"
)
WALK_ROWS = (  # an elderly person with two walks is one person; a child still waits; an adult never set out
    "adult.0;0.00;100.00;6.00;9.00;0.00",
    "elderly.1;0.00;200.00;30.00;40.00;0.00",
    "elderly.1;0.00;200.00;30.00;40.00;90.00",
    "child.2;80.00;-1;12.00;0.00;80.00",
    "adult.3;-1;0.00;0.00;0.00;",
)
SSM = """<SSMLog>
<conflict begin="1" end="2" ego="a" foe="b"><minTTC time="1" type="11" value="1.20"/><PET type="NA" value="NA"/></conflict>
<conflict begin="1" end="2" ego="b" foe="a"><minTTC time="1" type="10" value="1.20"/><PET type="17" value="0.50"/></conflict>
<conflict begin="1" end="2" ego="a" foe="c"><minTTC time="1" type="11" value="1.60"/><PET type="17" value="0.90"/></conflict>
<conflict begin="1" end="2" ego="c" foe="d"><minTTC time="1" type="2" value="0.10"/><PET type="NA" value="NA"/></conflict>
<conflict begin="1" end="2" ego="d" foe="e"><minTTC time="1" type="111" value="0.00"/><PET type="111" value="0.00"/></conflict>
<conflict begin="1" end="2" ego="e" foe="f"><minTTC time="1" type="6" value="1.49"/><PET type="17" value="1.00"/></conflict>
</SSMLog>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / TRIPS).write_text("\n".join((TRIP_HEADER, *TRIP_ROWS)) + "\n")
    (tmp_path / WALKS).write_text("\n".join((WALK_HEADER, *WALK_ROWS)) + "\n")
    (tmp_path / CONFLICTS).write_text(SSM)
    return tmp_path


# --- measures ---


def test_theory_measures_by_hand(folder: Path):
    found = read(folder, 120, np.array([[0.0, 4.0], [2.0, 6.0], [np.nan, 3.0]]), red_light_violations=7)
    assert (found.vehicles, found.not_inserted, found.arrived, found.red_light_violations) == (4, 1, 1, 7)
    delays_s = np.array([15.0, 30.0, 30.0, 10.0])
    assert found.delay_s == pytest.approx(delays_s.mean())
    assert found.delay_p95_s == pytest.approx(np.quantile(delays_s, 0.95))
    assert found.stop_time_s == pytest.approx(34 / 4)
    assert found.stops == pytest.approx(1.0)
    assert found.speed_km_h == pytest.approx(3.6 * 2100 / 210)
    assert found.throughput_veh_per_h == pytest.approx(30.0)
    assert found.distance_veh_km == pytest.approx(2.1)
    assert (found.co2_kg, found.fuel_kg, found.nox_kg) == pytest.approx((3.5, 1.0, 0.0035))
    assert (found.queue_mean_veh, found.queue_max_veh) == pytest.approx((3.0, 6.0))
    assert found.emergency_vehicles == 1
    assert (found.emergency_travel_time_s, found.emergency_delay_s) == pytest.approx((62.0, 10.0))


def test_theory_a_full_bus_weighs_more_than_a_motorcycle(folder: Path):
    persons = occupancy()
    weights = np.array([persons["car"], persons["motorcycle"], persons["bus"], persons["ambulance"], 1, 1, 1])
    delays_s = np.array([15.0, 30.0, 30.0, 10.0, 9.0, 40.0, 12.0])  # those on foot count once each
    assert read(folder, 120).person_delay_s == pytest.approx(np.average(delays_s, weights=weights))
    assert persons_in(["spaceship"]) == [persons["other"]]
    assert persons_in(["motorcycle@runs_red"]) == [persons["motorcycle"]]
    assert {*kinds(), "other"} <= persons.keys()


def test_theory_pedestrians_by_hand(folder: Path):
    found = read(folder, 120)
    assert found.pedestrians == 3
    assert found.pedestrian_wait_s == pytest.approx((6 + 30 + 12) / 3)
    assert found.slow_pedestrian_wait_s == pytest.approx((30 + 12) / 2)
    # SUMO tells no time loss of an unfinished walk: it is at least what was waited.
    assert found.pedestrian_time_loss_s == pytest.approx((9 + 40 + 12) / 3)


def test_theory_a_pair_in_conflict_counts_once_and_neighbours_in_a_lane_do_not(folder: Path):
    assert count_conflicts(folder / CONFLICTS) == (3, 2, 2)  # a-b by both, a-c by post-encroachment, e-f by collision
    found = read(folder, 120)
    assert (found.conflicts, found.conflicts_ttc, found.conflicts_pet) == (3, 2, 2)


def test_nobody_came_and_nothing_was_watched(tmp_path: Path):
    (tmp_path / TRIPS).write_text("\n")  # as SUMO writes it
    found = read(tmp_path, 60)
    assert found.vehicles == found.pedestrians == found.emergency_vehicles == found.delay_s == found.speed_km_h == 0
    nothing = [
        found.conflicts, found.queue_mean_veh, found.queue_max_veh, found.emergency_delay_s, found.pedestrian_wait_s,
        found.slow_pedestrian_wait_s, found.red_light_violations, found.signal_electricity_kwh,
    ]  # fmt: skip
    assert nothing == [None] * 8
    assert queue_sizes(np.full((2, 3), np.nan)) == (None, None)


def test_trips_without_the_emission_device_have_no_emissions(tmp_path: Path):
    cut = [";".join(row.split(";")[:-3]) for row in (TRIP_HEADER, *TRIP_ROWS)]
    (tmp_path / TRIPS).write_text("\n".join(cut) + "\n")
    found = measures(read_trips(tmp_path / TRIPS), 120)
    assert (found.vehicles, found.co2_kg, found.nox_kg) == (4, 0.0, 0.0)


def test_another_tool_sumo_writes_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import subprocess

    from twin.traffic.networks.build import built
    from twin.traffic.networks.files import program

    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    roads = "".join(
        f'<edge id="{a}{b}" from="{a}" to="{b}" speed="10" sidewalkWidth="1.5"/>'
        for a, b in ("as", "sa", "bs", "sb", "ns", "sn", "ms", "sm")
    )
    (tmp_path / "x.nod.xml").write_text(
        '<nodes><node id="a" x="-200" y="0"/><node id="b" x="200" y="0"/><node id="n" x="0" y="200"/>'
        '<node id="m" x="0" y="-200"/><node id="s" x="0" y="0" type="traffic_light"/></nodes>'
    )
    (tmp_path / "x.edg.xml").write_text(f"<edges>{roads}</edges>")
    (tmp_path / "x.rou.xml").write_text(
        '<routes><vType id="car"/><vType id="ambulance" vClass="emergency"/>'
        '<vehicle id="ambulance.0" type="ambulance" depart="0"><route edges="as sb"/></vehicle>'
        '<flow id="f" type="car" begin="0" end="200" period="3" from="as" to="sb"/>'
        '<flow id="g" type="car" begin="0" end="200" period="6" from="bs" to="sm"/>'
        '<person id="elderly.0" depart="0"><walk from="ns" to="sb"/></person></routes>'
    )
    net = built(tmp_path, "<routes/>") / "network.net.xml"
    words = output_options(conflicts=True)
    subprocess.run(
        [program("sumo"), "-n", net, "-r", "x.rou.xml", "--end", "150", "--no-warnings", "--statistic-output", "s.xml", *words],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    found = read(tmp_path, 150)
    statistic = (tmp_path / "s.xml").read_text()
    assert f'inserted="{found.vehicles - found.not_inserted}"' in statistic
    assert found.vehicles == 1 + 50 + 25
    assert found.emergency_vehicles == found.pedestrians == 1
    assert 0 < found.emergency_travel_time_s < 150
    assert found.slow_pedestrian_wait_s == found.pedestrian_wait_s >= 0
    assert found.co2_kg > found.fuel_kg > found.nox_kg > 0
    assert found.conflicts is not None
    assert found.conflicts <= found.conflicts_ttc + found.conflicts_pet
    assert read_walks(tmp_path / WALKS)["walker"].tolist() == ["elderly"]


# --- electricity ---


def test_theory_electricity_by_hand():
    # Junction 0: four lamps for 1,000 s, dark for 500 s, then four again until 3,600 s; junction 1 has two lamps.
    changes = [(0.0, 0, "GrGr"), (0.0, 1, "Gr"), (400.0, 0, "yryr"), (1000.0, 0, "oooo"), (1500.0, 0, "rGrG")]
    lamps_s, powered_s = lit_seconds(changes, 2, 3600.0)
    assert lamps_s.tolist() == [4 * 3100.0, 2 * 3600.0]
    assert powered_s.tolist() == [3100.0, 3600.0]
    watts = power()
    led = signal_electricity_kwh(lamps_s, powered_s)
    assert led[1] == pytest.approx((2 * watts["led_lamp"] + watts["controller"]) / 1000)
    assert signal_electricity_kwh(lamps_s, powered_s, "incandescent").sum() > 3 * led.sum()
    assert signal_plts_percent(led, [True, True]) == pytest.approx(watts["plts_percent"])
    assert signal_plts_percent(led, [False, True]) == pytest.approx(watts["plts_percent"] * led[1] / led.sum())
    assert signal_plts_percent(np.zeros(2), [True, True]) is None


# --- closed forms ---


def test_theory_delays_by_hand():
    assert theory.free_flow_travel_time_s(1000, 10) == 100
    assert theory.uniform_delay_s(60, 0.5, 0.0) == pytest.approx(7.5)  # red half the time, half of it to wait
    assert theory.uniform_delay_s(60, 0.5, 1.0) == pytest.approx(15.0)  # everybody waits half the red
    assert theory.uniform_delay_s(60, 0.5, 1.01) == np.inf
    assert theory.md1_wait_s(0.5, 1.0) == pytest.approx(0.5)
    assert theory.md1_wait_s(1.0, 1.0) == np.inf
    uniform_s, random_s = 90 * 0.6**2 / (2 * (1 - 0.4 * 0.8)), 0.8**2 / (2 * 0.2 * 0.2)
    assert theory.webster_delay_s(90, 0.4, 0.8, 0.2) == pytest.approx(uniform_s + random_s)
    assert theory.webster_delay_s(90, 0.4, 1.0, 0.2) == np.inf
    assert theory.webster_correction_s(90, 0.4, 0.8, 0.2) == pytest.approx(0.65 * (90 / 0.04) ** (1 / 3) * 0.8**4)
    assert theory.webster_cycle_s(10, 0.6) == pytest.approx(50.0)
    assert theory.webster_cycle_s(10, 1.0) == np.inf


def test_theory_the_queue_of_evenly_spaced_arrivals_counted_second_by_second():
    # Arrivals q and departures s as fluids over one cycle: the area between them over the arrivals is the delay.
    cycle_s, green_s, q, s, step_s = 80.0, 30.0, 0.15, 0.5, 0.01
    queue, area = 0.0, 0.0
    for t in np.arange(0, cycle_s, step_s):
        queue = max(queue + (q - (s if t >= cycle_s - green_s else 0.0)) * step_s, 0.0)
        area += queue * step_s
    degree = q / (s * green_s / cycle_s)
    expected_s = theory.uniform_delay_s(cycle_s, green_s / cycle_s, degree)
    assert area / (q * cycle_s) == pytest.approx(float(expected_s), rel=1e-3)


def test_theory_webster_cycle_has_the_least_delay():
    # Two phases of equal flow: of all cycles, Webster's is within a few per cent of the best.
    ratio, saturation, lost_s = 0.35, 0.5, 10.0

    def delay_s(cycle_s: float) -> float:
        green = (cycle_s - lost_s) / 2 / cycle_s
        return float(theory.webster_delay_s(cycle_s, green, ratio / green, ratio * saturation))

    best_s = min(delay_s(c) for c in np.arange(35, 200, 1.0))
    assert delay_s(float(theory.webster_cycle_s(lost_s, 2 * ratio))) < 1.05 * best_s


def test_theory_saturation_flow_from_headways():
    crossings_s = np.cumsum([3.0, 2.6, 2.4, 2.2, *[2.0] * 10])
    flow, lost_s = theory.saturation_flow_per_h(crossings_s)
    assert flow == pytest.approx(1800)
    assert lost_s == pytest.approx(1.0 + 0.6 + 0.4 + 0.2)
    with pytest.raises(ValueError, match="a queue of 5 vehicles"):
        theory.saturation_flow_per_h(crossings_s[:5])


# --- saturation flow ---


def made_up(pcu_motorcycle: float, pcu_truck: float, noise: float = 0.0) -> list[Discharge]:
    """Experiments in which a window of green lets through 60 cars, or what takes their place."""
    rng = np.random.default_rng(1)
    found = []
    for motorcycles, trucks in ((0, 0), (0, 8), (40, 4), (80, 2), (120, 6)):
        n = np.full(12, motorcycles) + rng.integers(0, 5, 12) * (motorcycles > 0)
        heavy = np.full(12, trucks)
        cars = 60 - pcu_motorcycle * n - pcu_truck * heavy + rng.normal(0, noise, 12)
        counts = np.column_stack([n, cars, heavy]).astype(float)
        found.append(
            Discharge({"car": 1.0}, 3.25, 2, ("motorcycle", "car", "truck"), counts, np.full(12, 10.0), 0.5, 0.4)
        )
    return found


def test_theory_equivalents_are_found_again():
    motorcycle, heavy = equivalents(made_up(0.3, 1.7))
    assert (motorcycle.vehicle, heavy.vehicle) == ("motorcycle", "heavy")
    assert (motorcycle.pcu, heavy.pcu) == pytest.approx((0.3, 1.7))
    assert motorcycle.ratio == pytest.approx(0.3 / manual()["pcu_motorcycle_protected"])
    noisy = motorcycle_equivalent(made_up(0.3, 1.7, noise=2.0))
    assert 0.001 < noisy.interval < 0.03
    assert noisy.pcu == pytest.approx(0.3, abs=2 * noisy.interval)


def test_equivalents_of_different_roads_are_refused():
    seen = made_up(0.3, 1.7)
    with pytest.raises(ValueError, match="one and the same width"):
        equivalents([*seen, replace(seen[0], lanes=3)])
    with pytest.raises(ValueError, match="no motorcycle"):
        motorcycle_equivalent([replace(s, kinds=("car",), counts=s.counts[:, 1:2]) for s in seen])


def test_theory_a_saturation_flow_by_hand():
    seen = Discharge(
        {"motorcycle": 0.5, "car": 0.5}, 3.25, 2, ("motorcycle", "car"), np.array([[30.0, 40.0], [34.0, 36.0]]),
        np.array([14.0, 14.0]), 0.8, 0.5,
    )  # fmt: skip
    found = summary(seen)
    assert found.saturation_flow_veh_per_h == pytest.approx(70 * 3600 / COUNTED_S)
    assert found.interval_veh_per_h == 0  # both cycles let 70 through
    assert found.saturation_flow_pcu_per_h == pytest.approx((32 * 0.2 + 38) * 3600 / COUNTED_S)
    assert found.manual_pcu_per_h == pytest.approx(600 * 6.5)
    assert found.lost_s == pytest.approx(10 - 14 / 70 * COUNTED_S)
    assert found.motorcycle_share == pytest.approx(64 / 140)


def test_theory_cars_discharge_at_the_headway_of_the_following_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Krauss: at the limit v of 13.89 m/s a headway of tau + (length + minGap) / v = 1 + 5.8 / 13.89 = 1.42 s, so at
    # most 2 × 2,540 cars an hour; queues are slower, and drivers dawdle.
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    cars = saturation_flow({"car": 1.0}, cycles=3)
    assert 3400 < cars.saturation_flow_veh_per_h < 5080
    assert cars.saturation_flow_pcu_per_h == cars.saturation_flow_veh_per_h
    assert (cars.cycles, cars.width_m, cars.motorcycle_share) == (3, 6.5, 0.0)
    assert 0 < cars.lost_s < 4


def test_motorcycles_filter_to_the_stop_line_and_take_less_room_than_cars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    mixed = saturation_flow({"motorcycle": 0.3, "car": 0.7}, cycles=8)
    # Found over three seeds: 0.48 to 0.54 of those at the front, 0.33 of the queue; without filtering both are alike.
    assert mixed.front_motorcycle_share > mixed.queue_motorcycle_share + 0.08
    assert mixed.saturation_flow_veh_per_h > 4700  # cars alone: 4,050
    assert 0.8 < mixed.ratio < 1.25


def test_an_unknown_vehicle_in_a_mix_is_named():
    with pytest.raises(NetworkError, match=r"no vehicle 'tram' in the mix; known: motorcycle, car, bus, truck"):
        saturation_flow({"car": 0.5, "tram": 0.5})


def test_a_vehicle_type_has_what_the_table_names_as_sumo_does():
    rows = {row["vehicle"]: row for row in read_rows(SKETCH / "vehicles.csv")}
    assert rows.keys() == CLASSES.keys()
    motorcycle, bus = vehicle_type(rows["motorcycle"]), vehicle_type(rows["bus"])
    assert all(word in motorcycle for word in ('latAlignment="compact"', 'minGapLat="0.3"', 'maxSpeedLat="1.5"'))
    assert 'latAlignment="center"' in bus
    assert "minGapLat" not in bus
    assert "source" not in bus


def test_every_measure_is_a_number_that_can_be_written(folder: Path):
    found = read(folder, 120)
    assert isinstance(found, Measures)
    assert all(type(value) in (int, float, type(None)) for value in vars(found).values())
