"""Learners: the network knows no order of phases, keeps to what exists, learns a toy, resumes; scores by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO

from agents import evaluate, ppo, rollout
from agents.evaluate import best_baseline, paired
from agents.network import INDEX, MOVEMENT, MOVEMENT_SCALE, NEVER, PHASE, PHASE_SCALE, PhaseNetwork, load, save
from agents.policies import PhaseActorCritic, PhaseDQN, network_of
from agents.robustness import AXES, Point, points, rows_along
from agents.rollout import delays, live, on_cores
from agents.search import with_index
from agents.streets import TEST, VALIDATION, faults, junction, streets
from agents.training import train
from controllers.features import MOVEMENTS, PHASES, features
from envs.street import Scene
from envs.vector import SignalVecEnv
from twin.errors import TrainingError
from twin.traffic.networks.locate import RESCO
from twin.traffic.simulation.detectors import DetectorOptions

EXISTS = len(features("phase")) - 1


def observed(rng: np.random.Generator, phases: int = 4, movements: int = 6) -> tuple[torch.Tensor, ...]:
    """One junction's observation, drawn at random within the ranges."""
    m = np.zeros((1, MOVEMENTS, len(features("movement"))), dtype=np.float32)
    m[0, :movements] = rng.random((movements, m.shape[2]))
    m[0, :movements, -1] = 1.0
    p = np.zeros((1, PHASES, len(features("phase"))), dtype=np.float32)
    p[0, :phases] = rng.random((phases, p.shape[2]))
    p[0, :phases, EXISTS] = 1.0
    s = np.zeros((1, PHASES, MOVEMENTS), dtype=np.float32)
    s[0, :phases, :movements] = rng.choice([0.0, 0.5, 1.0], (phases, movements))
    return tuple(torch.from_numpy(part) for part in (m, p, s))


def drawn(seed: int = 1) -> PhaseNetwork:
    """A network all of whose weights matter (the last layer's begin at zero)."""
    torch.manual_seed(seed)
    network = PhaseNetwork().eval()
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    return network


def test_an_hour_that_is_kept_is_of_its_own_demand_alone():
    usual = Scene("trenggalek", measured=True)
    others = [
        replace(usual, day_type="night"), replace(usual, scale=1.5), replace(usual, motorcycle_share=0.2),
        replace(usual, begin_s=600), replace(usual, decision_s=3.0), Scene("cologne1", measured=True),
    ]  # fmt: skip
    places = {evaluate.kept_at("weights", scene, seed) for scene in (usual, *others) for seed in (301, 302)}
    places.add(evaluate.kept_at("other weights", usual, 301))
    assert len(places) == 2 * (1 + len(others)) + 1
    assert evaluate.kept_at("weights", replace(usual), 301) in places


def test_an_hour_that_is_asked_for_twice_is_lived_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lived = []

    def live(_, scene: Scene, seed: int, __) -> dict[str, float]:
        lived.append((scene.scale, seed))
        return {"delay_s": scene.scale * seed}

    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    monkeypatch.setattr(rollout, "live", live)
    one, other = (Scene("cologne1", measured=True, scale=scale) for scale in (1.0, 2.0))
    asked, told = [(one, 301), (other, 301), (one, 301), (one, 302)], []
    policy = save(PhaseNetwork(), tmp_path / "policy.npz")
    for _ in range(2):
        rows = evaluate.policy_rows(policy, asked, lambda *done: told.append(done))
        assert [(row["delay_s"], row["seed"]) for row in rows] == [(301, 301), (602, 301), (301, 301), (302, 302)]
    assert sorted(lived) == [(1.0, 301), (1.0, 302), (2.0, 301)]
    assert told == [(2, 4), (3, 4), (4, 4)]


def test_hours_that_share_a_process_are_those_that_have_their_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollout, "CORES", 1)  # one process lives them all, each with another number of signals
    network = drawn()
    hours = [(Scene(name, duration_s=120, measured=True), 7) for name in ("cologne3", "cologne1", "junction-5")]
    found = on_cores([network], hours)[0]
    assert found == [live(network, scene, seed) for scene, seed in hours]
    assert len({one["vehicles"] for one in found}) == len(hours)


@pytest.mark.parametrize("seed", range(5))
def test_theory_the_order_of_phases_and_movements_does_not_matter(seed: int):
    rng = np.random.default_rng(seed)
    network, (m, p, s) = drawn(seed), observed(rng)
    scores, value = network(m, p, s)
    by_phase, by_movement = rng.permutation(PHASES), rng.permutation(MOVEMENTS)
    other, same = network(m[:, by_movement], p[:, by_phase], s[:, by_phase][:, :, by_movement])
    assert torch.allclose(other, scores[:, by_phase], atol=1e-4)
    assert torch.allclose(same, value, atol=1e-4)


def test_a_phase_that_there_is_not_is_never_wanted():
    scores, _ = drawn()(*observed(np.random.default_rng(1), phases=3))
    assert (scores[0, 3:] == NEVER).all()
    assert (scores[0, :3] > NEVER).all()


def indexed(**given: float) -> PhaseNetwork:
    """A network that is the index alone: every vehicle that would be served counts one, and what is given."""
    return with_index([{"yield": 1.0, "moving": 1.0, "setup_s": 1.0, **given}.get(name, 0.0) for name in INDEX], 3.0)


def test_theory_an_index_is_max_pressure_that_stays_while_the_green_is_short():
    m, p, s = observed(np.random.default_rng(2))
    scores, _ = indexed(short=1.67, short_s=12.0, walk=2.0)(m, p, s)
    seen = {one.name: p[:, :, i] * one.scale for i, one in enumerate(features("phase"))}
    vehicles = (s > 0).float() @ (10 * m[:, :, :1])
    stays = 1.67 * seen["present"] * torch.relu(12 - seen["green"])
    walks = 2 * seen["walk_calls"] * (seen["unserved"] / 60).clamp(max=1.5)
    expected = 0.4 * (vehicles.squeeze(2) + stays + walks + 1000 * seen["priority"])
    assert torch.allclose(scores[0, :4], expected[0, :4], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("served_veh", "held"), [(0.0, 0.5 * (3 + 2 - 1)), (1.0, 3 + 3 - 1)])
def test_theory_the_present_phase_holds_longer_at_a_full_junction_and_lets_go_where_it_serves_nobody(
    served_veh: float, held: float
):
    m, p, s = (torch.zeros_like(part) for part in observed(np.random.default_rng(1)))
    s[0, 0, 0] = s[0, 1, 1] = 1.0  # each of two phases serves a movement of its own
    m[0, :2, MOVEMENT["vehicles"]] = torch.tensor([served_veh, 4.0]) / MOVEMENT_SCALE["vehicles"]
    p[0, :2, EXISTS] = 1.0
    p[0, 0, PHASE["present"]], p[0, 0, PHASE["green"]] = 1.0, 10.0 / PHASE_SCALE["green"]
    network = indexed(stay=3.0, short=1.0, short_s=8.0, short_load=1.0, long=3.0, idle=0.5)
    scores, _ = network(m, p, s)  # it lacks 8 s and one for every vehicle, and costs one for its 10 s
    assert scores[0, :2].tolist() == pytest.approx([0.4 * (served_veh + held), 0.4 * 4.0])
    assert (scores[0, 2:] == NEVER).all()


def test_what_the_network_learned_is_added_to_the_index():
    m, p, s = observed(np.random.default_rng(2))
    network = PhaseNetwork().eval()
    assert not network.has_learned
    before = network(m, p, s)[0]
    torch.nn.init.constant_(network.score[-1].bias, 1.0)
    assert network.has_learned
    assert torch.allclose(network(m, p, s)[0][0, :4], before[0, :4] + 1)


def test_weights_are_kept_to_the_bit_and_without_pickle(tmp_path: Path):
    network = drawn()
    again = load(save(network, tmp_path / "policy.npz"))
    seen = observed(np.random.default_rng(3))
    assert torch.equal(network(*seen)[0], again(*seen)[0])


def test_weights_of_an_index_with_other_coefficients_are_refused(tmp_path: Path):
    network = drawn()
    network.index = torch.nn.Parameter(network.index[:-2])
    with pytest.raises(
        TrainingError, match=rf"old.npz: its index has {len(INDEX) - 2} coefficients, not the {len(INDEX)}"
    ):
        load(save(network, tmp_path / "old.npz"))


def test_no_test_network_is_trained_or_validated_on():
    rng = np.random.default_rng(1)
    trained = {draw(rng).network for draw in streets("queue") for _ in range(20)}
    assert not trained & (set(TEST) | set(VALIDATION))
    assert {name for name in trained if name in RESCO} == {"cologne1"}
    assert set(TEST) | set(VALIDATION) | {"cologne1"} == set(RESCO)


def test_faulty_detectors_are_drawn_for_some_episodes_only():
    rng = np.random.default_rng(1)
    options = [faults(rng, "junction-1") for _ in range(300)]
    share = np.mean([o.dead_percent + o.stuck_percent + o.dropout_percent > 0 for o in options])
    assert 0.2 < share < 0.4
    assert max(o.dead_percent + o.stuck_percent + o.dropout_percent for o in options) <= 40


def test_ppo_and_dqn_learn_on_the_phase_network():
    env = SignalVecEnv([Scene("cologne3", duration_s=100), junction("queue")], seed=1)
    learner = PPO(PhaseActorCritic, env, n_steps=16, batch_size=32, n_epochs=1, seed=1, device="cpu")
    before = network_of(learner.policy).score[0].weight.detach().clone()
    learner.learn(128)
    assert not torch.equal(before, network_of(learner.policy).score[0].weight)
    other = DQN(PhaseDQN, env, learning_starts=16, batch_size=16, train_freq=4, buffer_size=200, seed=1, device="cpu")
    other.learn(128)
    assert network_of(other.policy).index[1].item() != pytest.approx(INDEX["moving"].start)
    env.close()


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on_and_validates(tmp_path: Path):
    def go(decisions: int) -> Path:
        settings = ppo.Settings(decisions=decisions, with_trenggalek=False, steps=24, batch=240, validate_every=300)
        return train(PPO, ppo.make, settings, tmp_path / str(decisions), ("cologne3",), lambda _: None)

    best = go(600)
    lines = (best.parent / "validation.csv").read_text().splitlines()
    assert lines[0] == "decisions,score,best,cologne3_delay_s"
    assert len(lines) >= 3
    assert go(600) == best  # nothing left to do
    assert delays(load(best), ("cologne3",), (1,))["cologne3"] > 0
    settings = ppo.Settings(decisions=7, seed=2)
    with pytest.raises(TrainingError, match="was begun with seed 1"):
        train(PPO, ppo.make, settings, best.parent, (), lambda _: None)


def test_theory_a_paired_difference_by_hand():
    rows = [
        {"controller": name, "seed": seed, "delay_s": delay}
        for name, values in (("policy", (8.0, 9.0, 13.0)), ("good", (10.0, 11.0, 12.0)), ("bad", (20.0, 21.0, 19.0)))
        for seed, delay in enumerate(values)
    ]
    assert best_baseline(rows, "policy") == "good"
    found = paired(rows, "policy", "good", "delay_s")
    assert found["difference"].mean == pytest.approx(-1.0)
    assert found["percent"] == pytest.approx(-100 / 11)
    assert found["p"] == pytest.approx(0.5)  # differences −2, −2, +1: two of eight sign patterns are as extreme, twice
    assert paired(rows, "policy", "nobody", "delay_s") == {"figure": "delay_s", "seeds": 0}


def test_theory_without_any_detector_a_policy_still_serves_everybody_in_turn(tmp_path: Path):
    rows = rows_along(
        [Point("dead_percent", 100.0, Scene("junction-3", measured=True, detectors=DetectorOptions(dead_percent=100)))],
        save(PhaseNetwork(), tmp_path / "policy.npz"), ["shipped"], [1], lambda *_: None,
    )  # fmt: skip
    assert [row["controller"] for row in rows] == ["policy", "shipped"]
    assert all(row["axis"] == "dead_percent" and row["value"] == 100.0 for row in rows)
    assert rows[0]["arrived"] > 0


def test_every_axis_changes_what_it_names():
    names = list(AXES)
    for point in points("trenggalek", names):
        assert point.axis in names
        changed = {
            "dead_percent": point.scene.conditions()["detectors"].dead_percent,
            "stuck_percent": point.scene.conditions()["detectors"].stuck_percent,
            "demand_factor": point.scene.scale,
            "motorcycle_share": point.scene.motorcycle_share,
            "dark_junctions": len(point.scene.events.outages),
        }
        assert changed[point.axis] == point.value
    assert "motorcycle_share" not in {point.axis for point in points("cologne1", names)}
