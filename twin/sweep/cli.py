"""`python -m twin sweep`."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twin.files import RUNS
from twin.terminal import JsonFlag, print_json, progress_bar, say, tell

if TYPE_CHECKING:
    from twin.sweep.conduct import Engine

HELP = """Run scenarios × parameters × seeds and write one Parquet table, a row a run.

FILE is a sweep (YAML), or a shipped one: `money`.

    scenario: smoke                # or a list of scenarios
    set: {solar.panels: 4}         # for all runs
    seeds: 1..3
    design: {method: sobol, points: 64, seed: 1}   # grid (default), latin_hypercube, sobol, adaptive
    parameters:
      solar.battery_kwh: {low: 2.4, high: 9.6}     # a grid takes {low, high, steps}, or a list
      programmes.budget_basis: [stated, computed]

`{method: adaptive, points: 40, kpi: solar_npv_idr}` lets Optuna search by one figure. A run that is there is found; a
stopped sweep goes on with the same command; a run that fails is a row with its message, and is tried again then.
Columns: point, scenario, seed, the parameters, status, message, digest, run, wall_s, every key figure. With DuckDB:

    python -c "import duckdb; print(duckdb.sql('SELECT seed, avg(pad_idr) FROM \\"money.parquet\\" GROUP BY ALL'))"
"""


EngineName = Annotated[
    Literal["local", "ray"], typer.Option("--engine", help="Processes of this machine, or a Ray cluster.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes, or cores of a Ray of this machine; all cores.")
]
Address = Annotated[str | None, typer.Option("--address", help="Ray cluster; default: one of this machine.")]
RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of the runs, on every node.")]


def engine_of(name: str, address: str | None, workers: int | None) -> Engine:
    """The engine that the options ask for."""
    from twin.sweep.local import on_processes
    from twin.sweep.on_ray import on_ray

    if name == "ray":
        return partial(on_ray, address=address, workers=workers)
    if address is not None:
        raise typer.BadParameter("belongs to --engine ray", param_hint="--address")
    return partial(on_processes, workers=workers or os.cpu_count() or 1)


def sweep(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sweep file, or a shipped sweep's name.")],
    out: Annotated[str, typer.Option("--out", help="Parquet file: a path, or a URL that fsspec reaches.")],
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    runs: RunsFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Run scenarios × parameters × seeds and write one Parquet table."""
    from twin.sweep.conduct import conduct
    from twin.sweep.plan import load
    from twin.sweep.record import Record
    from twin.sweep.table import Place, write_table

    with_engine = engine_of(engine, address, workers)
    plan, place, began = load(file), Place(out), time.monotonic()
    record = Record(runs)
    try:
        with progress_bar(plan.name) as progress:
            rows, tally = conduct(plan, with_engine, runs, record, progress)
        write_table(plan, rows, record, place)
    finally:
        record.close()
    found = {
        "table": out, "engine": engine, "runs": tally.total, "found": tally.found, "made": tally.made,
        "failed": tally.failed, "wall_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    if as_json:
        print_json(found)
    else:
        say(f"{tally.total} runs ({tally.made} made, {tally.found} found, {tally.failed} failed) -> {out}")
    if tally.failed:
        tell(f"{tally.failed} runs failed: the table's rows with status 'failed' say why; the same command tries again")
        raise typer.Exit(1)
