"""The city: a mesa model that owns the calendar, the seeded streams and the coupling of its modules."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np
import pandas as pd

from twin.memo import Memo, Remembering
from twin.module import Module, Rows, Seen, State
from twin.scenario import Scenario

# name -> (sections of the scenario that it reads, the first switches it on; class, imported only when it is on)
MODULES: dict[str, tuple[tuple[str, ...], str]] = {
    "traffic": (("traffic",), "twin.traffic.module:TrafficModule"),
    "solar": (("solar", "places"), "twin.solar.module:SolarModule"),
    "labour": (("labour",), "twin.labour.module:LabourModule"),
    "carbon": (("carbon",), "twin.carbon.module:CarbonModule"),
    "programmes": (("programmes",), "twin.programmes.module:ProgrammesModule"),
    "podcast": (("programmes",), "twin.programmes.podcast:PodcastModule"),
    "crypto": (("programmes",), "twin.programmes.crypto:CryptoModule"),
    "aipreneur": (("programmes",), "twin.programmes.aipreneur:AiPreneurModule"),
    "personnel": (("programmes",), "twin.programmes.personnel_module:PersonnelModule"),
    "knowledge": (("programmes",), "twin.programmes.laras:KnowledgeModule"),
    "budget": (("programmes",), "twin.programmes.module:BudgetModule"),
}


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of one module: it depends on the seed and the module's *name* alone, never on who else is there."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words.tolist()])))


def modules_of(scenario: Scenario) -> list[Module]:
    """Fresh modules for every section that the scenario has switched on."""
    found: list[Module] = []
    for sections, target in MODULES.values():
        if getattr(scenario, sections[0]) is not None:
            package, _, cls = target.partition(":")
            found.append(getattr(importlib.import_module(package), cls)())
    return found


def told(scenario: Scenario, module: str) -> Any:
    """What a module is told of the scenario: the first month and the sections it reads; it depends on no other."""
    if module not in MODULES:
        return scenario
    sections = {name: getattr(scenario, name) for name in MODULES[module][0]}
    return SimpleNamespace(start_month=scenario.start_month, **sections)


class City(mesa.Model):
    """Modules on one monthly calendar; each sees the others as they were in the month before.

    With a `memo`, months that were lived before in the same way are taken from it.

        >>> city = City(Scenario.load("smoke"), seed=1)
        >>> city.step()
        >>> city.observed["solar"]["solar_total"]
    """

    def __init__(
        self, scenario: Scenario, seed: int = 1, modules: Sequence[Module] | None = None, memo: Memo | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.scenario = scenario
        self.month: pd.Period = scenario.start_month
        own = modules if modules is not None else modules_of(scenario)
        self.modules = {one.name: one if memo is None else Remembering(one, memo) for one in own}
        self.streams = {name: stream(seed, name) for name in self.modules}
        self.observed: dict[str, Rows] = {}
        for name, module in self.modules.items():
            module.reset(told(scenario, name), self.streams[name])

    @property
    def months_lived(self) -> int:
        """How many months have been simulated."""
        return (self.month - self.scenario.start_month).n

    @property
    def finished(self) -> bool:
        """Whether the horizon is reached."""
        return self.months_lived >= self.scenario.horizon_months

    def step(self) -> None:
        """Live through one month: every module steps against last month's city, then all show what they did."""
        seen = Seen(self.observed)
        for module in self.modules.values():
            module.step(self.month, seen)
        self.observed = {name: module.observe() for name, module in self.modules.items()}
        self.month += 1
        self.running = not self.finished

    def checkpoint(self) -> dict[str, Any]:
        """The whole state as JSON values."""
        return {
            "months_lived": self.months_lived,
            "observed": {
                name: {table: [dict(row) for row in rows] for table, rows in observed.items()}
                for name, observed in self.observed.items()
            },
            "modules": {
                name: {"rng": self.streams[name].bit_generator.state, "state": module.state()}
                for name, module in self.modules.items()
            },
        }

    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """Continue from a checkpoint of the same scenario and seed."""
        self.steps = checkpoint["months_lived"]
        self.month = self.scenario.start_month + self.steps
        self.observed = dict(checkpoint["observed"])
        saved: Mapping[str, Mapping[str, State]] = checkpoint["modules"]
        for name, module in self.modules.items():
            self.streams[name].bit_generator.state = saved[name]["rng"]
            module.restore(saved[name]["state"])
