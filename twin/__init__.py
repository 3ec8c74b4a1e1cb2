"""The city twin: one scenario file, one city of modules on one calendar, one run file.

    >>> from twin import Scenario, simulate
    >>> run = simulate(Scenario.load("smoke"), seed=1)
    >>> run.kpis

A name is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.city import City
    from twin.notebook import simulate
    from twin.run import Run
    from twin.scenario import Scenario

__all__ = ["City", "Run", "Scenario", "simulate"]
HOMES = {"City": "twin.city", "Run": "twin.run", "Scenario": "twin.scenario", "simulate": "twin.notebook"}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a command line that needs none of it starts at once."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
