"""What the tests share."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("twin", deadline=None)  # tests do not assert timings
hypothesis.settings.load_profile("twin")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def twin():
    """Run the command line in a fresh interpreter: `twin("run", "smoke", cwd=folder)`."""

    def call(*words: object, cwd: Path = ROOT, **options):
        env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "twin", *map(str, words)]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, **options)

    return call


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> Path:
    """A finished run of the smoke scenario, made once a session."""
    from twin.runner import run_scenario
    from twin.scenario import Scenario

    return run_scenario(Scenario.load("smoke"), 1, tmp_path_factory.mktemp("runs")).path
