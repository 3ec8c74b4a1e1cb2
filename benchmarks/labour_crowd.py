"""A month of the labour force: the twin's columns against a mesa agent a person, with the same rules and start.

    python -m benchmarks.labour_crowd [--people 599807] [--months 3] [--rounds 2] [--json FILE]

Both start from one settled market, take turns month by month in one process, and are timed in processor time (both use
one thread). The outcome is compared over all months and rounds, each round with other random numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.labour_vanilla import VanillaMarket
from twin import terminal
from twin.compare import interval
from twin.labour import crowd
from twin.labour.calibration import effort_of
from twin.labour.market import Market, weeks_of
from twin.labour.population import synthesise

START = pd.Period("2026-01", "M")


def timed(live, month):
    """What `live` answers for a month, and the seconds it took."""
    began = time.process_time()
    answer = live(month)
    return answer, time.process_time() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    people = synthesise("book_2024", np.random.default_rng(1), words.people)
    ratios, own_s, peer_s, hires, jobless = [], [], [], [], []
    for round_ in range(words.rounds):
        market, twin_of_it = (
            Market(people, 1 + round_, effort_of("book_2024"), week=weeks_of(START)[0]) for _ in range(2)
        )
        vanilla = VanillaMarket(twin_of_it, seed=101 + round_)
        for i in range(words.months):
            count, own = timed(market.month, START + i)
            found, peer = timed(vanilla.month, START + i)
            ratios.append(peer / own)
            own_s.append(own)
            peer_s.append(peer)
            hires.append(100 * (count.total(crowd.HIRED) / found - 1))
        statuses = np.bincount(market.status, minlength=4).tolist()
        jobless.append(100 * (statuses[1] / vanilla.statuses()[1] - 1))
    rows = [
        {"figure": "people", "value": len(people)},
        {"figure": "twin, s a month", "value": statistics.median(own_s)},
        {"figure": "mesa agent a person, s a month", "value": statistics.median(peer_s)},
        {"figure": "times faster", "value": statistics.median(ratios)},
        {"figure": "hires, twin against mesa [%]", "value": terminal.plus_minus(interval(hires))},
        {"figure": "unemployed at the end, twin against mesa [%]", "value": terminal.plus_minus(interval(jobless))},
        {"figure": "peak MiB of both together", "value": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024},
    ]
    terminal.print_rows(rows, f"{words.months} months, {words.rounds} rounds; {os.cpu_count()} cores", False)
    if words.json:
        words.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
