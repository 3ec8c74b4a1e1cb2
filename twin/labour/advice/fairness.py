"""Who is matched: shares by group with intervals, and against the group that fares best."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest

from twin.labour.advice.register import Seekers
from twin.labour.facts import EDUCATIONS, SEXES
from twin.labour.privacy import suppressed
from twin.module import Row
from twin.places import kecamatan

FOUR_FIFTHS = 0.8  # a group below this share of the best is looked at: rule of thumb of the US EEOC, 1978
AGES = {"15-24": (15, 25), "25-44": (25, 45), "45+": (45, 200)}


def groups(seekers: Seekers) -> list[tuple[str, str, np.ndarray]]:
    """Every group as (dimension, category, mask)."""
    found = [("sex", name, seekers.sex == i) for i, name in enumerate(SEXES)]
    found += [("age", name, (seekers.age >= low) & (seekers.age < high)) for name, (low, high) in AGES.items()]
    found += [("education", name, seekers.education == i) for i, name in enumerate(EDUCATIONS)]
    found += [("kecamatan", one.name, seekers.kecamatan == i) for i, one in enumerate(kecamatan())]
    return found + [("disability", name, seekers.disability == (name == "yes")) for name in ("no", "yes")]


def parity(seekers: Seekers, matched: np.ndarray, k: int = 5) -> list[Row]:
    """A row a group: seekers, matched, the share with its 95 % Wilson interval, and the share over the best group's.

    `matched` (n,) is the pair of every seeker, -1 for none. Groups of fewer than k people have no figures.
    """
    rows: list[dict[str, Any]] = []
    for dimension, category, own in groups(seekers):
        n, hits = int(own.sum()), int((matched[own] >= 0).sum())
        if n == 0:
            continue
        range_ = binomtest(hits, n).proportion_ci(method="wilson")
        rows.append({"dimension": dimension, "category": category, "seekers": n, "matched": hits,
                     "matched_percent": 100 * hits / n, "low_percent": 100 * range_.low,
                     "high_percent": 100 * range_.high})  # fmt: skip
    for row in rows:
        peers = [other["matched_percent"] for other in rows
                 if other["dimension"] == row["dimension"] and other["seekers"] >= k]  # fmt: skip
        best = max(peers, default=0.0)
        row["of_best"] = row["matched_percent"] / best if best else None
        row["below_four_fifths"] = int(best > 0 and row["matched_percent"] < FOUR_FIFTHS * best)
    shares = dict.fromkeys(("matched_percent", "low_percent", "high_percent", "of_best", "below_four_fifths"),
                           ("seekers", "matched"))  # fmt: skip
    return suppressed(rows, k, ["seekers", "matched"], {"matched": ("seekers",), **shares})
