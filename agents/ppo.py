"""Proximal policy optimisation: one policy for any junction, learned on all streets at once.

    python -m agents.ppo --out runs/policies/universal [--decisions 2000000] [--seed 1]

Interrupted, the same command goes on where it was. The best policy on the validation networks is kept as `policy.npz`.
"""

from __future__ import annotations

from dataclasses import dataclass

import typer
from stable_baselines3 import PPO

from agents.policies import PhaseActorCritic
from agents.streets import VALIDATION
from agents.training import Decisions, Out, Seed, WithTrenggalek, train
from envs.vector import SignalVecEnv
from twin import terminal


@dataclass(frozen=True)
class Settings:
    """Everything that makes a training; the same settings give the same policy on the same machine."""

    decisions: int = 2_000_000  # of all signals together
    seed: int = 1
    reward: str = "people"
    shared: float = 0.3  # part of each reward that is its street's mean
    with_trenggalek: bool = True  # the sketch takes as long as the rest together
    width: int = 32
    learning_rate: float = 1e-3
    steps: int = 120  # decisions of each signal between two updates
    batch: int = 750  # divides what all signals of the streets decide between two updates
    epochs: int = 4
    gamma: float = 0.97  # a decision every 5 s: half of what counts lies within two minutes
    gae_lambda: float = 0.95
    entropy: float = 0.002
    clip: float = 0.2
    most_gradient: float = 10.0
    validate_every: int = 100_000
    patience: int = 10  # validations without a better one before it stops
    threads: int = 1


def make(settings: Settings, streets: SignalVecEnv) -> PPO:
    """An untrained learner on the training streets."""
    return PPO(
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


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    out: Out,
    decisions: Decisions = Settings.decisions,
    seed: Seed = Settings.seed,
    with_trenggalek: WithTrenggalek = Settings.with_trenggalek,
) -> None:
    """Train one policy for any junction with PPO."""
    settings = Settings(decisions=decisions, seed=seed, with_trenggalek=with_trenggalek)
    best = train(PPO, make, settings, out, VALIDATION, terminal.tell)
    terminal.tell(f"the best policy is {best}")


if __name__ == "__main__":
    terminal.run_app(app)
