"""Demand: counts and their faults, day types, routes that reproduce counts, walkers and blue lights, calibration."""

import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sumolib
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import CountsError, NetworkError
from twin.files import read_rows
from twin.traffic.demand.calibration import adjusted, calibrate, geh, measured, share_below, turn_passes
from twin.traffic.demand.counts import Counts, Turn, counts_csv, read_counts, vehicle_turns, whole
from twin.traffic.demand.hours import (
    day_type,
    day_types,
    employment_factor,
    gravity,
    growth_factor,
    hour_routes,
    origin_destination,
    routes_from_counts,
    sketch_ways,
    synthetic_counts,
)
from twin.traffic.demand.pedestrians import pedestrians_xml, trip_weights
from twin.traffic.demand.sampling import Ways, assigned, candidate_ways, sampled
from twin.traffic.demand.vehicles import emergency_xml, vehicle_mix
from twin.traffic.folders import DATA, SKETCH
from twin.traffic.networks.build import built
from twin.traffic.networks.files import Network, program, read_net
from twin.traffic.networks.locate import locate

# A crossroads `s` and, east of it, a fork `f`: from the west, `in` → s → `mid` → f → `east` or `south`; `side` joins at s.
NODES = """<nodes><node id="w" x="0" y="0"/><node id="s" x="400" y="0" type="traffic_light"/><node id="f" x="800" y="0"/>
<node id="n" x="400" y="300"/><node id="e" x="1200" y="0"/><node id="o" x="800" y="-300"/></nodes>"""
EDGES = """<edges><edge id="in" from="w" to="s" numLanes="1" speed="12"/><edge id="side" from="n" to="s" speed="12"/>
<edge id="mid" from="s" to="f" speed="12"/><edge id="up" from="s" to="n" speed="12"/>
<edge id="east" from="f" to="e" speed="12"/><edge id="south" from="f" to="o" speed="12"/></edges>"""
HEADER = "junction,from_edge,to_edge,begin,count\n"
PART = {"scale": 0.3, "pedestrians_per_h": 50, "emergency_per_h": 10}  # of an hour of the sketch
CARS = {"motorcycle": 0.0, "car": 1.0, "bus": 0.0, "truck": 0.0}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    """One cache for the file: the networks are built once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("TWIN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Network:
    folder = tmp_path_factory.mktemp("fork")
    (folder / "x.nod.xml").write_text(NODES)
    (folder / "x.edg.xml").write_text(EDGES)
    made = built(folder, "<routes/>")
    return Network("fork", made / "network.net.xml", made / "routes.rou.xml", begin_s=0)


@pytest.fixture(scope="module")
def sketch(cache: Path) -> Network:
    return locate("trenggalek")


def net_of(network: Network):
    return read_net(network.net_file)


def fork_counts(*veh: float) -> Counts:
    """Counts of an hour at the fork: `veh` of in → mid, in → up, side → mid, mid → east, mid → south an hour."""
    turns = (("s", "in", "mid"), ("s", "in", "up"), ("s", "side", "mid"), ("f", "mid", "east"), ("f", "mid", "south"))
    return Counts("fork", 7 * 3600, tuple(Turn(*turn) for turn in turns), np.outer(veh, [0.25] * 4))


def vehicles(routes: Path) -> list[ET.Element]:
    return list(ET.parse(routes).getroot().iter("vehicle"))


# -- the figures ------------------------------------------------------------------------------------------------------


def test_theory_geh_by_hand():
    # m = 120, c = 100: √(2 · 400 / 220) = 1.907; m = 0, c = 50: √(2 · 2500 / 50) = 10; none on both sides: 0.
    assert geh(np.array([120.0, 0, 0, 100]), np.array([100.0, 50, 0, 100])) == pytest.approx(
        [1.9069, 10.0, 0.0, 0.0], abs=1e-4
    )
    assert share_below(np.array([1.9, 10.0, 0.0, 4.99])) == 0.75


def test_another_tool_geh_is_sumos():
    pairs = [(1.0, 7.0), (120.0, 100.0), (640.0, 900.0)]
    ours = [float(geh(np.array(m), np.array(c))) for m, c in pairs]
    assert ours == pytest.approx([sumolib.miscutils.geh(m, c) for m, c in pairs])


@pytest.mark.parametrize("name", ["weekday", "market_day", "school_peak", "lebaran", "night"])
def test_a_day_types_quarters_make_an_hour(name: str):
    kind = day_type(name)
    assert sum(kind.profile) == pytest.approx(1.0)
    assert min(kind.profile) > 0
    assert set(kind.demand) == {row["group"] for row in read_rows(DATA / "entry_groups.csv")}


def test_every_figure_of_demand_has_a_source_and_a_confidence():
    tables = ("day_types", "demand_parameters", "walking_speeds", "emergency_vehicles", "entry_groups")
    rows = [row for name in tables for row in read_rows(DATA / f"{name}.csv")]
    assert all(row["source"] and row["confidence"] in ("stated", "official", "measured", "prior") for row in rows)


def test_every_entry_of_the_sketch_has_a_group():
    groups = {row["entry"] for row in read_rows(DATA / "entry_groups.csv")}
    assert groups == {row["entry"] for row in read_rows(SKETCH / "demand.csv")}


def test_an_unknown_day_type_is_told_the_nearest():
    with pytest.raises(CountsError, match=r"'market day'; did you mean market_day.* known: weekday, market_day"):
        hour_routes("market day", seed=1)


def test_theory_growth_is_compound():
    assert growth_factor(10, 2) == pytest.approx(1.21)
    assert growth_factor(-50, 1) == pytest.approx(0.5)
    assert growth_factor(3, 0) == 1.0


def test_theory_demand_follows_employment():
    assert employment_factor(110, 100, 0.5) == pytest.approx(1.05)
    assert employment_factor(0, 100, 2.0) == 0.0  # not below nobody
    assert employment_factor(462262) == 1.0  # the book's own employment is the baseline


def test_theory_gravity_by_hand():
    trips = gravity(np.array([100.0, 60.0, 0.0]), np.array([1.0, 1.0, 3.0]))
    assert trips == pytest.approx(np.array([[0, 25, 75], [15, 0, 45], [0, 0, 0]]))


def test_a_market_day_brings_more_to_the_market_and_a_night_little():
    totals = {name: sum(origin_destination(kind).values()) for name, kind in day_types().items()}
    assert totals["night"] < 0.3 * totals["weekday"] < totals["weekday"] < totals["market_day"]
    to_market = {
        name: sum(v for (_, to), v in origin_destination(day_type(name)).items() if to == "J3_north_market")
        for name in ("weekday", "market_day")
    }
    assert to_market["market_day"] > 1.3 * to_market["weekday"]


# -- counts -----------------------------------------------------------------------------------------------------------


def test_counts_are_read_as_they_were_written(fork: Network, tmp_path: Path):
    counts = whole(fork_counts(201, 50, 80, 140, 141), np.random.default_rng(1))
    (tmp_path / "counts.csv").write_text(counts_csv(counts))
    again = read_counts(tmp_path / "counts.csv", net_of(fork))
    order = [again.turns.index(turn) for turn in counts.turns]
    assert (again.begin_s, again.prior) == (7 * 3600, False)
    assert np.array_equal(again.veh[order], counts.veh)


def test_a_spreadsheets_semicolons_and_byte_order_mark_are_read(fork: Network, tmp_path: Path):
    rows = "s,in,mid,07:00,10\ns,in,mid,7:15,12\n"
    (tmp_path / "counts.csv").write_text((HEADER + rows).replace(",", ";"), encoding="utf-8-sig")
    assert read_counts(tmp_path / "counts.csv", net_of(fork)).veh.tolist() == [[10.0, 12.0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "x,in,mid,07:00,1\n", "line 2: unknown junction 'x'; known: f, s"),
        (HEADER + "s,inn,mid,07:00,1\n", "line 2: from_edge: unknown edge 'inn'; did you mean in?"),
        (HEADER + "s,in,midd,07:00,1\n", "line 2: to_edge: unknown edge 'midd'; did you mean mid?"),
        (HEADER + "f,in,mid,07:00,1\n", "line 2: edge in ends at s, not at f"),
        (HEADER + "s,in,east,07:00,1\n", "line 2: edge east begins at f, not at s"),
        (HEADER + "s,side,up,07:00,1\n", "no turn from side into up at s; from there one can turn into ['mid']"),
        (HEADER + "s,in,mid,07:00,-3\n", "line 2: count: '-3' is not a whole number from 0 on"),
        (HEADER + "s,in,mid,07:00,2.5\n", "line 2: count: '2.5' is not a whole number"),
        (HEADER + "s,in,mid,07:10,1\n", "line 2: begin: '07:10' is not a quarter-hour"),
        (HEADER + "s,in,mid,24:00,1\n", "begin: '24:00' is not a quarter-hour"),
        (
            HEADER + "s,in,mid,07:00,1\ns,in,mid,07:00,1\n",
            "line 3: s: in → mid at 07:00: given twice (first on line 2)",
        ),
        (HEADER + "s,in,mid,07:00,1\ns,in,mid,07:30,1\n", "no count of any turn at 07:15; write 0"),
        (
            HEADER + "s,in,mid,07:00,1\ns,in,mid,07:15,1\ns,in,up,07:00,1\n",
            "s: in → up: no count at 07:15",
        ),
        ("junction,from_edge,to_edge,start,count\n", "line 1: no column begin; found: junction"),
        (HEADER.replace("count", "count,vehicel"), "line 1: unknown column 'vehicel'; did you mean vehicle?"),
        (HEADER.replace("\n", ",vehicle\n") + "s,in,mid,07:00,1,lorry\n", "unknown vehicle 'lorry'"),
        (
            HEADER.replace("\n", ",vehicle\n") + "s,in,mid,07:00,1,car\ns,in,up,07:00,1,all\n",
            "counts of all vehicles are mixed with counts of car",
        ),
        (
            HEADER.replace("\n", ",vehicle\n") + "s,in,mid,07:00,1,car\ns,in,up,07:00,1,bus\n",
            "s: in → mid (bus): never counted",
        ),
        (HEADER, "has a header and no rows"),
        ("", "no column junction"),
    ],
)
def test_a_fault_of_the_counts_is_named(fork: Network, tmp_path: Path, text: str, words: str):
    (tmp_path / "counts.csv").write_text(text)
    with pytest.raises(CountsError) as caught:
        read_counts(tmp_path / "counts.csv", net_of(fork))
    assert words in str(caught.value)


def test_all_faults_of_the_counts_come_at_once(fork: Network, tmp_path: Path):
    (tmp_path / "counts.csv").write_text(
        HEADER + "s,inn,mid,07:00,1\ns,in,mid,07:05,-1\ns,in,up,07:00,4\ns,in,up,07:30,x\n"
    )
    with pytest.raises(CountsError) as caught:
        read_counts(tmp_path / "counts.csv", net_of(fork))
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["line 2", "line 3", "line 3", "line 5"]
    with pytest.raises(CountsError, match="cannot be read: No such file"):
        read_counts(tmp_path / "gone.csv", net_of(fork))


def test_the_sketchs_synthetic_counts_are_a_prior_and_add_up(sketch: Network):
    kind = day_type("weekday")
    counts = synthetic_counts(kind, net_of(sketch))
    assert counts.prior
    assert "prior" in counts.where
    assert {turn.junction for turn in counts.turns} == {"J1", "J2", "J3", "J4", "J5"}
    entering = sum(counts.hourly()[i] for i, turn in enumerate(counts.turns) if turn.from_edge == "west_J1")
    assert entering == pytest.approx(620)  # the west's inflow in the sketch's demand.csv
    assert counts.veh.sum(axis=0) / counts.veh.sum() == pytest.approx(kind.profile)


@given(
    veh=st.lists(st.lists(st.floats(0, 300), min_size=4, max_size=4), min_size=1, max_size=5),
    scale=st.floats(0, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_scaling_by_s_scales_expected_vehicles_by_s(veh: list[list[float]], scale: float, seed: int):
    turns = tuple(Turn("j", f"e{i}", "out") for i in range(len(veh)))
    counts = Counts("any", 0, turns, np.array(veh))
    scaled = counts.scaled(scale)
    assert scaled.hourly() == pytest.approx(scale * counts.hourly())
    drawn = whole(scaled, np.random.default_rng(seed)).veh
    assert np.array_equal(drawn, np.round(drawn))
    assert drawn.min() >= 0
    assert np.all(np.abs(drawn.sum(axis=1) - scaled.veh.sum(axis=1)) < 1 + 1e-9)


def test_theory_rounding_keeps_the_expectation():
    counts = Counts("any", 0, (Turn("j", "a", "b"),), np.array([[0.3, 0.3, 1.7, 0.0]]))
    mean = np.mean([whole(counts, np.random.default_rng(seed)).veh for seed in range(4000)], axis=0)
    assert mean == pytest.approx(counts.veh, abs=0.04)  # five standard errors of a fraction


# -- routes -----------------------------------------------------------------------------------------------------------


def test_theory_ways_over_the_fork(fork: Network):
    ways = Ways(net_of(fork))
    fastest = ways.fastest()
    assert set(fastest) == {
        ("in", "up"), ("in", "mid", "east"), ("in", "mid", "south"), ("side", "mid", "east"), ("side", "mid", "south"),
    }  # fmt: skip
    lengths = {edge: net_of(fork).getEdge(edge).getLength() for edge in ("in", "mid", "east")}
    assert fastest["in", "mid", "east"] == pytest.approx(sum(lengths.values()) / 12)
    assert set(ways.over("in", "mid")) == {("in", "mid", "east"), ("in", "mid", "south")}


def test_a_network_without_a_rim_is_told(tmp_path: Path):
    nodes = '<nodes><node id="a" x="0" y="0"/><node id="b" x="300" y="0"/><node id="c" x="0" y="300"/></nodes>'
    ring = "".join(f'<edge id="{a}{b}" from="{a}" to="{b}"/>' for a, b in ("ab", "bc", "ca"))
    (tmp_path / "x.nod.xml").write_text(nodes)
    (tmp_path / "x.edg.xml").write_text(f"<edges>{ring}</edges>")
    with pytest.raises(NetworkError, match="no edge where traffic enters"):
        Ways(read_net(built(tmp_path, "") / "network.net.xml"))


def test_a_counted_turn_brings_its_detour_into_the_ways(tmp_path: Path):
    # A road a → b → c → d, and a loop b → x → c that nobody would take who need not.
    nodes = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (900, 0), "x": (450, -150)}
    lines = "".join(f'<node id="{name}" x="{x}" y="{y}"/>' for name, (x, y) in nodes.items())
    (tmp_path / "x.nod.xml").write_text(f"<nodes>{lines}</nodes>")
    edges = "".join(f'<edge id="{a}{b}" from="{a}" to="{b}" speed="10"/>' for a, b in ("ab", "bc", "cd", "bx", "xc"))
    (tmp_path / "x.edg.xml").write_text(f"<edges>{edges}</edges>")
    net = read_net(built(tmp_path, "") / "network.net.xml")
    assert set(candidate_ways(net, [Turn("b", "ab", "bc")])) == {("ab", "bc", "cd")}
    ways = candidate_ways(net, [Turn("b", "ab", "bx")])
    assert set(ways) == {("ab", "bc", "cd"), ("ab", "bx", "xc", "cd")}
    assert ways["ab", "bc", "cd"] == 1.0  # the fastest way has the full weight
    assert 0 < ways["ab", "bx", "xc", "cd"] < 0.8


def test_a_turn_that_no_way_passes_is_told(tmp_path: Path):
    # A road through, and apart from it a ring that nobody gets into.
    nodes = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "x": (0, 300), "y": (300, 300), "z": (0, 600)}
    lines = "".join(f'<node id="{name}" x="{x}" y="{y}"/>' for name, (x, y) in nodes.items())
    (tmp_path / "x.nod.xml").write_text(f"<nodes>{lines}</nodes>")
    edges = "".join(f'<edge id="{a}{b}" from="{a}" to="{b}"/>' for a, b in ("ab", "bc", "xy", "yz", "zx"))
    (tmp_path / "x.edg.xml").write_text(f"<edges>{edges}</edges>")
    net = read_net(built(tmp_path, "") / "network.net.xml")
    with pytest.raises(CountsError, match="xy → yz: no way from an entry to an exit passes this turn"):
        candidate_ways(net, [Turn("b", "ab", "bc"), Turn("y", "xy", "yz")])


def test_routes_reproduce_the_counts_of_every_quarter(sketch: Network):
    net = net_of(sketch)
    counts = whole(synthetic_counts(day_type("market_day"), net), np.random.default_rng(1))
    departures = sampled(counts, candidate_ways(net, counts.turns), seed=1, begin_s=100)
    again = assigned(departures, counts, begin_s=100)
    assert share_below(geh(again.veh * 4, counts.veh * 4)) >= 0.85
    assert share_below(geh(again.hourly(), counts.hourly())) == 1.0
    assert len({departure.edges for departure in departures}) > 60  # many ways, not the few of a linear programme
    assert 100 <= departures[0].depart_s <= departures[-1].depart_s < 3700


def test_counts_by_kind_become_vehicles_of_that_kind(fork: Network, tmp_path: Path):
    rows = [f"{kind},s,in,up,07:00,{n}" for kind, n in (("car", 5), ("truck", 0), ("motorcycle", 20))]
    (tmp_path / "c.csv").write_text("vehicle," + HEADER + "\n".join(rows) + "\n")
    counts = read_counts(tmp_path / "c.csv", net_of(fork))
    routes = routes_from_counts(fork, counts, vehicle_mix(0.75), seed=1, to=tmp_path / "r.rou.xml")
    assert Counter(vehicle.get("type") for vehicle in vehicles(routes)) == {"car": 5, "motorcycle": 20}
    assert all(vehicle[0].get("edges") == "in up" for vehicle in vehicles(routes))


def test_the_same_seed_gives_the_same_bytes_and_is_made_once(sketch: Network, tmp_path: Path, cache: Path):
    first = hour_routes("weekday", seed=5, **PART)
    stamp = first.stat().st_mtime_ns
    assert hour_routes("weekday", seed=5, **PART) == first
    assert first.stat().st_mtime_ns == stamp
    text = first.read_bytes()
    first.unlink()
    assert hour_routes("weekday", seed=5, **PART).read_bytes() == text
    assert hour_routes("weekday", seed=6, **PART).read_bytes() != text
    assert not list((cache / "demand").glob(".*"))


def test_departures_are_spread_like_a_poisson_stream(fork: Network):
    departures = sampled(fork_counts(0, 3600, 0, 0, 0), {("in", "up"): 1.0}, seed=3, begin_s=0)
    gaps_s = np.diff([departure.depart_s for departure in departures])
    assert len(departures) == 3600
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(1.0, abs=0.08)  # exponential: 1; evenly spaced: 0
    assert np.mean(gaps_s > 2 * gaps_s.mean()) == pytest.approx(np.exp(-2), abs=0.03)


def test_demand_scales_with_scale(sketch: Network):
    whole_scale, half = (
        sum(vehicle.get("id").startswith("v") for vehicle in vehicles(hour_routes("weekday", seed=5, **options)))
        for options in (PART, {**PART, "scale": 0.15})
    )
    assert whole_scale == pytest.approx(0.3 * 2760, rel=0.03)
    assert half == pytest.approx(whole_scale / 2, rel=0.05)


# -- walkers and blue lights ------------------------------------------------------------------------------------------


def test_theory_trips_on_foot_thin_out_with_distance(sketch: Network):
    from twin.traffic.demand.pedestrians import Pavement

    places = [Pavement("a", 100, 0, 0), Pavement("b", 100, 600, 0), Pavement("c", 100, 1200, 0)]
    weights = trip_weights(places, 600)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0, 0] == 0
    assert weights[0, 1] / weights[0, 2] == pytest.approx(np.e)


def test_a_network_without_sidewalks_is_told(fork: Network):
    with pytest.raises(NetworkError, match="no sidewalks"):
        pedestrians_xml(net_of(fork), 10, begin_s=0, duration_s=3600, seed=1)


def test_numbers_of_walkers_and_runs_are_poisson(sketch: Network):
    net, hour = net_of(sketch), {"begin_s": 0, "duration_s": 3600}
    walkers = [pedestrians_xml(net, 100, **hour, seed=seed).count("<person ") for seed in range(30)]
    runs = [emergency_xml([("a", "b")], 4, **hour, seed=seed).count("<vehicle ") for seed in range(100)]
    assert np.mean(walkers) == pytest.approx(100, abs=4 * np.sqrt(100 / 30))
    assert np.mean(runs) == pytest.approx(4, abs=4 * np.sqrt(4 / 100))
    assert np.std(runs) > 1


def test_walkers_and_blue_lights_are_seen_in_a_short_run_of_the_sketch(sketch: Network, tmp_path: Path):
    routes = hour_routes("weekday", seed=2, scale=0.5, pedestrians_per_h=900, emergency_per_h=60)
    out = tmp_path / "trips.xml"
    command = [
        program("sumo"), "--net-file", str(sketch.net_file), "--route-files", str(routes), "--end", "300",
        "--tripinfo-output", str(out), "--tripinfo-output.write-unfinished", "--no-step-log", *sketch.options,
        "--xml-validation", "never",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    root = ET.parse(out).getroot()
    people = Counter(person.get("id").split(".")[0] for person in root.iter("personinfo"))
    assert set(people) == {"adult", "elderly", "child", "disabled"}
    walks = [(person.get("type"), walk) for person in root.iter("personinfo") for walk in person.iter("walk")]
    speed = {kind: np.mean([float(walk.get("maxSpeed")) for who, walk in walks if who == kind]) for kind in people}
    assert speed["disabled"] < speed["elderly"] < speed["adult"]
    trips = {trip.get("id"): trip for trip in root.iter("tripinfo")}
    runs = [trip for name, trip in trips.items() if name.startswith(("ambulance.", "fire_engine."))]
    assert len(runs) > 1
    assert all("bluelight" in run.get("devices") for run in runs)
    assert not any("bluelight" in trip.get("devices") for name, trip in trips.items() if name.startswith("v"))
    kinds = Counter(trip.get("vType").split("@")[0] for name, trip in trips.items() if name.startswith("v"))
    assert kinds["motorcycle"] / kinds.total() == pytest.approx(0.75, abs=0.12)


# -- calibration ------------------------------------------------------------------------------------------------------


def test_theory_targets_move_towards_the_counts():
    observed = np.array([[100.0, 10.0, 0.0, 50.0]])
    new = adjusted(observed.copy(), np.array([[50.0, 200.0, 3.0, 50.0]]), observed)
    assert new[0, 0] == pytest.approx(100 * (101 / 51) ** 0.7)
    assert new[0, 1:].tolist() == [5.0, 0.0, 50.0]  # halved at most; none where none was seen; kept where it fits


def test_theory_a_turn_is_counted_when_the_stop_line_is_passed(fork: Network, tmp_path: Path):
    # One car: 400 m to the stop line; the fork's second turn comes a good 400 m or 33 s later.
    routes = tmp_path / "one.rou.xml"
    routes.write_text(
        '<routes><vType id="car" sigma="0" speedDev="0"/><vehicle id="a" type="car" depart="870" departSpeed="max">'
        '<route edges="in mid east"/></vehicle></routes>'
    )
    counts = measured(fork, routes, fork_counts(0, 0, 0, 0, 0), tmp_path, seed=1)
    passes = turn_passes(tmp_path / "vehroutes.xml")
    assert 400 / 12 - 3 < passes["in", "mid", "all"][0] - 870 < 400 / 12 + 60
    assert passes["mid", "east", "car"][0] - passes["in", "mid", "car"][0] == pytest.approx(400 / 12, abs=12)
    assert counts.veh.sum(axis=1).tolist() == [1.0, 0.0, 0.0, 1.0, 0.0]
    assert counts.veh[0].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_known_demand_is_recovered_from_counts_of_its_simulation(fork: Network, tmp_path: Path):
    ways = {
        ("in", "up"): 60.0,
        ("in", "mid", "east"): 200.0,
        ("in", "mid", "south"): 80.0,
        ("side", "mid", "east"): 90.0,
    }
    known = fork_counts(280, 60, 90, 290, 80)
    warm = replace(known, veh=np.concatenate([known.veh[:, :1], known.veh], axis=1))
    truth_routes = routes_from_counts(fork, warm, CARS, seed=77, ways=ways)
    truth = measured(fork, truth_routes, known, tmp_path, seed=9, warm_up_s=900)
    assert share_below(geh(truth.hourly(), known.hourly())) == 1.0
    # The calibration knows the counts and the network, not the ways; it starts with every turn wrong by a third.
    report = calibrate(fork, truth, mix=CARS, seed=1, rounds=3)
    assert report.passed
    assert share_below(report.geh_hour) >= 0.85
    assert share_below(report.geh_quarter) >= 0.85
    summary = report.summary()
    assert (summary["turns"], summary["quarters"], summary["prior"]) == (5, 4, False)
    assert summary["worst"][0]["geh"] == pytest.approx(report.geh_hour.max())
    again = calibrate(fork, truth, mix=CARS, seed=1, rounds=3)
    assert again.summary() == summary


def test_counts_beyond_the_roads_capacity_do_not_pass(fork: Network):
    counts = Counts("too many", 0, (Turn("s", "in", "mid"),), np.array([[900.0]]))  # 3,600 an hour on one lane
    report = calibrate(fork, counts, mix=CARS, seed=1, rounds=1, warm_up_s=0)
    assert not report.passed
    assert report.worst(1)[0]["simulated_veh_per_h"] < 2500
    assert report.rounds == (0.0,)


def test_a_route_file_that_sumo_refuses_is_its_message(fork: Network, tmp_path: Path):
    routes = tmp_path / "bad.rou.xml"
    routes.write_text('<routes><vehicle id="a" depart="0"><route edges="in gone"/></vehicle></routes>')
    with pytest.raises(NetworkError, match=r"fork: SUMO says: .*gone"):
        measured(fork, routes, fork_counts(0, 0, 0, 0, 0), tmp_path, seed=1)


@pytest.mark.slow
def test_the_sketchs_demand_is_recovered_from_counts_of_its_simulation(sketch: Network, tmp_path: Path):
    net, mix = net_of(sketch), vehicle_mix(0.75)
    known = synthetic_counts(day_type("weekday"), net).scaled(0.8)
    warm = replace(known, veh=np.concatenate([known.veh[:, :1], known.veh], axis=1))
    truth_routes = routes_from_counts(sketch, warm, mix, 99, ways=sketch_ways(day_type("weekday"), net))
    truth = measured(sketch, truth_routes, known, tmp_path, seed=4242, warm_up_s=900)
    report = calibrate(sketch, truth, mix=mix, seed=1, rounds=2)
    assert share_below(report.geh_hour) >= 0.85
    assert set(vehicle_turns(net)) > {(turn.from_edge, turn.to_edge) for turn in truth.turns}
