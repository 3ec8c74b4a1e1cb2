"""Carrying out a sweep: every run of its plan through an engine, what is known already left out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.errors import ScenarioError
from twin.runner import run_key
from twin.scenario import Scenario
from twin.sweep.adaptive import Search
from twin.sweep.design import Point, grid, points
from twin.sweep.plan import Sweep
from twin.sweep.record import Record
from twin.sweep.work import Result, Task

Engine = Callable[[Iterable[Task]], Iterator[tuple[Task, Result]]]
Progress = Callable[[int, int, str], None]
Seeded = tuple[Point, Sequence[int]]  # a point with the seeds that it is run with


@dataclass(frozen=True)
class Planned:
    """A row of the table to be: which run it shows. A point whose values do not go together has a `fault`, no key."""

    point: int
    scenario: str
    values: Point
    seed: int
    digest: str
    key: str
    fault: str = ""


@dataclass
class Tally:
    """How far a sweep has come."""

    total: int
    found: int = 0
    made: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        """Runs that are over."""
        return self.found + self.made + self.failed


def conduct(
    sweep: Sweep,
    engine: Engine,
    runs: Path,
    record: Record,
    progress: Progress,
    given: Sequence[Seeded] | None = None,
) -> tuple[list[Planned], Tally]:
    """Carry out a sweep; what every run came to stands in the record, in the order of the rows given back.

    Points that are `given`, each with its seeds, are run instead of the design's.
    """
    tally = Tally(count(sweep) if given is None else sum(len(seeds) for _, seeds in given) * len(sweep.scenario))
    rows: list[Planned] = []
    if given is not None or sweep.design.method != "adaptive":
        wanted = with_seeds(sweep, points(sweep)) if given is None else given
        _carry_out(planned(sweep, enumerate(wanted)), rows, engine, runs, record, tally, progress)
        return rows, tally
    search = Search(sweep)
    while batch := search.ask():
        first = len(rows) // len(sweep.seeds)
        _carry_out(
            planned(sweep, enumerate(with_seeds(sweep, batch), first)), rows, engine, runs, record, tally, progress
        )
        search.tell(means([search.kpi], rows, record, range(first, first + len(batch)))[search.kpi])
    return rows, tally


def count(sweep: Sweep) -> int:
    """How many rows the table will have."""
    n = sweep.design.points
    if n is None:
        n = math.prod(len(grid(one, sweep.whole(name))) for name, one in sweep.parameters.items())
    return n * len(sweep.seeds) * len(sweep.scenario)


def with_seeds(sweep: Sweep, these: Iterable[Point]) -> Iterator[Seeded]:
    """Points, each with the sweep's seeds."""
    return ((point, sweep.seeds) for point in these)


def planned(sweep: Sweep, numbered: Iterable[tuple[int, Seeded]]) -> Iterator[tuple[Planned, Scenario | None]]:
    """Every run of some points, scenario by scenario and seed by seed."""
    for number, (values, seeds) in numbered:
        for name in sweep.scenario:
            try:
                scenario = sweep.load_scenario(name, values)
            except ScenarioError as error:
                fault = "; ".join(error.faults)
                yield from ((Planned(number, Path(name).stem, values, s, "", "", fault), None) for s in seeds)
                continue
            digest = scenario.digest
            for seed in seeds:
                yield Planned(number, scenario.name, values, seed, digest, run_key(scenario, seed)), scenario


def _carry_out(
    wanted: Iterable[tuple[Planned, Scenario | None]], rows: list[Planned], engine: Engine, runs: Path, record: Record,
    tally: Tally, progress: Progress,
) -> None:  # fmt: skip
    asked: set[str] = set()

    def tell() -> None:
        progress(tally.done, tally.total, f"{tally.found} found, {tally.failed} failed")

    def missing() -> Iterator[Task]:
        for one, scenario in wanted:
            rows.append(one)
            if scenario is None:
                tally.failed += 1
            elif one.key in asked or record.has(one.key):
                tally.found += 1
            else:
                asked.add(one.key)
                yield Task(one.key, json.dumps(scenario.resolved()), one.seed, str(runs.resolve()))
            tell()

    for task, result in engine(missing()):
        record.keep(task.key, result)
        if result.message:
            tally.failed += 1
        else:
            tally.made += 1
        tell()


def means(kpis: Sequence[str], rows: Sequence[Planned], record: Record, wanted: range) -> dict[str, list[float | None]]:
    """Each figure at each of the last points, as its mean over the seeds; None where a run failed or has no value."""
    found: dict[int, list[Mapping[str, float | None]]] = {point: [] for point in wanted}
    for one in reversed(rows):
        if one.point < wanted.start:
            break
        result = record.find(one.key)
        found[one.point].append((result.kpis if result is not None else None) or {})
    return {kpi: [_mean([one.get(kpi) for one in found[point]]) for point in wanted] for kpi in kpis}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None
