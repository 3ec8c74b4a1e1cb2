"""A screening carried out as a sweep, and told by figure; what it finds may be decomposed (Morris, then Sobol)."""

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
from twin.sensitivity.sobol import samples, shares
from twin.sweep.conduct import Engine, Progress, Tally, conduct, means
from twin.sweep.plan import Design, Parameter, Sweep
from twin.sweep.record import Record
from twin.terminal import seeds_of
from twin.yaml_file import parse_value

SEED, SHOWN = 1, 10


@dataclass(frozen=True)
class Screening:
    """What is asked: the sweep's frame, the assumptions, and the walks over them, shape (walks × (n + 1), n)."""

    sweep: Sweep
    digest: str
    kpis: tuple[str, ...]
    varied: tuple[Assumption, ...]
    other: tuple[Assumption, ...]
    without_range: tuple[str, ...]
    walks: np.ndarray


def wanted(
    source: str, overrides: Sequence[str], kpis: Sequence[str], only: Sequence[str], seeds: str, count: int,
    levers: bool = False,
) -> Screening:  # fmt: skip
    """The screening of a scenario; what the overrides set is held.

    Raises ScenarioError, SweepError, or MissingExtraError without SALib.
    """
    scenario = Scenario.load(source, overrides)
    held = {path.strip(): parse_value(value) for path, _, value in (text.partition("=") for text in overrides)}
    every = [one for one in stated(scenario, levers) if one.path not in held]
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
        name=scenario.name, scenario=(source,), seeds=tuple(seeds_of(seeds)), set=held,
        design=Design(method="latin_hypercube", points=1),
        parameters={one.path: Parameter(low=one.low, high=one.high) for one in varied},
    )  # fmt: skip
    chosen = tuple(kpis) or tuple(kpi.name for kpi in catalogue().values() if kpi.target is not None)
    other = tuple(one for one in every if one not in varied)
    none = tuple(without_range(scenario))
    return Screening(sweep, scenario.digest, chosen, tuple(varied), other, none, trajectories(varied, count, SEED))


def screen(asked: Screening, engine: Engine, runs: Path, record: Record, progress: Progress) -> dict[str, Any]:
    """Run every point of the walks, or find its run, and give each figure's greatest effects as JSON data."""
    values, tally = _lived(asked, asked.varied, asked.walks, engine, runs, record, progress)
    return {
        "scenario": asked.sweep.name, "digest": asked.digest, "seeds": list(asked.sweep.seeds),
        "runs": tally.total, "found": tally.found,
        "failed": tally.failed, "varied": [one.path for one in asked.varied],
        "other_ranges": [one.path for one in asked.other], "without_range": list(asked.without_range),
        "figures": {kpi: _figure(kpi, asked, values[kpi]) for kpi in asked.kpis},
    }  # fmt: skip


def ten_of_each(asked: Screening, screened: dict[str, Any]) -> list[Assumption]:
    """What the screening found to decide any of the figures."""
    found = {row["assumption"] for one in screened["figures"].values() for row in one["effects"]}
    return [one for one in asked.varied if one.path in found]


def decompose(
    asked: Screening, screened: dict[str, Any], base: int, engine: Engine, runs: Path, record: Record,
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """The screening with Sobol's shares of the assumptions that it found, the others held where the scenario has them.

    All figures are told from the same base × (assumptions + 2) runs.
    """
    varied = ten_of_each(asked, screened)
    if not varied:
        return screened
    values, tally = _lived(asked, varied, samples(varied, base, SEED), engine, runs, record, progress)
    figures = {}
    for kpi, one in screened["figures"].items():
        found, used = shares(varied, values[kpi], SEED)
        by_path = dict(zip((a.path for a in varied), map(vars, found), strict=False))
        rows = [row | by_path.get(row["assumption"], {}) for row in one["effects"]]
        figures[kpi] = one | {"effects": rows, "base_points": used}
    return screened | {
        "figures": figures, "decomposed": [one.path for one in varied],
        "runs": screened["runs"] + tally.total, "found": screened["found"] + tally.found,
        "failed": screened["failed"] + tally.failed,
    }  # fmt: skip


def _lived(
    asked: Screening, varied: Sequence[Assumption], at: np.ndarray, engine: Engine, runs: Path, record: Record,
    progress: Progress,
) -> tuple[dict[str, list[float | None]], Tally]:  # fmt: skip
    """Every figure at points (n, assumptions) as its mean over the seeds."""
    points = as_points(varied, at, [asked.sweep.whole(one.path) for one in varied])
    rows, tally = conduct(asked.sweep, engine, runs, record, progress, [(one, asked.sweep.seeds) for one in points])
    return means(asked.kpis, rows, record, range(len(points))), tally


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
