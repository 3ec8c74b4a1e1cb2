"""What a notebook calls: a scenario run with a progress bar, and the run opened."""

from __future__ import annotations

from pathlib import Path

from twin.run import Run
from twin.runner import RUNS, run_scenario
from twin.scenario import Scenario
from twin.terminal import progress_bar


def simulate(scenario: Scenario, seed: int = 1, out: Path = RUNS, fresh: bool = False) -> Run:
    """Run a scenario, or find its run, and open it; use it in `with`, or close it.

    Raises what `twin.runner.run_scenario` raises.
    """
    with progress_bar(scenario.name) as progress:
        return Run.open(run_scenario(scenario, seed, out, fresh, progress).path)
