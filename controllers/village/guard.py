"""The guard between any policy and an office's battery: whatever is wanted, the cells keep to their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from controllers.errors import PlanError
from controllers.site import is_finite


@dataclass(frozen=True)
class BatteryLimits:
    """What the cells and their electronics may see. All but charges and powers are priors (LiFePO4 data sheets)."""

    soc_min_kwh: float
    soc_max_kwh: float
    charge_kw: float
    discharge_kw: float
    current_a: float = 100.0  # either way
    charge_from_c: float = 0.0  # charging a frozen cell plates lithium
    charge_until_c: float = 45.0
    discharge_from_c: float = -10.0
    discharge_until_c: float = 55.0
    band_kwh: float = 0.05  # a limit that was reached opens again this far away from it
    band_c: float = 3.0
    band_s: float = 60.0  # and after a fault so long after it was last seen
    stale_s: float = 10.0  # an older measurement counts as none
    slots: float = 2.0  # e-motorcycle charging points
    slot_kw: float = 0.4


@dataclass(frozen=True)
class Measured:
    """What the inverter tells; NaN where it says nothing. Current is positive into the battery."""

    soc_kwh: float
    current_a: float
    temperature_c: float
    pln: bool
    age_s: float = 0.0


@dataclass(frozen=True)
class Allowed:
    """What the inverter is told: most power in and out, charge to keep while PLN is there, charging points in use."""

    charge_kw: float
    discharge_kw: float
    reserve_kwh: float
    slots: int
    reasons: tuple[str, ...] = ()


class BatteryGuard:
    """Keeps an office's battery within its limits, with a band at each so that nothing chatters."""

    def __init__(self, limits: BatteryLimits) -> None:
        self.limits = limits
        self._full, self._empty, self._cold_or_hot, self._stiff = False, False, False, False
        self._well_s = limits.band_s  # since a measurement was last out of order; begins well

    def admit(self, reserve: float | None, slots: int | None, measured: Measured, dt_s: float) -> Allowed:
        """What is allowed now.

        `reserve` is the share of the usable charge to keep for outages: none, or nonsense, keeps all. `slots` are the
        charging points asked for. Without a sound measurement nothing flows.
        """
        limits, m = self.limits, measured
        usable = limits.soc_max_kwh - limits.soc_min_kwh
        share = min(max(reserve, 0.0), 1.0) if reserve is not None and math.isfinite(reserve) else 1.0
        reserve_kwh = limits.soc_min_kwh + share * usable
        reasons = [] if self._sound(m) else ["measurement"]
        if not reasons and abs(m.current_a) > limits.current_a:
            reasons.append("current")
        self._well_s = 0.0 if reasons else self._well_s + max(dt_s, 0.0)
        if self._well_s < limits.band_s:
            return Allowed(0.0, 0.0, reserve_kwh, 0, tuple(reasons) or ("recovering",))
        floor = reserve_kwh if m.pln else limits.soc_min_kwh
        self._full = m.soc_kwh >= limits.soc_max_kwh - (limits.band_kwh if self._full else 0.0)
        self._empty = m.soc_kwh <= floor + (limits.band_kwh if self._empty else 0.0)
        inner = limits.band_c if self._cold_or_hot else 0.0
        self._cold_or_hot = not limits.charge_from_c + inner <= m.temperature_c <= limits.charge_until_c - inner
        inner = limits.band_c if self._stiff else 0.0
        self._stiff = not limits.discharge_from_c + inner <= m.temperature_c <= limits.discharge_until_c - inner
        charge_kw = 0.0 if self._full or self._cold_or_hot else limits.charge_kw
        discharge_kw = 0.0 if self._empty or self._stiff else limits.discharge_kw
        told = (("full", self._full), ("at its floor", self._empty), ("temperature", self._cold_or_hot or self._stiff))
        return Allowed(charge_kw, discharge_kw, reserve_kwh, self._slots(slots, m, discharge_kw, reserve_kwh),
                       tuple(reason for reason, holds in told if holds))  # fmt: skip

    def _sound(self, m: Measured) -> bool:
        possible = 0 <= m.soc_kwh <= self.limits.soc_max_kwh * 1.1 and -60 <= m.temperature_c <= 120
        return possible and math.isfinite(m.current_a) and 0 <= m.age_s <= self.limits.stale_s

    def _slots(self, wanted: int | None, m: Measured, discharge_kw: float, reserve_kwh: float) -> int:
        """Vehicles come after the office: in an outage none once the charge is down to the reserve."""
        if wanted is None or (not m.pln and (m.soc_kwh <= reserve_kwh or discharge_kw == 0.0)):
            return 0
        most = int(self.limits.slots)
        if not m.pln:
            most = min(most, int(discharge_kw / self.limits.slot_kw))
        return min(max(int(wanted), 0), most)


def limits_of(document: Any) -> BatteryLimits:
    """From JSON data. Raises PlanError with every fault."""
    known = [one.name for one in fields(BatteryLimits)]
    if not isinstance(document, Mapping) or set(document) != set(known):
        raise PlanError("battery limits", [f"needs {', '.join(known)}"])
    faults = [f"{name} is {value!r}; a number" for name, value in document.items() if not is_finite(value)]
    if not faults:
        limits = BatteryLimits(**{name: float(document[name]) for name in known})
        if not 0 <= limits.soc_min_kwh < limits.soc_max_kwh:
            faults.append("soc_min_kwh must be at least 0 and below soc_max_kwh")
        low = ("charge_kw", "discharge_kw", "current_a", "stale_s", "slot_kw")
        faults += [f"{name} is {document[name]}; it must be above 0" for name in low if not document[name] > 0]
        faults += [
            f"{kind}_from_c is not below {kind}_until_c"
            for kind in ("charge", "discharge")
            if not document[f"{kind}_from_c"] < document[f"{kind}_until_c"]
        ]
        faults += [f"{name} is negative" for name in ("band_kwh", "band_c", "band_s", "slots") if document[name] < 0]
    if faults:
        raise PlanError("battery limits", faults)
    return limits
