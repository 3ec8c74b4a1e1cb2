"""A what-if: a shipped scenario with overrides, run by the twin into the folder of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.work.worker import progress, work
from twin.kpi import score
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario


def what_if(arguments: dict[str, Any]) -> dict[str, Any]:
    """Run it, or find its run; gives the run's name and its key figures."""
    scenario = Scenario.load(arguments["scenario"], arguments["overrides"])
    outcome = run_scenario(scenario, arguments["seed"], Path(arguments["runs"]), progress=progress)
    with Run.open(outcome.path) as run:
        return {"run": outcome.path.stem, "reused": outcome.reused, "kpis": [one.as_json() for one in score(run)]}


if __name__ == "__main__":
    work(what_if)
