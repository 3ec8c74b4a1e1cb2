"""Deep Q-learning: the same network and streets as PPO's, learned from a memory of decisions.

    python -m agents.dqn --out runs/policies/dqn [--decisions 1000000] [--seed 1]

Interrupted, the same command goes on where it was, with an empty memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import typer
from stable_baselines3 import DQN

from agents.policies import PhaseDQN
from agents.rollout import workplace
from agents.streets import VALIDATION
from agents.training import Decisions, Out, Seed, WithTrenggalek, train
from envs.vector import SignalVecEnv
from twin import terminal
from twin.sweep.cli import Address, EngineName


@dataclass(frozen=True)
class Settings:
    """Everything that makes a training; the same settings give the same policy on the same machine."""

    decisions: int = 1_000_000  # of all signals together
    seed: int = 1
    reward: str = "people"
    shared: float = 0.3  # part of each reward that is its street's mean
    with_trenggalek: bool = True  # the sketch takes as long as the rest together
    width: int = 32
    learning_rate: float = 3e-4
    memory: int = 200_000  # decisions remembered
    batch: int = 256
    gradient_steps: int = 4  # after every `train_every` decisions of each signal
    train_every: int = 4
    begin_after: int = 5_000
    copy_every: int = 5_000  # decisions between two copies of the network into the slow one
    gamma: float = 0.97  # a decision every 5 s: half of what counts lies within two minutes
    exploration: float = 0.2  # part of the training over which random decisions become rare
    random_at_last: float = 0.02
    validate_every: int = 100_000
    patience: int = 8  # validations without a better one before it stops
    threads: int = 1


def make(settings: Settings, streets: SignalVecEnv) -> DQN:
    """An untrained learner on the training streets."""
    return DQN(
        PhaseDQN,
        streets,
        learning_rate=settings.learning_rate,
        buffer_size=settings.memory,
        learning_starts=settings.begin_after,
        batch_size=settings.batch,
        gamma=settings.gamma,
        train_freq=settings.train_every,
        gradient_steps=settings.gradient_steps,
        target_update_interval=settings.copy_every,
        exploration_fraction=settings.exploration,
        exploration_final_eps=settings.random_at_last,
        policy_kwargs={"width": settings.width},
        seed=settings.seed,
        device="cpu",
    )


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    out: Out,
    decisions: Decisions = Settings.decisions,
    seed: Seed = Settings.seed,
    with_trenggalek: WithTrenggalek = Settings.with_trenggalek,
    engine: EngineName = "local",
    address: Address = None,
) -> None:
    """Train one policy for any junction with DQN; --engine ray lives its streets on a Ray cluster, to the same policy.

    Every node of the cluster has the twin installed.
    """
    settings = Settings(decisions=decisions, seed=seed, with_trenggalek=with_trenggalek)
    best = train(DQN, make, settings, out, VALIDATION, terminal.tell, workplace(engine, address))
    terminal.tell(f"the best policy is {best}")


if __name__ == "__main__":
    terminal.run_app(app)
