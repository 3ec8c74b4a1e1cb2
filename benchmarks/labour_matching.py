"""Stable matching: deferred acceptance of the twin against the `matching` package, and its growth to a province's size.

    python -m benchmarks.labour_matching [--rounds 3] [--seekers 21905] [--vacancies 2000] [--listed 20] [--json FILE]
    python -m benchmarks.labour_matching --growth [--largest 500000] [--scored]

Every measurement is a process of its own and the candidates take turns; a ratio is the median over rounds of the ratio
within a round. The peer gets dictionaries of lists, made before the clock starts. The twin is timed twice: from the
columns of the two tables, as its files give them, and from the peer's own dictionaries. Compiling is timed apart.
`--scored` starts one step earlier: from a register of people and vacancies, of whom every pair is screened and scored
and every seeker's best are listed (wishes are much alike there, so that few of the seats stand in anyone's list). Times
are processor time: all candidates use one thread, and other users of the machine then do not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from twin import terminal

SEATS = 4  # a vacancy has 1 … 4
PEER, FROM_COLUMNS, FROM_DICTIONARIES = "matching package", "twin, from columns", "twin, from dictionaries"
SCORED = "twin, from a register"


def columns(seekers: int, vacancies: int, listed: int, seed: int = 1):
    """Strict lists of `listed` vacancies a seeker: (capacity, the seekers' table, the employers' table)."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, vacancies, seekers)
    stride = rng.integers(1, max(2, vacancies // listed), seekers)
    vacancy = ((first[:, None] + stride[:, None] * np.arange(listed)) % vacancies).astype(np.int32).ravel()
    seeker = np.repeat(np.arange(seekers, dtype=np.int32), listed)
    rank = np.tile(np.arange(listed, dtype=np.int32), seekers)
    theirs = rng.permutation(len(seeker)).astype(np.int32)
    order = np.argsort(theirs + len(seeker) * vacancy.astype(np.int64))
    employers = (vacancy[order], theirs[order], seeker[order])
    return rng.integers(1, SEATS + 1, vacancies), (seeker, rank, vacancy), employers


def dictionaries(capacity, seeker_side, employer_side):
    """The same market as the peer takes it."""
    seeker, _, vacancy = seeker_side
    by, _, whom = employer_side
    n, m = int(seeker.max()) + 1, len(capacity)
    wishes = np.split(vacancy, np.cumsum(np.bincount(seeker, minlength=n))[:-1])
    liked = np.split(whom, np.cumsum(np.bincount(by, minlength=m))[:-1])
    return (
        {s: wish.tolist() for s, wish in enumerate(wishes)},
        {v: like.tolist() for v, like in enumerate(liked)},
        dict(enumerate(capacity.tolist())),
    )


def flattened(lists: dict[int, list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A dictionary of lists as columns: whose list, the place in it, who stands there."""
    lengths = np.fromiter(map(len, lists.values()), np.int64, len(lists))
    owner = np.repeat(np.fromiter(lists, np.int32, len(lists)), lengths)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return owner, place, np.concatenate([np.array(one, np.int32) for one in lists.values()])


def peer_once(market) -> tuple[float, float, np.ndarray]:
    """Seconds to build and to solve, and the vacancy of every seeker."""
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(1_000_000)  # the package copies its linked players recursively
    from matching.games import HospitalResident

    wishes, liked, seats = dictionaries(*market)
    began = time.process_time()
    game = HospitalResident.create_from_dictionaries(wishes, liked, seats)
    built = time.process_time()
    solution = game.solve(optimal="resident")
    solved = time.process_time()
    found = np.full(len(wishes), -1)
    for hospital, residents in solution.items():
        found[[resident.name for resident in residents]] = hospital.name
    return built - began, solved - built, found


def twin_once(market, from_dictionaries: bool) -> tuple[float, float, np.ndarray, int]:
    """Seconds to build and to solve, the vacancy of every seeker, and blocking pairs."""
    from twin.labour.matching.deferred import deferred_acceptance
    from twin.labour.matching.lists import from_tables, vacancies_of
    from twin.labour.matching.stability import blocking_pairs

    capacity, seeker_side, employer_side = market
    wishes, liked, seats = dictionaries(*market) if from_dictionaries else ({}, {}, {})
    n = int(seeker_side[0].max()) + 1
    began = time.process_time()
    if from_dictionaries:
        capacity = np.fromiter(seats.values(), np.int64, len(seats))
        seeker, place, vacancy = flattened(wishes)
        seeker_side, employer_side = (seeker, place, vacancy), flattened(liked)
    lists = from_tables(n, capacity, seeker_side, employer_side)
    built = time.process_time()
    matched = deferred_acceptance(lists)
    solved = time.process_time()
    return built - began, solved - built, vacancies_of(lists, matched), blocking_pairs(lists, matched)


def scored_once(seekers: int, vacancies: int, listed: int) -> dict:
    """Seconds to score and list, and to solve, for a register drawn from the twin's people."""
    from twin.labour.advice.register import drawn_seekers, drawn_vacancies
    from twin.labour.advice.scores import top_lists
    from twin.labour.matching.deferred import deferred_acceptance
    from twin.labour.matching.stability import blocking_pairs
    from twin.labour.population import synthesise

    rng = np.random.default_rng(1)
    people = synthesise("book_2024", rng)
    register = drawn_seekers(people.take(rng.permutation(len(people))[:seekers]), rng), drawn_vacancies(vacancies, rng)
    deferred_acceptance(top_lists(*(one.take(np.arange(5)) for one in register), listed)[0])  # compiled beforehand
    began = time.process_time()
    lists, _, _ = top_lists(*register, listed)
    built = time.process_time()
    matched = deferred_acceptance(lists)
    solved = time.process_time()
    return {
        "build_s": built - began, "solve_s": solved - built, "pairs": len(lists.vacancy),
        "matched": int((matched >= 0).sum()), "blocking_pairs": blocking_pairs(lists, matched),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def measure_one(candidate: str, seekers: int, vacancies: int, listed: int) -> dict:
    """What a child process does."""
    if candidate == SCORED:
        return scored_once(seekers, vacancies, listed)
    market = columns(seekers, vacancies, listed)
    blocking, compile_s = None, 0.0
    if candidate == PEER:
        build_s, solve_s, found = peer_once(market)
    else:
        compile_s = -time.process_time()
        twin_once(columns(50, 5, 3), candidate == FROM_DICTIONARIES)
        compile_s += time.process_time()
        times = [twin_once(market, candidate == FROM_DICTIONARIES) for _ in range(3)]
        build_s, solve_s, found, blocking = min(times, key=lambda one: one[0] + one[1])
    return {
        "build_s": build_s, "solve_s": solve_s, "took_s": build_s + solve_s, "compile_s": compile_s,
        "matched": int((found >= 0).sum()), "blocking_pairs": blocking, "checksum": hash(found.tobytes()),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def in_a_child(candidate: str, seekers: int, vacancies: int, listed: int) -> dict:
    """One measurement in a process of its own."""
    words = ["--one", candidate, "--seekers", seekers, "--vacancies", vacancies, "--listed", listed]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.labour_matching", *map(str, words)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"{candidate}: {done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def against_peer(rounds: int, size: tuple[int, int, int]) -> list[dict]:
    """One row a candidate, with the ratio of the peer's build + solve to its own."""
    candidates = [FROM_COLUMNS, FROM_DICTIONARIES]
    if importlib.util.find_spec("matching"):
        candidates.insert(0, PEER)
    else:
        terminal.tell("the matching package is not installed (pip install matching): skipped")
    results = [{one: in_a_child(one, *size) for one in candidates} for _ in range(rounds)]
    identical = len({r[one]["checksum"] for r in results for one in candidates}) == 1
    rows = []
    for one in candidates:
        middle = {key: statistics.median(r[one][key] for r in results) for key in ("build_s", "solve_s", "peak_mib")}
        ratio = statistics.median(r[candidates[0]]["took_s"] / r[one]["took_s"] for r in results)
        last = results[-1][one]
        same = {key: last[key] for key in ("compile_s", "matched", "blocking_pairs")}
        rows.append({"candidate": one, **middle, "times_faster": ratio, **same, "identical": identical})
    return rows


def growth(largest: int, candidate: str = FROM_COLUMNS) -> list[dict]:
    """Build, solve and memory of the twin from 5,000 seekers to `largest`, ten seekers a vacancy, 20 listed."""
    known = (5_000, 21_905, 50_000, 100_000, 200_000, 500_000, 1_000_000)
    sizes = [n for n in known if n <= largest]
    rows = []
    for n in sizes:
        one = in_a_child(candidate, n, n // 10, 20)
        keys = ("build_s", "solve_s", "matched", "blocking_pairs", "peak_mib")
        rows.append(
            {"seekers": n, "vacancies": n // 10, "pairs": one.get("pairs", 20 * n), **{key: one[key] for key in keys}}
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seekers", type=int, default=21_905)
    parser.add_argument("--vacancies", type=int, default=2_000)
    parser.add_argument("--listed", type=int, default=20)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--largest", type=int, default=500_000)
    parser.add_argument("--scored", action="store_true", help="with --growth: from registers, scores included")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    size = (words.seekers, words.vacancies, words.listed)
    if words.one:
        sys.stdout.write("RESULT " + json.dumps(measure_one(words.one, *size)) + "\n")
        return
    from twin.terminal import print_rows

    rows = (
        growth(words.largest, SCORED if words.scored else FROM_COLUMNS)
        if words.growth
        else against_peer(words.rounds, size)
    )
    print_rows(
        rows, f"{os.cpu_count()} cores; seekers, vacancies, listed: {size}" if not words.growth else "growth", False
    )
    if words.json:
        words.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
