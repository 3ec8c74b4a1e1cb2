"""`python -m twin sensitivity`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from twin.files import RUNS
from twin.sweep.cli import Address, EngineName, RunsFolder, Workers, engine_of
from twin.terminal import JsonFlag, print_json, print_rows, progress_bar, say, tell


def sensitivity(
    scenario: Annotated[str, typer.Argument(help="A scenario's name or file.")],
    kpis: Annotated[
        list[str] | None, typer.Option("--kpi", help="A key figure; default: all with a target. Repeatable.")
    ] = None,
    trajectories: Annotated[
        int, typer.Option("--trajectories", min=2, help="Random walks; each runs once more than there are assumptions.")
    ] = 10,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Vary what begins so: `programmes.dynamics.crypto`. Repeatable."),
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Override a value for all runs.")] = None,
    seeds: Annotated[str, typer.Option("--seeds", help="Figures are means over them: `7`, `1..5` or `1,3,5`.")] = "1",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    runs: RunsFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Which ten assumptions decide each target: Morris's screening over every assumption that states a range.

    mu* is how far the figure moves, on average, when the assumption goes over its range (with the half-width of its
    95 % interval); sigma is how much that hangs on the other assumptions; mu has its sign. Where the direction is
    unclear the effect may be chance that fell otherwise: more --seeds and --trajectories tell. What states no range is
    not varied, and the last lines say how much that is. A stopped screening goes on with the same command.
    """
    from twin.sensitivity.screening import screen, wanted
    from twin.sweep.record import Record

    asked = wanted(scenario, overrides or (), kpis or (), only or (), seeds, trajectories)
    record = Record(runs)
    try:
        with progress_bar(f"{asked.sweep.name}: {len(asked.varied)} assumptions") as progress:
            found = screen(asked, engine_of(engine, address, workers), runs, record, progress)
    finally:
        record.close()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["failed"]:
        tell(f"{found['failed']} runs failed; their walks are left out, and the same command tries again")
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for kpi, one in found["figures"].items():
        rows: Sequence[dict[str, Any]] = one["effects"]
        if not rows:
            say(f"{kpi}: {one['remark']}")
            continue
        shown = [
            {
                "assumption": row["assumption"], "from": row["low"], "to": row["high"], "of": row["unit"],
                f"mu* [{one['unit']}]": f"{row['mu_star']:.4g} ± {row['half_width']:.2g}", "sigma": row["sigma"],
                "mu": row["mu"], "direction": row["direction"],
                "confidence": row["confidence"],
            }
            for row in rows
        ]  # fmt: skip
        print_rows(shown, f"{kpi}: what decides it, {one['walks']} walks", False)
    n, other, none = len(found["varied"]), len(found["other_ranges"]), len(found["without_range"])
    say(f"{found['runs']} runs; {n} assumptions varied, {other} more state a range.")
    say(f"{none} numbers of the scenario state none and stay as they are (--json names them), and so do the sectors'")
    say("own tables (people, sectors, networks, weather).")
