"""sumo-rl's own Q-learning agent as a reference: a table a signal, trained on the network that it is evaluated on.

    python -m agents.qlearning --network cologne1 --seeds 301..305 [--episodes 100] [--json]

It is what the universal policy's peers do: no table is of any use on another junction. The table lives as long as the
command; the rows are those of `python -m agents.evaluate`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from envs.sumo_rl import SumoEnvironment
from twin import terminal
from twin.traffic.demand.sampling import sumo_home
from twin.traffic.networks.locate import locate
from twin.traffic.studies.evaluate import summary

SHOWN = ("delay_s", "delay_p95_s", "not_inserted")


@dataclass(frozen=True)
class Settings:
    """Those of sumo-rl's own examples."""

    alpha: float = 0.1
    gamma: float = 0.99
    exploration: float = 0.05  # share of random decisions at first
    exploration_least: float = 0.005
    exploration_decay: float = 0.9999  # a decision
    first_training_seed: int = 1001


def learned_rows(network: str, episodes: int, seeds: Sequence[int], progress: Any, settings: Settings) -> list[dict]:
    """Train a table a signal for so many hours, then live the seeds' hours by it without a random decision."""
    os.environ.setdefault("SUMO_HOME", str(sumo_home()))  # sumo-rl asks for it when it is imported
    from sumo_rl.agents import QLAgent
    from sumo_rl.exploration import EpsilonGreedy

    place = locate(network)
    env = SumoEnvironment(network, num_seconds=int(place.end_s - place.begin_s), sumo_seed=settings.first_training_seed)
    env.scene = replace(env.scene, measured=True)
    agents: dict[str, Any] = {}

    def live(seed: int, learns: bool) -> None:
        states, over = env.reset(seed=seed), False
        for ts in env.ts_ids:
            key = env.encode(states[ts], ts)
            if ts not in agents:
                exploration = EpsilonGreedy(
                    settings.exploration, settings.exploration_least, settings.exploration_decay
                )
                agents[ts] = QLAgent(
                    key, env.observation_spaces(ts), env.action_spaces(ts), settings.alpha, settings.gamma, exploration
                )
            agents[ts].q_table.setdefault(key, [0.0] * env.action_spaces(ts).n)
            agents[ts].state, agents[ts].alpha = key, settings.alpha if learns else 0.0
        while not over:
            states, rewards, done, _ = env.step({ts: agent.act() for ts, agent in agents.items()})
            over = done["__all__"]
            for ts, agent in agents.items():
                agent.learn(env.encode(states[ts], ts), rewards[ts])

    for episode in range(episodes):
        live(settings.first_training_seed + episode, learns=True)
        progress(episode + 1, episodes + len(seeds))
    for agent in agents.values():
        agent.exploration = EpsilonGreedy(0.0, 0.0, 1.0)
    rows = []
    for done, seed in enumerate(seeds, episodes + 1):
        live(seed, learns=False)
        rows.append({"network": network, "controller": "q_learning", "seed": seed, **env.measures})
        progress(done, episodes + len(seeds))
    env.close()
    return rows


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    network: Annotated[str, typer.Option(help="A network's name or path.")],
    seeds: Annotated[str, typer.Option(help="`7`, `1..5` or `1,3,5`; none is trained on.")] = "301..305",
    episodes: Annotated[int, typer.Option(min=1, help="Hours of training.")] = 100,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Train sumo-rl's Q-learning agent on a network and evaluate it there."""
    with terminal.progress_bar(f"{network}: Q-learning") as progress:
        rows = learned_rows(network, episodes, terminal.seeds_of(seeds), progress, Settings())
    if as_json:
        terminal.print_json(rows)
    else:
        lines = [{f: terminal.plus_minus(v) if f in SHOWN else v for f, v in s.items()} for s in summary(rows, SHOWN)]
        terminal.print_rows(lines, f"{network}, {episodes} hours of training, mean ± 95 %", False)


if __name__ == "__main__":
    terminal.run_app(app)
