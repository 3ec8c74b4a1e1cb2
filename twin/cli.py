"""The command line. Exit codes: 0 done; 1 ran, and the answer is no; 2 the input is at fault; 130 interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin import show
from twin.calibrate.cli import calibrate
from twin.carbon.cli import app as carbon_app
from twin.files import RUNS
from twin.hil.cli import hil
from twin.knowledge.cli import app as knowledge_app
from twin.labour.cli import app as labour_app
from twin.live.cli import app as live_app
from twin.places_cli import places_app, regency_app
from twin.programmes.cli import app as programmes_app
from twin.programmes.filing.cli import app as personnel_app
from twin.scenarios import shipped
from twin.sensitivity.cli import sensitivity
from twin.solar.cli import app as solar_app
from twin.sweep.cli import HELP as SWEEP_HELP
from twin.sweep.cli import sweep
from twin.terminal import JsonFlag, err_console, out_console, print_json, print_rows, progress_bar, run_app, seeds_of
from twin.traffic.cli import app as traffic_app
from twin.validation.cli import validate

app = typer.Typer(
    name="twin",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="The Trenggalek twin: run a scenario, look at what came out, compare, replay.",
)
OutFolder = Annotated[Path, typer.Option("--out", help="Folder of the runs.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Override a value: `--set solar.panels=4`. Repeatable.")
]


def main() -> None:
    """Run the command line."""
    run_app(app)


@app.command(
    epilog="Examples: `python -m twin run baseline` · `python -m twin run book --seeds 1..5` · "
    "`python -m twin run smoke --set solar.panels=4 --json`"
)
def run(
    scenario: Annotated[str, typer.Argument(help=f"A YAML file, or one of: {', '.join(shipped())}.")],
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance in the run.")] = 1,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Several: `1..5` or `1,3,5`; a run each.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again even if this very run is there.")] = False,
    out: OutFolder = RUNS,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list the indicators that no sector computes yet.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a scenario and print its key figures.

    The run is one SQLite file. The same scenario, seed and code find their finished run at once; a stopped run goes on
    where it was.
    """
    from twin.run import Run
    from twin.runner import run_scenario
    from twin.scenario import Scenario

    loaded = Scenario.load(scenario, overrides or ())
    documents = []
    for one in [seed] if seeds is None else seeds_of(seeds):
        with progress_bar(f"{loaded.name} seed {one}") as progress:
            outcome = run_scenario(loaded, one, out, fresh, progress)
        with Run.open(outcome.path) as opened:
            scores = opened.kpis
            if as_json:
                documents.append(
                    {
                        "run": str(outcome.path),
                        "digest": opened.digest,
                        "seed": one,
                        "reused": outcome.reused,
                        "resumed_from_month": outcome.resumed_from,
                        "kpis": [s.as_json() for s in scores],
                    }
                )
                continue
            out_console.print(show.kpi_table(scores, f"{loaded.name}, seed {one}", everything))
            out_console.print(show.kpi_notes(scores, everything), highlight=False)
            how = (
                "found"
                if outcome.reused
                else f"resumed after month {outcome.resumed_from}"
                if outcome.resumed_from
                else "made"
            )
            out_console.print(f"run ({how}): {outcome.path}", soft_wrap=True, highlight=False)
    if as_json:
        print_json(documents if seeds is not None else documents[0])


@app.command("list", epilog="Example: `python -m twin list --json`")
def list_runs(out: OutFolder = RUNS, as_json: JsonFlag = False) -> None:
    """List the finished runs of a folder."""
    print_rows(show.run_rows(out), f"runs in {out}", as_json)


@app.command("show", epilog="Example: `python -m twin show baseline`")
def show_run(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    out: OutFolder = RUNS,
    everything: Annotated[
        bool, typer.Option("--all", help="Also list the indicators that no sector computes yet.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a run's key figures, tables and provenance."""
    from twin.run import Run, find

    with Run.open(find(name, out)) as opened:
        scores = opened.kpis
        rows = {table: len(opened.table(table)) for table in opened.tables}
        if as_json:
            print_json(
                {
                    "run": str(opened.path),
                    "provenance": opened.provenance,
                    "rows": rows,
                    "kpis": [s.as_json() for s in scores],
                }
            )
            return
        out_console.print(show.kpi_table(scores, f"{opened.scenario.name}, seed {opened.seed}", everything))
        out_console.print(show.kpi_notes(scores, everything), highlight=False)
        out_console.print(show.provenance_table(opened, rows))


@app.command(
    "compare", epilog="Example: `python -m twin compare baseline book`, after runs with `--seeds 1..5` of both"
)
def compare_command(
    names: Annotated[
        list[str], typer.Argument(metavar="RUN…", help="Runs; the beginning of file names takes all that fit.")
    ],
    out: OutFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Compare runs: mean ± 95 % interval over seeds, and the paired difference from the first scenario."""
    from twin.compare import compare
    from twin.run import Run, find

    paths: dict[Path, None] = {}
    for name in names:
        fits = sorted(out.glob(f"{name}-s*.sqlite"))
        paths |= dict.fromkeys(fits or [find(name, out)])
    rows = compare([Run.open(path) for path in paths])
    if as_json:
        print_json(rows)
    else:
        out_console.print(show.comparison_table(rows))


@app.command(epilog="Example: `python -m twin replay baseline`")
def replay(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    out: OutFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Run a run's stored scenario and seed again and compare every table; exit code 1 where they differ."""
    from twin.replay import replay as replay_run
    from twin.run import Run, find

    with Run.open(find(name, out)) as opened, progress_bar("replaying") as progress:
        verdict = replay_run(opened, progress)
    first = verdict.first_difference
    if as_json:
        print_json(
            {
                "identical": verdict.identical,
                "first_difference": vars(first) if first else None,
                "remarks": verdict.remarks,
            }
        )
    else:
        for remark in verdict.remarks:
            err_console.print(remark, style="yellow", markup=False, soft_wrap=True)
        out_console.print(show.verdict_line(verdict), highlight=False, soft_wrap=True)
    if not verdict.identical:
        raise typer.Exit(1)


@app.command(epilog="Example: `python -m twin report baseline` writes the page beside the run")
def report(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    out: OutFolder = RUNS,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where to write the page; default: the run's name with .html.")
    ] = None,
    briefs: Annotated[
        Path | None, typer.Option("--briefs", help="Folder for PDF briefs too: of the run and of each programme.")
    ] = None,
) -> None:
    """Write one self-contained HTML page about a run; it opens offline. With --briefs, PDF pages too."""
    from twin.brief import write_briefs
    from twin.report import write_report
    from twin.run import Run, find

    with Run.open(find(name, out)) as opened:
        for path in write_briefs(opened, briefs) if briefs is not None else ():
            out_console.print(f"brief: {path}", soft_wrap=True, highlight=False)
        out_console.print(f"report: {write_report(opened, to)}", soft_wrap=True, highlight=False)


@app.command(epilog="Example: `python -m twin export baseline --format csv --to tables/`")
def export(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    format: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the files; default: the run's name.")] = None,
    out: OutFolder = RUNS,
) -> None:
    """Export every table of a run, its data dictionary and its provenance."""
    from twin.export import FORMATS, export_run
    from twin.run import Run, find

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    with Run.open(find(name, out)) as opened:
        for path in export_run(opened, to, format):
            out_console.print(str(path), soft_wrap=True, highlight=False)


@app.command(epilog="Example: `python -m twin dashboard --port 8501`, then open http://localhost:8501")
def dashboard(
    out: OutFolder = RUNS,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
    address: Annotated[str, typer.Option("--address", help="Who may reach it; 0.0.0.0: everybody.")] = "localhost",
) -> None:
    """Open the planners' pages in a browser: overview, what-ifs, sectors, replay. Ctrl-C ends them; runs stay."""
    from twin.dashboard import serve

    serve(out, port, address)


@app.command(epilog="Example: `python -m twin check my-scenario.yaml`")
def check(
    file: Annotated[str, typer.Argument(help="A scenario file, or a shipped scenario's name.")],
    overrides: Overrides = None,
) -> None:
    """Check a scenario: says nothing if it is sound, else every fault at once (exit code 2)."""
    from twin.scenario import Scenario

    Scenario.load(file, overrides or ())


@app.command(epilog="Example: `python -m twin budget --json`")
def budget(
    inconsistencies: Annotated[
        bool, typer.Option("--inconsistencies", help="Also where the book contradicts itself outside its budgets.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compare the source book's stated amounts with what its own lines add up to; only where they differ."""
    from twin.programmes import budget as budgets

    differences = [vars(d) for d in budgets.differences()]
    others = [vars(i) for i in budgets.inconsistencies()] if inconsistencies else []
    if as_json:
        print_json({"budget": differences, "inconsistencies": others} if inconsistencies else differences)
        return
    out_console.print(show.rows_table(differences, "stated in the book against computed from its lines [Rp]"))
    if inconsistencies:
        out_console.print(show.rows_table(others, "where the book contradicts itself elsewhere"))


app.command(epilog="Example: `python -m twin hil --bundle bundles/universal --json`")(hil)
app.command(help=SWEEP_HELP, epilog="Example: `python -m twin sweep money --engine local --out money.parquet`")(sweep)
app.command(
    epilog="Examples: `python -m twin calibrate labour.yaml` · `python -m twin calibrate labour.yaml --recovery 20`"
)(calibrate)
app.command(
    epilog="Example: `python -m twin sensitivity baseline --set traffic=null --kpi crypto_awareness_percent "
    "--only programmes.dynamics.crypto`"
)(sensitivity)
app.command(epilog="Examples: `python -m twin validate` · `python -m twin validate --only bass --json`")(validate)
app.add_typer(places_app, name="places")
app.add_typer(regency_app, name="regency")
app.add_typer(solar_app, name="solar")
app.add_typer(carbon_app, name="carbon")
app.add_typer(traffic_app, name="traffic")
app.add_typer(labour_app, name="labour")
app.add_typer(knowledge_app, name="knowledge")
app.add_typer(programmes_app, name="programmes")
app.add_typer(personnel_app, name="personnel")
app.add_typer(live_app, name="live")
