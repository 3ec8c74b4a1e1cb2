"""Key figures: a catalogue (`data/kpis.csv`) of what each programme is judged by, and functions of run rows."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from twin.files import read_rows

if TYPE_CHECKING:
    from twin.run import Run

CATALOGUE = Path(__file__).parent / "data" / "kpis.csv"
FUNCTION_MODULES = (
    "twin.traffic.kpis", "twin.solar.kpis", "twin.carbon.kpis", "twin.labour.kpis", "twin.programmes.kpis",
)  # fmt: skip


@dataclass(frozen=True)
class Kpi:
    """One figure: its unit, which way is better, the book's target in the book's words, and how it is computed.

    `fn` is None for an indicator that no sector computes yet: it is listed with its direction and no value.
    """

    name: str
    programme: str
    title_en: str
    title_id: str
    unit: str
    better: str
    target: float | None
    target_op: str
    target_wording: str
    formula: str
    source: str
    prior: bool
    prior_note: str
    fn: Callable[[Run], float | None] | None = None

    def value(self, run: Run) -> float | None:
        """The figure for a run; None where the run has not what it needs."""
        return None if self.fn is None else self.fn(run)

    def met(self, value: float | None) -> bool | None:
        """Whether the target is met; None where there is no target or no value."""
        if value is None or self.target is None:
            return None
        return value >= self.target if self.target_op == ">=" else value <= self.target


@dataclass(frozen=True)
class Score:
    """A figure and its value in one run."""

    kpi: Kpi
    value: float | None

    def as_json(self) -> dict[str, str | float | bool | None]:
        """As `--json` gives it."""
        k = self.kpi
        return {
            "name": k.name, "value": self.value, "unit": k.unit, "better": k.better,
            "target": k.target, "prior": k.prior, "programme": k.programme, "met": k.met(self.value),
        }  # fmt: skip


@functools.cache
def catalogue() -> dict[str, Kpi]:
    """Every figure by name, in the order of the table."""
    functions: dict[str, Callable[[Run], float | None]] = {}
    for module in FUNCTION_MODULES:
        functions |= importlib.import_module(module).FUNCTIONS
    found: dict[str, Kpi] = {}
    for line in read_rows(CATALOGUE):
        found[line["name"]] = Kpi(
            line["name"], line["programme"], line["title_en"], line["title_id"], line["unit"], line["better"],
            float(line["target"]) if line["target"] else None, line["target_op"], line["target_wording"],
            line["formula"], line["source"], line["stands_on_prior"] != "no", line["prior_note"],
            functions.pop(line["name"], None),
        )  # fmt: skip
    if functions:
        raise ValueError(f"{CATALOGUE.name}: has no line for {sorted(functions)}")
    return found


class Scores(list[Score]):
    """Figures of one run, in the catalogue's order; a notebook shows them as a table."""

    def frame(self) -> pd.DataFrame:
        """One row a figure, indexed by name: value, unit, better, target, prior, programme, met."""
        return pd.DataFrame([one.as_json() for one in self]).set_index("name")

    def by_programme(self) -> list[tuple[str, list[Score]]]:
        """The figures of each programme, in the catalogue's order."""
        return [(name, list(members)) for name, members in groupby(self, key=lambda one: one.kpi.programme)]

    def _repr_html_(self) -> str:
        from twin.html import scores_html

        return scores_html(self)


def score(run: Run) -> Scores:
    """Every figure of a run."""
    return Scores(Score(kpi, kpi.value(run)) for kpi in catalogue().values())
