"""What may happen to the street: power cuts, closed lanes, emergency vehicles that ask for green, red-light running.

All times are seconds after the begin of the simulated time. Without events nothing here is called, and the numbers are
those of a simulation that knows of none. How they happen: `live_events.py`.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from controllers.plan import SignalPlan
from twin.errors import FaultsError
from twin.files import read_rows
from twin.module import Options
from twin.traffic.folders import DATA
from twin.traffic.networks.files import Network, elements, read_net


@functools.cache
def event_parameters() -> dict[str, float]:
    """Values of `data/event_parameters.csv` by name; units, ranges, sources and confidence stand there."""
    return {row["name"]: float(row["value"]) for row in read_rows(DATA / "event_parameters.csv")}


def _prior(name: str) -> Any:
    return event_parameters()[name]


class Outage(Options):
    """PLN is out at a junction."""

    junction: str = Field(description="name of the signal")
    from_s: int = Field(ge=0, description="begin [s after the begin of the hour]")
    until_s: int = Field(ge=0, description="end [s after the begin of the hour]")


class Closure(Options):
    """A crash or road works close a lane."""

    lane: str = Field(description="id of the lane: its edge, an underscore, its number from the kerb")
    from_s: int = Field(ge=0, description="begin [s after the begin of the hour]")
    until_s: int = Field(ge=0, description="end [s after the begin of the hour]")


class EventOptions(Options):
    """Events of a simulated hour; by default there are none. Defaults of their sizes: `data/event_parameters.csv`."""

    outages: tuple[Outage, ...] = Field((), description="power cuts: the signal is dark and an all-way stop")
    hybrid_supply: tuple[str, ...] = Field((), description="signals with panels and a battery: no outage reaches them")
    dark_turn_s: int = Field(
        default_factory=lambda: int(_prior("dark_turn_s")), ge=1, le=30, description="turn at a dark signal [s]"
    )
    closures: tuple[Closure, ...] = Field((), description="lanes closed for a while")
    emergency_priority: bool = Field(
        False, description="emergency vehicles ask the guard for green (SUMO's own programmes cannot be asked)"
    )
    priority_distance_m: float = Field(
        default_factory=lambda: _prior("priority_distance_m"), gt=0, le=2000,
        description="from how far before the stop line they ask [m]",
    )  # fmt: skip
    priority_hold_s: float = Field(
        default_factory=lambda: _prior("priority_hold_s"), gt=0, le=600,
        description="a request lapses after this: whoever is stuck must not starve the others [s]",
    )  # fmt: skip
    red_light_compliance_percent: float = Field(
        100.0, ge=0, le=100, description="drivers who never run a red light, without e-Tilang [%]"
    )
    etilang: bool = Field(False, description="cameras fine whoever runs a red light")
    etilang_cut_percent: float = Field(
        default_factory=lambda: _prior("etilang_cut_percent"), ge=0, le=100,
        description="red-light runners whom e-Tilang brings to stop [%]",
    )  # fmt: skip
    red_running_s: float = Field(
        default_factory=lambda: _prior("red_running_s"), gt=0, le=3600,
        description="until how long after the red came on it is run [s]",
    )  # fmt: skip
    red_runners_careless_percent: float = Field(
        default_factory=lambda: _prior("red_runners_careless_percent"), ge=0, le=100,
        description="chance that a red-light runner does not give way either [%]",
    )  # fmt: skip
    count_red_light: bool = Field(False, description="count vehicles that pass a stop line at red")
    ssm_percent: float = Field(0.0, ge=0, le=100, description="vehicles whose conflicts SUMO writes down (slow) [%]")

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> EventOptions:
        """From JSON values, such as a job carries. Raises pydantic's ValidationError."""
        return cls.model_validate_json(json.dumps(document))

    @property
    def runners_percent(self) -> float:
        """Drivers who run red lights [%], with e-Tilang where it is on."""
        return (100 - self.red_light_compliance_percent) * (1 - self.etilang * self.etilang_cut_percent / 100)

    @property
    def dark(self) -> tuple[Outage, ...]:
        """The outages that reach a signal."""
        return tuple(outage for outage in self.outages if outage.junction not in self.hybrid_supply)


def check(options: EventOptions, plans: Sequence[SignalPlan], network: Network) -> None:
    """Raise FaultsError for signals and lanes that there are not, empty times, and closures that cut off a trip."""
    names = [plan.name for plan in plans]
    faults = [*_spans("outages", "junction", options.outages), *_spans("closures", "lane", options.closures)]
    asked = [("outages", o.junction) for o in options.outages] + [("hybrid_supply", j) for j in options.hybrid_supply]
    faults += [f"{where}: no signal {name!r}{_near(name, names)}" for where, name in asked if name not in names]
    if options.closures:
        net = read_net(network.net_file)
        lanes = {lane.getID(): lane for edge in net.getEdges() for lane in edge.getLanes()}
        missing = [closure.lane for closure in options.closures if closure.lane not in lanes]
        faults += [f"closures: no lane {lane!r}{_near(lane, lanes)}" for lane in missing]
        if not missing:
            faults += _cut_off(net, trips_of(network), options.closures)
    if faults:
        raise FaultsError("events", faults)


def _spans(where: str, what: str, events: Sequence[Outage | Closure]) -> Iterator[str]:
    for event in events:
        if event.until_s <= event.from_s:
            yield f"{where}: {getattr(event, what)}: until_s {event.until_s} is not after from_s {event.from_s}"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""


def trips_of(network: Network) -> set[tuple[str, str]]:
    """The first and last edge of every trip of vehicles in the network's demand."""
    found = set()
    for path in network.demand_files:
        for event, element in elements(path):
            if event == "start" and element.tag in ("trip", "flow") and element.get("from") and element.get("to"):
                found.add((element.get("from", ""), element.get("to", "")))
            elif event == "start" and element.tag == "route" and (edges := element.get("edges", "").split()):
                found.add((edges[0], edges[-1]))
    return found


def _cut_off(net: Any, trips: Iterable[tuple[str, str]], closures: Sequence[Closure]) -> Iterator[str]:
    """One line for each moment at which closures leave no way for some trip of the demand."""
    wanted: dict[str, set[str]] = {}
    for start, end in trips:
        if net.hasEdge(start):
            wanted.setdefault(start, set()).add(end)
    for at_s in sorted({closure.from_s for closure in closures}):
        closed = {c.lane for c in closures if c.from_s <= at_s < c.until_s}
        lost = [
            (start, end)
            for start, ends in wanted.items()
            for end in ends & (_reached(net.getEdge(start), set()) - _reached(net.getEdge(start), closed))
        ]
        if lost:
            start, end = min(lost)
            more = f" (nor for {len(lost) - 1} other trips)" if len(lost) > 1 else ""
            yield (
                f"closures: from {at_s} s with {', '.join(sorted(closed))} closed there is no way from {start} to {end}"
                f"{more}; leave a lane open that leads there"
            )


def _reached(start: Any, closed: set[str]) -> set[str]:
    """Edges that a car can get to over lanes that are not closed."""
    found: set[str] = set()
    todo = [start] if any(_open(lane, closed) for lane in start.getLanes()) else []
    while todo:
        edge = todo.pop()
        if edge.getID() not in found:
            found.add(edge.getID())
            todo += [
                c.getTo() for lane in edge.getLanes() if _open(lane, closed)
                for c in lane.getOutgoing() if _open(c.getToLane(), closed)
            ]  # fmt: skip
    return found


def _open(lane: Any, closed: set[str]) -> bool:
    return bool(lane.allows("passenger")) and lane.getID() not in closed
