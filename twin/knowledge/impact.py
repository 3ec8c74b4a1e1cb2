"""EcoBalance's impact agent: what a hectare or a kWp saves a year, by a model fitted on published factors.

Every row of data/published_factors.csv is a published value (or says that it is a prior). Within a quantity their
logarithms follow a one-way random-effects model: value = mean + class + residual, with the variances by the moments of
the analysis of variance (Searle, Casella and McCulloch, Variance Components, 1992) and the classes shrunk towards the
mean. A project is a new draw of its class, so the interval is a predictive one (Student's t), not that of a mean.

What it does not know: rows count alike, whatever stands behind them; a range's two ends are two rows, so the spread is
rather too wide; rows of one source are treated as independent, so it may be too narrow where one source gives many.
"""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twin.knowledge.facts import rows

LEVEL = 0.9  # of the predictive interval
DRAWS_LOG2 = 12  # so many points of a Sobol sequence, as a power of two
CO2_PER_C = 44 / 12
# tonnes of CO2 in one of each unit; 0.47 of dry matter is carbon, as Adam and Jusoh 2018 convert (178.9 t of biomass in
# 10 years, 30.8 tCO2 a year)
IN_CO2 = {
    "t dm/ha": 0.47 * CO2_PER_C, "t C/ha": CO2_PER_C, "t CO2/ha": 1.0, "g C/m2": 0.01 * CO2_PER_C,
    "mol C/m2": 12.011 * 0.01 * CO2_PER_C, "t CO2/MWh": 1.0, "MWh/kWp": 1.0, "1": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A quantity's model on logarithms: residual and between-class variance, mean, and per class its (mean, rows)."""

    residual: float
    between: float
    mean: float
    mean_variance: float
    freedom: int
    classes: Mapping[str, tuple[float, int]]

    def predict(self, group: str) -> tuple[float, float]:
        """Location and scale of a new draw of a class; of a class that has no row, of any class."""
        if group not in self.classes:
            return self.mean, math.sqrt(self.residual + self.between + self.mean_variance)
        own, count = self.classes[group]
        noise = self.residual / count
        pull = self.between / (self.between + noise) if self.between + noise > 0 else 0.0
        variance = pull * noise + (1 - pull) ** 2 * self.mean_variance
        return self.mean + pull * (own - self.mean), math.sqrt(self.residual + variance)


@dataclass(frozen=True)
class Estimate:
    """Of one hectare or kWp a year [tCO2e]: the interval's ends and the median, and what they stand on."""

    low: float
    mid: float
    high: float
    source: str

    def times(self, size: float) -> tuple[float, float, float]:
        """For so many hectares or kWp."""
        return self.low * size, self.mid * size, self.high * size


def fitted(values: Iterable[tuple[str, float]]) -> Fit:
    """The model of (class, positive value) pairs. Raises ValueError for fewer than two values."""
    groups: dict[str, list[float]] = defaultdict(list)
    for group, value in values:
        groups[group].append(math.log(value))
    counts = np.array([len(group) for group in groups.values()])
    means = np.array([np.mean(group) for group in groups.values()])
    total, freedom = int(counts.sum()), int(counts.sum() - len(counts))
    if total < 2:
        raise ValueError("a model needs two values or more")
    everything = np.concatenate([np.asarray(group) for group in groups.values()])
    if freedom == 0:  # a row a class: what differs cannot be told from what scatters
        residual, between, freedom = float(everything.var(ddof=1)), 0.0, total - 1
    else:
        within = sum(float(np.sum((np.asarray(g) - m) ** 2)) for g, m in zip(groups.values(), means, strict=True))
        residual, between = within / freedom, 0.0
        if len(counts) > 1:
            across = float(np.sum(counts * (means - everything.mean()) ** 2))
            least = total - float(np.sum(counts**2)) / total
            between = max(0.0, (across - (len(counts) - 1) * residual) / least)
    weights = 1 / np.maximum(between + residual / counts, 1e-12)
    return Fit(
        residual, between, float(np.sum(weights * means) / weights.sum()), float(1 / weights.sum()), freedom,
        {name: (float(mean), int(count)) for name, mean, count in zip(groups, means, counts, strict=True)},
    )  # fmt: skip


def rate(row: Mapping[str, str]) -> float:
    """A row's value a year [tCO2/ha, tCO2/MWh, MWh/kWp or a ratio]; of whole trees without their roots."""
    value = float(row["value"]) / float(row["over_years"]) * IN_CO2[row["unit"].removesuffix("/year")]
    return value / (1 + math.exp(_fit("root_shoot").mean)) if row["pool"] == "tree" else value


def published(quantity: str) -> list[dict[str, str]]:
    """The rows of a quantity that are no prior."""
    return [r for r in rows("published_factors") if r["quantity"] == quantity and r["confidence"] != "prior"]


@functools.cache
def _fit(quantity: str) -> Fit:
    return fitted((row["class"], rate(row)) for row in published(quantity))


def classes_of(quantity: str, text: str) -> list[str]:
    """The classes that a text names, or, where it names none, those that it may be of."""
    of = [row for row in rows("growth_classes") if row["quantity"] == quantity]
    said = [r["class"] for r in of if r["words"] and re.search(rf"\b(?:{r['words']})\b", text, re.I)]
    return said or [row["class"] for row in of if row["if_unsaid"] == "yes"]


def estimate(quantities: Sequence[str], text: str) -> Estimate:
    """What one hectare or kWp saves a year, the quantities added; `text` says of which classes they are.

    Growth is above ground, to which roots are added; a grid factor is multiplied by a year's yield of one kWp.
    """
    from scipy.stats import norm, qmc

    shared, *points = qmc.Sobol(2 * len(quantities) + 1, rng=0).random_base2(DRAWS_LOG2).T
    total, told = np.zeros(2**DRAWS_LOG2), []
    for quantity, which, what in zip(quantities, points[::2], points[1::2], strict=True):
        groups = classes_of(quantity, text)
        drawn = _draws(quantity, groups, which, what)
        if quantity.endswith("_growth"):
            drawn = drawn * (1 + _draws("root_shoot", ["tropics"], which, shared))
        elif quantity == "grid_factor":
            prior = next(row for row in rows("published_factors") if row["quantity"] == "pv_yield")
            drawn = drawn * rate(prior) * np.exp(norm.ppf(shared) * _prior_scale(prior))
            told.append("yield 1 row (prior)")
        total += drawn
        told.append(f"{quantity.replace('_', ' ')} of {' or '.join(groups)}, {_counted(quantity, groups)}")
    low, mid, high = np.quantile(total, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    source = f"{LEVEL:.0%} predictive interval of data/published_factors.csv: {'; '.join(sorted(told))}"
    return Estimate(float(low), float(mid), float(high), source)


def _prior_scale(row: Mapping[str, str]) -> float:
    """A prior's interval either way, taken for the interval's level, as the scale of a logarithm."""
    from scipy.stats import norm

    return math.log1p(float(row["sd"]) / float(row["value"])) / float(norm.ppf((1 + LEVEL) / 2))


def _draws(quantity: str, groups: Sequence[str], which: np.ndarray, what: np.ndarray) -> np.ndarray:
    """Predictive draws from two uniform ones: which class (an equal share of each), and what of it."""
    from scipy.stats import t

    fit = _fit(quantity)
    location, scale = np.array([fit.predict(group) for group in groups]).T
    at = (which * len(groups)).astype(int)
    return np.exp(location[at] + scale[at] * t.ppf(what, fit.freedom))


def _counted(quantity: str, groups: Sequence[str]) -> str:
    of = [row["confidence"] for row in published(quantity) if row["class"] in groups]
    second = of.count("second hand")
    return f"{len(of)} rows{f' ({second} second hand)' if second else ''}" if of else "no row: as any class"


def left_out(quantity: str) -> list[bool]:
    """For every published row whether the interval of the model fitted without it holds it."""
    from scipy.stats import t

    values = [(row["class"], rate(row)) for row in published(quantity)]
    held = []
    for at, (group, value) in enumerate(values):
        fit = fitted(values[:at] + values[at + 1 :])
        location, scale = fit.predict(group)
        held.append(abs(math.log(value) - location) <= scale * float(t.ppf((1 + LEVEL) / 2, fit.freedom)))
    return held
