"""Promotion from shadow runs: the verdicts of their runs in, decisions as rows of a run and the roll-out's file out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twin.errors import ShadowError
from twin.files import write_whole
from twin.live.shadow.promotion import CANARY, SHADOW, Decision, Evidence, decided, evidence_of, roll_out
from twin.live.shadow.run import month_of_demo
from twin.module import Column, Row, Table
from twin.provenance import provenance
from twin.recorder import Recorder
from twin.run import Run

TABLES = {
    "promotion": Table(
        "promotion",
        (
            Column("run", "str", "-", "the shadow's run"),
            Column("verdict", "str", "-", "on the policy: better, worse or undecided than the other one"),
            Column("before", "str", "-", "stage before: shadow, canary, all or back"),
            Column("after", "str", "-", "stage after it"),
            Column("why", "str", "-", "what the criteria say"),
        ),
    )
}


def promote(runs: Sequence[Path], policy: str, stage: str, folder: Path) -> tuple[dict[str, Any], list[Row]]:
    """Decisions on a policy after each shadow run, in the order given, from a stage on; written as a run to a folder.

    Where it came to the canary, `roll-out.json` beside it is what the services' roll-out is asked with. Raises
    ShadowError for runs that tell nothing of the policy, or of several networks, all at once.
    """
    evidence, faults, networks = list[Evidence](), list[str](), set[str]()
    for path in runs:
        with Run.open(path) as run:
            if not run.has("shadow_verdict"):
                faults.append(f"{path}: is no shadow's run")
                continue
            networks.add(run.provenance["shadow"]["network"])
            table = run.table("shadow_verdict")
            found = [evidence_of(dict(row), path.name, policy) for _, row in table.iterrows()]
            evidence += [one for one in found if one is not None]
            if not any(found):
                faults.append(f"{path}: tells nothing of {policy!r}")
            if damaged := run.damaged():
                faults.append(f"{path}: {', '.join(damaged)} was changed after it was sealed")
    if len(networks) > 1:
        faults.append(f"runs of several networks: {', '.join(sorted(networks))}")
    if faults:
        raise ShadowError("promotion", faults)
    decisions = decided(evidence, stage)
    path = _written(folder, {"policy": policy, "stage": stage, "runs": [str(path) for path in runs]}, decisions)
    told = {"policy": policy, "stage": decisions[-1].after, "why": decisions[-1].why, "run": str(path)}
    if stage == SHADOW and any(one.after == CANARY for one in decisions):
        told["roll_out"] = str(write_whole(folder / "roll-out.json", json.dumps(roll_out(), indent=1) + "\n"))
    return told, [vars(one) for one in decisions]


def _written(folder: Path, asked: Mapping[str, Any], decisions: Sequence[Decision]) -> Path:
    """The decisions as a run of its own for every question that was asked."""
    name = f"promotion-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]}"
    partial, final = folder / f".{name}.partial", folder / f"{name}.sqlite"
    folder.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    recorder = Recorder(partial, TABLES)
    recorder.append([(month_of_demo(), {"live": {"promotion": [vars(one) for one in decisions]}})], {})
    recorder.finish({**provenance(), "promotion": asked}, final)
    return final
