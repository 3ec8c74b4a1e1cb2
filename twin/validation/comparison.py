"""One line of the validation table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["theory", "another tool", "data"]


@dataclass(frozen=True)
class Comparison:
    """Our figure beside one that is not ours; `tolerance` is a share of theirs, or in their unit if `absolute`."""

    model: str
    compared: str
    against: str
    kind: Kind
    unit: str
    ours: float
    theirs: float
    tolerance: float
    absolute: bool = False
    note: str = ""

    @property
    def difference(self) -> float:
        """Ours less theirs: a share of theirs, or in their unit."""
        apart = self.ours - self.theirs
        return apart if self.absolute else apart / abs(self.theirs)

    @property
    def agrees(self) -> bool:
        """Whether they differ by no more than the tolerance."""
        return abs(self.difference) <= self.tolerance

    def as_row(self) -> dict[str, Any]:
        """As the table shows it; a difference that is a share is given in per cent."""
        scale, unit = (1.0, self.unit) if self.absolute else (100.0, "%")
        return {
            "model": self.model, "compared": self.compared, "with": self.against, "kind": self.kind,
            "unit": self.unit, "ours": self.ours, "theirs": self.theirs, "difference": scale * self.difference,
            "tolerance": scale * self.tolerance, "difference_unit": unit,
            "verdict": "agrees" if self.agrees else "differs", "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True)
class Skipped:
    """A comparison that was not made because its peer is not installed."""

    model: str
    compared: str
    against: str
    install: str

    def as_row(self) -> dict[str, Any]:
        """As the table shows it."""
        return {
            "model": self.model, "compared": self.compared, "with": self.against, "kind": "another tool", "unit": "",
            "ours": None, "theirs": None, "difference": None, "tolerance": None, "difference_unit": "",
            "verdict": "skipped", "note": f"needs: pip install {self.install}",
        }  # fmt: skip


Found = list[Comparison | Skipped]
