"""Environments: the checkers of Gymnasium and PettingZoo, equality to the bit, SUMO's own counts, sumo-rl's interface."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test
from stable_baselines3 import PPO

import envs  # noqa: F401 (registers the ids)
from controllers.features import features
from envs.network import SignalsEnv
from envs.rewards import REWARDS
from envs.street import Scene, Street
from envs.sumo_rl import SumoEnvironment
from envs.vector import SignalVecEnv
from twin.errors import NetworkError
from twin.traffic.demand.sampling import sumo_home
from twin.traffic.networks.generated import generated
from twin.traffic.networks.locate import locate
from twin.traffic.simulation.batch import simulate
from twin.traffic.simulation.events import EventOptions
from twin.traffic.studies.evaluate import hour, settings_for

SHORT = {"network": "cologne1", "duration_s": 300}


def test_gymnasium_checks_the_junction():
    env = gymnasium.make("Trenggalek/Signal-v0", **SHORT)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_pettingzoo_checks_the_network():
    made = []

    def one() -> SignalsEnv:
        made.append(SignalsEnv(network="cologne3", duration_s=300))
        return made[-1]

    parallel_api_test(one(), num_cycles=70)
    parallel_seed_test(one, num_cycles=40)
    for env in made:
        env.close()


def test_two_environments_with_one_seed_are_equal_to_the_bit_over_500_steps():
    both = [gymnasium.make("Trenggalek/Signal-v0", network="cologne1", duration_s=2500) for _ in range(2)]
    seen = [env.reset(seed=7)[0] for env in both]
    rng = np.random.default_rng(1)
    for step in range(500):
        action = int(rng.integers(both[0].action_space.n))
        answers = [env.step(action) for env in both]
        for name in seen[0]:
            assert answers[0][0][name].tobytes() == answers[1][0][name].tobytes(), step
        assert answers[0][1:4] == answers[1][1:4]
    assert answers[0][3]  # 500 decisions of 5 s: over
    for env in both:
        env.close()


def test_another_seed_is_another_hour():
    env = gymnasium.make("Trenggalek/Signal-v0", **SHORT)
    rewards = []
    for seed in (1, 2):
        env.reset(seed=seed)
        rewards.append([env.step(0)[1] for _ in range(50)])
    assert rewards[0] != rewards[1]
    env.close()


def test_an_hour_left_to_max_pressure_measures_what_the_baseline_measures():
    scene = Scene("cologne1", duration_s=600, events=EventOptions(), measured=True)
    street = Street(scene)
    frame = street.begin(scene, 3)
    while not frame.over:
        frame = street.step(np.array([-1]))
    measures = street.end()
    street.close()
    job = hour("cologne1", "max_pressure", settings_for("cologne1", "max_pressure"), 3, duration_s=600)
    assert measures["vehicles"] == simulate([job])[0]["measures"]["vehicles"]
    assert measures["delay_s"] == pytest.approx(simulate([job])[0]["measures"]["delay_s"], rel=0.1)


def test_the_queue_reward_is_the_halting_vehicles_that_are_seen():
    scene = Scene("cologne3", duration_s=600)
    street = Street(scene, raw=True)
    halting = next(i for i, one in enumerate(features("movement")) if one.name == "halting")
    frame = street.begin(scene, 1)
    while not frame.over:
        frame = street.step(np.full(3, -1))
        zones = [sorted({z for z in own if z >= 0}) for own in street.signals.zone_of]
        assert frame.rewards.tolist() == pytest.approx([-frame.halting[own].sum() for own in zones])
        few = frame.movements[0, :, halting] < 2.9  # not cut off
        assert 10 * frame.movements[0, : len(zones[0]), halting][few[: len(zones[0])]].sum() == pytest.approx(
            frame.halting[zones[0]][few[: len(zones[0])]].sum()
        )
    street.close()


def test_theory_everybody_who_came_was_served_or_is_still_on_the_way():
    scene = Scene("cologne1", reward="served", duration_s=600, measured=True)
    street, served = Street(scene), 0.0
    frame = street.begin(scene, 1)
    while not frame.over:
        frame = street.step(np.array([-1]))
        served += float(frame.rewards[0])
    measures = street.end()
    street.close()
    came = measures["vehicles"] - measures["not_inserted"]
    assert measures["arrived"] * 0.9 < served <= came  # every trip there passes the one signal


@pytest.mark.parametrize("name", sorted(set(REWARDS) - {"served", "people"}))
def test_no_reward_is_above_zero(name: str):
    env = gymnasium.make("Trenggalek/Signal-v0", reward=name, **SHORT)
    env.reset(seed=1)
    rewards = [env.step(0)[1] for _ in range(60)]
    assert max(rewards) <= 0
    assert min(rewards) < 0
    env.close()


def test_every_signal_of_every_street_is_a_sub_environment():
    env = SignalVecEnv(["cologne1", "cologne3"], seed=1)
    seen = env.reset()
    assert env.num_envs == 4
    assert {name: values.shape[0] for name, values in seen.items()} == dict.fromkeys(seen, 4)
    _, rewards, dones, infos = env.step(np.zeros(4, dtype=int))
    assert rewards.shape == dones.shape == (4,)
    assert len(infos) == 4
    env.close()


def test_a_street_that_is_over_begins_anew_and_tells_its_measures():
    env = SignalVecEnv([Scene("cologne1", duration_s=30, measured=True)], seed=1)
    env.reset()
    for _ in range(5):
        assert not env.step(np.zeros(1, dtype=int))[2][0]
    seen, _, dones, infos = env.step(np.zeros(1, dtype=int))
    assert dones[0]
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["measures"]["vehicles"] > 0
    assert not np.array_equal(seen["movements"][0], infos[0]["terminal_observation"]["movements"])
    env.close()


def test_a_street_of_an_environment_keeps_its_number_of_signals():
    drawn = iter(["cologne1", "cologne3"])
    env = SignalVecEnv([lambda _: Scene(next(drawn))])
    with pytest.raises(NetworkError, match="cologne3 has 3 signals; this street began with 1"):
        env.reset()
    env.close()


def test_stable_baselines3_learns_on_it():
    env = SignalVecEnv([Scene("cologne3", duration_s=200)], seed=1)
    model = PPO("MultiInputPolicy", env, n_steps=16, batch_size=24, seed=1, device="cpu")
    model.learn(96)
    assert model.num_timesteps == 96
    env.close()


def test_code_written_for_sumo_rl_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUMO_HOME", str(sumo_home()))  # sumo-rl asks for it when it is imported
    from sumo_rl.agents import QLAgent

    env = SumoEnvironment(net_file="cologne3", num_seconds=200, sumo_seed=1)
    states = env.reset()
    agents = {
        ts: QLAgent(env.encode(states[ts], ts), env.observation_spaces(ts), env.action_spaces(ts)) for ts in env.ts_ids
    }
    done = {"__all__": False}
    while not done["__all__"]:
        states, rewards, done, info = env.step({ts: agent.act() for ts, agent in agents.items()})
        for ts, agent in agents.items():
            assert env.observation_spaces(ts).contains(states[ts])
            agent.learn(env.encode(states[ts], ts), rewards[ts])
    assert info["step"] == locate("cologne3").begin_s + 200
    assert info["agents_total_stopped"] == sum(info[f"{ts}_stopped"] for ts in env.ts_ids)
    env.close()


def test_sumo_rl_with_a_single_agent_is_a_gymnasium_environment():
    env = SumoEnvironment(net_file="cologne1", num_seconds=100, single_agent=True, reward_fn="queue", sumo_seed=1)
    check_env(env, skip_render_check=True)
    env.close()


def test_sumo_rl_settings_that_the_plan_decides_are_said():
    with pytest.warns(UserWarning, match="yellow_s 4 is not used"):
        SumoEnvironment(net_file="cologne1", yellow_time=4)
    with pytest.raises(NetworkError, match="did you mean 'queue'"):
        SumoEnvironment(net_file="cologne1", reward_fn="queu")


def test_an_unknown_junction_or_network_is_named():
    with pytest.raises(NetworkError, match="no signal 'J'"):
        gymnasium.make("Trenggalek/Signal-v0", junction="J", **SHORT)
    with pytest.raises(NetworkError, match="did you mean 'cologne1'"):
        gymnasium.make("Trenggalek/Signal-v0", network="cologn1")


def test_generated_networks_are_whole_and_drawn_by_their_number():
    for name in ("junction-1", "junction-3", "town-1"):
        network = generated(name)
        signals = Scene(name).signals()  # checks the network
        assert network == locate(name)
        assert all(2 <= len(plan.phases) <= 8 for plan in signals.plans)
    assert generated("junction-1").digest() != generated("junction-2").digest()
    assert generated("village-1") is None
