"""Measures of a ranking and of a share, and whether two methods differ on the same questions."""

from __future__ import annotations

import math
from collections.abc import Sequence


def hit_at(rank: int | None, k: int) -> bool:
    """Whether the right passage is among the first k; `rank` counts from 1, None where it was not found."""
    return rank is not None and rank <= k


def reciprocal_rank(rank: int | None) -> float:
    """1 over the rank of the right passage, 0 where it was not found."""
    return 0.0 if rank is None else 1 / rank


def ndcg(rank: int | None) -> float:
    """Normalised discounted cumulative gain where one passage is right: 1 / log2(1 + rank)."""
    return 0.0 if rank is None else 1 / math.log2(1 + rank)


def share(yes: int, of: int) -> tuple[float, float, float]:
    """A share with its Wilson 95 % interval: (share, low, high); NaN where there is nothing to share."""
    from scipy.stats import binomtest

    if of == 0:
        return math.nan, math.nan, math.nan
    interval = binomtest(yes, of).proportion_ci(0.95, method="wilson")
    return yes / of, float(interval.low), float(interval.high)


def paired(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[int, int, float]:
    """Questions that only we got right, that only they did, and the exact two-sided McNemar p-value."""
    from scipy.stats import binomtest

    only_ours = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    only_theirs = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    differing = only_ours + only_theirs
    return only_ours, only_theirs, float(binomtest(only_ours, differing).pvalue) if differing else 1.0
