"""Runs as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from twin.errors import RunError

if TYPE_CHECKING:
    from twin.kpi import Score
    from twin.replay import Verdict
    from twin.run import Run

NUMBER = (int, float)
BETTER = {"up": "↑", "down": "↓"}


def number(value: Any) -> str:
    """A value as people read it: thousands with commas, four significant digits below a thousand, – for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, NUMBER):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def kpi_table(scores: Sequence[Score], title: str, everything: bool = False) -> Table:
    """Key figures against their targets; `*` marks a figure that stands on a prior."""
    table = Table(title=title, box=None, padding=(0, 1), pad_edge=False)
    for header in ("figure", "value", "unit", "", "target"):
        table.add_column(header, justify="right" if header == "value" else "left", no_wrap=True)
    programme = ""
    for s in scores:
        if s.value is None and not everything:
            continue
        if s.kpi.programme != programme:
            programme = s.kpi.programme
            table.add_row(Text(f"\n{programme}", "bold"))
        met = s.kpi.met(s.value)
        target = "" if s.kpi.target is None else f"{s.kpi.target_op} {number(s.kpi.target)}"
        style = {None: "", True: "green", False: "red"}[met]
        verdict = {None: "", True: " ✓", False: " ✗"}[met]
        value = number(s.value) + ("*" if s.kpi.prior and s.value is not None else "")
        table.add_row(s.kpi.name, value, s.kpi.unit, BETTER[s.kpi.better], Text(target + verdict, style))
    return table


def kpi_notes(scores: Sequence[Score], everything: bool = False) -> str:
    """What the table needs said below it."""
    missing = sum(s.value is None for s in scores)
    notes = [
        "* stands on a prior: somebody's labelled estimate, not a measurement (the report says which)",
        "↑ more is better, ↓ less is better; ✓ target of the source book met, ✗ missed",
    ]
    if missing and not everything:
        notes.append(f"{missing} more indicators have no value in this run; --all lists them")
    return "\n".join(notes)


def rows_table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Rows of one shape as a table."""
    table = Table(title=title)
    if not rows:
        table.add_column("nothing")
        return table
    for key, value in rows[0].items():
        table.add_column(Text(key), justify="right" if isinstance(value, NUMBER) else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(number(value)) for value in row.values()])
    return table


def run_rows(folder: Path) -> list[dict[str, Any]]:
    """One row a run file of a folder, damaged ones included and called so."""
    from twin.run import Run

    rows = []
    for path in sorted(folder.glob("*.sqlite")):
        try:
            with Run.open(path) as run:
                p = run.provenance
                row = {
                    "run": path.stem,
                    "scenario": run.scenario.name,
                    "seed": run.seed,
                    "months": run.scenario.horizon_months,
                    "finished_utc": p["finished_utc"],
                    "wall_s": p["wall_s"],
                }
        except RunError as error:
            row = {
                "run": path.stem,
                "scenario": str(error),
                "seed": None,
                "months": None,
                "finished_utc": None,
                "wall_s": None,
            }
        rows.append(row)
    return rows


def provenance_table(run: Run, rows: Mapping[str, int]) -> Table:
    """Tables and provenance of a run."""
    table = Table(title=str(run.path), show_header=False)
    for name, n in rows.items():
        table.add_row("table", f"{name}: {n:,} rows")
    for key, value in run.provenance.items():
        if key != "scenario":
            text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
            table.add_row(key, text)
    return table


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Means with intervals, and differences from the first scenario."""
    table = Table(title="mean ± half-width of the 95 % interval over seeds; Δ: from the first, paired by seed")
    table.add_column("figure")
    table.add_column("unit")
    for i, scenario in enumerate(rows[0]["scenarios"] if rows else []):
        table.add_column(f"{scenario['scenario']} ({len(scenario['seeds'])} seeds)", justify="right")
        if i:
            table.add_column(f"Δ {scenario['scenario']}", justify="right")
    for row in rows:
        cells = []
        for i, scenario in enumerate(row["scenarios"]):
            cells.append(plus_minus(scenario) + ("*" if row["prior"] else ""))
            if i:
                cells.append("–" if scenario["difference"] is None else plus_minus(scenario["difference"]))
        table.add_row(row["name"], row["unit"], *cells)
    return table


def plus_minus(interval: Mapping[str, Any]) -> str:
    """A mean with the half-width of its interval."""
    half = interval["half_width"]
    return number(interval["mean"]) + ("" if half is None else f" ± {number(half)}")


def verdict_line(verdict: Verdict) -> str:
    """The replay's answer in one line."""
    d = verdict.first_difference
    if verdict.identical:
        return "identical: every table is the same to the last bit"
    if d is None:
        return "not identical: the tables agree, but the file is not as it was sealed"
    where = (
        f"table {d.table}" + (f", month {d.month}" if d.month else "") + (f", row {d.row}" if d.row is not None else "")
    )
    return (
        f"differs first in {where}"
        + (f", column {d.column}" if d.column else "")
        + f": stored {d.stored}, replayed {d.replayed}"
    )
