"""`Trenggalek/VillageBattery-v0`: Gymnasium's checker, equal bits, the rule, and the bound that nothing beats."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs  # noqa: F401 (registers)
from envs.battery import FEATURES, HOURS, VillageBattery, known
from twin.solar.storage.battery import Battery
from twin.solar.storage.episode import Episode
from twin.solar.storage.foresight import least_cost_idr

NAME = "Trenggalek/VillageBattery-v0"


def play(env, reserve, seed):
    env.reset(seed=seed)
    done, total = False, 0.0
    while not done:
        _, reward, _, done, info = env.step(np.array([reserve]))
        total += reward
    return total, info


def test_gymnasiums_checker_is_content():
    check_env(gymnasium.make(NAME).unwrapped)


def test_two_of_one_seed_are_equal_to_the_bit():
    one, two = gymnasium.make(NAME), gymnasium.make(NAME)
    first, _ = one.reset(seed=7)
    second, _ = two.reset(seed=7)
    assert (first == second).all()
    rng = np.random.default_rng(1)
    for _ in range(500):
        action = rng.random(1).astype(np.float32)
        a, b = one.step(action), two.step(action)
        assert (a[0] == b[0]).all()
        assert a[1:4] == b[1:4]


def test_seeds_differ_and_observations_keep_their_range():
    env = VillageBattery()
    seen = {env.reset(seed=seed)[0].tobytes() for seed in range(5)}
    assert len(seen) == 5
    assert env.observation_space.contains(env.reset(seed=1)[0])
    done = False
    while not done:
        observation, _, _, done, _ = env.step(np.array([0.4]))
        assert env.observation_space.contains(observation)


def test_the_rule_itself_earns_nothing_and_a_return_is_money_saved():
    env = VillageBattery()
    total, info = play(env, 0.0, 3)
    assert total == pytest.approx(0, abs=1e-9)
    total, info = play(env, 0.3, 3)
    assert 1000 * total == pytest.approx(info["rule_cost_idr"] - info["cost_idr"])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reserve", [0.0, 0.5])
def test_nothing_beats_perfect_foresight(seed, reserve):
    env = VillageBattery()
    _, info = play(env, reserve, seed)
    assert env.bound_idr() <= info["cost_idr"] + 1e-6


def test_theory_the_bound_keeps_charge_for_the_outage_it_knows():
    # 3 kWh stored, no sun, 1 kWh an hour; PLN is gone in the last two: worth more than what PLN costs before.
    battery = Battery(0.0, 5.0, 0.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0, 1.0)
    zeros = np.zeros(4)
    episode = Episode(1, zeros, np.ones(4), np.array([0, 0, 60, 60]), zeros, zeros, zeros, zeros, 0.0)
    assert least_cost_idr(episode, battery, 3.0, 100.0, 1000.0, 0.0) == pytest.approx(100.0)
    assert least_cost_idr(episode, battery, 1.0, 100.0, 1000.0, 0.0) == pytest.approx(200.0 + 1000.0)


def test_announced_work_is_seen_a_day_before():
    env = VillageBattery(saifi_per_year=0.0, saidi_min_per_year=0.0)
    env.reset(seed=1)
    announced = np.zeros(HOURS)
    announced[30:32] = 60
    episode = Episode(**{**vars(env.episode), "announced_min": announced})
    table = known(episode, env.options)
    until, hours = table[:, FEATURES.index("hours_to_announced")], table[:, FEATURES.index("announced_in_a_day")]
    assert until[6] == 1.0
    assert until[7] == pytest.approx(23 / 24)
    assert until[30] == 0
    assert hours[10] == pytest.approx(2 / 6)
    assert hours[40] == 0
