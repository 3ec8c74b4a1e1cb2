"""Appraisal: net present value, benefit-cost ratio, payback, their spread over draws, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from twin.programmes.benefits import benefit_idr_year, capital_idr, life_years, operation_idr_year
from twin.programmes.facts import Input, holding, inputs


@dataclass(frozen=True)
class Appraisal:
    """One programme over its draws. Money in Rp; `payback_years` is None if it is never paid back within its life."""

    cost_idr: float
    npv_mean_idr: float
    npv_p10_idr: float
    npv_p50_idr: float
    npv_p90_idr: float
    bcr: float
    payback_years: float | None
    probability_npv_positive: float


def annuity(rate: float, years: int) -> float:
    """Present value of 1 at the end of each of `years` years: (1 − (1 + r)^−n) / r."""
    return float(years) if rate == 0 else (1 - (1 + rate) ** -years) / rate


def npv(capital: Any, yearly: Any, rate: float, years: int) -> Any:
    """Net present value of a capital now and a constant yearly amount at each year's end; arrays or numbers."""
    return yearly * annuity(rate, years) - capital


def triangular(one: Input, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` draws between low and high with the mode at value; constant where the range is a point."""
    low, mode, high = (float(x) for x in (one.low, one.value, one.high))
    return np.full(n, mode) if low == high else rng.triangular(low, mode, high, n)


def draw(which: str, programme: str, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Independent draws of every input of a programme, shape (n,) each."""
    return {name: triangular(one, n, rng) for name, one in inputs(which, programme).items()}


def appraise(
    which: str, programme: str, basis: str, rate: float, years: int, n: int, rng: np.random.Generator,
    held: Mapping[str, float] = MappingProxyType({}),
) -> Appraisal:  # fmt: skip
    """Appraise one programme over `n` draws of its inputs, `years` years at most, discounted at `rate` a year.

    Inputs that are `held` at a value change no draw of the others.
    """
    v = draw(which, programme, n, rng) | {name: np.full(n, value) for name, value in held.items()}
    lasting = min(years, life_years(programme))
    capital = np.broadcast_to(np.asarray(capital_idr(programme, v, basis), dtype=float), (n,))
    operation = np.asarray(operation_idr_year(programme, v, basis), dtype=float)
    benefit = np.asarray(benefit_idr_year(programme, v), dtype=float)
    values = npv(capital, benefit - operation, rate, lasting)
    factor = annuity(rate, lasting)
    costs = capital + operation * factor
    ratio = np.divide(benefit * factor, costs, out=np.zeros(n), where=costs > 0)
    p10, p50, p90 = np.quantile(values, [0.1, 0.5, 0.9])
    return Appraisal(
        float(capital.mean()), float(values.mean()), float(p10), float(p50), float(p90), float(np.median(ratio)),
        payback_years(float(np.median(capital)), float(np.median(benefit - operation)), lasting),
        float((values > 0).mean()),
    )  # fmt: skip


def payback_years(capital: float, yearly: float, life: int) -> float | None:
    """Simple (undiscounted) payback; None where the capital does not come back within the life."""
    if yearly <= 0:
        return None
    years = capital / yearly
    return years if years <= life else None


@dataclass(frozen=True)
class Swing:
    """Net present value with one input at its low and at its high end, the others at their mode [Rp]."""

    input: Input
    npv_low_idr: float
    npv_high_idr: float


def tornado(
    which: str, programme: str, basis: str, rate: float, years: int, held: Mapping[str, float] = MappingProxyType({})
) -> list[Swing]:
    """Sensitivities of a programme, the widest first; inputs without a range, or held at a value, are left out."""
    table = holding(inputs(which, programme), held)
    lasting = min(years, life_years(programme))

    def at(changed: Mapping[str, float]) -> float:
        v = {name: float(one.value) for name, one in table.items()} | dict(changed)
        yearly = benefit_idr_year(programme, v) - operation_idr_year(programme, v, basis)
        return float(npv(capital_idr(programme, v, basis), yearly, rate, lasting))

    swings = [
        Swing(one, at({name: float(one.low)}), at({name: float(one.high)}))
        for name, one in table.items()
        if one.low != one.high
    ]
    moved = [swing for swing in swings if swing.npv_low_idr != swing.npv_high_idr]
    return sorted(moved, key=lambda swing: -abs(swing.npv_high_idr - swing.npv_low_idr))
