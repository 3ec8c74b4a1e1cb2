"""`python -m twin calibrate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from twin.files import RUNS
from twin.sweep.cli import Address, EngineName, RunsFolder, Workers, engine_of
from twin.terminal import JsonFlag, print_json, print_rows, progress_bar, say


def calibrate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A calibration file, or a shipped one's name.")],
    truths: Annotated[
        int | None, typer.Option("--recovery", min=2, help="Known truths to find again instead of the data.")
    ] = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    runs: RunsFolder = RUNS,
    as_json: JsonFlag = False,
) -> None:
    """Find the parameters behind measured figures, with intervals, and say which of them the figures can tell.

    FILE (YAML): `scenario`, `set`, `data` (a CSV with kpi, value, sd), `points` (runs, 64) and `parameters` as
    `labour.search_effort: {low: 0.03, high: 0.3, log: true}`. The posterior starts from even chances over each range.
    A parameter whose spread shrank by less than 30 % is not identified: its interval is its range, not knowledge. Exit
    code 1 where no parameters in the ranges make the figures.

    --recovery tries the method on truths that are known: how often the intervals hold them, the medians' bias and
    error (percent of the range), the intervals' width against the range's, and what is told together alone. Exit code
    1 where they hold them more seldom than chance allows. Shipped: `traffic`, `solar`, `labour`, `carbon`, which say
    how well each figure would be measured (sd, assumed), and for which nothing was measured yet: copy one, and fill in
    `value`.
    """
    import numpy as np

    from twin.calibrate.plan import load
    from twin.calibrate.posterior import posterior
    from twin.calibrate.study import answer_of, recovery, told
    from twin.sweep.record import Record

    plan, data = load(file, known_truths=truths is not None)
    with_engine = engine_of(engine, address, workers)
    record = Record(runs)
    try:
        with progress_bar(plan.name) as progress:
            answer = answer_of(plan, data, with_engine, runs, record, progress)
            if truths is not None:
                found = recovery(plan, data, answer, truths, with_engine, runs, record, progress)
            else:
                values, sd = (np.array([getattr(one, name) for one in data]) for name in ("value", "sd"))
                found = told(plan, data, answer, posterior(answer, values, sd))
    finally:
        record.close()
    if as_json:
        print_json(found)
    elif truths is not None:
        _show_recovery(found)
    else:
        _show(found)
    if not found["fits" if truths is None else "holds"]:
        raise typer.Exit(1)


def _show_recovery(found: dict[str, Any]) -> None:
    rows = [
        {
            "parameter": row["parameter"], "range": _range(row), "in 95 %": row["within_95_percent"],
            "in 50 %": row["within_50_percent"],
            "bias %": f"{row['bias_percent']:g} ± {row['bias_half_width_percent']:g}",
            "error %": row["error_percent"], "width": row["width_ratio"], "verdict": row["verdict"],
        }
        for row in found["parameters"]
    ]  # fmt: skip
    print_rows(rows, f"{found['name']}: {found['truths']} known truths, {found['failed']} more without figures", False)
    for one, other, correlation in found["correlations"]:
        say(f"correlation of {one} and {other}: {correlation:g}")
    _together(found)
    for row in found["parameters"]:
        if not row["holds"]:
            say(f"{row['parameter']}: its intervals are too narrow")


def _show(found: dict[str, Any]) -> None:
    rows = [{**row, "range": _range(row)} for row in found["parameters"]]
    print_rows(rows, f"{found['name']}: 95 % intervals", False)
    print_rows(found["figures"], "by which figures; own_chance is what a run's figure differs by chance", False)
    _together(found)
    if not found["enough_draws"]:
        say("the data are sharper than the draws: narrow the ranges round the medians and calibrate again")
    if not found["fits"]:
        say(f"no parameters in the ranges make these figures (probability {found['misfit_probability']:.2g})")


def _range(row: dict[str, Any]) -> str:
    return "{:g} … {:g}".format(*row["range"])


def _together(found: dict[str, Any]) -> None:
    for one, other, correlation in found["told_together"]:
        say(f"{one} and {other} are told together, not each (correlation {correlation:g})")
