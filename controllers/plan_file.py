"""A junction's signal plan as a traffic engineer writes it by hand, in YAML:

    name: pasar-pon
    movements:                      # one lamp group each, in the order in which the lamps are wired
      - {name: north, detector: camera-north}
      - {name: east, detector: camera-east, leads_into: camera-next-junction}
      - {name: zebra, pedestrian: true}
    conflicts: [[north, east], [east, zebra]]
    phases:
      - {name: main, green: [north, zebra]}
      - {name: side, green: [east], yields: []}
    times: {min_green_s: 5, max_green_s: 60, yellow_s: 3, all_red_s: 2, walk_s: 6, clearance_s: 8}
    fallback: {offset_s: 0, steps: [[main, 30], [side, 20]]}
    safety: {priority_hold_s: 90, detectors_needed_share: 0.5}

Names are free, times may be left out; `green` has right of way, `yields` has green and must give way. `safety` has what
differs here from `controllers.safety.Safety`: how long an emergency vehicle may ask for green, when the policy is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controllers.errors import ControllerError, PlanError
from controllers.plan import SignalPlan
from controllers.safety import Safety, safety_as_json, safety_of
from controllers.site import TIMES, Site, nearest, site_of

MOST_FILE_BYTES = 1 << 20


def read_plan(path: Path) -> tuple[Site, dict[str, float]]:
    """A junction's plan and its safety values as an engineer writes them (the module's example).

    Raises PlanError with every fault at once.
    """
    try:
        import yaml
    except ImportError as error:
        raise ControllerError("reading a plan needs PyYAML: pip install 'trenggalek-twin[cabinet]'") from error
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise PlanError(path.name, [f"is larger than {MOST_FILE_BYTES} bytes"])
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise PlanError(path.name, ["is nested too deeply"]) from error
    except (OSError, ValueError, AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        # PyYAML raises other than its own errors for what is no UTF-8, no date, or not what a tag says.
        raise PlanError(path.name, [" ".join(str(error).split())]) from error
    return _Hand(path.name, document).site()


class _Hand:
    """One hand-written plan on its way to a site; `faults` gathers what is wrong with it."""

    def __init__(self, where: str, document: Any) -> None:
        self.where, self.faults = where, list[str]()
        self.document: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
        if self.document is not document:
            raise PlanError(where, ["a plan is a mapping with name, movements, conflicts, phases, times, fallback"])

    def site(self) -> tuple[Site, dict[str, float]]:
        known = ("name", "movements", "conflicts", "phases", "times", "fallback", "safety")
        self.faults += [f"{key}: unknown{nearest(str(key), known)}" for key in self.document if key not in known]
        movements = self._named("movements", ("name", "detector", "leads_into", "pedestrian"))
        phases = self._named("phases", ("name", "green", "yields"))
        self.links = {one["name"]: i for i, one in enumerate(movements)}
        self.phases = {one["name"]: i for i, one in enumerate(phases)}
        states = tuple(self._state(one) for one in phases)
        conflicts = frozenset(
            (min(pair), max(pair)) for pair in map(self._conflict, self._list("conflicts")) if pair is not None
        )
        times, safety = self._times(), self._safety()
        steps, offset_s = self._fallback()
        zones = sorted({str(m[key]) for m in movements for key in ("detector", "leads_into") if m.get(key)})
        place = {zone: i for i, zone in enumerate(zones)}
        rows = [[place[str(m[key])] if m.get(key) else -1 for m in movements] for key in ("detector", "leads_into")]
        plan = {
            "name": str(self.document.get("name", self.where)), "phases": list(states),
            "conflicts": sorted(map(list, conflicts)), "programme": steps, "offset_s": offset_s,
            "crossings": [i for i, one in enumerate(movements) if one.get("pedestrian")], **times,
        }  # fmt: skip
        junction = {"plan": plan, "zone_of": rows[0], "exit_of": rows[1]}
        try:
            site = site_of({"name": plan["name"], "zones": zones, "junctions": [junction]})
        except PlanError as error:
            raise PlanError(self.where, self.faults + error.faults) from error
        if self.faults:
            raise PlanError(self.where, self.faults)
        return site, safety

    def _list(self, key: str) -> Sequence[Any]:
        value = self.document.get(key, [])
        if not isinstance(value, list):
            self.faults.append(f"{key}: a list")
            return []
        return value

    def _named(self, key: str, known: Sequence[str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for i, one in enumerate(self._list(key)):
            if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
                self.faults.append(f"{key}[{i}]: a mapping with a name")
                continue
            self.faults += [f"{key}[{i}].{k}: unknown{nearest(str(k), known)}" for k in one if k not in known]
            if one["name"] in {other["name"] for other in found}:
                self.faults.append(f"{key}[{i}].name: {one['name']!r} is there twice")
            found.append(one)
        if not found:
            self.faults.append(f"{key}: at least one")
        return found

    def _state(self, phase: Mapping[str, Any]) -> str:
        letters = ["r"] * (1 + max(self.links.values(), default=-1))
        for key, letter in (("green", "G"), ("yields", "g")):
            for name in phase.get(key) or []:
                link = self._find(f"phase {phase['name']!r}.{key}", name, self.links)
                if link is not None:
                    letters[link] = letter
        return "".join(letters)

    def _find(self, where: str, name: Any, among: Mapping[str, int]) -> int | None:
        if not isinstance(name, str) or name not in among:
            self.faults.append(f"{where}: no {name!r}{nearest(str(name), list(among))}")
            return None
        return among[name]

    def _conflict(self, pair: Any) -> tuple[int, int] | None:
        if not isinstance(pair, list) or len(pair) != 2:
            self.faults.append(f"conflicts: {pair!r} is no pair of movements")
            return None
        a, b = (self._find("conflicts", name, self.links) for name in pair)
        return None if a is None or b is None else (a, b)

    def _times(self) -> dict[str, Any]:
        given = self.document.get("times", {})
        if not isinstance(given, Mapping):
            self.faults.append("times: a mapping")
            given = {}
        self.faults += [f"times.{key}: unknown{nearest(str(key), TIMES)}" for key in given if key not in TIMES]
        return {key: given.get(key, getattr(SignalPlan, key)) for key in TIMES}

    def _safety(self) -> dict[str, float]:
        given = self.document.get("safety", {})
        if not isinstance(given, Mapping):
            self.faults.append("safety: a mapping")
            return {}
        known = list(safety_as_json(Safety()))
        self.faults += [f"safety.{key}: unknown{nearest(str(key), known)}" for key in given if key not in known]
        own = {key: value for key, value in given.items() if key in known}
        try:
            safety_of(safety_as_json(Safety()) | own)
        except PlanError as error:
            self.faults += [f"safety.{fault}" for fault in error.faults]
        return own

    def _fallback(self) -> tuple[list[list[Any]], Any]:
        given = self.document.get("fallback", {})
        if not isinstance(given, Mapping) or not isinstance(given.get("steps", []), list) or not given.get("steps"):
            self.faults.append("fallback: a mapping with offset_s and steps, pairs of phase and green time")
            return [], 0.0
        steps = []
        for i, pair in enumerate(given["steps"]):
            if not isinstance(pair, list) or len(pair) != 2:
                self.faults.append(f"fallback.steps[{i}]: a pair of phase and green time")
            elif (phase := self._find(f"fallback.steps[{i}]", pair[0], self.phases)) is not None:
                steps.append([phase, pair[1]])
        return steps, given.get("offset_s", 0.0)
