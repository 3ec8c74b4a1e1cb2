"""The index's coefficients by a search of black boxes: whole hours on training streets, scored by what people lived.

CMA-ES (Hansen 2016) asks for candidates; every generation lives the same newly drawn hours under each of them and under
the index that the search began with, and a candidate's cost is the mean log ratio of the delays. Where people walk,
their wait counts too. The hours of a generation are noise to nobody: all candidates share them.
"""

from __future__ import annotations

import csv
import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer

from agents.network import INDEX, PhaseNetwork, load, save
from agents.rollout import Engine, delays, on_cores, workplace
from agents.streets import VALIDATION, cologne1, junction, town, trenggalek
from agents.training import BEST, CURVE, SETTINGS, VALIDATION_SEEDS, Out, Seed, remember, score_of, tuned_delay_s
from envs.street import Scene
from envs.vector import Draw
from twin import terminal
from twin.files import write_whole
from twin.sweep.cli import Address, EngineName

JOURNAL = "costs.jsonl"  # of every generation's candidates: what the search is resumed from
DAMPING_S = 2.0  # added to delays, so that empty streets do not decide
WAIT_SHARE = 0.2  # of a walker's wait against a vehicle's delay, both as log ratios; prior
WORST = 0.6  # most that one hour may cost or earn: a jam is no measure


class Sort(NamedTuple):
    """Streets of one sort that every generation lives, and for how long [s]; None is the whole hour."""

    draw: Draw
    duration_s: int | None = None


SORTS = (
    *[Sort(junction("queue"), 1500)] * 3,
    *[Sort(town("queue"), 1500)] * 2,
    Sort(cologne1("queue")),
    Sort(trenggalek("queue", ("weekday", "market_day", "school_peak")), 1200),
    Sort(trenggalek("queue", ("night",)), 1800),
)


@dataclass(frozen=True)
class Settings:
    """What a search depends on."""

    generations: int
    population: int
    step: float
    decision_s: float
    seed: int
    begin_with: str


def scenes(rng: np.random.Generator, decision_s: float) -> list[tuple[Scene, int]]:
    """The hours of one generation."""
    found = []
    for draw, duration_s in SORTS:
        scene = replace(draw(rng), measured=True, decision_s=decision_s, duration_s=duration_s)
        found.append((scene, int(rng.integers(1, 1_000_000))))
    return found


def cost(lived: dict[str, Any], peer: dict[str, Any]) -> float:
    """Log ratio of an hour's delay to the same hour's under the peer, and of the walkers' wait where people walk."""
    found = math.log((lived["delay_s"] + DAMPING_S) / (peer["delay_s"] + DAMPING_S))
    if lived["pedestrian_wait_s"] is not None and peer["pedestrian_wait_s"] is not None:
        found += WAIT_SHARE * math.log(
            (lived["pedestrian_wait_s"] + DAMPING_S) / (peer["pedestrian_wait_s"] + DAMPING_S)
        )
    return min(WORST, max(-WORST, found))


def with_index(index: Sequence[float], decision_s: float) -> PhaseNetwork:
    """A network that is the index alone."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)  # of weights that add nothing as long as nothing trains them
        network = PhaseNetwork(decision_s=decision_s).eval()
        network.index.copy_(torch.tensor(index, dtype=torch.float32))
    return network


def search(settings: Settings, folder: Path, tell: Callable[[str], None], engine: Engine = on_cores) -> Path:
    """Search until `settings.generations`, or go on with what `folder` has begun; the best validated policy's path.

    The engine changes no result: a search may go on with another one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will not plot where matplotlib is not installed
        import cma

    folder.mkdir(parents=True, exist_ok=True)
    remember(settings, folder / SETTINGS, "generations")
    start = load(Path(settings.begin_with)) if settings.begin_with else PhaseNetwork()
    first = start.index.detach().numpy().astype(float)
    step, low, high = (np.array([getattr(one, name) for one in INDEX.values()]) for name in ("step", "low", "high"))
    bounds = [((edge - first) / step).tolist() for edge in (low, high)]
    rng, found = np.random.default_rng(settings.seed), list[str]()
    evolution = cma.CMAEvolutionStrategy(
        np.zeros(len(INDEX)), settings.step,
        {"popsize": settings.population, "seed": settings.seed + 1, "bounds": bounds, "verbose": -9},
    )  # fmt: skip
    journal = folder / JOURNAL
    before = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
    peers = {name: tuned_delay_s(name) for name in VALIDATION}
    if not (folder / CURVE).is_file():
        _validate(first, settings.decision_s, 0, peers, folder, tell, engine)
    for generation in range(settings.generations):
        hours, asked, began = scenes(rng, settings.decision_s), evolution.ask(), time.monotonic()
        if generation < len(before):
            costs = json.loads(before[generation])
        else:
            costs = _costs([first + step * x for x in asked], first, hours, settings.decision_s, engine)
            write_whole(journal, "\n".join([*before, *found, json.dumps(costs)]) + "\n")
            found.append(json.dumps(costs))
        evolution.tell(asked, costs)
        if generation >= len(before):
            took_min = (time.monotonic() - began) / 60
            left_h = took_min * (settings.generations - generation - 1) / 60
            tell(
                f"generation {generation + 1}: best {min(costs):+.3f}, mean {np.mean(costs):+.3f}; {left_h:.1f} h left"
            )
            mean = first + step * evolution.mean
            _validate(mean, settings.decision_s, generation + 1, peers, folder, tell, engine)
    return folder / BEST


def _costs(
    candidates: Sequence[np.ndarray], peer: np.ndarray, hours: Sequence[tuple[Scene, int]], decision_s: float,
    engine: Engine,
) -> list[float]:  # fmt: skip
    lived = engine([with_index(one.tolist(), decision_s) for one in (peer, *candidates)], hours)
    return [float(np.mean([cost(a, b) for a, b in zip(own, lived[0], strict=True)])) for own in lived[1:]]


def _validate(
    index: np.ndarray, decision_s: float, generation: int, peers: dict[str, float], folder: Path,
    tell: Callable[[str], None], engine: Engine,
) -> None:  # fmt: skip
    """Keep the start or the search's mean where none before validated better, and add to the curve."""
    network = with_index(index.tolist(), decision_s)
    found = delays(network, VALIDATION, VALIDATION_SEEDS, engine)
    score = score_of(found, peers)
    path = folder / CURVE
    text = path.read_text(encoding="utf-8") if path.is_file() else "generation,score," + ",".join(
        f"{name}_delay_s" for name in VALIDATION
    ) + "\n"  # fmt: skip
    best = min((float(row["score"]) for row in csv.DictReader(text.splitlines())), default=math.inf)
    if score < best:
        save(network, folder / BEST)
    told = [f"{found[name]:.2f}" for name in VALIDATION]
    write_whole(path, text + ",".join([str(generation), f"{score:.4f}", *told]) + "\n")
    tell(f"  validation score {score:.3f} against tuned max-pressure (best {min(best, score):.3f})")


app = typer.Typer(pretty_exceptions_enable=False)


@app.command(epilog="Example: `python -m agents.search --out policies/index --generations 60`")
def main(
    out: Out,
    generations: Annotated[int, typer.Option(min=1, help="Of candidates; more may be asked for later.")] = 60,
    population: Annotated[int, typer.Option(min=4, help="Candidates a generation.")] = 12,
    step: Annotated[float, typer.Option(min=0.01, help="First spread, in units of the coefficients' own.")] = 0.25,
    decision_s: Annotated[float, typer.Option(min=1.0, max=10.0, help="Time between decisions [s].")] = 3.0,
    seed: Seed = 1,
    begin_with: Annotated[Path | None, typer.Option(exists=True, help="A policy.npz whose index it starts at.")] = None,
    engine: EngineName = "local",
    address: Address = None,
) -> None:
    """Search the index's coefficients on training streets; interrupted, the same command goes on.

    --engine ray lives the candidates' hours on a Ray cluster (every node has the twin installed), to the same result.
    """
    settings = Settings(generations, population, step, decision_s, seed, str(begin_with or ""))
    found = search(settings, out, terminal.tell, workplace(engine, address).engine)
    terminal.say(f"best policy: {found}")


if __name__ == "__main__":
    terminal.run_app(app, "interrupted; the same command goes on from the last whole generation")
