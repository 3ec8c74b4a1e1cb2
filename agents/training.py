"""What every learner's training has: checkpoints to resume from, validation, early stop, a forecast of its time."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from agents.network import save
from agents.policies import network_of
from agents.rollout import HERE, Engine, Workplace, delays, on_cores
from agents.streets import training_environment
from envs.vector import SignalVecEnv
from twin.errors import TrainingError
from twin.files import write_whole
from twin.traffic.simulation.batch import simulate
from twin.traffic.studies.evaluate import hour, settings_for

VALIDATION_SEEDS = (201, 202)  # neither tuned nor evaluated on
PEER = "max_pressure"
Out = Annotated[Path, typer.Option("--out", help="Folder of the policy; one that was begun is gone on with.")]
Decisions = Annotated[int, typer.Option(help="Decisions of all signals together.")]
Seed = Annotated[int, typer.Option(help="Draws streets, traffic and the network's first weights.")]
WithTrenggalek = Annotated[bool, typer.Option(help="Train on the sketch of Trenggalek too (slow).")]
MODEL, BEST, CURVE, SETTINGS = "checkpoint.zip", "policy.npz", "validation.csv", "settings.json"


@dataclass
class Validation(BaseCallback):
    """Every `every` decisions: a checkpoint, and the mean delay on the validation networks.

    The score is the geometric mean of the ratios of the delay to that of max-pressure tuned on the very network and
    seeds. The best network so far is kept in `folder`; training stops after `patience` validations without a better
    one.
    """

    folder: Path
    networks: Sequence[str]
    every: int
    patience: int
    tell: Callable[[str], None]
    engine: Engine = on_cores
    best_s: float = field(default=float("inf"), init=False)
    since_best: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()
        self._next = 0
        self._peer_s = {name: tuned_delay_s(name) for name in self.networks}
        if (self.folder / CURVE).is_file():
            with (self.folder / CURVE).open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    self._note(float(row["score"]))
                    self._next = int(row["decisions"]) + self.every

    def _on_step(self) -> bool:
        return self.num_timesteps < self._next or self._validate()

    def _note(self, score: float) -> bool:
        better = score < self.best_s
        self.best_s, self.since_best = (score, 0) if better else (self.best_s, self.since_best + 1)
        return better

    def _validate(self) -> bool:
        self._next = self.num_timesteps + self.every
        network = network_of(self.model.policy)
        found = delays(network, self.networks, VALIDATION_SEEDS, self.engine)
        score = score_of(found, self._peer_s)
        better = self._note(score)
        if better:
            save(network, self.folder / BEST)
        row = {"decisions": self.num_timesteps, "score": f"{score:.4f}", "best": f"{self.best_s:.4f}"}
        row |= {f"{name}_delay_s": f"{found[name]:.2f}" for name in self.networks}
        self._append(row)
        for name, delay_s in found.items():
            self.logger.record(f"validation/{name}_delay_s", delay_s)
        self.logger.record("validation/score", score)
        self.model.save(self.folder / MODEL)
        told = ", ".join(f"{name} {delay_s:.1f} s" for name, delay_s in found.items())
        self.tell(f"{self.num_timesteps:,} decisions: {told}; score {score:.3f}, best {self.best_s:.3f}")
        return self.since_best < self.patience

    def _append(self, row: dict[str, Any]) -> None:
        path = self.folder / CURVE
        before = path.read_text(encoding="utf-8") if path.is_file() else ",".join(row) + "\n"
        write_whole(path, before + ",".join(str(value) for value in row.values()) + "\n")


def score_of(delay_s: Mapping[str, float], peer_s: Mapping[str, float]) -> float:
    """Geometric mean over networks of the ratios of a delay to the peer's."""
    return float(np.exp(np.mean([np.log(delay_s[name] / peer_s[name]) for name in peer_s])))


def tuned_delay_s(network: str) -> float:
    """Mean delay of tuned max-pressure on a network over the validation seeds [s]."""
    settings = settings_for(network, PEER)
    answers = simulate([hour(network, PEER, settings, seed) for seed in VALIDATION_SEEDS])
    return float(np.mean([answer["measures"]["delay_s"] for answer in answers]))


def train(
    algorithm: type[BaseAlgorithm],
    make: Callable[[Any, SignalVecEnv], BaseAlgorithm],
    settings: Any,
    folder: Path,
    validation: Sequence[str],
    tell: Callable[[str], None],
    workplace: Workplace = HERE,
) -> Path:
    """Train until `settings.decisions`, or go on with what `folder` has begun; returns the best policy's path.

    Streets and validation hours live at the `workplace`, which changes no result: a training may go on at another one.
    Raises TrainingError if the folder was begun with other settings; more decisions may be asked for.
    """
    torch.set_num_threads(settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    remember(settings, folder / SETTINGS, "decisions")
    begun = (folder / MODEL).is_file()
    streets = training_environment(
        settings.reward, settings.with_trenggalek, settings.seed, settings.shared, workplace.build
    )
    model = algorithm.load(folder / MODEL, env=streets, device="cpu") if begun else make(settings, streets)
    model.set_logger(configure(str(folder / "tensorboard"), ["csv", "tensorboard"]))
    if begun:
        tell(f"going on after {model.num_timesteps:,} decisions")
    else:
        _forecast(streets, settings.decisions, tell)
    stop = Validation(folder, validation, settings.validate_every, settings.patience, tell, workplace.engine)
    left = settings.decisions - model.num_timesteps
    if left > 0 and stop.since_best < settings.patience:
        model.learn(left, callback=stop, reset_num_timesteps=False, progress_bar=False)
        model.save(folder / MODEL)
    model.logger.close()
    streets.close()
    return folder / BEST


def remember(settings: Any, path: Path, may_grow: str) -> None:
    """Keep the settings of a training. Raises TrainingError if it was begun with others; `may_grow` may be another."""
    told = asdict(settings)
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        others = [name for name in told if name != may_grow and told[name] != before.get(name)]
        if others:
            raise TrainingError(
                f"{path.parent} was begun with {', '.join(f'{name} {before.get(name)}' for name in others)}:"
                " give the same, or name another folder"
            )
    write_whole(path, json.dumps(told, indent=2, sort_keys=True) + "\n")


def _forecast(streets: SignalVecEnv, decisions: int, tell: Callable[[str], None]) -> None:
    """Say how long the training will take, from a few decisions of all streets without learning."""
    streets.reset()
    began, steps = time.perf_counter(), 60
    for _ in range(steps):
        streets.step(np.array([streets.action_space.sample() for _ in range(streets.num_envs)]))
    rate = steps * streets.num_envs / (time.perf_counter() - began)
    hours = decisions / rate / 3600
    tell(f"{decisions:,} decisions at about {rate:,.0f} a second: {hours:.1f} h, and the learning itself")
