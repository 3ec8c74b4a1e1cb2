"""A calibration carried out: runs over the ranges, then the parameters behind data, or behind known truths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import qmc

from twin.calibrate.plan import Calibration, Measured
from twin.calibrate.posterior import Answer, Posterior, fit, posterior
from twin.errors import CalibrationError
from twin.kpi import catalogue
from twin.sweep.conduct import Engine, Progress, conduct, means
from twin.sweep.design import at
from twin.sweep.record import Record

TRUTH_SEEDS = 1_000_001  # those of the runs that play reality are far from those of the design
LEARNED, PARTLY = 0.7, 0.3
LEAST_DRAWS = 50
CONFOUNDED = 0.8
POOR_FIT = 0.01


def runs_at(
    plan: Calibration, kpis: Sequence[str], shares: np.ndarray, first_seed: int, engine: Engine, runs: Path,
    record: Record, progress: Progress,
) -> np.ndarray:  # fmt: skip
    """Figures of a run at each of the shares of the ranges, each with a seed of its own; nan where there is none."""
    sweep = plan.sweep()
    given = [(at(sweep, row), (first_seed + i,)) for i, row in enumerate(shares)]
    rows, _ = conduct(sweep, engine, runs, record, progress, given)
    by_kpi = means(kpis, rows, record, range(len(given)))
    return np.array([by_kpi[kpi] for kpi in kpis], dtype=float).T


def answer_of(
    plan: Calibration, data: Sequence[Measured], engine: Engine, runs: Path, record: Record, progress: Progress
) -> Answer:
    """The model's answer over the ranges. Raises CalibrationError where too few runs have the measured figures."""
    shares = qmc.LatinHypercube(len(plan.parameters), rng=plan.seed).random(plan.points)
    figures = runs_at(plan, [one.kpi for one in data], shares, 1, engine, runs, record, progress)
    known = np.isfinite(figures).all(axis=1)
    empty = [one.kpi for one, column in zip(data, figures.T, strict=True) if not np.isfinite(column).any()]
    if empty:
        raise CalibrationError(plan.name, [f"{kpi}: has no value in any run of this scenario" for kpi in empty])
    still = [one.kpi for one, column in zip(data, figures[known].T, strict=True) if np.ptp(column) == 0]
    if still:
        raise CalibrationError(plan.name, [f"{kpi}: is the same in all runs; it tells nothing" for kpi in still])
    try:
        return fit(shares[known], figures[known])
    except ValueError as error:
        raise CalibrationError(
            plan.name, [f"{error} ({int(known.sum())} of {plan.points} have all figures)"]
        ) from error


def told(plan: Calibration, data: Sequence[Measured], answer: Answer, found: Posterior) -> dict[str, Any]:
    """A posterior as JSON data: each parameter with its interval and whether the data tell it."""
    low, middle, high = (_values(plan, row) for row in found.quantiles((0.025, 0.5, 0.975)))
    names = list(plan.parameters)
    pairs = [
        [names[i], names[j], round(float(found.correlation[i, j]), 2)]
        for i in range(len(names)) for j in range(i) if abs(found.correlation[i, j]) >= CONFOUNDED
    ]  # fmt: skip
    return {
        "name": plan.name,
        "parameters": [
            {
                "parameter": name, "low": low[i], "median": middle[i], "high": high[i],
                "range": list(one.bounds), "learned": round(float(found.learned[i]), 3),
                "verdict": verdict(found.learned[i]),
            }
            for i, (name, one) in enumerate(plan.parameters.items())
        ],
        "told_together": pairs,
        "figures": [
            {
                "kpi": one.kpi, "measured": one.value, "sd": one.sd, "unit": catalogue()[one.kpi].unit,
                "explained": round(float(answer.explained[i]), 3),
                "own_chance": float(np.sqrt(answer.residual[i, i])),
            }
            for i, one in enumerate(data)
        ],
        "misfit_probability": None if np.isnan(found.misfit) else found.misfit,
        "fits": bool(np.isnan(found.misfit) or found.misfit >= POOR_FIT),
        "enough_draws": found.draws_that_count >= LEAST_DRAWS,
    }  # fmt: skip


def recovery(
    plan: Calibration, data: Sequence[Measured], answer: Answer, truths: int, engine: Engine, runs: Path,
    record: Record, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """How often the intervals hold parameters that are known, over runs that play reality; only `sd` of data counts."""
    known = qmc.LatinHypercube(len(plan.parameters), rng=plan.seed + 1).random(truths)
    kpis, sd = [one.kpi for one in data], np.array([one.sd for one in data])
    figures = runs_at(plan, kpis, known, TRUTH_SEEDS, engine, runs, record, progress)
    noise = np.random.default_rng(plan.seed + 2).normal(size=figures.shape) * sd
    inside, half, learned = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
    for truth, measured in zip(known, figures + noise, strict=True):
        if np.isfinite(measured).all():
            found = posterior(answer, measured, sd)
            low, first, third, high = found.quantiles((0.025, 0.25, 0.75, 0.975))
            inside.append((low <= truth) & (truth <= high))
            half.append((first <= truth) & (truth <= third))
            learned.append(found.learned)
    return {
        "name": plan.name, "truths": len(inside), "failed": truths - len(inside),
        "parameters": [
            {
                "parameter": name, "within_95_percent": int(np.sum([one[i] for one in inside])),
                "within_50_percent": int(np.sum([one[i] for one in half])),
                "learned": round(float(np.mean([one[i] for one in learned])), 3) if learned else None,
            }
            for i, name in enumerate(plan.parameters)
        ],
    }  # fmt: skip


def verdict(learned: float) -> str:
    """Whether data tell a parameter, by how much its spread shrank."""
    return "identified" if learned >= LEARNED else "partly identified" if learned >= PARTLY else "not identified"


def _values(plan: Calibration, shares: np.ndarray) -> list[float]:
    return list(at(plan.sweep(), shares).values())
