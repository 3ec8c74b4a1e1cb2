"""Proximal policy optimisation: one policy for any junction, learned on all streets at once.

    python -m agents.ppo --out runs/policies/universal [--decisions 2000000] [--seed 1]

Interrupted, the same command goes on where it was. The best policy on the validation networks is kept as `policy.npz`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from stable_baselines3 import PPO

from agents.network import load
from agents.policies import PhaseActorCritic, network_of
from agents.rollout import workplace
from agents.streets import VALIDATION
from agents.training import Decisions, Out, Seed, WithTrenggalek, train
from envs.vector import SignalVecEnv
from twin import terminal
from twin.sweep.cli import Address, EngineName


@dataclass(frozen=True)
class Settings:
    """Everything that makes a training; the same settings give the same policy on the same machine."""

    decisions: int = 2_000_000  # of all signals together
    seed: int = 1
    reward: str = "people"
    shared: float = 0.1  # part of each reward that is its street's mean
    with_trenggalek: bool = True  # the sketch takes as long as the rest together
    width: int = 32
    learning_rate: float = 3e-4
    steps: int = 480  # decisions of each signal between two updates
    batch: int = 2400  # divides what all signals of the streets decide between two updates
    epochs: int = 6
    gamma: float = 0.96  # a decision every 5 s: `envs.rewards.HORIZON` looks as far ahead
    gae_lambda: float = 0.9
    entropy: float = 0.003
    clip: float = 0.2
    most_gradient: float = 1.0
    validate_every: int = 150_000
    patience: int = 10  # validations without a better one before it stops
    threads: int = 1
    begin_with: str = ""  # weights of a policy that was trained before


def make(settings: Settings, streets: SignalVecEnv) -> PPO:
    """A learner on the training streets, untrained or with an earlier policy's weights."""
    learner = PPO(
        PhaseActorCritic,
        streets,
        learning_rate=settings.learning_rate,
        n_steps=settings.steps,
        batch_size=settings.batch,
        n_epochs=settings.epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        ent_coef=settings.entropy,
        clip_range=settings.clip,
        max_grad_norm=settings.most_gradient,
        policy_kwargs={"width": settings.width},
        seed=settings.seed,
        device="cpu",
    )
    if settings.begin_with:
        network_of(learner.policy).load_state_dict(load(Path(settings.begin_with)).state_dict())
    return learner


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    out: Out,
    decisions: Decisions = Settings.decisions,
    seed: Seed = Settings.seed,
    with_trenggalek: WithTrenggalek = Settings.with_trenggalek,
    begin_with: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Weights to begin with: an earlier policy.npz.")
    ] = None,
    engine: EngineName = "local",
    address: Address = None,
) -> None:
    """Train one policy for any junction with PPO; --engine ray lives its streets on a Ray cluster, to the same policy.

    Every node of the cluster has the twin installed.
    """
    settings = Settings(
        decisions=decisions, seed=seed, with_trenggalek=with_trenggalek, begin_with=str(begin_with or "")
    )
    best = train(PPO, make, settings, out, VALIDATION, terminal.tell, workplace(engine, address))
    terminal.tell(f"the best policy is {best}")


if __name__ == "__main__":
    terminal.run_app(app)
