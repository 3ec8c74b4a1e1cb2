"""Replaying a run: its stored scenario and seed again, compared table by table to the last bit."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.module import Value
from twin.provenance import code_digest, versions
from twin.recorder import select_all
from twin.run import Run
from twin.runner import Progress, run_scenario


@dataclass(frozen=True)
class Difference:
    """The first place where two runs differ. `row` counts from 0 within the table."""

    table: str
    month: str | None
    row: int | None
    column: str | None
    stored: Value
    replayed: Value


@dataclass(frozen=True)
class Verdict:
    """Whether a replay gave the same tables; if not, where first, and what else is different about the two runs."""

    identical: bool
    first_difference: Difference | None
    remarks: list[str]


def first_difference(stored: Run, replayed: Run) -> Difference | None:
    """The first table, month, row and column in which two runs differ, or None."""
    for name in dict.fromkeys([*stored.tables, *replayed.tables]):
        if not (stored.has(name) and replayed.has(name)):
            return Difference(
                name, None, None, None, *("there" if run.has(name) else "missing" for run in (stored, replayed))
            )
        ours, theirs = select_all(stored.connection, name), select_all(replayed.connection, name)
        columns = [column[0] for column in ours.description]
        if columns != [column[0] for column in theirs.description]:
            return Difference(name, None, None, None, ", ".join(columns), ", ".join(c[0] for c in theirs.description))
        for i, (a, b) in enumerate(itertools.zip_longest(ours, theirs)):
            if a == b:
                continue
            if a is None or b is None:
                return Difference(name, (a or b)[0], i, None, *("no row" if row is None else "a row" for row in (a, b)))
            k = next(k for k, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
            return Difference(name, a[0], i, columns[k], a[k], b[k])
    return None


def replay(run: Run, progress: Progress | None = None) -> Verdict:
    """Run the stored scenario and seed again in a folder of its own and compare every table."""
    remarks = [
        f"table {name} is no longer what was sealed: the file was changed after the run" for name in run.damaged()
    ]
    made_with: dict[str, Any] = run.provenance
    if made_with["code_digest"] != code_digest():
        remarks.append("the run was made by other code or other packages: " + _changes(made_with["versions"]))
    with tempfile.TemporaryDirectory(prefix="twin-replay-") as folder:
        outcome = run_scenario(run.scenario, run.seed, Path(folder), progress=progress, remember=False)
        with Run.open(outcome.path) as again:
            difference = first_difference(run, again)
            if difference is None and run.digests != again.digests and not remarks:
                remarks.append("the digests stored in the run are not those of its tables")
    return Verdict(difference is None and not run.damaged() and run.digests == again.digests, difference, remarks)


def _changes(before: dict[str, str]) -> str:
    changed = [f"{name} {before.get(name)} -> {now}" for name, now in versions().items() if before.get(name) != now]
    return ", ".join(changed) or "the same package versions, but the twin's own sources differ"
