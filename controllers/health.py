"""Self-diagnosis: lamp currents, supply, battery, temperature, detectors and the policy itself, as alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from controllers.site import Site

if TYPE_CHECKING:
    from controllers.loop import Cabinet

LEAST_LAMP_A = 0.02  # a lit signal head draws more; prior
SUPPLY_LIMITS = {"voltage_v": (190.0, 250.0), "battery_percent": (20.0, 100.0), "temperature_c": (-5.0, 75.0)}  # priors
LAMP_FAILURE_S = 3.0  # without current for so long while something is lit
RECENT_S = 60.0  # for so long a late or failed answer is told


class Health:
    """Looks at a cabinet after every turn; `alarms` are those that hold now, as `kind: where`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.alarms: list[str] = []
        self.lates, self.failures = 0, 0
        self._fault, self._fault_s, self._now_s = "", -np.inf, 0.0
        self._unlit_s: dict[int, float] = {}

    def late(self) -> None:
        """The policy missed its deadline."""
        self.lates += 1
        self._fault, self._fault_s = "policy late", self._now_s

    def failed(self, error: Exception) -> None:
        """The policy failed."""
        self.failures += 1
        self._fault, self._fault_s = f"policy failed: {type(error).__name__}", self._now_s

    def look(self, now_s: float, cabinet: Cabinet) -> None:
        """Gather the alarms of this moment."""
        self._now_s = now_s
        found = [self._fault] if now_s - self._fault_s < RECENT_S else []
        detectors = cabinet.detectors
        if now_s - detectors.seen_s > detectors.safety.stale_s:
            found.append("no readings")
        else:
            doubtful = np.flatnonzero(~detectors.believed(now_s))
            found += [f"detector: {self.site.zones[zone]}" for zone in doubtful]
        names = [plan.name for plan in self.site.plans]
        found += [f"{mode}: {name}" for name, mode in zip(names, cabinet.modes, strict=True) if mode != "policy"]
        found += [f"conflict: {names[j]}" for j, monitor in enumerate(cabinet.monitors) if monitor.violations]
        seen = cabinet.seen
        if seen is not None:
            found += [f"flashing: {names[j]}" for j, flashing in enumerate(seen.flashing) if flashing]
            found += [f"lamp failure: {names[j]}" for j in self._dark_lamps(now_s, seen.lamp_a)]
            for key, (low, high) in SUPPLY_LIMITS.items():
                value = seen.supply.get(key)
                if value is not None and not low <= value <= high:
                    found.append(f"supply: {key} {value:g}")
        self.alarms = found

    def _dark_lamps(self, now_s: float, lamp_a: tuple[float | None, ...]) -> list[int]:
        """Junctions whose lamps have drawn no current for a while: some head is always lit."""
        dark = []
        for j, current in enumerate(lamp_a):
            if current is None or current >= LEAST_LAMP_A:
                self._unlit_s.pop(j, None)
            elif now_s - self._unlit_s.setdefault(j, now_s) >= LAMP_FAILURE_S:
                dark.append(j)
        return dark
