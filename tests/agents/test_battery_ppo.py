"""The shipped battery policy runs on numpy alone, beats the rule, and comes from the network it was trained as."""

import numpy as np
import torch
from stable_baselines3 import PPO

from agents.battery_ppo import SHIPPED, cost_idr, fixed, load, save
from envs.battery import VillageBattery


def test_saved_arrays_act_as_the_trained_network(tmp_path):
    torch.set_num_threads(1)
    model = PPO("MlpPolicy", VillageBattery(), n_steps=64, batch_size=64, policy_kwargs={"net_arch": [64, 64]}, seed=1)
    model.learn(64)
    save(model.policy.state_dict(), tmp_path / "policy.npz")
    act, rng = load(tmp_path / "policy.npz"), np.random.default_rng(1)
    for _ in range(20):
        observation = rng.uniform(-1, 1, 15).astype(np.float32)
        assert abs(act(observation) - float(model.predict(observation, deterministic=True)[0][0])) < 1e-5


def test_golden_the_shipped_policy_saves_money_over_no_reserve():
    seeds = list(range(20_000, 20_015))
    rule, learned = cost_idr(fixed(0.0), seeds), cost_idr(load(SHIPPED), seeds)
    assert learned.sum() < 0.97 * rule.sum()
