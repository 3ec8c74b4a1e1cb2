"""From the shadow to a canary junction to all, and back, by the criteria of `data/promotion.csv`.

Before it is in charge a policy is judged by its own verdicts; afterwards by those of the old policy in its shadow:
where the old one would be better, that is a degradation. The roll-out itself is the services'
(`deploy/signals/rollout.py`), which goes back by itself on a junction's alarm; `roll_out` is what it is asked with.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files import read_rows
from twin.live.shadow.counterfactual import BETTER, WORSE

SHADOW, CANARY, ALL, BACK = "shadow", "canary", "all", "back"


@dataclass(frozen=True)
class Evidence:
    """A verdict of a shadow's run on a policy: how good it is against the other one, and how long was looked [s]."""

    run: str
    verdict: str
    in_charge: bool
    duration_s: float


@dataclass(frozen=True)
class Decision:
    """What was decided after a verdict: the stage before and after, and why."""

    run: str
    verdict: str
    before: str
    after: str
    why: str


@functools.cache
def criteria() -> Mapping[tuple[str, str], float]:
    """`data/promotion.csv` by stage and criterion."""
    table = Path(__file__).parents[1] / "data" / "promotion.csv"
    return {(row["stage"], row["criterion"]): float(row["value"]) for row in read_rows(table)}


def evidence_of(row: Mapping[str, Any], run: str, policy: str) -> Evidence | None:
    """A `shadow_verdict` row as evidence on a policy: of the old one in its shadow it says the opposite."""
    turned = {BETTER: WORSE, WORSE: BETTER}
    if row["candidate"] == policy:
        return Evidence(run, row["verdict"], False, float(row["duration_s"]))
    if row["in_charge"] == policy:
        return Evidence(run, turned.get(row["verdict"], row["verdict"]), True, float(row["duration_s"]))
    return None


def decided(evidence: Sequence[Evidence], stage: str = SHADOW) -> list[Decision]:
    """A decision after each verdict, in their order; what stepped back stays there until it is begun anew."""
    found, since = [], 0
    for n, one in enumerate(evidence, 1):
        after, why = _next(stage, [other for other in evidence[since:n] if other.in_charge == (stage != SHADOW)])
        found.append(Decision(one.run, one.verdict, stage, after, why))
        if after != stage:
            stage, since = after, n
    return found


def _next(stage: str, told: Sequence[Evidence]) -> tuple[str, str]:
    """The stage from now on, by verdicts since it began, and why."""
    c = criteria()
    if stage == BACK:
        return BACK, "it stepped back; a new candidate begins in the shadow"
    if stage != SHADOW:
        last = told[-int(c[BACK, "windows"]) :]
        if (worse := sum(one.verdict == WORSE for one in last)) >= c[BACK, "worse"]:
            return BACK, f"the old policy would be better in {worse} of the last {len(last)} windows"
    if stage == ALL:
        return ALL, "holds"
    last = told[-int(c[stage, "windows"]) :]
    hours = sum(one.duration_s for one in last) / 3600
    worse = sum(one.verdict == WORSE for one in last)
    better_percent = 100 * sum(one.verdict == BETTER for one in last) / max(len(last), 1)
    lacks = []
    if len(last) < c[stage, "windows"]:
        lacks.append(f"{len(last)} of {c[stage, 'windows']:g} windows")
    if hours < c[stage, "least_hours"] - 1e-9:
        lacks.append(f"{hours:.2f} of {c[stage, 'least_hours']:g} h")
    if worse > c[stage, "most_worse"]:
        lacks.append(f"worse in {worse}, at most {c[stage, 'most_worse']:g}")
    if stage == SHADOW and better_percent < c[stage, "least_better_percent"]:
        lacks.append(f"better in {better_percent:.0f} %, at least {c[stage, 'least_better_percent']:g} %")
    if lacks:
        return stage, "; ".join(lacks)
    return CANARY if stage == SHADOW else ALL, f"{len(last)} windows, {hours:.2f} h, worse in {worse}"


def roll_out() -> dict[str, Any]:
    """The body of `POST /v1/signals/roll-outs` with which the services take a promoted policy out."""
    c = criteria()
    return {"shares": [c["roll_out", "share"]], "soak_s": c["roll_out", "soak_s"]}
