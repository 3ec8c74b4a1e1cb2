"""`python -m twin sensitivity`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from twin.files import RUNS
from twin.show import number
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
    levers: Annotated[bool, typer.Option("--levers", help="Vary levers too: what the regency decides.")] = False,
    sobol: Annotated[
        int, typer.Option("--sobol", min=0, help="Base points (a power of two) of a decomposition; 0: none.")
    ] = 0,
    seeds: Annotated[str, typer.Option("--seeds", help="Figures are means over them: `7`, `1..5` or `1,3,5`.")] = "1",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    runs: RunsFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Which ten assumptions decide each target: Morris's screening over every assumption that states a range.

    mu* is how far the figure moves, on average, when the assumption goes over its range (with the half-width of its
    95 % interval); sigma is how much that hangs on the other assumptions; direction is the mean's sign. Where it is
    unclear the effect may be chance that fell otherwise: more --seeds and --trajectories tell. What states no
    range, or is --set, is not varied; the last lines say how much that is. A stopped screening goes on with
    the same command.

    --sobol N then takes the figure's variance apart over the assumptions found: `alone` is the share of one by itself,
    `in all` with what it does together with others, from N × (assumptions + 2) more runs. The table is kept in the
    folder of the runs; `twin report` and the dashboard show it beside every run of the same scenario.
    """
    from twin.sensitivity.screening import decompose, screen, ten_of_each, wanted
    from twin.sensitivity.table import keep
    from twin.sweep.record import Record

    if sobol & (sobol - 1) or sobol == 1:
        raise typer.BadParameter(f"{sobol} is no power of two from 2, as 64", param_hint="--sobol")
    asked = wanted(scenario, overrides or (), kpis or (), only or (), seeds, trajectories, levers)
    with_engine = engine_of(engine, address, workers)
    record = Record(runs)
    try:
        with progress_bar(f"{asked.sweep.name}: {len(asked.varied)} assumptions") as progress:
            found = screen(asked, with_engine, runs, record, progress)
        if sobol:
            n = len(ten_of_each(asked, found))
            tell(f"{n} assumptions found: {sobol} × {n + 2} more points")
            with progress_bar(f"{asked.sweep.name}: {n} assumptions") as progress:
                found = decompose(asked, found, sobol, with_engine, runs, record, progress)
    finally:
        record.close()
    found["table"] = str(keep(found, runs))
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
                "assumption": row["assumption"],
                "over": f"{row['low']:g} … {row['high']:g} {row['unit']}".removesuffix(" -"),
                f"mu* [{one['unit']}]": f"{number(row['mu_star'])} ± {number(row['half_width'])}",
                "direction": row["direction"],
                **({"alone": _share(row["first"], row["first_half_width"]),
                    "in all": _share(row["total"], row["total_half_width"])} if "total" in row else
                   {"sigma": row["sigma"]}),
                "basis": row["confidence"],
            }
            for row in rows
        ]  # fmt: skip
        print_rows(shown, f"{kpi}: what decides it, {one['walks']} walks", False)
    n, other, none = len(found["varied"]), len(found["other_ranges"]), len(found["without_range"])
    say(f"{found['runs']} runs; {n} assumptions varied, {other} more state a range.")
    say(f"{none} numbers of the scenario state none and stay as they are (--json names them), and so do the sectors'")
    say(f"own tables (people, sectors, networks, weather). Kept in {found['table']}.")


def _share(value: float, half_width: float) -> str:
    return f"{value:.2f} ± {half_width:.2f}"
