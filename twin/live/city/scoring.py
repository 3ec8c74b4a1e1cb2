"""How good estimates were: scores of a moment as rows, and of several moments together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twin.live.estimate.judged import Judged
from twin.module import Row


def scores(at_s: float, judged: Sequence[Judged]) -> list[Row]:
    """Rows of `live_score`: how good each method was at a moment, over the places of which the truth is known."""
    known = [(one, int((~np.isnan(one.true)).sum())) for one in judged]
    return [{"at_s": at_s, "places": n, **_scored(one)} for one, n in known if n]


def _scored(one: Judged) -> dict[str, Any]:
    row = one.row()
    del row["detectors_percent"]
    return row


def pooled(table: Sequence[Row]) -> list[dict[str, Any]]:
    """Scores of several moments as those of all their places together, a row a sort and method."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in table:
        groups.setdefault((str(row["what"]), str(row["unit"]), str(row["method"])), []).append(row)
    found = []
    for (what, unit, method), own in groups.items():
        n = np.array([row["places"] for row in own], dtype=float)
        names = ("rmse", "crps", "covered_90_percent", "mean_sd")
        values = {name: np.array([row[name] for row in own], dtype=float) for name in names}
        values["rmse"] = values["rmse"] ** 2
        mean = {name: float((n * each).sum() / n.sum()) for name, each in values.items()}
        found.append({"what": what, "unit": unit, "method": method, **mean, "rmse": mean["rmse"] ** 0.5})
    return found
