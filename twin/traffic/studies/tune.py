"""Finding a baseline's best settings on a network: many on one seed, the better ones on more; then their neighbours."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.files import write_whole
from twin.traffic.folders import TUNED
from twin.traffic.signals.baselines import BASELINES, Baseline
from twin.traffic.simulation.batch import simulate
from twin.traffic.studies.evaluate import hour

SEEDS = (101, 102, 103)  # never used to evaluate
KEEP = 4  # of each round one in so many goes on
COLUMNS = ("network", "controller", "settings", "delay_s", "seeds", "settings_tried", "default_delay_s")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """The best settings, their mean delay over the tuning seeds, and the default's on the first of them."""

    network: str
    controller: str
    settings: Mapping[str, float]
    delay_s: float
    seeds: int
    settings_tried: int
    default_delay_s: float


def candidates(baseline: Baseline, most: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """The default first, then other points of the grid: all, or a random draw of `most` in all."""
    grid = [dict(zip(baseline.grid, values, strict=True)) for values in itertools.product(*baseline.grid.values())]
    default, others = grid[0], grid[1:]
    chosen = sorted(rng.permutation(len(others))[: most - 1].tolist())
    return [default, *(others[i] for i in chosen)]


def neighbours(baseline: Baseline, settings: Mapping[str, float]) -> list[dict[str, float]]:
    """The settings themselves, then all that differ from them in one value of the grid."""
    others = [
        {**settings, name: value}
        for name, values in baseline.grid.items()
        for value in values
        if value != settings[name]
    ]
    return [dict(settings), *others]


def tune(network: str, controller: str, most: int = 16, told: Told | None = None) -> Found:
    """Two rounds of successive halving: over at most `most` settings of the grid, then over the winner's neighbours."""
    baseline = BASELINES[controller]
    drawn = candidates(baseline, most, np.random.default_rng(20260101))
    winner, _, default_delay_s = _halved(network, controller, drawn, told)
    near = neighbours(baseline, winner)
    best, delay_s, _ = _halved(network, controller, near, told)
    tried = len({json.dumps(settings, sort_keys=True) for settings in [*drawn, *near]})
    return Found(network, controller, best, delay_s, len(SEEDS), tried, default_delay_s)


def _halved(
    network: str, controller: str, field: list[dict[str, float]], told: Told | None
) -> tuple[dict[str, float], float, float]:
    """The best of the field by mean delay [s], that delay, and the first one's on the first seed."""
    first_delay_s = best_s = math.nan
    for last in range(1, len(SEEDS) + 1):
        seeds = SEEDS[:last]
        jobs = [hour(network, controller, settings, seed) for settings in field for seed in seeds]
        delays = [answer["measures"]["delay_s"] for answer in simulate(jobs)]
        means = np.array(delays).reshape(len(field), len(seeds)).mean(axis=1)
        if last == 1:
            first_delay_s = float(means[0])
        order = np.argsort(means, kind="stable")
        best_s = float(means.min())
        if told is not None:
            told(f"{network} {controller}: {len(field)} settings on {len(seeds)} seed(s), best {best_s:.1f} s")
        field = [field[i] for i in order[: max(1, math.ceil(len(field) / KEEP))]]
    return field[0], best_s, first_delay_s


def keep(found: Found, path: Path = TUNED) -> None:
    """Put what was found into the table of tuned settings, in place of an earlier row; whole or not at all."""
    rows = {}
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = {(row["network"], row["controller"]): row for row in csv.DictReader(file)}
    rows[found.network, found.controller] = {
        **vars(found),
        "settings": json.dumps(dict(found.settings)),
        "delay_s": f"{found.delay_s:.2f}",
        "default_delay_s": f"{found.default_delay_s:.2f}",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in sorted(rows))
    write_whole(path, text.getvalue())
