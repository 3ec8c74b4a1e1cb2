"""How something new spreads: Bass's model and a threshold model on the network of sub-districts and groups.

Bass (1969), "A new product growth for model consumer durables"; thresholds: Granovetter (1978), in the
mean-field form of a share of each place and group. Published ranges of the parameters: `data/diffusion.csv`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from twin.places import distance_km, kecamatan
from twin.programmes.facts import read


@dataclass(frozen=True)
class Bass:
    """p: innovation, q: imitation [1/year]; market: share that can ever adopt [0..1]."""

    p: float
    q: float
    market: float = 1.0

    def share(self, years: np.ndarray | float) -> np.ndarray:
        """Share that has adopted after `years` (any shape): Bass's closed form for a start from nobody."""
        t = np.asarray(years, dtype=float)
        decay = np.exp(-(self.p + self.q) * t)
        return self.market * (1 - decay) / (1 + self.q / self.p * decay)


@dataclass(frozen=True)
class Range:
    """A published range of one parameter."""

    low: float
    value: float
    high: float
    source: str


@functools.cache
def published() -> Mapping[str, Range]:
    """Published parameters of diffusion by name."""
    return {
        row["name"]: Range(float(row["low"]), float(row["value"]), float(row["high"]), row["source"])
        for row in read("diffusion.csv")
    }


def bass_month(
    share: np.ndarray, p_year: np.ndarray | float, q_year: np.ndarray | float, market: np.ndarray | float = 1.0
) -> np.ndarray:
    """Shares one month on (any shape): the closed form continued from `share`, so that a month has no step error.

    Works from any start: with x = share/market, (1 - x)/(p + q x) shrinks by exp(-(p + q) t).
    """
    x = np.minimum(share / np.maximum(market, 1e-12), 1.0)
    ratio = (1 - x) / (p_year + q_year * x) * np.exp(-(p_year + q_year) / 12)
    return np.maximum(share, market * (1 - ratio * p_year) / (1 + ratio * q_year))


def simulate_bass(bass: Bass, people: int, months: int, rng: np.random.Generator) -> np.ndarray:
    """Share of `people` that has adopted at the end of each month (months,): everybody decides by chance."""
    able, adopted = round(people * bass.market), 0
    shares = np.empty(months)
    for month in range(months):
        hazard = (bass.p + bass.q * adopted / max(able, 1)) / 12
        adopted += int(rng.binomial(able - adopted, -np.expm1(-hazard)))
        shares[month] = adopted / people
    return shares


@functools.cache
def contacts(reach_km: float, home: float) -> np.ndarray:
    """Who hears of whom, (14, 14), rows sum to 1: `home` of it in one's own sub-district, the rest falls off with
    distance as exp(-km/reach)."""
    seats = [(one.latitude_deg, one.longitude_deg) for one in kecamatan()]
    weight = np.array([[np.exp(-distance_km(*here, *there) / reach_km) for there in seats] for here in seats])
    np.fill_diagonal(weight, 0.0)
    return (1 - home) * weight / weight.sum(axis=1, keepdims=True) + home * np.eye(len(seats))


def threshold_month(
    share: np.ndarray,
    contact: np.ndarray,
    mixing: np.ndarray,
    mean: np.ndarray | float,
    spread: float,
    pace: float,
    nudge: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Shares (places, groups) one month on.

    Everybody adopts once the share around them exceeds their own threshold; thresholds are normal with `mean` and
    `spread`. Of those whose threshold is passed, `pace` (0..1) adopt in the month. `contact` (places, places) and
    `mixing` (groups, groups) say whose adoption one sees; `nudge` (awareness, -) is added to what one sees.
    """
    seen = contact @ share @ mixing.T + nudge
    willing = ndtr((seen - mean) / spread)
    return np.clip(share + pace * np.maximum(willing - share, 0.0), 0.0, 1.0)
