"""Simulated seconds per second: TrafficSim against raw SUMO (the limit) and sumo-rl (the peer), an hour of a network.

    python -m benchmarks.traffic [--rounds 5] [--networks cologne1,grid4x4] [--json FILE]

Every measurement is a process of its own; the candidates take turns within a round, and each ratio is the median over
rounds of the ratio within a round. What is counted is processor time, of child processes too, without the loading of
the network: on a shared machine the wall's time tells more about the neighbours. It spares those who wait for each
other across processes (sumo-rl over TraCI, the environment) the price of waiting. Raw SUMO and TrafficSim drive the
network's own fixed programme, so that the same traffic is moved, and so does a bare libsumo loop: what the library
costs before anybody reads or decides. The environment leaves its junctions to max-pressure, so that it moves what
TrafficSim moves under max-pressure; sumo-rl and TrafficSim are also compared under random actions, a decision every 5
s. sumo-rl with the network's fixed programme tells by how much SUMO itself, who reads nothing, is faster than it.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil

from twin.traffic.demand.sampling import sumo_home
from twin.traffic.networks.files import program
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of

HOUR_S, DECISION_S = 3600, 5
CANDIDATES = (
    "raw sumo",
    "libsumo loop",
    "TrafficSim fixed",
    "TrafficSim max-pressure",
    "environment max-pressure",
    "TrafficSim random",
    "sumo-rl libsumo fixed",
    "sumo-rl libsumo",
    "sumo-rl TraCI",
)


def cpu_s() -> float:
    """Processor time of this process and of its living children so far [s]."""
    children = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(child.cpu_times()[:2]) for child in children)


def raw_sumo(name: str) -> float:
    """Seconds of SUMO's program for an hour, less those for loading and the first second."""
    from twin.traffic.simulation.hour import sumo_options

    network = locate(name)
    words = [program("sumo"), *sumo_options(network, 1, 1.0), "--end"]

    def run(duration_s: int) -> float:
        before = os.times()
        subprocess.run([*words, str(network.begin_s + duration_s)], capture_output=True, check=True)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    return run(HOUR_S) - run(1)


def traffic_sim(name: str, rule: str) -> float:
    """Seconds of an hour in TrafficSim: detectors read and guards asked every 5 s."""
    import numpy as np

    from controllers.rules import RULES
    from twin.traffic.simulation.detectors import DetectorOptions
    from twin.traffic.simulation.hour import sumo_options
    from twin.traffic.simulation.sim import TrafficSim

    network = locate(name)
    signals = signals_of(network.net_file, DetectorOptions().camera_range_m)
    sim = TrafficSim(network, signals, sumo_options(network, 1, 1.0), decision_s=DECISION_S)
    rng = np.random.default_rng(1)
    phases = signals.junctions.phases
    decide = RULES[rule](signals.junctions) if rule != "random" else lambda readings: rng.integers(0, phases)
    began = cpu_s()
    while sim.time_s < network.begin_s + HOUR_S:
        sim.step(decide(sim.readings))
    took_s = cpu_s() - began
    sim.close()
    return took_s


def libsumo_loop(name: str) -> float:
    """Seconds of an hour in libsumo, stepped in strides of 5 s with nothing read."""
    import libsumo

    from twin.traffic.simulation.hour import sumo_options

    network = locate(name)
    libsumo.start(["sumo", *sumo_options(network, 1, 1.0)])
    began = cpu_s()
    for time_s in range(network.begin_s + DECISION_S, network.begin_s + HOUR_S + 1, DECISION_S):
        libsumo.simulationStep(time_s)
    took_s = cpu_s() - began
    libsumo.close()
    return took_s


def environment(name: str) -> float:
    """Seconds of an hour in the vectorised environment, every signal left to max-pressure."""
    import numpy as np

    from envs.street import Scene
    from envs.vector import SignalVecEnv
    from twin.traffic.simulation.events import EventOptions

    env = SignalVecEnv([Scene(name, duration_s=HOUR_S, events=EventOptions())])
    env.reset()
    left = np.full(env.num_envs, -1)
    began = cpu_s()
    for _ in range(HOUR_S // DECISION_S - 1):  # the last step would begin the next hour
        env.step(left)
    took_s = cpu_s() - began
    env.close()
    return took_s * HOUR_S / (HOUR_S - DECISION_S)


def sumo_rl(name: str, fixed: bool = False) -> float:
    """Seconds of an hour in sumo-rl's environment with random actions, or under the network's own programme."""
    warnings.simplefilter("ignore")
    os.environ["SUMO_HOME"] = str(sumo_home())
    from sumo_rl import SumoEnvironment

    network = locate(name)
    environment = SumoEnvironment(
        net_file=str(network.net_file), route_file=str(network.route_file), begin_time=network.begin_s,
        num_seconds=HOUR_S, delta_time=DECISION_S, single_agent=False, sumo_seed=1, add_system_info=False,
        add_per_agent_info=False, sumo_warnings=False, time_to_teleport=-1, min_green=5, fixed_ts=fixed,
        yellow_time=min(DECISION_S - 1, int(signals_of(network.net_file, 200.0).plans[0].yellow_s)),
    )  # fmt: skip
    environment.reset()
    began = cpu_s()
    done = False
    while not done:
        actions = {} if fixed else {light: environment.action_spaces(light).sample() for light in environment.ts_ids}
        *_, dones, _ = environment.step(actions)
        done = dones["__all__"]
    took_s = cpu_s() - began
    environment.close()
    return took_s


def measure_one(candidate: str, name: str) -> None:
    """What the child process does: one measurement, printed as JSON."""
    if candidate == "raw sumo":
        took_s = raw_sumo(name)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    else:
        alone: dict[str, Callable[[str], float]] = {
            "libsumo loop": libsumo_loop,
            "environment max-pressure": environment,
            "sumo-rl libsumo fixed": functools.partial(sumo_rl, fixed=True),
        }
        rules = {"fixed": "fixed_time", "max-pressure": "max_pressure", "random": "random"}
        kind, _, which = candidate.partition(" ")
        if candidate in alone:
            took_s = alone[candidate](name)
        else:
            took_s = traffic_sim(name, rules[which]) if kind == "TrafficSim" else sumo_rl(name)
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sys.__stdout__.write("\nRESULT " + json.dumps({"took_s": took_s, "peak_mib": peak / 1024}) + "\n")


def measured(candidate: str, name: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"} | (
        {"LIBSUMO_AS_TRACI": "1"} if candidate.startswith("sumo-rl libsumo") else {}
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.traffic", "--one", candidate, "--networks", name],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"{candidate} on {name}: {done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def table(names: list[str], rounds: int) -> list[dict[str, float | str]]:
    """One row a network and candidate: rate, ratios to raw SUMO and to both kinds of sumo-rl, peak memory."""
    rows = []
    for name in names:
        results = [{candidate: measured(candidate, name) for candidate in CANDIDATES} for _ in range(rounds)]
        for candidate in CANDIDATES:

            def ratio(peer: str, candidate: str = candidate, results: list = results) -> float:
                return statistics.median(r[peer]["took_s"] / r[candidate]["took_s"] for r in results)

            rows.append({
                "network": name,
                "candidate": candidate,
                "sim_s_per_cpu_s": HOUR_S / statistics.median(r[candidate]["took_s"] for r in results),
                "of_raw_sumo": ratio("raw sumo"),
                "of_traffic_sim": ratio("TrafficSim max-pressure"),
                "over_sumo_rl_libsumo": ratio("sumo-rl libsumo"),
                "over_sumo_rl_traci": ratio("sumo-rl TraCI"),
                "peak_mib": statistics.median(r[candidate]["peak_mib"] for r in results),
            })  # fmt: skip
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", default="cologne1,grid4x4")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        measure_one(words.one, words.networks)
        return
    from twin.terminal import print_rows

    rows = table(words.networks.split(","), words.rounds)
    print_rows(rows, f"an hour, processor time, {os.cpu_count()} cores, median of {words.rounds} rounds", False)
    if words.json:
        words.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
