"""Lamps and detectors on the pins of a small board (libgpiod), for one junction.

A wiring file (JSON) says which line of which chip is what; names are those of the site's zones:

    {"chip": "/dev/gpiochip0", "heartbeat": 4,
     "lamps": [{"red": 5, "amber": 6, "green": 13}, …],      one for each lamp group; pedestrians have no amber
     "detectors": {"camera-north": 17}, "buttons": {"2": 27}, "fault": 22}

A detector's line is high while a vehicle stands before it: one vehicle. A button is told until the next green of its
crossing. `fault` is high while the cabinet's own conflict monitor has the lamps flashing. The heartbeat line changes at
every turn: a watchdog relay that misses it lets the lamps flash.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from controllers.errors import ControllerError
from controllers.io import Seen, Shown, Tick
from controllers.plan import GREEN
from controllers.site import Site

FLASH_PERIOD_S = 1.0


class Chip(Protocol):
    """Lines of a board."""

    def set(self, values: Mapping[int, bool]) -> None:
        """Set outputs, all at once."""
        ...

    def get(self, lines: Iterable[int]) -> dict[int, bool]:
        """Read inputs."""
        ...

    def close(self) -> None:
        """Let go of the lines."""
        ...


class GpioStreet:
    """A junction on wires, as a Driver. Raises ControllerError for a wiring that does not fit the site."""

    def __init__(self, site: Site, wiring: Mapping[str, Any], chip: Chip, hz: float = 10.0) -> None:
        faults = list(_faults(site, wiring))
        if faults:
            raise ControllerError("\n".join(["wiring: does not fit the plan", *(f"  {fault}" for fault in faults)]))
        self.site, self.wiring, self.chip, self._period_s = site, wiring, chip, 1.0 / hz
        self._pressed: set[int] = set()
        self._turned_s, self._beat = time.monotonic(), False
        self._lamps = site.plans[0].all_red

    def wait(self) -> Tick:
        """Sleep until the next turn, then read every input."""
        time.sleep(max(0.0, self._turned_s + self._period_s - time.monotonic()))
        now_s = time.monotonic()
        dt_s, self._turned_s = now_s - self._turned_s, now_s
        wired, buttons, fault = self.wiring["detectors"], self.wiring.get("buttons", {}), self.wiring.get("fault")
        read = self.chip.get([*wired.values(), *buttons.values(), *([fault] if fault is not None else [])])
        vehicles = np.array([float(read[wired[zone]]) if zone in wired else np.nan for zone in self.site.zones])
        self._pressed |= {int(link) for link, line in buttons.items() if read[line]}
        self._pressed -= {link for link in self._pressed if self._lamps[link] in GREEN}
        flashing = (bool(read[fault]),) if fault is not None else ()
        return Tick(dt_s, Seen(vehicles, vehicles.copy(), (frozenset(self._pressed),), (), flashing))

    def show(self, shown: Shown) -> None:
        """Set every lamp of the junction in one go, and the heartbeat."""
        self._lamps = shown.lamps[0]
        self._beat = not self._beat
        values = {self.wiring["heartbeat"]: self._beat} if "heartbeat" in self.wiring else {}
        for letter, wires in zip(self._lamps, self.wiring["lamps"], strict=True):
            flash = letter in "oO" and int(2 * self._turned_s / FLASH_PERIOD_S) % 2 == 0
            lit = {"green": letter in GREEN, "amber": letter == "y" or flash, "red": letter in "rs"}
            values |= {line: lit[colour] for colour, line in wires.items()}
        self.chip.set(values)

    def close(self) -> None:
        """Let go of the lines: the watchdog relay lets the lamps flash."""
        self.chip.close()


def _faults(site: Site, wiring: Mapping[str, Any]) -> Iterable[str]:
    if len(site.plans) != 1:
        yield f"a board runs one junction, the site has {len(site.plans)}"
        return
    plan, lamps = site.plans[0], wiring.get("lamps", [])
    if len(lamps) != plan.links:
        yield f"lamps: {len(lamps)} groups are wired, the plan has {plan.links}"
    for i, wires in enumerate(lamps):
        need = {"red", "green"} if i in plan.crossings else {"red", "amber", "green"}
        if set(wires) != need:
            yield f"lamps[{i}]: needs {', '.join(sorted(need))}"
    yield from (f"detectors: no zone {zone!r}" for zone in wiring.get("detectors", {}) if zone not in site.zones)
    yield from (f"buttons: link {b} is no crossing" for b in wiring.get("buttons", {}) if int(b) not in plan.crossings)
    lines = [line for wires in lamps for line in wires.values()]
    lines += [*wiring.get("detectors", {}).values(), *wiring.get("buttons", {}).values()]
    lines += [wiring[key] for key in ("heartbeat", "fault") if key in wiring]
    yield from (f"line {line} is wired twice" for line in sorted({one for one in lines if lines.count(one) > 1}))


def read_wiring(path: Path) -> dict[str, Any]:
    """A wiring file. Raises ControllerError."""
    try:
        wiring = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ControllerError(f"{path}: is no wiring file ({error})") from error
    if not isinstance(wiring, dict) or not {"chip", "lamps", "detectors"} <= set(wiring):
        raise ControllerError(f"{path}: needs chip, lamps and detectors")
    return wiring


class GpiodChip:
    """A chip behind libgpiod 2."""

    def __init__(self, wiring: Mapping[str, Any]) -> None:
        try:
            import gpiod
        except ImportError as error:
            raise ControllerError("pins need gpiod: pip install gpiod, on a board with Linux") from error
        self._value = gpiod.line.Value
        outputs = [line for wires in wiring["lamps"] for line in wires.values()]
        outputs += [wiring["heartbeat"]] if "heartbeat" in wiring else []
        inputs = [*wiring["detectors"].values(), *wiring.get("buttons", {}).values()]
        inputs += [wiring["fault"]] if "fault" in wiring else []
        config = {
            tuple(outputs): gpiod.LineSettings(direction=gpiod.line.Direction.OUTPUT),
            tuple(inputs): gpiod.LineSettings(direction=gpiod.line.Direction.INPUT),
        }
        self._lines = gpiod.request_lines(wiring["chip"], consumer="trenggalek", config=config)

    def set(self, values: Mapping[int, bool]) -> None:
        """Set outputs, all at once."""
        on, off = self._value.ACTIVE, self._value.INACTIVE
        self._lines.set_values({line: on if lit else off for line, lit in values.items()})

    def get(self, lines: Iterable[int]) -> dict[int, bool]:
        """Read inputs."""
        wanted = list(lines)
        values = self._lines.get_values(wanted)
        return {line: value == self._value.ACTIVE for line, value in zip(wanted, values, strict=True)}

    def close(self) -> None:
        """Let go of the lines."""
        self._lines.release()
