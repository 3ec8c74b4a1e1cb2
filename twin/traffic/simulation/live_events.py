"""Events while a simulation runs: what SUMO is told beforehand, and what is done between its steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import libsumo

from controllers.guard import Guard
from controllers.plan import GREEN, SignalPlan
from twin.traffic.networks.files import Network, read_net
from twin.traffic.simulation.compliance import CROSSINGS, LAMPS, RedRunners, red_light_violations, stop_lines_xml
from twin.traffic.simulation.events import EventOptions
from twin.traffic.simulation.measures import output_options
from twin.traffic.simulation.sim import INFINITY, TrafficSim

CLOSURES, STOP_LINES = "closures.add.xml", "stop_lines.add.xml"


def write_files(options: EventOptions, network: Network, plans: Sequence[SignalPlan]) -> list[str]:
    """Write the additional files that the events need into the present folder; returns their names."""
    files = []
    if options.closures:
        net = read_net(network.net_file)
        edges = " ".join(edge.getID() for edge in net.getEdges())
        rerouters = "".join(
            f'<rerouter id="closure.{i}" edges="{edges}"><interval begin="{network.begin_s + closure.from_s}"'
            f' end="{network.begin_s + closure.until_s}"><closingLaneReroute id="{closure.lane}" disallow="all"/>'
            "</interval></rerouter>"
            for i, closure in enumerate(options.closures)
        )
        Path(CLOSURES).write_text(f"<additional>{rerouters}</additional>", encoding="utf-8")
        files.append(CLOSURES)
    if options.count_red_light:
        Path(STOP_LINES).write_text(stop_lines_xml(network.net_file, [plan.name for plan in plans]), encoding="utf-8")
        files.append(STOP_LINES)
    return files


def output_words(options: EventOptions) -> list[str]:
    """SUMO's command-line words for the outputs that the measures read; conflicts from a share of the vehicles."""
    words = output_options(conflicts=options.ssm_percent > 0)
    if options.ssm_percent > 0:
        words[words.index("--device.ssm.probability") + 1] = repr(options.ssm_percent / 100)
    if options.closures:  # SUMO checks a written route before the way round is looked for
        words.append("--ignore-route-errors")
    return words


def counted_red_light(options: EventOptions, network: Network) -> int | None:
    """After a simulation that was to count them: vehicles that passed a stop line at red; else None."""
    if not options.count_red_light:
        return None
    dark = [(o.junction, network.begin_s + o.from_s, network.begin_s + o.until_s) for o in options.dark]
    words = dict(zip(network.options, network.options[1:], strict=False))
    step_s = float(words.get("--step-length", 1.0))
    return red_light_violations(Path(CROSSINGS), Path(LAMPS), dark, step_s)[0]


class Events:
    """The events that happen while a simulation runs. `attach` it to one."""

    def __init__(self, options: EventOptions, seed: int) -> None:
        self.options = options
        self._runners = RedRunners(
            options.runners_percent / 100, options.red_running_s, options.red_runners_careless_percent / 100, seed
        )
        self._running: list[str] = []  # emergency vehicles on the road, by departure
        self._since_s: dict[int, dict[str, float]] = {}  # by junction: who asks, since when [s], first come first

    def attach(self, sim: TrafficSim) -> None:
        """Let the simulation call the events; where there are none, it does not."""
        options = self.options
        sim.dark_turn_s = options.dark_turn_s
        if options.dark or options.emergency_priority or options.runners_percent > 0:
            self._place = {name: j for j, name in enumerate(sim.names)}
            self._sim = sim
            if options.emergency_priority:  # a state that was loaded has some on the road
                there = libsumo.vehicle.getIDList()
                self._running = [v for v in there if libsumo.vehicle.getVehicleClass(v) == "emergency"]
            self._plan_outages()
            sim.before_step = self._happen

    def _plan_outages(self) -> None:
        begin_s = self._sim.network.begin_s
        spans = [(self._place[o.junction], begin_s + o.from_s, begin_s + o.until_s) for o in self.options.dark]
        self._spans = spans
        self._turning_points_s = sorted({t for _, *times in spans for t in times})

    def _happen(self) -> None:
        sim, options = self._sim, self.options
        if self._turning_points_s:
            self._switch_lights(sim.time_s)
        if options.emergency_priority or options.runners_percent > 0:
            gone = set(libsumo.simulation.getArrivedIDList())  # a short way is over before the next decision
            departed = [v for v in libsumo.simulation.getDepartedIDList() if v not in gone]
            emergency = [v for v in departed if libsumo.vehicle.getVehicleClass(v) == "emergency"]
            if options.runners_percent > 0:
                self._runners.draw(v for v in departed if v not in emergency)
            if options.emergency_priority:
                self._running += emergency
                self._ask_for_green()

    def _switch_lights(self, now_s: float) -> None:
        for j in sorted({j for j, *_ in self._spans}):
            self._sim.darken(j, any(k == j and begin_s <= now_s < end_s for k, begin_s, end_s in self._spans))
        self._sim.wake_s = min((t for t in self._turning_points_s if t > now_s), default=INFINITY)

    def _ask_for_green(self) -> None:
        """Every emergency vehicle near a signal asks for its link; at each signal the first one gets its phase."""
        sim, options = self._sim, self.options
        if self._running:
            arrived = set(libsumo.simulation.getArrivedIDList())
            self._running = [v for v in self._running if v not in arrived]
        asked: dict[int, dict[str, int]] = {}
        for vehicle in self._running:
            ahead = libsumo.vehicle.getNextTLS(vehicle)
            if ahead and ahead[0][2] <= options.priority_distance_m and ahead[0][0] in self._place:
                asked.setdefault(self._place[ahead[0][0]], {})[vehicle] = int(ahead[0][1])
        for j in self._since_s.keys() | asked.keys():
            links, before = asked.get(j, {}), self._since_s.get(j, {})
            since = {vehicle: at_s for vehicle, at_s in before.items() if vehicle in links}
            self._since_s[j] = since | {v: sim.time_s for v in links if v not in since}
            heard = [v for v, at_s in self._since_s[j].items() if sim.time_s < at_s + options.priority_hold_s]
            sim.priority[j] = (
                serving(sim.guards[j], links[heard[0]], self._lane_mates(j, links[heard[0]])) if heard else None
            )

    def _lane_mates(self, j: int, link: int) -> list[int]:
        """The links that leave from the same lane."""
        controlled = libsumo.trafficlight.getControlledLinks(self._sim.names[j])
        lane = controlled[link][0][0]
        return [i for i, ways in enumerate(controlled) if ways and ways[0][0] == lane]


def serving(guard: Guard, link: int, mates: Sequence[int]) -> int | None:
    """The phase that an emergency vehicle on a link needs, or None if no phase serves it.

    Best of all phases is one that gives every link of its lane (`mates`) green, or else whoever stands before it might
    not leave; then the present one; then one with right of way.
    """
    phases = guard.plan.phases
    present = guard.target if guard.changing else guard.phase
    served = [p for p, state in enumerate(phases) if state[link] in GREEN]
    return max(
        served,
        key=lambda p: (all(phases[p][i] in GREEN for i in mates), p == present, phases[p][link] == "G"),
        default=None,
    )
