"""One run of a sweep: what it is known by, and what becomes of it in a worker."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import BusyError, TwinError

WAIT_S = 0.2  # between looks at a run that another process is busy with


@dataclass(frozen=True)
class Task:
    """A run to be made: `scenario` is its resolved content as JSON; `key` the run key of scenario, seed and code."""

    key: str
    scenario: str
    seed: int
    runs: str


@dataclass(frozen=True)
class Result:
    """What became of a run; `message` is empty where it went well, and then `run` is its file's name."""

    message: str
    run: str = ""
    wall_s: float | None = None
    kpis: dict[str, float | None] | None = None


def live(task: Task) -> Result:
    """Run, or find the run, and score it. What goes wrong is told in the result: the other runs go on."""
    from twin.run import Run
    from twin.runner import run_key, run_scenario
    from twin.scenario import Scenario

    try:
        scenario = Scenario.validated(json.loads(task.scenario), task.key)
        if run_key(scenario, task.seed) != task.key:
            return Result(
                "the worker's code or packages are not the driver's: use the same on every node, and start again"
            )
        while True:
            try:
                outcome = run_scenario(scenario, task.seed, Path(task.runs))
                break
            except BusyError:  # somebody makes this very run: it will be found
                time.sleep(WAIT_S)
        with Run.open(outcome.path) as run:
            kpis = {one.kpi.name: one.value for one in run.kpis}
            return Result("", outcome.path.stem, float(run.provenance["wall_s"]), kpis)
    except TwinError as error:
        return Result(str(error))
    except Exception as error:  # a fault of ours in one run must not end thousands of others
        return Result(f"{type(error).__name__}: {error}")


def died(times: int) -> Result:
    """What is told of a run whose worker died each time."""
    return Result(
        f"its worker died {times} times: killed, or out of memory; try fewer --workers. The same command tries again"
    )


def as_json(result: Result) -> str:
    """As the record keeps it."""
    return json.dumps(vars(result))


def from_json(text: str) -> Result:
    """As it was kept."""
    found: dict[str, Any] = json.loads(text)
    return Result(**found)
