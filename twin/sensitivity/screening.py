"""A screening: which assumptions are varied for which figures, carried out as a sweep, and told by figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import SweepError
from twin.kpi import catalogue
from twin.scenario import Scenario, nearest
from twin.sensitivity.assumptions import Assumption, stated, without_range
from twin.sensitivity.morris import as_points, effects, trajectories
from twin.sweep.conduct import Engine, Progress, conduct, means
from twin.sweep.plan import Design, Parameter, Sweep
from twin.sweep.record import Record
from twin.terminal import seeds_of
from twin.yaml_file import parse_value

SEED, SHOWN = 1, 10


@dataclass(frozen=True)
class Screening:
    """What is asked: the sweep's frame, the assumptions, and the walks over them, shape (walks × (n + 1), n)."""

    sweep: Sweep
    kpis: tuple[str, ...]
    varied: tuple[Assumption, ...]
    other: tuple[Assumption, ...]
    without_range: tuple[str, ...]
    walks: np.ndarray


def wanted(
    source: str, overrides: Sequence[str], kpis: Sequence[str], only: Sequence[str], seeds: str, count: int
) -> Screening:
    """The screening of a scenario. Raises ScenarioError, SweepError, or MissingExtraError without SALib."""
    scenario = Scenario.load(source, overrides)
    every = stated(scenario)
    varied = [one for one in every if not only or any(_begins(one.path, word) for word in only)]
    faults = [f"--kpi {kpi}: is no figure; {nearest(kpi, list(catalogue()))}" for kpi in kpis if kpi not in catalogue()]
    for word in only:
        if not any(_begins(one.path, word) for one in every):
            faults.append(f"--only {word}: nothing with a range begins so; {nearest(word, [o.path for o in every])}")
    if faults:
        raise SweepError(source, faults)
    if not varied:
        raise SweepError(source, ["stands on no assumption that states a range"])
    sweep = Sweep.model_construct(
        name=scenario.name, scenario=(source,), seeds=tuple(seeds_of(seeds)),
        set={path: parse_value(value) for path, _, value in (text.partition("=") for text in overrides)},
        design=Design(method="latin_hypercube", points=1),
        parameters={one.path: Parameter(low=one.low, high=one.high) for one in varied},
    )  # fmt: skip
    chosen = tuple(kpis) or tuple(kpi.name for kpi in catalogue().values() if kpi.target is not None)
    other = tuple(one for one in every if one not in varied)
    none = tuple(without_range(scenario))
    return Screening(sweep, chosen, tuple(varied), other, none, trajectories(varied, count, SEED))


def screen(asked: Screening, engine: Engine, runs: Path, record: Record, progress: Progress) -> dict[str, Any]:
    """Run every point of the walks, or find its run, and give each figure's greatest effects as JSON data."""
    whole = [asked.sweep.whole(one.path) for one in asked.varied]
    points = as_points(asked.varied, asked.walks, whole)
    rows, tally = conduct(asked.sweep, engine, runs, record, progress, [(one, asked.sweep.seeds) for one in points])
    values = means(asked.kpis, rows, record, range(len(points)))
    return {
        "scenario": asked.sweep.name, "seeds": list(asked.sweep.seeds), "runs": tally.total, "found": tally.found,
        "failed": tally.failed, "varied": [one.path for one in asked.varied],
        "other_ranges": [one.path for one in asked.other], "without_range": list(asked.without_range),
        "figures": {kpi: _figure(kpi, asked, values[kpi]) for kpi in asked.kpis},
    }  # fmt: skip


def _figure(kpi: str, asked: Screening, values: Sequence[float | None]) -> dict[str, Any]:
    every, walks = effects(asked.varied, asked.walks, values, SEED)
    moving = [one for one in every if one.mu_star > 0]
    remark = "has no value in this scenario" if not walks else "" if moving else "nothing that was varied moves it"
    return {
        "unit": catalogue()[kpi].unit, "walks": walks, "remark": remark,
        "effects": [
            {
                "assumption": one.assumption.path, "low": one.assumption.low, "high": one.assumption.high,
                "unit": one.assumption.unit, "mu_star": one.mu_star, "half_width": one.half_width,
                "sigma": one.sigma, "mu": one.mu, "direction": one.direction(walks),
                "confidence": one.assumption.confidence,
                "source": one.assumption.source,
            }
            for one in moving[:SHOWN]
        ],
    }  # fmt: skip


def _begins(path: str, word: str) -> bool:
    return path == word or path.startswith(f"{word.rstrip('.')}.")
