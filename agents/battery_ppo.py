"""PPO for the village battery, and the ladder of policies: rules, PPO, perfect foresight.

    python -m agents.battery_ppo train --steps 1000000 --to agents/village_battery.npz
    python -m agents.battery_ppo ladder --seeds 10000..10099

A trained policy is kept as plain arrays (npz): a small network that numpy alone can run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from envs.battery import FEATURES, VillageBattery
from twin.terminal import JsonFlag, print_rows, run_app, seeds_of, tell

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
SHIPPED = Path(__file__).parent / "village_battery.npz"
Policy = Callable[[np.ndarray], float]
TUNING_SEEDS = range(5000, 5020)  # never trained on, never reported
ANNOUNCED, HOURS_OF_ONE = FEATURES.index("announced_in_a_day"), 6.0


@dataclass(frozen=True)
class Settings:
    """PPO's settings (stable-baselines3)."""

    envs: int = 8
    n_steps: int = 672  # four weeks each
    batch_size: int = 1344
    n_epochs: int = 6
    learning_rate: float = 3e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    log_std_init: float = -1.6  # the untrained policy is the rule "no reserve" with little noise
    layers: tuple[int, ...] = (64, 64)


@app.command()
def train(
    to: Annotated[Path, typer.Option("--to", help="Where the policy's arrays go.")] = Path("village_battery.npz"),
    steps: Annotated[int, typer.Option("--steps", min=1000, help="Hours lived through.")] = 1_000_000,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
) -> None:
    """Train a policy on random months and places; minutes on one core."""
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    s = Settings()
    model = PPO(
        "MlpPolicy", make_vec_env(VillageBattery, n_envs=s.envs, seed=seed), n_steps=s.n_steps,
        batch_size=s.batch_size, n_epochs=s.n_epochs, learning_rate=s.learning_rate, gamma=s.gamma,
        gae_lambda=s.gae_lambda, seed=seed, device="cpu",
        policy_kwargs={"net_arch": list(s.layers), "log_std_init": s.log_std_init},
    )  # fmt: skip
    model.learn(steps)
    save(model.policy.state_dict(), to)
    tell(f"{steps} hours -> {to}")


def save(weights: dict, to: Path) -> None:
    """Keep what acts: the hidden layers of the policy and its mean."""
    names = [name for name in weights if name.startswith(("mlp_extractor.policy_net", "action_net"))]
    to.parent.mkdir(parents=True, exist_ok=True)
    np.savez(to, **{f"{i:02d}": weights[name].numpy() for i, name in enumerate(names)})


def load(path: Path) -> Policy:
    """The policy as a function of an observation: tanh layers, and the mean cut to 0 … 1."""
    with np.load(path, allow_pickle=False) as arrays:
        layers = [arrays[name] for name in sorted(arrays.files)]
    pairs = list(zip(layers[::2], layers[1::2], strict=True))

    def act(observation: np.ndarray) -> float:
        x = observation
        for weight, bias in pairs[:-1]:
            x = np.tanh(weight @ x + bias)
        weight, bias = pairs[-1]
        return float(np.clip(weight @ x + bias, 0.0, 1.0)[0])

    return act


def fixed(reserve: float) -> Policy:
    """Always the same reserve."""
    return lambda observation: reserve


def announced(kwh_per_h: float, usable_kwh: float) -> Policy:
    """A reserve only for announced interruptions of the next day, in proportion to their hours."""
    return lambda observation: min(1.0, float(observation[ANNOUNCED]) * HOURS_OF_ONE * kwh_per_h / usable_kwh)


def cost_idr(policy: Policy, seeds: range | list[int]) -> np.ndarray:
    """Cost of four weeks under a policy [Rp], one a seed."""
    env, found = VillageBattery(), []
    for seed in seeds:
        observation, _ = env.reset(seed=seed)
        done = False
        while not done:
            observation, _, _, done, info = env.step(np.array([policy(observation)]))
        found.append(info["cost_idr"])
    return np.array(found)


def best(candidates: dict[str, Policy]) -> tuple[str, Policy]:
    """The candidate that is cheapest on the tuning seeds."""
    name = min(candidates, key=lambda one: cost_idr(candidates[one], TUNING_SEEDS).mean())
    return name, candidates[name]


@app.command()
def ladder(
    policy: Annotated[Path, typer.Option("--policy", help="Arrays of a trained policy.")] = SHIPPED,
    seeds: Annotated[
        str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`; months that nobody trained on.")
    ] = "10000..10099",
    as_json: JsonFlag = False,
) -> None:
    """Compare rules, PPO and perfect foresight: mean cost, and the share of the possible gain over "no reserve"."""
    env, chosen = VillageBattery(), seeds_of(seeds)
    usable_kwh = env.battery.soc_max_kwh - env.battery.soc_min_kwh
    fixed_name, fixed_rule = best({f"fixed reserve {r:.0%}": fixed(r) for r in (0.05, 0.1, 0.2, 0.3, 0.5)})
    told_name, told_rule = best(
        {f"announced, {k:g} kWh an hour": announced(k, usable_kwh) for k in (0.15, 0.3, 0.4, 0.5, 0.8)}
    )
    rungs = {"no reserve (book)": fixed(0.0), fixed_name: fixed_rule, told_name: told_rule, "PPO": load(policy)}
    costs = {name: cost_idr(rung, chosen) for name, rung in rungs.items()}
    bounds = []
    for seed in chosen:
        env.reset(seed=seed)
        bounds.append(env.bound_idr())
    costs["perfect foresight (LP)"] = np.array(bounds)
    rule, bound = costs["no reserve (book)"], costs["perfect foresight (LP)"]
    rows = [
        {
            "policy": name,
            "cost_idr_per_4_weeks": float(cost.mean()),
            "share_of_possible_gain_percent": 100 * float((rule - cost).sum() / (rule - bound).sum()),
            "standard_error_percent": 100 * float((rule - cost).std() / np.sqrt(len(cost)) / (rule - bound).mean()),
        }
        for name, cost in costs.items()
    ]
    print_rows(rows, f"village battery, {len(chosen)} months (outages and their worth are priors)", as_json)


if __name__ == "__main__":
    run_app(app)
