"""What a sector of the city is: the Module protocol, the tables it writes, and what it may see of the others."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pandas as pd

Value = int | float | str | None
Row = Mapping[str, Value]
Rows = Mapping[str, Sequence[Row]]
State = dict[str, Any]  # JSON values only: numbers, strings, lists, dicts

SQL_TYPES = {"int": "INTEGER", "float": "REAL", "str": "TEXT"}


class Options(BaseModel):
    """Base of every section of a scenario: frozen, strict, unknown keys refused, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Column:
    """One column of a table: `kind` is int, float or str; `unit` is "-" where there is none."""

    name: str
    kind: str
    unit: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table that a module writes each month. The recorder puts a `month` column ("2026-01") before its own."""

    name: str
    columns: tuple[Column, ...]


def read_tables(path: Path) -> dict[str, Table]:
    """Read a data dictionary: a CSV with the columns table, column, kind, unit, description."""
    found: dict[str, list[Column]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            column = Column(line["column"], line["kind"], line["unit"], line["description"])
            if column.kind not in SQL_TYPES:
                raise ValueError(
                    f"{path.name}: {line['table']}.{column.name}: kind {column.kind!r} is none of {list(SQL_TYPES)}"
                )
            found.setdefault(line["table"], []).append(column)
    return {name: Table(name, tuple(columns)) for name, columns in found.items()}


class Seen:
    """What every module showed in the month before (nothing in the first month): the only way modules meet.

    Because it never changes within a month, the order in which modules step cannot change a result (Jacobi coupling).
    """

    def __init__(self, observed: Mapping[str, Rows]) -> None:
        self._observed = observed
        self._digests: dict[tuple[str, ...], str] = {}

    def rows(self, module: str, table: str, *columns: str) -> Sequence[Row]:
        """Rows of `table` that `module` showed last month; empty if it is absent or this is the first month.

        Who names the `columns` that it reads gets these alone, and is lived again in a what-if only if they change.
        """
        found = self._observed.get(module, {}).get(table, ())
        return [{column: row[column] for column in columns} for row in found] if columns else found

    def digest(self, module: str, table: str, *columns: str) -> str:
        """SHA-256 (hexadecimal) over the rows of a table, or over some of its columns."""
        name = (module, table, *columns)
        if name not in self._digests:
            told = json.dumps([dict(row) for row in self.rows(*name)])
            self._digests[name] = hashlib.sha256(told.encode()).hexdigest()
        return self._digests[name]

    def total(self, module: str, table: str, column: str) -> float:
        """Sum of one column over last month's rows of a table; 0.0 where there are none."""
        return float(sum(float(row[column] or 0) for row in self.rows(module, table, column)))


class Module(Protocol):
    """A sector of the city. It keeps its own inner clock and talks to the others through `seen` alone."""

    name: str
    tables: Mapping[str, Table]

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Start afresh from the scenario. Keep `rng`: it is this module's only source of chance."""

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Live through one calendar month (`freq="M"`, Asia/Jakarta)."""

    def observe(self) -> Rows:
        """The rows of the month just lived, by table; the same rows are next month's `seen` for everybody."""

    def state(self) -> State:
        """Everything but the generator that the next month depends on, as JSON values: the checkpoint."""

    def restore(self, state: State) -> None:
        """Continue from `state()` after a `reset`: what follows is equal to the bit to a run that never stopped."""
