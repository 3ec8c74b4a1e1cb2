"""Comparing runs: seeds of one scenario give a mean with an interval; common seeds of two give a paired difference."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from twin.kpi import catalogue
from twin.run import Run


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its Student 95 % interval; no half-width from a single value."""

    mean: float
    half_width: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """Runs of one scenario over seeds."""

    name: str
    digest: str
    runs: tuple[Run, ...]


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and Student interval of independent values (Student 1908: t(n − 1) · s / √n)."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return Interval(mean, None, n)
    spread = float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, float(stdtrit(n - 1, 0.5 + confidence / 2)) * spread, n)


def groups(runs: Sequence[Run]) -> list[Group]:
    """Runs grouped by scenario digest, in the order given; of two runs with one seed the later counts."""
    by_digest: dict[str, dict[int, Run]] = {}
    for run in runs:
        by_digest.setdefault(run.digest, {})[run.seed] = run
    names = {digest: next(iter(members.values())).scenario.name for digest, members in by_digest.items()}
    twice = {name for name, n in Counter(names.values()).items() if n > 1}
    return [
        Group(
            f"{names[digest]}@{digest[:6]}" if names[digest] in twice else names[digest],
            digest,
            tuple(members[seed] for seed in sorted(members)),
        )
        for digest, members in by_digest.items()
    ]


def compare(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a figure: mean and interval for every scenario, and its paired difference from the first one.

    The difference is taken seed by seed (common random numbers) over the seeds that both scenarios have.
    """
    grouped = groups(runs)
    rows = []
    for kpi in catalogue().values():
        values = [{run.seed: value for run in g.runs if (value := kpi.value(run)) is not None} for g in grouped]
        if not any(values):
            continue
        columns = []
        for group, by_seed in zip(grouped, values, strict=True):
            common = sorted(set(by_seed) & set(values[0]))
            differences = [by_seed[seed] - values[0][seed] for seed in common]
            columns.append(
                {
                    "scenario": group.name,
                    "digest": group.digest,
                    "seeds": sorted(by_seed),
                    **(
                        asdict(interval(list(by_seed.values())))
                        if by_seed
                        else {"mean": None, "half_width": None, "n": 0}
                    ),
                    "difference": asdict(interval(differences)) if differences and group is not grouped[0] else None,
                }
            )
        rows.append(
            {"name": kpi.name, "unit": kpi.unit, "better": kpi.better, "prior": kpi.prior, "scenarios": columns}
        )
    return rows
