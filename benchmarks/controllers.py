"""Controllers against the budget of a small board: p99 of a decision at most 10 ms, at most 100 MiB resident, one core.

    python -m benchmarks.controllers [--policy policy.npz] [--inputs 10000] [--steps 10000000] [--json FILE]

What is shown: a whole turn of the loop with a decision (read, decide, guard, health) in a process of its own on one
core, with the priority that a cabinet gives it where that is allowed, and its processor time beside it, because the
machine's other work counts into the former; `import controllers` and the time to the first decision of a fresh process;
guard steps under random and hostile requests with the independent monitor's violations; the exhaustive search; and the
round trip torch → ONNX → controller over observations recorded on streets. Without --policy the weights are random.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BUDGET_MS, BUDGET_MIB = 10.0, 100.0
NETWORK, JUNCTION = "trenggalek", "J1"
RECORDED = (("grid4x4", 600), ("cologne3", 900), ("ingolstadt7", 900), ("trenggalek", 900), ("cologne8", 1200))
TURNS = """
import json, os, sys, tempfile, time
began = time.perf_counter()
try:
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
except AttributeError:
    pass
try:
    os.nice(-10)  # a cabinet runs nothing beside it
except (PermissionError, AttributeError):
    pass
import controllers
imported_s = time.perf_counter() - began
from pathlib import Path
import numpy as np
from controllers.bundle import load
from controllers.io import Seen
from controllers.io import mqtt
from controllers.log import Log
from controllers.loop import Cabinet
from controllers.selftest import peak_mib
bundle = load(Path(sys.argv[1]))
cabinet = Cabinet(bundle.runner, flash=False)
site, rng = bundle.runner.site, np.random.default_rng(1)
log = Log(Path(tempfile.mkdtemp()) / "log.sqlite", site, {})
n, took, cpu, now, first_s = int(sys.argv[2]), [], [], 0.0, None
while len(took) < n:
    vehicles = rng.poisson(4.0, len(site.zones)).astype(float)
    none = tuple(None for _ in site.plans)
    walks = tuple(frozenset(c for c in plan.crossings if rng.random() < 0.2) for plan in site.plans)
    seen = Seen(vehicles, np.floor(vehicles / 2), walks, none, tuple(False for _ in site.plans))
    start, spent = time.perf_counter(), time.process_time()
    lamps = cabinet.turn(now, seen)
    took_s, spent_s = time.perf_counter() - start, time.process_time() - spent
    log.note(now, cabinet, lamps)
    log.wait()  # on a street there are seconds for it
    if first_s is None:
        first_s = time.perf_counter() - began
    if cabinet.decided is not None:
        took.append(1000 * took_s)
        cpu.append(1000 * spent_s)
    now += 1.0
log.close()
def of(values):
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": float(max(values))}
print(json.dumps({"decision": of(took), "cpu": of(cpu), "peak_mib": peak_mib(),
                  "import_s": imported_s, "first_decision_s": first_s, "late": cabinet.health.lates}))
"""


def turns(bundle: Path, n: int) -> dict[str, Any]:
    """A controller of its own on one core: latencies, memory, times from its start."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TURNS, str(bundle), str(n)], capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def recorded(n: int) -> Any:
    """Observations of streets under max-pressure, n of them: movements, phases, serves."""
    import numpy as np

    from envs.street import Scene, Street

    parts: list[tuple[Any, Any, Any]] = []
    count = 0
    while count < n:
        for name, duration_s in RECORDED:
            scene = Scene(name, duration_s=duration_s)
            street = Street(scene)
            frame = street.begin(scene, 7 + count)
            companion = np.full(len(street.signals.plans), -1)
            while not frame.over and count < n:
                parts.append((frame.movements.copy(), frame.phases.copy(), street.serves))
                count += len(frame.movements)
                frame = street.step(companion)
            street.close()
    return tuple(np.concatenate(part)[:n] for part in zip(*parts, strict=True))


def round_trip(policy: Path, bundle: Path, n: int) -> dict[str, Any]:
    """Scores of torch and of the bundle's network on the same recorded inputs."""
    import numpy as np
    import torch

    from agents.network import load
    from controllers.bundle import load as load_bundle

    inputs = recorded(n)
    network, session = load(policy), load_bundle(bundle).runner.session
    with torch.no_grad():
        scores = network(*(torch.from_numpy(part) for part in inputs))[0].numpy()
    found = session.run(dict(zip(("movements", "phases", "serves"), inputs, strict=True)))
    exists = inputs[1][:, :, -1] > 0.5
    return {
        "inputs": len(scores),
        "largest_difference": float(np.abs(scores - found)[exists].max()),
        "largest_score": float(np.abs(scores)[exists].max()),
        "decisions_different": int((scores.argmax(axis=1) != found.argmax(axis=1)).sum()),
    }


def searched() -> list[dict[str, Any]]:
    """The exhaustive search on small plans."""
    from controllers.plan import SignalPlan
    from controllers.selftest import explore

    times = {"min_green_s": 5, "max_green_s": 20, "yellow_s": 3, "all_red_s": 2, "walk_s": 6, "clearance_s": 8}
    plans = {
        "two phases and a crossing": (("Grr", "rGG"), {(0, 1), (0, 2)}, (2,)),
        "three phases and a crossing": (("Grrr", "rGGr", "rrrG"), {(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}, (2,)),
        "four phases": (("Grrr", "rGrr", "rrGr", "rrrG"), {(a, b) for a in range(4) for b in range(a + 1, 4)}, ()),
    }
    rows = []
    for name, (phases, conflicts, crossings) in plans.items():
        states, transitions, violations = explore(SignalPlan(name, phases, frozenset(conflicts), crossings, **times))
        rows.append({"plan": name, "states": states, "transitions": transitions, "violations": violations})
    return rows


def attacked(bundle: Path, steps: int) -> dict[str, Any]:
    """Guard steps on the plans of a bundle, by the controller's own self-test."""
    words = ["selftest", str(bundle), "--json", "--steps", str(steps), "--decisions", "100"]
    done = subprocess.run([sys.executable, "-m", "controllers", *words], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    return {key: found[key] for key in ("guard_steps", "violations")}


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, help="a trained policy.npz")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--only-turns", action="store_true", help="latency and memory alone")
    parser.add_argument("--turns", type=int, default=2000, help="decisions that are timed in a process")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    from agents.export import export

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy = given.policy or _random(folder / "random.npz")
        bundles = {
            "network, one junction": export(str(policy), folder / "one", network=NETWORK, junction=JUNCTION).folder,
            "network, five junctions": export(str(policy), folder / "five", network=NETWORK).folder,
            "max-pressure, one junction": export(
                "max_pressure", folder / "mp", network=NETWORK, junction=JUNCTION
            ).folder,
        }
        found: dict[str, Any] = {"policy": str(given.policy.name) if given.policy else "random weights"}
        rounds: dict[str, list[dict[str, Any]]] = {title: [] for title in bundles}
        for _ in range(given.rounds):
            for title, bundle in bundles.items():
                rounds[title].append(turns(bundle, given.turns))
        found["turns"] = [_row(title, own) for title, own in rounds.items()]
        if not given.only_turns:
            found["round_trip"] = round_trip(policy, bundles["network, five junctions"], given.inputs)
            found["search"] = searched()
            found["attack"] = attacked(bundles["network, five junctions"], given.steps)
    found["cores"] = os.cpu_count()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    fits = all(row["p99_ms"] <= BUDGET_MS and row["peak_mib"] <= BUDGET_MIB for row in found["turns"])
    sys.stdout.write(f"budget of {BUDGET_MS:g} ms and {BUDGET_MIB:g} MiB: {'kept' if fits else 'MISSED'}\n")


def _row(title: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over rounds, and the longest of all."""
    median = {key: statistics.median(one["decision"][key] for one in rounds) for key in ("p50_ms", "p99_ms")}
    return {
        "what": title, **median, "max_ms": max(one["decision"]["max_ms"] for one in rounds),
        "cpu_p99_ms": statistics.median(one["cpu"]["p99_ms"] for one in rounds),
        "peak_mib": max(one["peak_mib"] for one in rounds),
        "import_s": statistics.median(one["import_s"] for one in rounds),
        "first_decision_s": statistics.median(one["first_decision_s"] for one in rounds),
    }  # fmt: skip


def _random(path: Path) -> Path:
    import torch

    from agents.network import PhaseNetwork, save

    torch.manual_seed(1)
    network = PhaseNetwork()
    torch.nn.init.normal_(network.score[-1].weight)
    return save(network, path)


if __name__ == "__main__":
    main()
