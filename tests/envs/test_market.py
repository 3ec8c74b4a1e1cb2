"""The market maker's environment: Gymnasium's checker, bit-equality of two, the baseline against fixed quotes."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.market import MarketMakerEnv, baseline
from twin.carbon.traders.quoting import QuotingOptions, avellaneda_stoikov


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_gymnasiums_checker_passes():
    check_env(MarketMakerEnv(), skip_render_check=True)


def test_two_with_one_seed_are_equal_to_the_bit_over_500_steps():
    one, other = (MarketMakerEnv(QuotingOptions(steps=150)) for _ in range(2))
    rng, seed = np.random.default_rng(1), 3
    assert np.array_equal(one.reset(seed=seed)[0], other.reset(seed=seed)[0])
    for _ in range(500):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        (a, reward_a, done_a, *_, info_a), (b, reward_b, done_b, *_, info_b) = one.step(action), other.step(action)
        assert a.tobytes() == b.tobytes()
        assert (reward_a, done_a, info_a) == (reward_b, done_b, info_b)
        if done_a:
            seed += 1
            assert np.array_equal(one.reset(seed=seed)[0], other.reset(seed=seed)[0])


def test_before_reset_there_is_a_clear_error():
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        MarketMakerEnv().step(np.zeros(2, np.float32))


def test_theory_the_quotes_by_hand():
    bid, ask = avellaneda_stoikov(0, 10, 2.0, 0.1, 1.5)
    assert bid == ask == pytest.approx((0.1 * 4 * 10 + 20 * math.log(1 + 0.1 / 1.5)) / 2)
    bid, ask = avellaneda_stoikov(3, 10, 2.0, 0.1, 1.5)
    assert (bid - ask) / 2 == pytest.approx(3 * 0.1 * 4 * 10)  # long: bids lower, asks lower


def episode(seed: int, policy) -> tuple[float, float, int]:
    env, held, total = MarketMakerEnv(), [], 0.0
    env.reset(seed=seed)
    done, info = False, {}
    while not done:
        _, reward, done, _, info = env.step(policy(env))
        total += reward
        held.append(info["inventory_lots"])
    assert env.session.volume() == env.session.traded == info["traded_lots"]
    return total, float(np.std(held)), info["traded_lots"]


def test_the_baseline_earns_and_holds_less_than_fixed_quotes():
    fixed = np.array([episode(seed, lambda env: np.array([0.17, 0.17])) for seed in range(8)])
    theirs = np.array([episode(seed, baseline) for seed in range(8)])
    assert theirs[:, 0].mean() > 0
    assert theirs[:, 1].mean() < fixed[:, 1].mean()
    assert theirs[:, 2].min() > 0
