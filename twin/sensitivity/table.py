"""What was found of a scenario, kept as a table beside its runs, for the report and the dashboard."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import SensitivityError
from twin.files import write_whole
from twin.provenance import code_digest, revision

LABEL = ("scenario", "digest", "code_digest", "git_revision", "made_utc", "seeds")
FIGURE = ("kpi", "kpi_unit", "varied", "walks", "base_points")
NUMBERS = (
    "low", "high", "mu_star", "half_width", "sigma", "mu", "first", "first_half_width", "total", "total_half_width",
)  # fmt: skip
TEXTS = ("assumption", "unit", "direction", "confidence", "source")
COLUMNS = (*LABEL, *FIGURE, *TEXTS, *NUMBERS)


@dataclass(frozen=True)
class Found:
    """A table: what it was made of and with, and its rows by figure, the greatest effect first; None where unknown."""

    label: dict[str, str]
    figures: dict[str, list[dict[str, Any]]]

    @property
    def code_is_this(self) -> bool:
        """Whether it was made with the code that reads it."""
        return self.label["code_digest"] == code_digest()


def path_of(runs: Path, digest: str) -> Path:
    """Where the table of a scenario with this digest is kept."""
    return runs / f"sensitivity-{digest[:12]}.csv"


def keep(found: dict[str, Any], runs: Path) -> Path:
    """Write a screening's figures; figures that were found before with the same code and are not among them stay."""
    path = path_of(runs, found["digest"])
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    label = {
        "scenario": found["scenario"], "digest": found["digest"], "code_digest": code_digest(),
        "git_revision": revision() or "", "made_utc": now, "seeds": " ".join(map(str, found["seeds"])),
    }  # fmt: skip
    rows = [
        {**label, "kpi": kpi, "kpi_unit": one["unit"], "varied": len(found["varied"]), "walks": one["walks"],
         "base_points": one.get("base_points"), **row}
        for kpi, one in found["figures"].items() for row in one["effects"]
    ]  # fmt: skip
    with contextlib.suppress(SensitivityError):  # a table that cannot be read is made again
        if path.is_file() and (before := read(path)).code_is_this:
            rows += [row for kpi, kept in before.figures.items() if kpi not in found["figures"] for row in kept]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return write_whole(path, text.getvalue())


def read(path: Path) -> Found:
    """Read a table. Raises SensitivityError where the file is none."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError("it has not the columns of a sensitivity table")
            rows: list[dict[str, Any]] = [{**row, **{name: _number(row[name]) for name in NUMBERS}} for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise SensitivityError(f"{path}: cannot be read: {error}; delete it, and make it again") from error
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        figures.setdefault(row["kpi"], []).append(row)
    return Found({name: rows[0][name] if rows else "" for name in LABEL}, figures)


def of_scenario(runs: Path, digest: str) -> Found | None:
    """The table of a scenario in a folder of runs; None where none was made."""
    path = path_of(runs, digest)
    return read(path) if path.is_file() else None


def _number(text: str) -> float | None:
    return float(text) if text else None
