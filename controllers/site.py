"""A site: the junctions of one controller, their plans and detector zones, as one JSON document."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from controllers.errors import ControllerError, PlanError
from controllers.plan import SignalPlan
from controllers.rules import Junctions

TIMES = ("min_green_s", "max_green_s", "yellow_s", "all_red_s", "walk_s", "clearance_s")
PLAN_KEYS = ("name", "phases", "conflicts", "crossings", *TIMES, "programme", "offset_s")
MOST_JUNCTIONS, MOST_ZONES, MOST_LINKS = 256, 4096, 128


@dataclass(frozen=True)
class Site:
    """Junctions that one controller runs. `zone_of[j][link]`, `exit_of[j][link]`: index into `zones`, −1 for none."""

    name: str
    plans: tuple[SignalPlan, ...]
    zones: tuple[str, ...]
    zone_of: tuple[tuple[int, ...], ...]
    exit_of: tuple[tuple[int, ...], ...]

    @cached_property
    def junctions(self) -> Junctions:
        """The same as arrays, for rules and policies."""
        return Junctions.of(self.plans, self.zone_of, self.exit_of, len(self.zones))

    @cached_property
    def own_zones(self) -> tuple[tuple[int, ...], ...]:
        """The zones before each junction's stop lines."""
        return tuple(tuple(sorted({zone for zone in zones if zone >= 0})) for zones in self.zone_of)

    def as_json(self) -> dict[str, Any]:
        """As `site_of` takes it."""
        return {
            "name": self.name,
            "zones": list(self.zones),
            "junctions": [
                {"plan": plan_as_json(plan), "zone_of": list(zones), "exit_of": list(exits)}
                for plan, zones, exits in zip(self.plans, self.zone_of, self.exit_of, strict=True)
            ],
        }

    def only(self, junction: str) -> Site:
        """The site of one junction: its own zones, and those that its links lead into. Raises ControllerError."""
        names = [plan.name for plan in self.plans]
        if junction not in names:
            raise ControllerError(f"site {self.name}: no junction {junction!r}{nearest(junction, names)}")
        j = names.index(junction)
        kept = sorted({zone for zone in (*self.zone_of[j], *self.exit_of[j]) if zone >= 0})
        place = {zone: i for i, zone in enumerate(kept)} | {-1: -1}
        renamed = [tuple(place[zone] for zone in row) for row in (self.zone_of[j], self.exit_of[j])]
        zones = tuple(self.zones[zone] for zone in kept)
        return Site(junction, (self.plans[j],), zones, (renamed[0],), (renamed[1],))


def plan_as_json(plan: SignalPlan) -> dict[str, Any]:
    """A plan as JSON data."""
    document = {name: getattr(plan, name) for name in PLAN_KEYS}
    lists = {"phases": list(plan.phases), "conflicts": sorted(map(list, plan.conflicts))}
    return document | lists | {"crossings": list(plan.crossings), "programme": [list(step) for step in plan.programme]}


def site_of(document: Any) -> Site:
    """A site from JSON data. Raises PlanError with every fault of every junction."""
    if not isinstance(document, Mapping) or set(document) != {"name", "zones", "junctions"}:
        raise PlanError("?", ["a site is an object with name, zones and junctions"])
    name, zones, junctions = str(document["name"]), document["zones"], document["junctions"]
    faults: list[str] = []
    if not isinstance(zones, list) or not all(isinstance(zone, str) for zone in zones) or len(zones) > MOST_ZONES:
        raise PlanError(name, [f"zones: names of at most {MOST_ZONES} detector zones"])
    if not isinstance(junctions, list) or not 0 < len(junctions) <= MOST_JUNCTIONS:
        raise PlanError(name, [f"junctions: 1 … {MOST_JUNCTIONS} of them"])
    plans, rows = [], []
    for j, one in enumerate(junctions):
        if not isinstance(one, Mapping) or set(one) != {"plan", "zone_of", "exit_of"}:
            faults.append(f"junction {j}: an object with plan, zone_of and exit_of")
            continue
        try:
            plans.append(_plan(one["plan"]))
        except PlanError as error:
            faults += [f"junction {j} ({error.name}): {fault}" for fault in error.faults]
            continue
        for key in ("zone_of", "exit_of"):
            row = one[key]
            if not isinstance(row, list) or len(row) != plans[-1].links:
                faults.append(f"junction {j} ({plans[-1].name}): {key} has one entry a link, {plans[-1].links} of them")
            elif not all(type(zone) is int and -1 <= zone < len(zones) for zone in row):
                faults.append(f"junction {j} ({plans[-1].name}): {key} names zones -1 … {len(zones) - 1}")
            else:
                rows.append(tuple(row))
    names = [plan.name for plan in plans]
    faults += [f"two junctions are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if faults:
        raise PlanError(name, faults)
    return Site(name, tuple(plans), tuple(zones), tuple(rows[::2]), tuple(rows[1::2]))


def _plan(given: Any) -> SignalPlan:
    """A plan from JSON data; its kinds of values are checked here, its meaning by SignalPlan."""
    name = str(given.get("name", "?")) if isinstance(given, Mapping) else "?"
    if not isinstance(given, Mapping) or set(given) != set(PLAN_KEYS):
        wrong = sorted(set(given) ^ set(PLAN_KEYS)) if isinstance(given, Mapping) else []
        raise PlanError(name, [f"missing or unknown: {', '.join(map(str, wrong)) or 'everything'}"])
    faults = [
        f"{key} is {given[key]!r}; a number of seconds" for key in (*TIMES, "offset_s") if not _number(given[key])
    ]
    if not (isinstance(given["phases"], list) and all(isinstance(p, str) for p in given["phases"])):
        faults.append("phases: a list of strings")
    elif any(len(phase) > MOST_LINKS for phase in given["phases"]):
        faults.append(f"phases: at most {MOST_LINKS} links")
    if not _lists_of(given["conflicts"], (int, int)):
        faults.append("conflicts: a list of pairs of link numbers")
    if not (isinstance(given["crossings"], list) and all(type(link) is int for link in given["crossings"])):
        faults.append("crossings: a list of link numbers")
    if not _lists_of(given["programme"], (int, float)):
        faults.append("programme: a list of pairs of phase and green time")
    if faults:
        raise PlanError(name, faults)
    return SignalPlan(
        name=name, phases=tuple(given["phases"]), conflicts=frozenset((a, b) for a, b in given["conflicts"]),
        crossings=tuple(given["crossings"]), programme=tuple((p, float(s)) for p, s in given["programme"]),
        min_green_s=float(given["min_green_s"]), max_green_s=float(given["max_green_s"]),
        yellow_s=float(given["yellow_s"]), all_red_s=float(given["all_red_s"]), walk_s=float(given["walk_s"]),
        clearance_s=float(given["clearance_s"]), offset_s=float(given["offset_s"]),
    )  # fmt: skip


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether JSON data is a finite number; true and false are none."""
    return _number(value) and math.isfinite(value)


def _lists_of(values: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(values, list) and all(
        isinstance(pair, list) and len(pair) == len(kinds)
        and all(_number(v) and (kind is float or type(v) is int) for v, kind in zip(pair, kinds, strict=True))
        for pair in values
    )  # fmt: skip


def nearest(name: str, among: Sequence[str]) -> str:
    """The end of a message about a name that there is not: the one that was probably meant, or those there are."""
    near = difflib.get_close_matches(name, list(among), n=1, cutoff=0.4)
    return f"; nearest is {near[0]!r}" if near else f"; there are {', '.join(map(repr, list(among)[:8]))}"


def canonical(document: Any) -> bytes:
    """JSON data as the one sequence of bytes that stands for it."""
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
