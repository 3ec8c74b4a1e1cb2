"""Runs of a design of levers, which the instant answer is fitted on: `python -m dashboards.design --runs 60`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dashboards.levers import OFF, Lever, levers, offices, overrides, standing
from dashboards.surrogate import DESIGN, features
from twin.kpi import score
from twin.provenance import code_digest
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario
from twin.terminal import run_app, tell

app = typer.Typer(add_completion=False)
LEFT_ALONE = 0.3  # share of the levers that stay where the base has them: what people try lies near the base


def drawn(lever: Lever, horizon_months: int, rng: np.random.Generator) -> Any:
    """A value of a lever, all that it allows alike; a start is off or within the first year."""
    match lever.kind:
        case "switch":
            return bool(rng.random() < 0.5)
        case "first" | "choice":
            return str(rng.choice(lever.choices))
        case "start":
            return OFF if rng.random() < 0.2 else int(rng.integers(0, min(12, horizon_months)))
        case "places":
            return tuple(name for name in offices() if rng.random() < rng.random())
    steps = round((lever.high - lever.low) / lever.step)
    value = lever.low + lever.step * int(rng.integers(0, steps + 1))
    return round(value, 6) if lever.kind == "float" else int(value)


@app.command()
def design(
    base: Annotated[str, typer.Option("--base", help="The scenario that the levers are moved in.")] = "baseline",
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many runs in all.")] = 60,
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs.")] = Path("runs/design"),
    to: Annotated[Path, typer.Option("--to", help="The table of answers.")] = DESIGN,
) -> None:
    """Run the base scenario at drawn levers and write the table; runs that are there already are found again."""
    loaded, rows = Scenario.load(base), []
    start = standing(loaded)
    for number in range(runs):
        rng = np.random.default_rng(number)
        values = dict(start)
        for name, was in start.items():
            wanted = drawn(levers()[name], loaded.horizon_months, rng)
            if number and rng.random() >= LEFT_ALONE and name not in ("horizon_months", "hybrid_junctions"):
                values[name] = wanted if wanted != () else was
        outcome = run_scenario(Scenario.load(base, [f"name=design-{number}", *overrides(loaded, values)]), 1, out)
        with Run.open(outcome.path) as run:
            figures = {f"kpi:{s.kpi.name}": s.value for s in score(run)}
        rows.append({"base": base, "horizon_months": loaded.horizon_months, "code": code_digest()[:12],
                     **features(values, loaded.horizon_months), **figures})  # fmt: skip
        tell(f"{number + 1} of {runs}: {outcome.path.name}")
        write(rows, to)


def write(rows: list[dict[str, Any]], to: Path) -> None:
    """The table, without figures that no run has."""
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    beside = to.with_suffix(".partial")
    with beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    beside.replace(to)


if __name__ == "__main__":
    run_app(app)
