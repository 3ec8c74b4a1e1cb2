"""A policy beside every tuned baseline, on seeds that nobody was trained or tuned on: rows, means, a paired test.

    python -m agents.evaluate --policy runs/policies/universal/policy.npz --network trenggalek --seeds 301..310 [--json]

A policy is `universal` (shipped), a trained network (.npz), or a bundle of `agents.export`; a bundle's policy runs as
the street cabinet runs it, on the networks named here.
With `--json` the rows are those of `python -m twin traffic baselines`, one a network, controller and seed.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from scipy import stats

from agents.network import load, weights_of
from agents.rollout import Hour, Network, crew
from controllers.bundle import load as load_bundle
from controllers.errors import ControllerError
from envs.street import Scene
from twin import cache, terminal
from twin.compare import interval
from twin.errors import TrainingError
from twin.files import cache_folder
from twin.traffic.folders import ROOT, code_digest
from twin.traffic.signals.baselines import BASELINES
from twin.traffic.simulation.batch import simulate
from twin.traffic.simulation.events import EventOptions
from twin.traffic.studies.evaluate import baselines, hour, known_controllers

SHOWN = ("delay_s", "delay_p95_s", "not_inserted", "emergency_travel_time_s", "pedestrian_wait_s")
LOWER_IS_BETTER = ("delay_s", "delay_p95_s", "emergency_travel_time_s", "pedestrian_wait_s")
Row = dict[str, Any]
Progress = Callable[[int, int], None]


def policy_rows(policy: Path, scenes: Sequence[tuple[Scene, int]], progress: Progress | None = None) -> list[Row]:
    """One row a scene and seed with all measures; an hour is lived once, and not again where it is kept."""
    network, weights, decision_s = policy_of(policy)
    if not isinstance(network, Network):
        return _rule_rows(policy.stem, network, scenes, progress)
    scenes = [(replace(scene, decision_s=decision_s), seed) for scene, seed in scenes]
    places = [kept_at(weights, scene, seed) for scene, seed in scenes]
    answers: dict[Path, Any] = {place: cache.read(place) for place in places}
    missing = {place: hour for place, hour in zip(places, scenes, strict=True) if answers[place] is None}
    with crew() as (pool, lived):

        def keep(place: Path, hour: Hour) -> Row:
            found: Row = cache.keep(place, lived(network, *hour))
            return found

        futures = {pool.submit(keep, place, hour): place for place, hour in missing.items()}
        for done, future in enumerate(as_completed(futures), len(scenes) - len(missing) + 1):
            answers[futures[future]] = future.result()
            if progress is not None:
                progress(done, len(scenes))
    return [
        {"network": scene.network, "controller": policy.stem, "seed": seed, **answers[place]}
        for (scene, seed), place in zip(scenes, places, strict=True)
    ]


def policy_of(policy: Path) -> tuple[Network | Mapping[str, Any], str, float]:
    """The network of a file or bundle, or the rule that a bundle names; the digest of what decides; how often [s].

    Raises TrainingError for what is neither.
    """
    weights = weights_of(policy)
    if weights.suffix == ".npz" and weights.is_file():
        network = load(weights)
        return network, hashlib.sha256(weights.read_bytes()).hexdigest(), network.decision_s
    if not policy.is_dir():
        raise TrainingError(f"{policy}: no policy.npz and no bundle's folder; `universal` is the shipped policy")
    try:
        bundle = load_bundle(policy)
    except ControllerError as error:
        raise TrainingError(f"{policy}: {error}") from error
    if bundle.kind != "signals":
        raise TrainingError(f"{policy}: is a bundle of kind {bundle.kind!r}, no signal policy")
    session: Network | None = bundle.runner.session
    return (bundle.contract["policy"] if session is None else session), bundle.digest, bundle.contract["decision_s"]


def _rule_rows(
    name: str, rule: Mapping[str, Any], scenes: Sequence[tuple[Scene, int]], progress: Progress | None
) -> list[Row]:
    """The same rows for a bundle's rule: that baseline with the bundle's settings."""
    settings = BASELINES[rule["rule"]].defaults | rule["settings"]
    jobs = [hour(scene.network, rule["rule"], settings, seed, **scene.conditions()) for scene, seed in scenes]
    rows = [{"network": scene.network, "controller": name, "seed": seed} for scene, seed in scenes]
    answers = simulate(jobs, progress)
    return [{**row, **answer["measures"]} for row, answer in zip(rows, answers, strict=True)]


def kept_at(weights: str, scene: Scene, seed: int) -> Path:
    """Where the measures of an hour under a policy are kept: by all that they depend on."""
    job = scene.job(seed)
    network = {name: _content(value) if "file" in name else value for name, value in job["network"].items()}
    told = json.dumps([weights, _our_code(), code_digest(), {**job, "network": network}], sort_keys=True)
    return cache_folder() / "policies" / f"{hashlib.sha256(told.encode()).hexdigest()}.json"


def _content(files: str | Sequence[str]) -> list[str]:
    """What is in a file, or in several: a sketch's demand is drawn by day type, and lies in one."""
    paths = [files] if isinstance(files, str) else files
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]


@functools.cache
def _our_code() -> str:
    ours = [path.read_bytes() for folder in ("envs", "agents") for path in sorted((ROOT / folder).glob("*.py"))]
    return hashlib.sha256(b"\0".join(ours)).hexdigest()


def paired(rows: Sequence[Row], policy: str, peer: str, figure: str) -> Row:
    """The policy's figure less the peer's, seed by seed: mean, 95 % interval, percent, and Wilcoxon's signed-rank p."""
    by_seed: dict[str, dict[int, float]] = {policy: {}, peer: {}}
    for row in rows:
        if row["controller"] in by_seed and row.get(figure) is not None:
            by_seed[row["controller"]][row["seed"]] = row[figure]
    seeds = sorted(by_seed[policy].keys() & by_seed[peer].keys())
    differences = [by_seed[policy][seed] - by_seed[peer][seed] for seed in seeds]
    if not differences:
        return {"figure": figure, "seeds": 0}
    peer_mean = interval([by_seed[peer][seed] for seed in seeds]).mean
    found = interval(differences)
    untied = [d for d in differences if d != 0]
    return {
        "figure": figure,
        "seeds": len(seeds),
        "difference": found,
        "percent": 100 * found.mean / peer_mean if peer_mean else None,
        "p": float(stats.wilcoxon(untied).pvalue) if len(untied) > 1 else None,
    }


def best_baseline(rows: Sequence[Row], policy: str) -> str:
    """The baseline of the least mean delay."""
    delays: dict[str, list[float]] = {}
    for row in rows:
        if row["controller"] != policy:
            delays.setdefault(row["controller"], []).append(row["delay_s"])
    return min(delays, key=lambda name: interval(delays[name]).mean)


def table(rows: Sequence[Row], policy: str) -> list[Mapping[str, Any]]:
    """Mean ± interval of the shown figures for every controller, best delay first."""
    names = list(dict.fromkeys(row["controller"] for row in rows))
    lines = []
    for name in names:
        own = [row for row in rows if row["controller"] == name]
        cells = {f: [row[f] for row in own if row.get(f) is not None] for f in SHOWN}
        means = {f: interval(values) if values else None for f, values in cells.items()}
        lines.append((means["delay_s"], {"controller": name, **{f: terminal.plus_minus(m) for f, m in means.items()}}))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0].mean if pair[0] else float("inf"))]


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    policy: Annotated[Path, typer.Option(help="`universal`, a trained policy.npz, or a bundle's folder.")],
    networks: Annotated[list[str], typer.Option("--network", help="A network's name or path. Repeatable.")],
    seeds: Annotated[str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`.")] = "301..310",
    day_type: Annotated[str, typer.Option(help="On trenggalek: its day type.")] = "weekday",
    with_baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Beside tuned baselines.")] = True,
    priority: Annotated[
        bool, typer.Option("--priority/--no-priority", help="Emergency vehicles ask for green, whoever controls.")
    ] = True,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Evaluate a policy on networks and seeds, beside every tuned baseline in the same SUMO."""
    chosen, everything = terminal.seeds_of(seeds), []
    for name in networks:
        scene = Scene(name, day_type=day_type, events=EventOptions(emergency_priority=priority), measured=True)
        with terminal.progress_bar(f"{name}: policy") as progress:
            rows = policy_rows(policy, [(scene, seed) for seed in chosen], progress)
        if with_baselines:
            with terminal.progress_bar(f"{name}: baselines") as progress:
                rows += baselines([name], known_controllers(()), chosen, progress, **scene.conditions())
        everything += rows
        if not as_json:
            _show(name, rows, policy.stem, len(chosen))
    if as_json:
        terminal.print_json(everything)


def _show(network: str, rows: list[Row], policy: str, seeds: int) -> None:
    terminal.print_rows([dict(line) for line in table(rows, policy)], f"{network}, {seeds} seeds, mean ± 95 %", False)
    if len({row["controller"] for row in rows}) > 1:
        peer = best_baseline(rows, policy)
        for figure in LOWER_IS_BETTER:
            found = paired(rows, policy, peer, figure)
            if found["seeds"]:
                p = "–" if found["p"] is None else f"{found['p']:.3f}"
                change = terminal.plus_minus(found["difference"])
                terminal.say(f"{figure} against {peer}: {change} ({found['percent']:+.1f} %), Wilcoxon p = {p}")


if __name__ == "__main__":
    terminal.run_app(app)
