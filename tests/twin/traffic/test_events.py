"""Events of an hour: each does what it says and nothing else, and none is the same as never having had them."""

import csv
import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import libsumo
import numpy as np
import pytest
from pydantic import ValidationError

from controllers.guard import Guard
from controllers.plan import SignalPlan
from controllers.rules import fixed_time
from twin.errors import FaultsError, NetworkError
from twin.traffic.demand.hours import hour_routes
from twin.traffic.demand.vehicles import emergency_types_xml
from twin.traffic.networks.build import built
from twin.traffic.networks.locate import SUBLANE, Network, locate
from twin.traffic.signals.baselines import BASELINES
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation.batch import Job, simulate
from twin.traffic.simulation.compliance import chance, red_light_violations
from twin.traffic.simulation.events import Closure, EventOptions, Outage, check, event_parameters
from twin.traffic.simulation.hour import sumo_options
from twin.traffic.simulation.live_events import Events, output_words, serving, write_files
from twin.traffic.simulation.sim import TrafficSim

SIGNAL = "GS_cluster_357187_359543"  # of cologne1
LANE = "-32038056#3_0"  # of cologne1: an approach of two lanes
DARK = (Outage(junction=SIGNAL, from_s=62, until_s=203),)
ALL_DARK = (Outage(junction=SIGNAL, from_s=0, until_s=300),)
NODES = """<nodes><node id="w" x="0" y="0"/><node id="s" x="300" y="0" type="traffic_light"/><node id="e" x="600" y="0"/>
<node id="n" x="300" y="300"/><node id="o" x="300" y="-300"/></nodes>"""
EDGES = "".join(
    f'<edge id="{a}{b}" from="{a}" to="{b}" numLanes="1" speed="13.9" sidewalkWidth="1.5"/>'
    for a, b in ("ws", "sw", "es", "se", "ns", "sn", "os", "so")
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def cologne(events: EventOptions | None = None, controller: str = "max_pressure", **more) -> Job:
    settings = BASELINES[controller].defaults
    return Job(locate("cologne1"), 1, controller, settings, duration_s=300, events=events or EventOptions(), **more)


@pytest.fixture(scope="module")
def hours(cache) -> dict[str, dict]:
    """Short simulations of cologne1, all made in one batch."""
    late = {"from_s": 300, "until_s": 900}
    red = {"count_red_light": True, "ssm_percent": 100}
    jobs = {
        "nothing": cologne(),
        "nothing that happens": cologne(
            EventOptions(
                outages=(Outage(junction=SIGNAL, **late),), closures=(Closure(lane=LANE, **late),),
                emergency_priority=True, etilang=True, **red,
            )
        ),
        "hybrid": cologne(EventOptions(outages=DARK, hybrid_supply=(SIGNAL,))),
        "outage": cologne(EventOptions(outages=DARK), trace=True),
        "outage, SUMO's own lamps": cologne(EventOptions(outages=DARK), "shipped", trace=True),
        "closed": cologne(EventOptions(closures=(Closure(lane=LANE, from_s=50, until_s=250),))),
        "nobody complies": cologne(EventOptions(red_light_compliance_percent=0, **red)),
        "nobody but for e-Tilang": cologne(EventOptions(red_light_compliance_percent=0, etilang=True, **red)),
        "a third, lit": cologne(scale=0.3),
        "a third, dark": cologne(EventOptions(outages=ALL_DARK), scale=0.3),
        "full, dark": cologne(EventOptions(outages=ALL_DARK)),
    }  # fmt: skip
    return dict(zip(jobs, simulate(list(jobs.values())), strict=True))


@pytest.fixture(scope="module")
def sketch(cache) -> Network:
    """The sketch with half a weekday's vehicles."""
    routes = hour_routes("weekday", seed=1, scale=0.5, pedestrians_per_h=60, emergency_per_h=0)
    return replace(locate("trenggalek"), route_file=routes)


def without(measures: dict, *names: str) -> dict:
    return {name: value for name, value in measures.items() if name not in names}


def test_events_that_do_not_happen_change_no_bit(hours):
    counted = ("red_light_violations", "conflicts", "conflicts_ttc", "conflicts_pet")
    assert hours["nothing"]["measures"]["vehicles"] > 150
    power = "signal_plts_percent"  # the panels' share is another signal's: that is all
    assert without(hours["hybrid"]["measures"], power) == without(hours["nothing"]["measures"], power)
    watched = hours["nothing that happens"]["measures"]
    assert without(watched, *counted) == without(hours["nothing"]["measures"], *counted)
    assert watched["red_light_violations"] == 0


@pytest.mark.parametrize("hour", ["outage", "outage, SUMO's own lamps"])
def test_an_outage_darkens_the_signal_for_its_time_and_ends_in_all_red(hours, hour):
    lamps = [(time_s - 25200, state) for time_s, name, state in hours[hour]["lamps"] if name == SIGNAL]
    (dark,) = [i for i, (_, state) in enumerate(lamps) if set(state) == {"o"}]
    assert lamps[dark][0] == 62
    assert lamps[dark + 1][0] == 203
    assert set(lamps[dark + 1][1]) == {"r"}
    assert any("G" in state for _, state in lamps[dark + 2 :])
    assert hours[hour]["violations"] == []
    assert hours[hour]["measures"]["delay_s"] != hours["nothing"]["measures"]["delay_s"]


def test_a_dark_signal_serves_few_vehicles_and_chokes_on_many(hours):
    at = {name: hours[name]["measures"] for name in ("a third, lit", "a third, dark", "nothing", "full, dark")}
    assert at["a third, dark"]["arrived"] >= at["a third, lit"]["arrived"] - 3
    assert at["a third, dark"]["delay_s"] < at["a third, lit"]["delay_s"] + 15
    assert at["full, dark"]["arrived"] < 0.93 * at["nothing"]["arrived"]
    assert at["full, dark"]["delay_s"] > 1.5 * at["nothing"]["delay_s"]


def test_dark_signals_do_not_lock_mixed_traffic(sketch):
    names = [plan.name for plan in signals_of(sketch.net_file, 200.0).plans]
    dark = EventOptions(outages=tuple(Outage(junction=name, from_s=0, until_s=400) for name in names))
    lit, unlit = simulate(
        [Job(sketch, 1, "max_pressure", BASELINES["max_pressure"].defaults, duration_s=400, events=events)
         for events in (EventOptions(), dark)]
    )  # fmt: skip
    assert lit["measures"]["arrived"] > 40
    assert unlit["measures"]["arrived"] > 0.85 * lit["measures"]["arrived"]


def test_a_closed_lane_costs_time(hours):
    assert hours["closed"]["measures"]["delay_s"] > 1.2 * hours["nothing"]["measures"]["delay_s"]
    assert hours["closed"]["measures"]["vehicles"] == hours["nothing"]["measures"]["vehicles"]


def watched(
    folder: Path, network: Network, events: EventOptions, duration_s: int, see: Callable[[TrafficSim], object],
    decision_s: float = 1.0,
) -> list:  # fmt: skip
    """What `see` returns after every second (or `decision_s`) of a simulation under the fixed programme.

    In a process of its own: what is simulated in this one would change what later tests simulate here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: none of ours is running
        child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            Path("seen").write_bytes(pickle.dumps(_watched(network, events, duration_s, see, decision_s)))
            os._exit(0)
        except BaseException:  # whatever it is, the test's process must not go on twice
            traceback.print_exc()
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return pickle.loads((folder / "seen").read_bytes())


def _watched(
    network: Network, events: EventOptions, duration_s: int, see: Callable[[TrafficSim], object], decision_s: float
) -> list:
    signals = signals_of(network.net_file, 200.0)
    files = write_files(events, network, signals.plans)
    options = [*sumo_options(network, 1, 1.0), *output_words(events)]
    sim = TrafficSim(network, signals, options, additional=files, decision_s=decision_s)
    Events(events, 1).attach(sim)
    decide, found = fixed_time(signals.junctions), []
    while sim.time_s < network.begin_s + duration_s:
        sim.step(decide(sim.readings))
        found.append(see(sim))
    sim.close()
    return found


def test_a_closed_lane_is_empty_until_it_opens_again(tmp_path):
    lanes = (LANE, LANE.replace("_0", "_1"))
    events = EventOptions(closures=(Closure(lane=LANE, from_s=60, until_s=120),))
    counts = np.array(
        watched(
            tmp_path, locate("cologne1"), events, 200,
            lambda _: [libsumo.lane.getLastStepVehicleNumber(lane) for lane in lanes],
        )
    )  # fmt: skip
    assert counts[:60, 0].max() > 0
    assert counts[110:120, 0].max() == 0  # those that were on it have left it
    assert counts[90:120, 1].max() > 0  # and go beside it
    assert counts[125:, 0].max() > 0


def test_whoever_closes_the_only_way_is_told(sketch):
    plans, spans = signals_of(sketch.net_file, 200.0).plans, {"from_s": 10, "until_s": 20}
    check(EventOptions(closures=(Closure(lane="J1_J2_up_1", **spans),)), plans, sketch)
    only_way = tuple(Closure(lane=f"J1_J2_up_{i}", **spans) for i in (1, 2))
    with pytest.raises(
        FaultsError, match=r"from 10 s with J1_J2_up_1, J1_J2_up_2 closed there is no way from \w+ to \w+"
    ):
        check(EventOptions(closures=only_way), plans, sketch)


def test_where_there_is_a_way_round_it_is_taken(sketch):
    closed = tuple(Closure(lane=f"J2_J4_up_{i}", from_s=0, until_s=400) for i in (1, 2))
    free, round_ = simulate(
        [Job(sketch, 1, "max_pressure", BASELINES["max_pressure"].defaults, duration_s=400, events=events)
         for events in (EventOptions(), EventOptions(closures=closed))]
    )  # fmt: skip
    assert round_["measures"]["vehicles"] == free["measures"]["vehicles"] > 100
    assert round_["measures"]["distance_veh_km"] > 1.005 * free["measures"]["distance_veh_km"]


def test_all_faults_are_told_at_once_with_the_nearest_name():
    events = EventOptions(
        outages=(Outage(junction="nowhere", from_s=5, until_s=5),),
        hybrid_supply=(SIGNAL[:-1],),
        closures=(Closure(lane="-32038056#3_9", from_s=9, until_s=3), Closure(lane="qq", from_s=1, until_s=2)),
    )
    with pytest.raises(NetworkError) as raised:
        simulate([cologne(events)])
    for said in (
        "events: 6 faults",
        "outages: nowhere: until_s 5 is not after from_s 5",
        "closures: -32038056#3_9: until_s 3 is not after from_s 9",
        "outages: no signal 'nowhere'",
        f"hybrid_supply: no signal {SIGNAL[:-1]!r}; did you mean {SIGNAL!r}?",
        "closures: no lane '-32038056#3_9'; did you mean '-32038056#3_",
        "closures: no lane 'qq'",
    ):
        assert said in str(raised.value)


@pytest.mark.parametrize(
    "bad", [{"red_light_compliance_percent": 101}, {"ssm_percent": -1}, {"outage": []}, {"priority_distance_m": 0},
            {"outages": [{"junction": "J1", "from_s": -1, "until_s": 2}]}, {"closures": [{"lane": "a_0"}]}],
)  # fmt: skip
def test_impossible_options_are_refused(bad):
    with pytest.raises(ValidationError):
        EventOptions.of(bad)


def test_options_survive_the_way_to_a_worker():
    events = EventOptions(outages=DARK, closures=(Closure(lane=LANE, from_s=1, until_s=2),), etilang=True)
    assert EventOptions.of(events.model_dump(mode="json")) == events
    assert cologne(events).digest() != cologne().digest()


def small(folder: Path, routes: str) -> Network:
    """One signal where two roads of one lane each cross, with crossings on foot; 300 m to each side."""
    (folder / "plain").mkdir()
    (folder / "plain" / "x.nod.xml").write_text(NODES)
    (folder / "plain" / "x.edg.xml").write_text(f"<edges>{EDGES}</edges>")
    made = built(folder / "plain", f"<routes>{routes}</routes>")
    return Network("small", made / "network.net.xml", made / "routes.rou.xml", begin_s=0)


def vehicles(*runs: tuple[str, str, float, str]) -> str:
    """Vehicles (id, type, departure, edges) in order of departure, with the emergency types."""
    lines = "".join(
        f'<vehicle id="{name}" type="{kind}" depart="{t}" departLane="best"><route edges="{edges}"/></vehicle>'
        for name, kind, t, edges in sorted(runs, key=lambda run: run[2])
    )
    return emergency_types_xml() + '<vType id="car"/>' + lines


def test_priority_brings_an_ambulance_through_a_queue(tmp_path):
    # Cars queue at the red of a fixed programme of 40 s of green for each road; the ambulance comes behind them.
    cars = [(f"car.{i}", "car", 30.0 + 2.0 * i, "ns so") for i in range(8)]
    network = small(tmp_path, vehicles(*cars, ("ambulance.0", "ambulance", 50.0, "ns so")))
    through_s = {}
    for asks in (False, True):
        events = EventOptions(emergency_priority=asks, priority_distance_m=150)

        def see(sim: TrafficSim) -> tuple[float, bool, int | None, float]:
            here = "ambulance.0" in libsumo.vehicle.getIDList()
            ahead = libsumo.vehicle.getNextTLS("ambulance.0") if here else ()
            return sim.time_s, bool(ahead), sim.priority[0], ahead[0][2] if ahead else np.inf

        seen = watched(tmp_path, network, events, 150, see)
        before = [time_s for time_s, ahead, *_ in seen if ahead]
        through_s[asks] = max(before)
        asking = [time_s for time_s, _, priority, _ in seen if priority is not None]
        if asks:  # from 150 m on until it has passed, and no longer
            near = [time_s for time_s, _, _, ahead_m in seen if ahead_m <= 150]
            assert asking[0] == pytest.approx(near[0] + 1)
            assert asking[-1] == pytest.approx(through_s[True] + 1)
        else:
            assert asking == []
    assert through_s[True] < through_s[False] - 5


def test_whose_way_is_over_before_the_next_decision_disturbs_nobody(tmp_path):
    flash = '<vehicle id="flash" type="{}" depart="20" departPos="-1" departSpeed="max"><route edges="so"/></vehicle>'
    routes = vehicles(("ambulance.0", "ambulance", 5.0, "ns so")) + flash.format("car") + flash.format("ambulance")
    network = small(tmp_path, routes.replace("flash", "flash.2", 1))
    events = EventOptions(emergency_priority=True, red_light_compliance_percent=50)

    def see(sim: TrafficSim) -> tuple[set[str], set[str]]:
        return set(libsumo.simulation.getDepartedIDList()), set(libsumo.simulation.getArrivedIDList())

    both = [departed & arrived for departed, arrived in watched(tmp_path, network, events, 60, see, 5.0)]
    assert {"flash", "flash.2"} in both


def test_who_stands_in_a_junction_for_nothing_is_led_out_and_who_waits_for_another_is_not(tmp_path):
    """Each car stops as if it were stuck: `alone` inside the junction, `first` behind it, with `second` inside."""
    runs = [("alone", "car", 0.0, "ns so"), ("first", "car", 120.0, "ns so"), ("second", "car", 122.0, "ns so")]
    network = replace(small(tmp_path, vehicles(*runs)), options=SUBLANE)

    def stop_at(vehicle: str, there: bool) -> None:
        if there and vehicle not in stopped:
            libsumo.vehicle.setSpeedMode(vehicle, 0)  # at once
            libsumo.vehicle.setSpeed(vehicle, 0.0)
            stopped.append(vehicle)

    def see(sim: TrafficSim) -> tuple[dict[str, tuple[str, int]], int]:
        where = {
            v: (libsumo.vehicle.getRoadID(v), libsumo.vehicle.getSpeedMode(v)) for v in libsumo.vehicle.getIDList()
        }
        stop_at("alone", where.get("alone", ("",))[0].startswith(":"))
        stop_at("first", where.get("first", ("",))[0] == "so")
        return where, sim.deadlocks.freed

    stopped: list[str] = []
    seen = watched(tmp_path, network, EventOptions(), 360, see)
    inside = [t for t, (where, _) in enumerate(seen) if where.get("alone", ("",))[0].startswith(":")]
    parameters = event_parameters()
    assert parameters["deadlock_s"] < len(inside) < parameters["deadlock_s"] + 30
    out = [where["alone"] for where, _ in seen if "alone" in where][-1]
    assert out == ("so", 31)  # as every other from here on
    assert {freed for _, freed in seen} == {0, 1}
    waits = [where["second"][0] for where, _ in seen[-100:]]
    assert set(waits) == {waits[0]}
    assert seen[-1][0]["second"][1] == 31


def test_the_first_to_ask_is_served_first_and_a_stuck_one_gives_way(tmp_path):
    runs = [("ambulance.0", "ambulance", 0.0, "ns so"), ("fire_engine.1", "fire_engine", 4.0, "ws se")]
    blocks = [(f"car.{i}", "car", 0.0, "es sw") for i in range(3)]
    network = small(tmp_path, vehicles(*runs, *blocks))

    def see(sim: TrafficSim) -> tuple[set[str], int | None]:
        waiting = {v for v in ("ambulance.0", "fire_engine.1") if v in libsumo.vehicle.getIDList()}
        return {v for v in waiting if libsumo.vehicle.getNextTLS(v)}, sim.priority[0]

    seen = watched(tmp_path, network, EventOptions(emergency_priority=True, priority_distance_m=290), 60, see)
    both = [priority for ahead, priority in seen if len(ahead) == 2 and priority is not None]
    alone = [priority for ahead, priority in seen if ahead == {"fire_engine.1"} and priority is not None]
    assert set(both) == {both[0]}
    assert alone
    assert alone[-1] != both[0]
    held = EventOptions(emergency_priority=True, priority_distance_m=290, priority_hold_s=3.0)
    briefly = [priority for _, priority in watched(tmp_path, network, held, 60, see)]
    assert 0 < sum(priority is not None for priority in briefly) < sum(priority is not None for _, priority in seen)


def test_theory_the_phase_that_an_emergency_vehicle_needs():
    # Links 0 and 1 leave from one lane. Phase 0 gives link 0 alone, phase 1 lets both go (0 yields), phase 2 is another's.
    guard = Guard(SignalPlan("x", ("Grr", "gGr", "rrG"), min_green_s=5.0))
    assert serving(guard, 0, [0]) == 0  # the present phase serves it
    assert serving(guard, 0, [0, 1]) == 1  # whoever waits for link 1 may stand before it
    assert serving(guard, 2, [2]) == 2
    assert serving(Guard(SignalPlan("y", ("rrG", "grG", "Grr"))), 0, [0]) == 2  # right of way before yielding
    assert serving(Guard(SignalPlan("z", ("rG",))), 0, [0]) is None


def test_fewer_who_comply_means_more_red_light_running_and_conflicts(hours):
    all_comply, none, cut = (
        hours[name]["measures"] for name in ("nothing that happens", "nobody complies", "nobody but for e-Tilang")
    )
    assert all_comply["red_light_violations"] == 0
    assert none["red_light_violations"] > cut["red_light_violations"] > 0
    assert none["conflicts"] > all_comply["conflicts"]


def test_theory_etilang_takes_its_share_of_the_runners():
    options = {"red_light_compliance_percent": 90.0, "etilang_cut_percent": 40.0}
    assert EventOptions(**options).runners_percent == pytest.approx(10.0)
    assert EventOptions(**options, etilang=True).runners_percent == pytest.approx(6.0)
    assert (
        EventOptions(etilang=True, red_light_compliance_percent=90.0, etilang_cut_percent=0.0).runners_percent == 10.0
    )
    assert EventOptions(etilang=True).runners_percent == 0.0


def test_theory_the_draw_of_runners_is_even_and_the_same_for_every_share():
    drawn = np.array([chance(1, f"v{i}") for i in range(20_000)])
    assert abs(drawn.mean() - 0.5) < 0.01  # 0.01 is 4.9 standard errors
    for share in (0.1, 0.5):
        assert abs((drawn < share).mean() - share) < 0.02
    assert chance(2, "v0") != chance(1, "v0")


def test_another_tool_red_light_running_is_what_one_sees_second_by_second(tmp_path):
    # Looked at every second: whoever was before the stop line at t and is not at t + 1 passed under the lamps of t.
    runs = [(f"{i}.{e}", "car", 3.0 * i, f"{e} {to}") for i in range(40) for e, to in (("ns", "so"), ("ws", "se"))]

    def see(sim: TrafficSim) -> tuple[dict[str, str], dict[str, str]]:
        shown = {
            ways[0][0][:2]: sim.guards[0].shown[link]
            for link, ways in enumerate(libsumo.trafficlight.getControlledLinks(sim.names[0]))
            if ways and (ways[0][0][:2], ways[0][1][:2]) in (("ns", "so"), ("ws", "se"))
        }
        return shown, {v: libsumo.vehicle.getRoadID(v) for v in libsumo.vehicle.getIDList()}

    events = EventOptions(red_light_compliance_percent=0, red_running_s=8, count_red_light=True)
    seen = watched(tmp_path, small(tmp_path, vehicles(*runs)), events, 150, see)
    passed = [
        shown[edge] == "r"
        for (_, before), (shown, now) in pairwise(seen)
        for vehicle, edge in before.items()
        if edge in shown and now.get(vehicle) != edge
    ]
    counted = red_light_violations(tmp_path / "crossings.xml", tmp_path / "lamps.xml")
    assert counted == (sum(passed), len(passed))
    assert sum(passed) > 3


def test_theory_who_passes_at_red_is_counted_by_hand(tmp_path):
    lamps = [(0, "Gr"), (10, "yr"), (13, "rG"), (20, "rr"), (25, "Gr")]
    (tmp_path / "lamps.xml").write_text(
        "<tlsStates>" + "".join(f'<tlsState time="{t}" id="a b" state="{s}"/>' for t, s in lamps) + "</tlsStates>"
    )
    # SUMO dates an entry one step early: 12.5 is in the second that begins at 13.
    entries = [(5.0, 0, "v"), (11.9, 0, "v"), (12.5, 0, "v"), (14.0, 1, "v"), (21.0, 1, "v"), (22.0, 1, "ambulance.0")]
    (tmp_path / "crossings.xml").write_text(
        "<instantE1>" + "".join(
            f'<instantOut id="a b {link} :via_{link}" time="{t}" state="{state}" vehID="{name}"/>'
            for t, link, name in entries for state in ("enter", "leave")
        ) + "</instantE1>"
    )  # fmt: skip
    files = tmp_path / "crossings.xml", tmp_path / "lamps.xml"
    assert red_light_violations(*files) == (2, 5)
    assert red_light_violations(*files, dark=[("a b", 20.0, 24.0)]) == (1, 5)  # nobody runs a dark light


@pytest.mark.parametrize(("walker", "speed_m_per_s"), [("elderly", 0.97), ("child", 1.1), ("disabled", 0.8)])
def test_slow_walkers_are_across_before_the_crossing_stream_gets_green(tmp_path, walker, speed_m_per_s):
    kind = f'<vType id="{walker}" vClass="pedestrian" desiredMaxSpeed="{speed_m_per_s}" speedFactor="1"/>'
    ways = (("ns", "so"), ("ws", "se"), ("os", "sn"), ("es", "sw"))
    people = "".join(
        f'<person id="{walker}.{n}.{i}" depart="{11 * n}" type="{walker}" departPos="250">'
        f'<walk from="{a}" to="{b}" arrivalPos="50"/></person>'
        for n in range(30) for i, (a, b) in enumerate(ways)
    )  # fmt: skip
    network = small(tmp_path, kind + people)
    signals = signals_of(network.net_file, 200.0)
    plan, crossings = signals.plans[0], {link: edge for link, (edge, _) in signals.walking_areas[0].items()}
    foes = {c: {link for pair in plan.conflicts if c in pair for link in pair} - set(plan.crossings) for c in crossings}

    def see(sim: TrafficSim) -> tuple[str, dict[int, tuple[str, ...]]]:
        on = {c: tuple(libsumo.edge.getLastStepPersonIDs(edge)) for c, edge in crossings.items()}
        return libsumo.trafficlight.getRedYellowGreenState(plan.name), on

    seen = watched(tmp_path, network, EventOptions(), 240, see)
    used = {person for _, on in seen for people in on.values() for person in people}
    begun = [
        len(on[c])
        for (before, on), (now, _) in pairwise(seen)
        for c in crossings
        if any(now[link] == "G" and before[link] != "G" for link in foes[c])
    ]
    assert len(used) > 40
    assert len(begun) > 8
    assert sum(begun) == 0


def test_the_same_seed_gives_the_same_numbers(tmp_path, monkeypatch):
    network = locate("cologne1")
    ambulance = tmp_path / "ambulance.rou.xml"
    run = ("ambulance.0", "ambulance", network.begin_s + 30.0, "-32038056#3 32038051#0")
    ambulance.write_text(f"<routes>{vehicles(run)}</routes>")
    events = EventOptions(
        outages=(Outage(junction=SIGNAL, from_s=20, until_s=50),), red_light_compliance_percent=50, ssm_percent=50,
        closures=(Closure(lane=LANE, from_s=10, until_s=60),), emergency_priority=True, count_red_light=True,
    )  # fmt: skip
    job = replace(cologne(events), network=replace(network, more_route_files=(ambulance,)), duration_s=150)
    answers = []
    for folder in ("one", "two"):  # each with a cache of its own
        monkeypatch.setenv("TWIN_CACHE", str(tmp_path / folder))
        answers += simulate([job])
    assert answers[0] == answers[1]
    assert answers[0]["measures"]["emergency_vehicles"] == 1
    assert answers[0]["violations"] == []


def test_the_priors_are_within_their_own_ranges(root):
    with (root / "twin" / "traffic" / "data" / "event_parameters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == set(event_parameters())
    for row in rows:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"]), row["name"]
        assert row["source"]
        assert row["confidence"] == "prior"
    assert next(row for row in rows if row["name"] == "etilang_cut_percent")["low"] == "0"
