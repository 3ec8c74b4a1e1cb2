"""What detectors, demand, vehicles and a dark neighbour do to a policy and to tuned baselines: delay along each axis.

    python -m agents.robustness --policy runs/policies/universal/policy.npz --network trenggalek --seeds 301..303

Every controller keeps the settings that it has in ordinary hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import altair as alt
import pandas as pd
import typer

from agents.evaluate import Progress, policy_rows
from envs.street import Scene
from twin import terminal
from twin.traffic.networks.locate import locate
from twin.traffic.simulation.batch import simulate
from twin.traffic.simulation.events import Outage
from twin.traffic.studies.evaluate import baseline_jobs, detectors_for, known_controllers

AXES: Mapping[str, Sequence[float]] = {
    "dead_percent": (0, 10, 30, 50),  # zones without a detector
    "stuck_percent": (0, 10, 30, 50),  # zones whose detector repeats one reading
    "demand_factor": (0.5, 1.0, 1.5, 2.0),
    "motorcycle_share": (0.3, 0.5, 0.7, 0.9),  # on the sketch alone: other networks bring their own vehicles
    "dark_junctions": (0, 1),  # the first one has no electricity in the whole hour
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A value on an axis and the scene that it means."""

    axis: str
    value: float
    scene: Scene


def points(network: str, axes: Sequence[str]) -> list[Point]:
    """The scenes of these axes on a network, one a value."""
    scene = Scene(network, measured=True)
    chosen = [axis for axis in axes if axis != "motorcycle_share" or network == "trenggalek"]
    return [Point(axis, value, _changed(scene, axis, value)) for axis in chosen for value in AXES[axis]]


def _changed(scene: Scene, axis: str, value: float) -> Scene:
    if axis == "demand_factor":
        return replace(scene, scale=value)
    if axis == "motorcycle_share":
        return replace(scene, motorcycle_share=value)
    if axis == "dark_junctions":
        network, names = locate(scene.network), [plan.name for plan in scene.signals().plans]
        lasts_s = int(network.end_s - network.begin_s)
        outages = tuple(Outage(junction=name, from_s=0, until_s=lasts_s) for name in names[: int(value)])
        return replace(scene, events=scene.events.model_copy(update={"outages": outages}))
    return replace(scene, detectors=detectors_for(scene.network).model_copy(update={axis: value}))


def rows_along(
    everything: Sequence[Point], policy: Path, controllers: Sequence[str], seeds: Sequence[int], progress: Progress
) -> list[Row]:
    """One row a point, controller and seed with all measures, and with the axis and the value."""
    lived = [(point, (point.scene, seed)) for point in everything for seed in seeds]
    keys, jobs = [{"axis": point.axis, "value": point.value} for point, _ in lived], []
    for point in everything:
        names, hours = baseline_jobs([point.scene.network], controllers, seeds, **point.scene.conditions())
        keys += [{"axis": point.axis, "value": point.value, **name} for name in names]
        jobs += hours
    everybody = len(lived) + len(jobs)
    rows: list[Row] = policy_rows(policy, [scene for _, scene in lived], lambda done, _: progress(done, everybody))
    rows += [answer["measures"] for answer in simulate(jobs, lambda done, _: progress(len(lived) + done, everybody))]
    return [{**key, **row} for key, row in zip(keys, rows, strict=True)]


def curves(rows: Sequence[Row]) -> alt.Chart:
    """Mean delay along each axis, a line a controller."""
    data = pd.DataFrame(rows)[["axis", "value", "controller", "delay_s"]]
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            x=alt.X("value:Q", title=None),
            y=alt.Y("mean(delay_s):Q", title="mean delay, s").scale(zero=True),
            color=alt.Color("controller:N", title=None),
        )
    )
    return (
        lines.properties(width=260, height=200)
        .facet(alt.Facet("axis:N", title=None), columns=3)
        .resolve_scale(x="independent")
    )


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    policy: Annotated[Path, typer.Option(help="A trained policy.npz, a bundle's folder, or a shipped bundle's name.")],
    network: Annotated[str, typer.Option(help="A network's name or path.")] = "trenggalek",
    seeds: Annotated[str, typer.Option(help="`7`, `1..5` or `1,3,5`.")] = "301..303",
    axis: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(AXES)}; all by default.")] = None,
    controller: Annotated[list[str] | None, typer.Option(help="Baselines beside it; all by default.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw the curves into this .html file.")] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Show how delay grows with missing detectors, demand, other vehicles and a dark junction."""
    wanted, names, chosen = axis or list(AXES), known_controllers(controller or ()), terminal.seeds_of(seeds)
    if unknown := [name for name in wanted if name not in AXES]:
        raise typer.BadParameter(f"no axis {', '.join(unknown)}: there are {', '.join(AXES)}")
    with terminal.progress_bar(f"{network}: axes") as progress:
        found = rows_along(points(network, wanted), policy, names, chosen, progress)
    if plot is not None:
        curves(found).save(plot)
    if as_json:
        terminal.print_json(found)
    else:
        terminal.print_rows(means(found), f"{network}, {len(chosen)} seeds, mean delay in s (never let in)", False)


def means(rows: Sequence[Row]) -> list[Row]:
    """One row an axis and value: each controller's mean delay [s], and in brackets its vehicles never let in."""
    table = pd.DataFrame(rows).groupby(["axis", "value", "controller"], sort=False)[["delay_s", "not_inserted"]].mean()
    found: dict[tuple[str, float], Row] = {}
    for mean in table.reset_index().to_dict("records"):
        row = found.setdefault((mean["axis"], mean["value"]), {"axis": mean["axis"], "value": mean["value"]})
        row[mean["controller"]] = f"{mean['delay_s']:.1f} ({mean['not_inserted']:.0f})"
    return list(found.values())


if __name__ == "__main__":
    terminal.run_app(app)
