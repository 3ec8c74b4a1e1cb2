"""The shipped policy: better than tuned max-pressure where it was validated, and it leaves for the street."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.evaluate import policy_of
from agents.export import export
from agents.rollout import delays
from agents.training import tuned_delay_s
from controllers.bundle import load as load_bundle


@pytest.mark.slow
@pytest.mark.parametrize("network", ["grid4x4", "cologne3"])
def test_golden_it_beats_tuned_max_pressure_on_the_validation_networks(network):
    policy, _, decision_s = policy_of(Path("universal"))
    assert decision_s == 3.0
    assert delays(policy, [network], (201, 202))[network] < tuned_delay_s(network)


def test_it_becomes_a_bundle_that_verifies(root, tmp_path):
    export("universal", tmp_path / "b", network="cologne3", junction="360082")
    bundle = load_bundle(tmp_path / "b")
    assert bundle.contract["decision_s"] == 3.0
    verified = subprocess.run([sys.executable, "-m", "controllers", "verify", str(tmp_path / "b")], cwd=root)
    assert verified.returncode == 0
