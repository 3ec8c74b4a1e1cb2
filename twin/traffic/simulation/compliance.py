"""Red-light running: who does it, and how it is counted.

Of SUMO's junction-model attributes `jmDriveAfterRedTime` is the one that makes vehicles pass red lights (measured on
cologne1, 600 s, everybody so: 0 of 377 crossings without it, 15 with 3 s, 32 with 6 s, 220 without a limit); with
`jmDriveAfterYellowTime` alone nobody does. `jmIgnoreFoeProb` lets them ignore crossing streams as well; without it they
give way all the same, and conflicts do not rise.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import libsumo

from twin.traffic.networks.files import read_net

RED = frozenset("ru")
CROSSINGS, LAMPS = "crossings.xml", "lamps.xml"
EMERGENCY = ("ambulance", "fire")  # ids of vehicles that may pass at red begin so
STOP_LINE_M = 0.1  # the detector lies this far behind the stop line
RETURN_S = 3.0  # who rolls when the lamps come back on is not at fault
CARELESS_SPEED_M_PER_S = 50.0  # foes up to this speed are ignored: all of them


class RedRunners:
    """Draws, by vehicle and seed, who runs red lights, and gives them a type of their own, `TYPE@runs_red`.

    A vehicle's draw depends on the seed and its id alone: with a smaller share, fewer of the same ones do it.
    """

    def __init__(self, share: float, red_running_s: float, careless: float, seed: int) -> None:
        self.share, self.seed = share, seed
        self._attributes = {
            "jmDriveAfterRedTime": red_running_s,
            "jmIgnoreFoeProb": careless,
            "jmIgnoreFoeSpeed": CARELESS_SPEED_M_PER_S,
        }
        self._types: dict[str, str] = {}

    def draw(self, vehicles: Iterable[str]) -> None:
        """Let those of the just departed vehicles run red lights whose draw says so."""
        for vehicle in vehicles:
            if chance(self.seed, vehicle) < self.share:
                libsumo.vehicle.setType(vehicle, self._variant(libsumo.vehicle.getTypeID(vehicle)))

    def _variant(self, kind: str) -> str:
        if kind not in self._types:
            self._types[kind] = f"{kind}@runs_red"
            libsumo.vehicletype.copy(kind, self._types[kind])
            for name, value in self._attributes.items():
                libsumo.vehicletype.setParameter(self._types[kind], f"junctionModel.{name}", repr(value))
        return self._types[kind]


def chance(seed: int, vehicle: str) -> float:
    """A number in [0, 1) from a seed and a name, evenly spread."""
    digest = hashlib.blake2b(f"{seed} {vehicle}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def stop_lines_xml(net_file: Path, signals: Sequence[str]) -> str:
    """A detector just behind every stop line of the signals, named `SIGNAL LINK`, and a record of their lamps."""
    net = read_net(net_file)
    lines = []
    for lane, signal, link in _vias(net):
        if signal in signals:
            lines.append(
                f'<instantInductionLoop id="{signal} {link} {lane}" lane="{lane}" pos="{STOP_LINE_M}"'
                f' friendlyPos="true" file="{CROSSINGS}"/>'
            )
    lines += [f'<timedEvent type="SaveTLSStates" source="{signal}" dest="{LAMPS}"/>' for signal in signals]
    return f"<additional>{''.join(lines)}</additional>"


def _vias(net: Any) -> list[tuple[str, str, int]]:
    """(lane inside the junction, signal, link) of every way of vehicles over a stop line."""
    found = {}
    for edge in net.getEdges():
        for lane in edge.getLanes():
            for connection in lane.getOutgoing():
                if connection.getTLSID() and connection.getViaLaneID():
                    found[connection.getViaLaneID()] = (connection.getTLSID(), int(connection.getTLLinkIndex()))
    return sorted((via, *link) for via, link in found.items())


def red_light_violations(
    crossings: Path, lamps: Path, dark: Sequence[tuple[str, float, float]] = (), step_s: float = 1.0
) -> tuple[int, int]:
    """Vehicles that passed a stop line at red, and all that passed one.

    `crossings` and `lamps` are what SUMO wrote for `stop_lines_xml`; `dark` are signals without electricity with begin
    and end [s]. SUMO's detectors date an entry within the step *before* the one that the lamps of a time rule, so an
    entry at t stands under the lamps of t + `step_s`. Emergency vehicles do not count.
    """
    times_s, states = _shown(lamps)
    violations = passed = 0
    for _, element in ET.iterparse(crossings):  # noqa: S314 (SUMO's own)
        if element.tag == "instantOut" and element.get("state") == "enter":
            if not element.get("vehID", "").startswith(EMERGENCY):
                signal, link, _ = element.get("id", "").rsplit(" ", 2)
                at_s = float(element.get("time", "nan")) + step_s
                passed += 1
                shown = states[signal][bisect_right(times_s[signal], at_s) - 1][int(link)]
                unlit = any(s == signal and begin_s <= at_s < end_s + RETURN_S for s, begin_s, end_s in dark)
                violations += shown in RED and not unlit
            element.clear()
    return violations, passed


def _shown(lamps: Path) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    """For each signal the times at which its lamps changed [s], and what they showed from then on."""
    times_s: dict[str, list[float]] = {}
    states: dict[str, list[str]] = {}
    for _, element in ET.iterparse(lamps):  # noqa: S314 (SUMO's own)
        if element.tag == "tlsState":
            signal, state = element.get("id", ""), element.get("state", "")
            if states.setdefault(signal, [""])[-1] != state:
                times_s.setdefault(signal, [float("-inf")]).append(float(element.get("time", "nan")))
                states[signal].append(state)
            element.clear()
    return times_s, states
