"""Export: torch and the bundle's network give the same scores, the same policy the same bytes; every kind of bundle."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from agents.battery_ppo import SHIPPED
from agents.battery_ppo import load as load_battery
from agents.evaluate import policy_of
from agents.export import app, export
from agents.network import PhaseNetwork, save
from agents.onnx_graph import phase_network
from controllers.bundle import load
from controllers.features import MOVEMENTS, PHASES, features
from controllers.policy import network_inputs
from controllers.session import Session
from envs.battery import FEATURES
from twin.errors import TrainingError


def drawn(seed: int, width: int = 32) -> PhaseNetwork:
    torch.manual_seed(seed)
    network = PhaseNetwork(width)
    nn.init.normal_(network.score[-1].weight)
    with torch.no_grad():
        network.index.mul_(torch.rand(len(network.index)) + 0.5).add_(0.3 * torch.randn(len(network.index)))
    return network.eval()


def observations(n: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    """As junctions of any shape show them: some movements and phases, not always the first ones."""
    rng = np.random.default_rng(seed)
    movements = rng.random((n, MOVEMENTS, len(features("movement"))), dtype=np.float32) * 3
    phases = rng.random((n, PHASES, len(features("phase"))), dtype=np.float32) * 3
    movements[:, :, -1], phases[:, :, -1] = rng.random((n, MOVEMENTS)) < 0.6, rng.random((n, PHASES)) < 0.6
    phases[:, 0, -1] = 1.0
    return movements, phases, rng.choice([0.0, 0.5, 1.0], (n, PHASES, MOVEMENTS)).astype(np.float32)


@pytest.mark.parametrize("width", [32, 64])
def test_torch_and_the_exported_network_agree(width):
    network, inputs = drawn(width, width), observations(500)
    shapes = {name: tuple(one["shape"]) for name, one in network_inputs().items()}
    session = Session(phase_network(network), shapes, "scores", PHASES)
    with torch.no_grad():
        expected = network(*map(torch.from_numpy, inputs))[0].numpy()
    found = session.run(dict(zip(shapes, inputs, strict=True)))
    exists = inputs[1][:, :, -1] > 0.5
    np.testing.assert_allclose(found[exists], expected[exists], rtol=1e-5, atol=1e-4)
    assert (expected.argmax(axis=1) == found.argmax(axis=1)).all()
    assert (found[~exists] < -1e8).all()


def test_a_trained_network_becomes_a_bundle_with_the_same_bytes_each_time(tmp_path):
    policy = save(drawn(3), tmp_path / "policy.npz")
    words = [str(policy), "--network", "cologne3", "--out"]
    for out in ("one", "two"):
        done = CliRunner().invoke(app, [*words, str(tmp_path / out), "--json"])
        assert done.exit_code == 0, done.output
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / out).iterdir()} for out in ("one", "two"))
    assert one == two
    assert json.loads(done.output)["name"] == "policy-cologne3"
    assert str(tmp_path).encode() not in b"".join(one.values())  # no path of a machine
    bundle = load(tmp_path / "one")
    assert len(bundle.runner.site.plans) == 3
    network, digest, _ = policy_of(tmp_path / "one")
    assert isinstance(network, Session)
    assert digest == bundle.digest


def test_a_rule_becomes_a_bundle_for_one_junction_of_a_network(tmp_path):
    bundle = export("max_pressure", tmp_path / "b", network="cologne3", junction="360082")
    assert [plan.name for plan in bundle.runner.site.plans] == ["360082"]
    rule, _, _ = policy_of(tmp_path / "b")
    assert rule["rule"] == "max_pressure"


def test_the_village_batterys_policy_becomes_a_bundle_that_answers_the_same(tmp_path):
    bundle = export(str(SHIPPED), tmp_path / "b")
    assert bundle.kind == "battery"
    expected, rng = load_battery(SHIPPED), np.random.default_rng(2)
    for seen in rng.uniform(-1, 1, (200, len(FEATURES))).astype(np.float32):
        assert bundle.runner.decide(seen) == pytest.approx(expected(seen), abs=1e-5)


def test_what_cannot_be_exported_or_evaluated_is_told(tmp_path):
    with pytest.raises(TrainingError, match="a file of weights, nor one of the rules"):
        export("maxpressure", tmp_path / "b", network="cologne1")
    with pytest.raises(TrainingError, match="either --network or --plan"):
        export("max_pressure", tmp_path / "b")
    with pytest.raises(TrainingError, match=r"no policy\.npz and no bundle"):
        policy_of(Path("universall"))
    export(str(SHIPPED), tmp_path / "b")
    with pytest.raises(TrainingError, match="no signal policy"):
        policy_of(tmp_path / "b")
