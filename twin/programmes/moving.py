"""What the programmes with dynamics of their own share: they start in their month, on one draw of their parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Rows, Seen, State, Table, read_tables
from twin.programmes.dynamics import Parameters, drawn
from twin.programmes.options import ProgrammesOptions

TABLES = read_tables(Path(__file__).parent / "dynamics_tables.csv")


def moving_tables(*names: str) -> dict[str, Table]:
    """Some of the data dictionary's tables."""
    return {name: TABLES[name] for name in names}


class MovingProgramme(ABC):
    """A programme that lives from the month in which it starts. Sub-classes begin, live a month, and tell their state.

    `p` is drawn at the reset from the ranges of `data/dynamics.csv`, unless it is `given`.
    """

    name: str
    programme: str = ""  # its key among the nine, where the module is called otherwise
    tables: Mapping[str, Table]

    def __init__(self, given: Parameters | None = None) -> None:
        self.given = given

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Draw the parameters and begin."""
        self.options: ProgrammesOptions = scenario.programmes
        key = self.programme or self.name
        self.start: int | None = getattr(self.options.starts, key)
        self.rng = rng
        held = self.options.dynamics.get(key, {})
        self.p = self.given or drawn(self.options.assumptions, key, rng, held)
        self.months = 0
        self.rows: Rows = {}
        self.begin()

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through a month once it has started."""
        running = self.start is not None and self.months >= self.start
        self.rows = self.live(self.months - (self.start or 0), seen) if running else {}
        self.months += 1

    def observe(self) -> Rows:
        """The month's rows; none before it starts."""
        return self.rows

    def state(self) -> State:
        """The months lived and what the programme remembers."""
        return {"months": self.months, **self.memory()}

    def restore(self, state: State) -> None:
        """Go on from `state()`."""
        self.months = state["months"]
        self.remember(state)

    @abstractmethod
    def begin(self) -> None:
        """Set what it remembers to its start."""

    @abstractmethod
    def live(self, t: int, seen: Seen) -> Rows:
        """Month `t` (0 first) since it started."""

    @abstractmethod
    def memory(self) -> State:
        """What it remembers, as JSON values."""

    @abstractmethod
    def remember(self, state: State) -> None:
        """Take up `memory()`."""
