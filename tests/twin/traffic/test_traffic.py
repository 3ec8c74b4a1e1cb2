"""The traffic slice: against hand-computed cars, against SUMO stepped by hand, against the measured reference."""

from pathlib import Path

import libsumo
import numpy as np
import pytest
import sumolib

from twin.errors import NetworkError
from twin.traffic import network as networks
from twin.traffic.network import Network, built, locate, origin_destination, routes_xml
from twin.traffic.sim import command, measures, simulate

NODES = """<nodes><node id="a" x="0" y="0"/><node id="s" x="500" y="0" type="traffic_light"/>
<node id="b" x="1000" y="0"/><node id="n" x="500" y="300"/></nodes>"""
EDGES = """<edges><edge id="in" from="a" to="s" numLanes="1" speed="10"/><edge id="out" from="s" to="b" speed="10"/>
<edge id="side" from="n" to="s" speed="10"/></edges>"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cars(*departs: float) -> str:
    trips = "".join(
        f'<trip id="{i}" type="car" depart="{t}" departSpeed="max" from="in" to="out"/>' for i, t in enumerate(departs)
    )
    return f'<routes><vType id="car" sigma="0" speedDev="0"/>{trips}</routes>'


def plain(folder: Path, nodes: str = NODES, edges: str = EDGES) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "x.nod.xml").write_text(nodes)
    (folder / "x.edg.xml").write_text(edges)
    return folder


def one_signal(tmp_path: Path, routes: str) -> Network:
    folder = built(plain(tmp_path / "plain"), routes)
    return Network("one", folder / "network.net.xml", folder / "routes.rou.xml", begin_s=0)


def stepped_by_hand(network: Network, trips: Path, seed: int, seconds: int) -> tuple[int, int, float]:
    """Vehicles that entered, arrived, and the mean delay, by looking at every vehicle in every second."""
    delay_s: dict[str, float] = {}
    entered = arrived = 0
    libsumo.start(command(network, trips, seed, 1.0))
    try:
        for _ in range(seconds):
            libsumo.simulationStep()
            entered += libsumo.simulation.getDepartedNumber()
            arrived += libsumo.simulation.getArrivedNumber()
            for vehicle in libsumo.vehicle.getIDList():  # not getTimeLoss: asking for it changes the simulation
                if vehicle not in delay_s:
                    delay_s[vehicle] = libsumo.vehicle.getDepartDelay(vehicle)
                delay_s[vehicle] += 1 - libsumo.vehicle.getSpeed(vehicle) / libsumo.vehicle.getAllowedSpeed(vehicle)
        for vehicle in libsumo.simulation.getPendingVehicles():
            delay_s[vehicle] = libsumo.vehicle.getDepartDelay(vehicle)
    finally:
        libsumo.close()
    return entered, arrived, float(np.mean(list(delay_s.values())))


def test_theory_a_lone_car_on_green_loses_little(tmp_path: Path):
    # 1,000 m at 10 m/s take 100 s; the built programme begins with one of the two streams on green.
    network = one_signal(tmp_path, cars(*[float(t) for t in range(0, 90, 5)]))
    result = simulate(network, 1, 400)
    assert result.vehicles == result.arrived == 18
    single = [simulate(one_signal(tmp_path, cars(t)), 1, 400).delay_s for t in (0.0, 15.0, 30.0, 45.0, 60.0, 75.0)]
    assert min(single) < 3.0  # green all the way
    assert 15.0 < max(single) < 55.0  # a red of up to about a cycle's other half


def test_theory_a_car_that_cannot_enter_waits_and_counts(tmp_path: Path):
    # 60 cars at once on one lane: the last enter late; after 20 s most have never been in.
    result = simulate(one_signal(tmp_path, cars(*[0.0] * 60)), 1, 20)
    assert result.vehicles == 60
    assert result.not_inserted > 40
    assert result.delay_s > 20 * result.not_inserted / 60 - 1


def test_theory_measures_by_hand():
    columns = {
        "depart": [0, 10, -1],
        "departDelay": [0, 5, 30],
        "arrival": [100, -1, -1],
        "duration": [100, 50, 0],
        "routeLength": [1000, 500, 0],
        "waitingTime": [10, 20, 0],
        "waitingCount": [1, 2, 0],
        "timeLoss": [15, 25, 0],
        "CO2_abs": [1e6, 2e6, 0],
        "fuel_abs": [3e5, 6e5, 0],
    }
    trips = {name: np.array(values, dtype=float) for name, values in columns.items()}
    result = measures(trips, 120)
    assert (result.vehicles, result.not_inserted, result.arrived) == (3, 1, 1)
    assert result.delay_s == pytest.approx((15 + 30 + 30) / 3)
    assert result.stop_time_s == pytest.approx(10.0)
    assert result.stops == pytest.approx(1.0)
    assert result.speed_km_h == pytest.approx(3.6 * 1500 / 150)
    assert result.throughput_veh_per_h == pytest.approx(30.0)
    assert (result.co2_kg, result.fuel_kg) == pytest.approx((3.0, 0.9))


def test_an_hour_without_anybody_is_all_zero(tmp_path: Path):
    result = simulate(one_signal(tmp_path, "<routes/>"), 1, 60)
    assert result.vehicles == result.delay_s == result.speed_km_h == 0


def test_another_tool_vehicles_watched_one_by_one_agree(tmp_path: Path):
    network = locate("cologne1")
    result = simulate(network, 7, 600)
    entered, arrived, delay_s = stepped_by_hand(network, tmp_path / "trips.xml", 7, 600)
    assert (result.vehicles - result.not_inserted, result.arrived) == (entered, arrived)
    assert result.delay_s == pytest.approx(delay_s, rel=0.03)  # the last second before arriving is not seen


def test_golden_the_measured_reference_of_cologne1():
    # SUMO 1.28, shipped fixed programme, seed 1, whole hour, no teleporting: 43.0 s measured independently.
    result = simulate(locate("cologne1"), 1)
    assert result.delay_s == pytest.approx(43.0, abs=0.5)
    assert result.vehicles == 2015


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    network = locate("trenggalek")
    assert simulate(network, 3, 120) == simulate(network, 3, 120)
    assert simulate(network, 3, 120) != simulate(network, 4, 120)


def test_what_was_simulated_before_changes_nothing():
    network, other = locate("cologne1"), locate("trenggalek")
    first = simulate(network, 1, 900)
    for seed in (3, 4):
        simulate(other, seed, 60)
        assert simulate(network, 1, 900) == first


def test_demand_scale_scales_demand():
    network = locate("cologne1")
    once, twice = (simulate(network, 1, 600, scale).vehicles for scale in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, rel=0.05)


def test_the_sketch_is_what_it_says():
    network = locate("trenggalek")
    net = sumolib.net.readNet(str(network.net_file))
    assert sorted(light.getID() for light in net.getTrafficLights()) == ["J1", "J2", "J3", "J4", "J5"]
    assert 'lefthand="true"' in network.net_file.read_text()
    for origin, destination in origin_destination():
        path, _ = net.getOptimalPath(net.getEdge(origin), net.getEdge(destination))
        assert path, f"{origin} is not connected to {destination}"


def test_the_sketch_flows_under_its_fixed_programme():
    result = simulate(locate("trenggalek"), 1, 1200)
    assert result.not_inserted <= 0.02 * result.vehicles
    assert result.speed_km_h > 15  # no gridlock


def test_the_sketchs_demand_adds_up():
    flows = origin_destination()
    assert sum(flows.values()) == pytest.approx(2760)
    assert sum(v for (origin, _), v in flows.items() if origin == "west_J1") == pytest.approx(620)


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_vehicle_shares_add_to_one(share: float):
    import xml.etree.ElementTree as ET

    kinds = ET.fromstring(routes_xml(share)).find("vTypeDistribution")
    shares = {kind.get("id"): float(kind.get("probability")) for kind in kinds}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares.get("motorcycle", 0.0) == pytest.approx(share)


def test_a_network_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = built(plain(tmp_path / "plain"), "<routes/>")
    monkeypatch.setattr(networks, "_netconvert", lambda *_: pytest.fail("built again"))
    assert built(plain(tmp_path / "plain"), "<routes/>") == first


@pytest.mark.parametrize(
    ("nodes", "edges", "words"),
    [
        (NODES, EDGES.replace('from="a"', 'from="nowhere"'), "nowhere"),
        (NODES, EDGES.replace('speed="10"/>', 'speed="10"'), "whitespace expected"),
        (NODES.replace('x="0"', 'x="zero"'), EDGES, "zero"),
    ],
)
def test_a_broken_network_is_named_and_nothing_is_cached(
    tmp_path: Path, cache: Path, nodes: str, edges: str, words: str
):
    with pytest.raises(NetworkError, match=words) as caught:
        built(plain(tmp_path / "broken", nodes, edges), "<routes/>")
    assert str(caught.value).startswith("broken: ")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_missing_files_and_names_are_told(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NetworkError, match=r"has no \*.nod.xml and no \*.edg.xml"):
        built(tmp_path / "empty", "")
    with pytest.raises(NetworkError, match="known: trenggalek, cologne1"):
        locate("nowhere")
    net = locate("cologne1")
    with pytest.raises(NetworkError, match=r"no file gone\.rou\.xml"):
        simulate(Network("x", net.net_file, tmp_path / "gone.rou.xml", 0), 1, 10)


def test_demand_on_a_missing_edge_is_sumos_message_and_sumo_is_closed(tmp_path: Path):
    bad = one_signal(tmp_path, cars(0.0).replace('to="out"', 'to="gone"'))
    with pytest.raises(NetworkError, match="gone"):
        simulate(bad, 1, 10)
    assert simulate(one_signal(tmp_path, cars(0.0)), 1, 200).arrived == 1
