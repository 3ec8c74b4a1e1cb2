"""Fixed time from counts: against Webster by hand, against SUMO's own tool, and what must hold for any junction."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.guard import Guard
from controllers.plan import SignalPlan
from controllers.rules import Junctions, Readings, fixed_time
from twin.errors import NetworkError
from twin.traffic.networks.files import Network, program
from twin.traffic.networks.locate import locate
from twin.traffic.signals import flows as counting
from twin.traffic.signals.flows import Stream, counted, lane_shares, link_flows
from twin.traffic.signals.green_wave import Timing, green_seconds, offsets_s, platoon, waits_s
from twin.traffic.signals.plans import signals_of
from twin.traffic.signals.webster import (
    MAX_CYCLE_S,
    critical_ratio,
    demand_of,
    kept_green,
    lane_flows,
    least_greens_s,
    optimal_cycle_s,
    phase_cover,
    shortest_cycle_s,
    split_greens_s,
    timing,
    webster_programmes,
    yielding_saturation_per_h,
)
from twin.traffic.studies.evaluate import network_for

DEFAULTS = {"cycle_factor": 1.0, "saturation_veh_per_h": 1800.0, "progression_factor": 1.0}
TWO = SignalPlan("two", ("GGr", "rrG"), frozenset({(0, 2), (1, 2)}))  # lost time 5 s a step
RING = SignalPlan(  # four approaches, each a through and a left lane: N S E W; phases as on RESCO's grid
    "ring", ("GrGrrrrr", "rGrGrrrr", "GGrrrrrr", "rrGGrrrr", "rrrrGrGr", "rrrrrGrG", "rrrrGGrr", "rrrrrrGG"),
    all_red_s=0.0,
)  # fmt: skip
NODES = """<nodes><node id="a" x="0" y="0"/><node id="s" x="300" y="0" type="traffic_light"/><node id="b" x="600" y="0"/>
<node id="n" x="300" y="300"/><node id="z" x="300" y="-300"/></nodes>"""
EDGES = """<edges><edge id="in" from="a" to="s" numLanes="2"/><edge id="out" from="s" to="b" numLanes="2"/>
<edge id="side" from="n" to="s"/><edge id="down" from="s" to="z"/></edges>"""
TURNS = """<connections><connection from="in" to="out" fromLane="0" toLane="0"/><connection from="in" to="out" fromLane="1"
toLane="1"/><connection from="side" to="down"/></connections>"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cross(folder: Path, through: int, across: int, kind: str = "passenger") -> Network:
    """Two one-way streets that cross; vehicles of an hour at even distances on each."""
    names = ("nod", NODES), ("edg", EDGES), ("con", TURNS)
    for name, text in names:
        (folder / f"x.{name}.xml").write_text(text)
    files = [
        word for name, _ in names for word in (f"-{name[0] if name != 'con' else 'x'}", str(folder / f"x.{name}.xml"))
    ]
    command = [program("netconvert"), *files, "-o", str(folder / "x.net.xml"), "--no-turnarounds"]
    subprocess.run([*command, "--tls.yellow.time", "3", "--tls.allred.time", "2"], check=True, capture_output=True)
    departs = sorted(
        [(3600 * (i + 0.5) / through, "in out") for i in range(through)]
        + [(3600 * (i + 0.5) / across, "side down") for i in range(across)]
    )
    vehicles = "".join(
        f'<vehicle id="{i}" type="{kind}" depart="{t:.2f}"><route edges="{edges}"/></vehicle>'
        for i, (t, edges) in enumerate(departs)
    )
    (folder / "x.rou.xml").write_text(f'<routes><vType id="{kind}" vClass="{kind}"/>{vehicles}</routes>')
    return Network("cross", folder / "x.net.xml", folder / "x.rou.xml", begin_s=0)


def test_theory_websters_cycle():
    assert optimal_cycle_s(10, 0.6) == pytest.approx((15 + 5) / 0.4)
    assert optimal_cycle_s(10, 0.95) == MAX_CYCLE_S
    assert optimal_cycle_s(10, 1.2) == MAX_CYCLE_S
    assert optimal_cycle_s(4, 0.0, least_s=30) == 30


def test_theory_a_two_phase_junction_by_hand():
    # Lanes 600 and 300 veh/h in one phase, 450 in the other, 1,800 veh/h of green: y = 1/3 and 1/4, Y = 7/12, L = 10 s,
    # so C = 20 / (5/12) = 48 s, and 38 s of green are shared 4 : 3.
    demand = demand_of(TWO, (0, 1, 2), np.array([600.0, 300.0, 450.0]), 1800)
    assert critical_ratio(demand, (0, 1)) == pytest.approx(7 / 12)
    order, cycle_s = phase_cover(TWO, demand, 1800)
    assert (order, cycle_s) == ((0, 1), 48)
    exact_s, factor = split_greens_s(demand, order, 48, 5, np.zeros(2), np.zeros((3, 2)))
    assert exact_s == pytest.approx([38 * 4 / 7, 38 * 3 / 7])
    assert factor == pytest.approx(38 / 48 / (7 / 12))
    assert timing(TWO, demand, order, cycle_s)[0] == Timing((0, 1), (22, 16), 48)


def test_theory_a_lane_green_in_two_phases_counts_both():
    # Lane 1 is green in both phases and needs 0.6; lanes 0 and 2 need 0.1 each in their own. Y = 0.6, shared as need be.
    plan = SignalPlan("overlap", ("GGr", "rGG"))
    demand = demand_of(plan, (0, 1, 2), np.array([180.0, 1080.0, 180.0]), 1800)
    assert critical_ratio(demand, (0, 1)) == pytest.approx(0.6)
    assert critical_ratio(demand, (0,)) == float("inf")
    greens_s, factor = split_greens_s(demand, (0, 1), 60, 5, np.array([5.0, 5.0]), np.zeros((3, 2)))
    assert factor == pytest.approx((50 / 60) / 0.6)
    assert greens_s.sum() == pytest.approx(50)
    assert (greens_s >= factor * 0.1 * 60 - 1e-6).all()
    # It stays green in both changes as well: 0.6 C of discharge in a cycle of nothing but itself.
    assert kept_green(demand, (0, 1)).tolist() == [[0, 0], [1, 1], [0, 0]]
    assert shortest_cycle_s(demand, (0, 1), 5, np.array([5.0, 5.0]), kept_green(demand, (0, 1))) == pytest.approx(20)


def test_theory_the_phases_chosen_are_the_cheapest():
    # Only the two throughs of north and south and those of east and west have traffic: two phases of the eight.
    flow = np.array([500.0, 0, 500, 0, 400, 0, 400, 0])
    demand = demand_of(RING, range(8), flow, 1800)
    assert phase_cover(RING, demand, 1800)[0] == (0, 4)
    # All of it from the north and the east, left turns too: then approach by approach is cheaper (0.5 against 0.8).
    flow = np.array([500.0, 400, 0, 0, 400, 300, 0, 0])
    demand = demand_of(RING, range(8), flow, 1800)
    assert phase_cover(RING, demand, 1800)[0] == (2, 6)
    assert critical_ratio(demand, (2, 6)) == pytest.approx(900 / 1800)


def test_theory_gaps_in_an_opposing_flow():
    # 600 veh/h: q = 1/6 per second, 600 e^(-4.5/6) / (1 - e^(-2.5/6)) = 831.7.
    assert yielding_saturation_per_h(600, 1800) == pytest.approx(831.7, abs=0.1)
    assert yielding_saturation_per_h(0, 1800) == 1800
    plan = SignalPlan("yield", ("Gg", "rG"), frozenset({(0, 1)}))
    demand = demand_of(plan, (0, 1), np.array([600.0, 90.0]), 1800)
    assert demand.weight[1] == pytest.approx([831.7 / 1800, 1.0], abs=1e-4)
    assert demand.blocked[1] == pytest.approx([1 / 3, 0.0])  # while the opposing queue leaves


def test_theory_flow_is_level_on_lanes_that_share_a_turn():
    lanes = {("in", "out"): {(0, 0): "l0", (0, 1): "l1"}, ("in", "right"): {(0, 2): "l0"}}
    shares = lane_shares({("in", "out"): 300, ("in", "right"): 100}, lanes)
    assert shares["in", "out"] == pytest.approx({(0, 0): 1 / 3, (0, 1): 2 / 3})
    shares = lane_shares({("in", "out"): 300, ("in", "right"): 400}, lanes)
    assert shares["in", "out"] == pytest.approx({(0, 0): 0, (0, 1): 1})
    assert lane_flows((0, 0, 1, -1), np.array([5.0, 10.0, 0.0, 7.0])) == {0: 15.0}


def test_theory_a_green_wave_on_a_line():
    # One way along three signals, 31 s and 25 s apart: each starts when those come whom the one before let go.
    plans = [replace(TWO, name=name) for name in "abc"]
    timings = dict.fromkeys(range(3), Timing((0, 1), (20, 20), 50))
    streams = [Stream(0, 0, 1, 0, 500, 31.0), Stream(1, 0, 2, 0, 500, 25.0)]
    found = offsets_s(plans, timings, streams, 1.0)
    assert 0 <= (found[0] + 31 - found[1]) % 50 <= 6  # the platoon of 7 cars and 14 s fits into the green of 20 s
    assert 0 <= (found[1] + 25 - found[2]) % 50 <= 6
    halved = offsets_s(plans, timings, streams, 0.5)
    assert 0 <= (halved[0] + 16 - halved[1]) % 50 <= 6
    # Going back as well, 25 s each way is half a cycle: alternate signals serve both directions without a stop.
    both = [Stream(0, 0, 1, 0, 500, 25.0), Stream(1, 0, 0, 0, 300, 25.0)]
    found = offsets_s(plans[:2], {0: timings[0], 1: timings[1]}, both, 1.0)
    assert (found[1] - found[0]) % 50 in range(19, 32)


def test_theory_platoons_and_waits():
    green = green_seconds(TWO, Timing((0, 1), (20, 20), 50), 0)
    assert np.flatnonzero(green).tolist() == list(range(5, 25))
    assert waits_s(green)[[0, 4, 5, 24, 25, 49]].tolist() == [5, 1, 0, 0, 30, 6]
    assert np.flatnonzero(platoon(green, 3)).tolist() == list(range(5, 11))
    assert platoon(green, 30).sum() == pytest.approx(1)
    assert green_seconds(
        replace(TWO, phases=("GGr", "rGG"), conflicts=frozenset()), Timing((0, 1), (20, 20), 50), 1
    ).all()


def test_another_tool_sumos_webster_agrees_where_both_apply(tmp_path: Path):
    """SUMO's tlsCycleAdaptation keeps all phases and halves a flow over lanes, so they can be compared without turns."""
    network = cross(tmp_path, 1400, 500)
    signals = signals_of(network.net_file, 200)
    ours = webster_programmes(network, signals, DEFAULTS)["s"]
    import sumo

    tool = Path(str(sumo.__file__)).parent / "tools" / "tlsCycleAdaptation.py"
    files = ["-n", str(network.net_file), "-r", str(network.route_file), "-o", str(tmp_path / "theirs.xml")]
    words = [*files, "-b", "0", "-y", "3", "-l", "5", "-H", "2"]
    subprocess.run([sys.executable, "-W", "ignore", str(tool), *words], check=True, capture_output=True)
    phases = [(p.get("state"), float(p.get("duration"))) for p in ET.parse(tmp_path / "theirs.xml").iter("phase")]
    theirs = {state: s for state, s in phases if "G" in state}
    assert len(theirs) == 2
    plan = signals.plans[0]
    # Theirs gives what is lost and is not yellow back to the green: 2 s, which the network's own all-red then takes.
    for phase, green_s in ours["steps"]:
        assert green_s == pytest.approx(theirs[plan.phases[phase]] - plan.all_red_s, abs=1)


def test_another_tool_counted_routes_are_those_that_sumo_drives(tmp_path: Path):
    """SUMO routes trips itself when they depart; in the first ten minutes of cologne1 everybody goes as counted."""
    network = locate("cologne1")
    end_s, out = network.begin_s + 600, tmp_path / "driven.xml"
    command = [program("sumo"), *network.inputs, "--begin", str(network.begin_s), "--end", str(end_s), "--no-step-log"]
    written = ["--vehroute-output", str(out), "--vehroute-output.write-unfinished"]
    subprocess.run([*command, *written, "--no-warnings"], check=True, capture_output=True)
    driven = Counter(tuple(str(route.get("edges")).split()) for route in ET.parse(out).iter("route"))
    everybody = Counter(edges for _, edges in counting.routes(network))
    assert driven.total() > 200
    assert driven <= everybody
    assert everybody.total() == 2015  # demanded in the hour; four of them pass no signal
    flows = link_flows(network, signals_of(network.net_file, 200))
    assert sum(flow.sum() for flow in flows) == pytest.approx(2011)


def test_counts_are_in_vehicles_and_car_units_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network = cross(tmp_path, 600, 300, "motorcycle")
    signals = signals_of(network.net_file, 200)
    found = counted(network, signals)
    assert sorted(found.vehicles[0].tolist()) == pytest.approx([300, 300, 300])  # 600 are level on two lanes
    assert found.car_units[0] == pytest.approx(0.3 * found.vehicles[0])
    monkeypatch.setattr(counting, "_count", lambda *_: pytest.fail("counted again"))
    assert link_flows(network, signals)[0].tolist() == found.vehicles[0].tolist()


def test_routes_that_lead_nowhere_are_duarouters_message(tmp_path: Path, cache: Path):
    network = cross(tmp_path, 10, 10)
    network.route_file.write_text(network.route_file.read_text().replace('edges="in out"', 'edges="in gone"'))
    with pytest.raises(NetworkError, match=r"cross: .*gone"):
        link_flows(network, signals_of(network.net_file, 200))
    assert not list(cache.glob("flows/*"))


def test_streams_between_signals_and_one_cycle_for_all_they_link():
    network, _ = network_for("trenggalek", 9001)
    signals = signals_of(network.net_file, 100)
    found = counted(network, signals)
    names = [plan.name for plan in signals.plans]
    assert (names.index("J1"), names.index("J2")) in {(s.junction, s.to_junction) for s in found.streams}
    assert all(s.travel_s > 0 and s.pcu_per_h > 0 for s in found.streams)
    together = webster_programmes(network, signals, DEFAULTS)
    alone = webster_programmes(network, signals, {**DEFAULTS, "progression_factor": 0.0})
    cycles = [
        {
            sum(s for _, s in of[plan.name]["steps"]) + plan.lost_s * len(of[plan.name]["steps"])
            for plan in signals.plans
        }
        for of in (together, alone)
    ]
    assert len(cycles[0]) == 1
    assert max(cycles[1]) == max(cycles[0])
    assert {one["offset_s"] for one in alone.values()} == {0}
    for plan in signals.plans:
        for phase, green_s in together[plan.name]["steps"]:
            assert green_s >= plan.min_green_s + (14 if plan.crossings_of[phase] else 0)  # 6 s to walk and to clear


def test_turns_get_right_of_way_where_asked():
    network = locate("cologne1")
    signals = signals_of(network.net_file, 200)
    name = signals.plans[0].name
    plain, safe = (
        webster_programmes(network, signals, {**DEFAULTS, "protected_turns": value})[name]["steps"] for value in (0, 1)
    )
    assert [phase for phase, _ in plain] == [0, 2]
    assert [phase for phase, _ in safe] == [0, 1, 2, 3]


def test_the_lamps_show_what_was_computed():
    demand = demand_of(TWO, (0, 1, 2), np.array([600.0, 300.0, 450.0]), 1800)
    timed, _ = timing(TWO, demand, (0, 1), 48)
    plan = replace(TWO, programme=tuple(zip(timed.order, map(float, timed.greens_s), strict=True)), offset_s=7.0)
    decide = fixed_time(Junctions.of([plan], [(0, 1, 2)], [(-1, -1, -1)], 3))
    guard, shown = Guard(plan), []
    nothing = np.zeros(3)
    for second in range(240):
        readings = Readings(
            float(second), nothing, nothing, nothing, np.array([guard.phase]), np.array([guard.green_s])
        )
        shown.append(guard.admit(int(decide(readings)[0]), float(second > 0)))
    for link in (0, 2):
        green = np.roll(green_seconds(plan, timed, link), 7)
        assert [s[link] == "G" for s in shown[48 * 2 : 48 * 4]] == green.tolist() * 2


flow = st.floats(0, 700).map(lambda f: round(f, 1))


@settings(max_examples=12, deadline=None)
@given(st.lists(flow, min_size=8, max_size=8).filter(lambda flows: max(flows) > 0), st.sampled_from([0.6, 1.0, 1.6]))
def test_any_demand_gets_a_programme_that_holds_together(flows: list[float], factor: float):
    demand = demand_of(RING, range(8), np.array(flows), 1800)
    order, cycle_s = phase_cover(RING, demand, 1800, factor)
    timed, exact_s = timing(RING, demand, order, cycle_s)
    assert sum(timed.greens_s) + len(order) * RING.lost_s == timed.cycle_s
    assert exact_s.sum() + len(order) * RING.lost_s == pytest.approx(timed.cycle_s)
    assert (np.array(timed.greens_s) >= least_greens_s(RING, order)).all()
    assert (np.abs(np.array(timed.greens_s) - exact_s) < 1 + 1e-6).all()
    served = {link for phase in order for link, letter in enumerate(RING.phases[phase]) if letter == "G"}
    assert served >= {link for link, veh in enumerate(flows) if veh > 0}
    if critical_ratio(demand, order) < 0.9 - len(order) * RING.lost_s / MAX_CYCLE_S:
        kept_s = kept_green(demand, order).sum(axis=1) * RING.lost_s
        capacity = (demand.weight[:, list(order)] @ exact_s + kept_s) / timed.cycle_s
        assert (capacity >= demand.ratio - 1e-6).all()
