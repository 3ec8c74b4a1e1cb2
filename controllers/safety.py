"""When a policy may not be followed, and what then: actuated control, then the fixed programme, and the way back.

Nothing here sets lamps: whatever is wanted goes through the guard. Times and limits are a bundle's `safety`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from controllers.errors import PlanError
from controllers.guard import Guard
from controllers.site import Site, is_finite

POLICY, ACTUATED, FIXED_TIME = "policy", "actuated", "fixed_time"


@dataclass(frozen=True)
class Safety:
    """What a controller holds detectors and its policy to. Every value is a prior until a site sets its own."""

    stale_s: float = 5.0  # a reading that is older counts as none
    most_veh: float = 200.0  # no zone holds more
    stuck_s: float = 1800.0  # a count above zero that never changes for so long is stuck
    detectors_needed_share: float = 1.0  # of a junction's zones; a policy trained with faults may do with fewer
    fixed_after_s: float = 120.0  # in actuated control before the fixed programme takes over
    healthy_s: float = 60.0  # everything well for so long before the policy is followed again
    deadline_s: float = 0.5  # within which a policy must answer
    start_flash_s: float = 5.0  # flashing amber before the first all-red
    priority_hold_s: float = 120.0  # a request for pre-emption lapses then, until it was withdrawn


def safety_of(document: Any) -> Safety:
    """From JSON data. Raises PlanError with every fault."""
    known = [one.name for one in fields(Safety)]
    if not isinstance(document, Mapping) or set(document) != set(known):
        raise PlanError("safety", [f"needs {', '.join(known)}"])
    faults = [
        f"{name} is {value!r}; a number, at least 0"
        for name, value in document.items()
        if not is_finite(value) or value < 0
    ]
    if not faults and document["detectors_needed_share"] > 1:
        faults.append("detectors_needed_share is above 1")
    if not faults and not 0 < document["deadline_s"] <= 10:
        faults.append(f"deadline_s is {document['deadline_s']}; above 0, at most 10")
    if faults:
        raise PlanError("safety", faults)
    return Safety(**{name: float(document[name]) for name in known})


def safety_as_json(safety: Safety) -> dict[str, float]:
    """As `safety_of` takes it."""
    return asdict(safety)


class Detectors:
    """The last readings of a site's zones, and which of them may be believed."""

    def __init__(self, site: Site, safety: Safety, begin_s: float) -> None:
        self.site, self.safety = site, safety
        zones = len(site.zones)
        self.vehicles, self.halting = np.full((2, zones), np.nan)
        self.seen_s = -np.inf  # nothing was ever seen
        self._changed_s = np.full(zones, begin_s)

    def see(self, vehicles: np.ndarray, halting: np.ndarray, now_s: float) -> None:
        """Take note of a message; counts that are none or impossible are NaN from here on."""
        with np.errstate(invalid="ignore"):
            sound = (vehicles >= 0) & (vehicles <= self.safety.most_veh) & (halting >= 0) & (halting <= vehicles + 1e-6)
            same = (vehicles == self.vehicles) & (vehicles > 0)
        self._changed_s[~same] = now_s
        self.vehicles, self.halting = np.where(sound, vehicles, np.nan), np.where(sound, halting, np.nan)
        self.seen_s = now_s

    def believed(self, now_s: float) -> np.ndarray:
        """Which zones may be believed now, bool (zones,)."""
        if now_s - self.seen_s > self.safety.stale_s:
            return np.zeros(len(self.vehicles), dtype=bool)
        return np.isfinite(self.vehicles) & (now_s - self._changed_s < self.safety.stuck_s)

    def enough(self, believed: np.ndarray) -> list[bool]:
        """Whether each junction has as many believed zones as its policy needs."""
        needed = self.safety.detectors_needed_share
        return [not own or float(believed[list(own)].mean()) >= needed - 1e-9 for own in self.site.own_zones]


class Fallback:
    """Which control one junction is under."""

    def __init__(self, safety: Safety) -> None:
        self.safety = safety
        self.mode = POLICY
        self._left_s: float | None = None  # when the policy was left
        self._healthy_s: float | None = None  # since when everything has been well

    def look(self, now_s: float, detectors: bool, policy: bool) -> str:
        """The mode from now on; `detectors` and `policy` tell whether each is well."""
        if detectors and policy:
            self._healthy_s = now_s if self._healthy_s is None else self._healthy_s
            if self._left_s is not None and now_s - self._healthy_s >= self.safety.healthy_s:
                self.mode, self._left_s = POLICY, None
            return self.mode
        self._healthy_s = None
        if self._left_s is None:
            self.mode, self._left_s = ACTUATED, now_s
        if not detectors and now_s - self._left_s >= self.safety.fixed_after_s:
            self.mode = FIXED_TIME
        return self.mode


def actuated(guard: Guard, green_s: float, served: np.ndarray, vehicles: np.ndarray, calls: list[bool]) -> int:
    """Gap-based control of one junction by what is left of its detectors: the phase wanted.

    `served` (phases, zones) tells which phase serves which zone, `vehicles` (zones,) is NaN where nothing is known. A
    green is held while vehicles are seen before it; where that is not known, for its time in the fixed programme.
    Then the next phase in the cycle that has a call gets its turn.
    """
    here, plan = guard.target, guard.plan
    present = vehicles[served[here] > 0]
    unknown = bool(np.isnan(present).any())
    nominal_s = {phase: green for phase, green in plan.programme}.get(here, plan.min_green_s)
    if bool((np.nan_to_num(present) >= 1).any()) or (unknown and green_s < nominal_s):
        return here
    phases = len(plan.phases)
    following = ((here + step) % phases for step in range(1, phases))
    return next((phase for phase in following if calls[phase]), here)


class Preemption:
    """Requests of emergency vehicles at one junction: one that is held too long lapses until it was withdrawn."""

    def __init__(self, hold_s: float) -> None:
        self.hold_s = hold_s
        self._asked: int | None = None
        self._since_s = 0.0

    def admit(self, phase: int | None, now_s: float) -> int | None:
        """The phase to give priority to, or None."""
        if phase != self._asked:
            if phase is None or self._asked is None:
                self._since_s = now_s
            self._asked = phase
        return phase if phase is not None and now_s - self._since_s < self.hold_s else None
