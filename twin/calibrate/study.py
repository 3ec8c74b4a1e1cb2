"""A calibration carried out: runs over the ranges, then the parameters behind data, or behind known truths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom, qmc, t

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
TOO_SELDOM = 0.01  # chance of so few truths within 95 % intervals that are what they say


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
        **_correlations(plan, found.correlation),
        "figures": _figures(data, answer),
        "misfit_probability": None if np.isnan(found.misfit) else found.misfit,
        "fits": bool(np.isnan(found.misfit) or found.misfit >= POOR_FIT),
        "enough_draws": found.draws_that_count >= LEAST_DRAWS,
    }  # fmt: skip


def recovery(
    plan: Calibration, data: Sequence[Measured], answer: Answer, truths: int, engine: Engine, runs: Path,
    record: Record, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """How often the intervals hold parameters that are known, over runs that play reality; only `sd` of data counts.

    Bias and error are of the medians, in percent of the range; `width_ratio` is that of the 95 % intervals to the
    range's own; `holds` is false where so few lie within would have a chance below 1 %. Raises CalibrationError where
    fewer than two runs have all figures.
    """
    known = qmc.LatinHypercube(len(plan.parameters), rng=plan.seed + 1).random(truths)
    kpis, sd = [one.kpi for one in data], np.array([one.sd for one in data])
    figures = runs_at(plan, kpis, known, TRUTH_SEEDS, engine, runs, record, progress)
    noise = np.random.default_rng(plan.seed + 2).normal(size=figures.shape) * sd
    found = [
        (truth, posterior(answer, measured, sd))
        for truth, measured in zip(known, figures + noise, strict=True)
        if np.isfinite(measured).all()
    ]
    if len(found) < 2:
        raise CalibrationError(plan.name, [f"only {len(found)} of {truths} runs that play reality have all figures"])
    shares = np.array([truth for truth, _ in found])
    quantiles = np.array([one.quantiles((0.025, 0.25, 0.5, 0.75, 0.975)) for _, one in found])
    learned = np.mean([one.learned for _, one in found], axis=0)
    rows = [
        {
            "parameter": name, "range": list(one.bounds),
            **_recovered(shares[:, i], quantiles[:, :, i]), "learned": round(float(learned[i]), 3),
            "verdict": verdict(learned[i]),
        }
        for i, (name, one) in enumerate(plan.parameters.items())
    ]  # fmt: skip
    return {
        "name": plan.name, "truths": len(found), "failed": truths - len(found), "parameters": rows,
        **_correlations(plan, np.mean([one.correlation for _, one in found], axis=0)),
        "figures": _figures(data, answer), "holds": all(row["holds"] for row in rows),
    }  # fmt: skip


def _recovered(truths: np.ndarray, quantiles: np.ndarray) -> dict[str, Any]:
    """How well one parameter was found again: truths (n,) and quantiles (n, 5) are shares of its range."""
    n, (low, first, middle, third, high) = len(truths), quantiles.T
    within = int(np.sum((low <= truths) & (truths <= high)))
    off = 100 * (middle - truths)
    return {
        "within_95_percent": within,
        "within_50_percent": int(np.sum((first <= truths) & (truths <= third))),
        "holds": bool(binom.cdf(within, n, 0.95) >= TOO_SELDOM),
        "bias_percent": round(float(off.mean()), 2),
        "bias_half_width_percent": round(float(t.ppf(0.975, n - 1) * off.std(ddof=1) / n**0.5), 2),
        "error_percent": round(float(np.sqrt(np.mean(off**2))), 2),
        "width_ratio": round(float(np.mean(high - low)) / 0.95, 3),
    }  # fmt: skip


def _correlations(plan: Calibration, between: np.ndarray) -> dict[str, Any]:
    """Every pair of parameters with its correlation, and those of which the data tell a combination, not each."""
    names = list(plan.parameters)
    pairs: list[list[Any]] = [
        [names[i], names[j], round(float(between[i, j]), 2)] for i in range(len(names)) for j in range(i)
    ]
    return {"correlations": pairs, "told_together": [pair for pair in pairs if abs(pair[2]) >= CONFOUNDED]}


def _figures(data: Sequence[Measured], answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "kpi": one.kpi, "measured": one.value, "sd": one.sd, "unit": catalogue()[one.kpi].unit,
            "explained": round(float(answer.explained[i]), 3), "own_chance": float(np.sqrt(answer.residual[i, i])),
        }
        for i, one in enumerate(data)
    ]  # fmt: skip


def verdict(learned: float) -> str:
    """Whether data tell a parameter, by how much its spread shrank."""
    return "identified" if learned >= LEARNED else "partly identified" if learned >= PARTLY else "not identified"


def _values(plan: Calibration, shares: np.ndarray) -> list[float]:
    return list(at(plan.sweep(), shares).values())
