"""A bundle tried on this very machine: the guard under attack, the policy's answers timed, memory measured."""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from controllers.guard import Guard
from controllers.monitor import Monitor, limits_of
from controllers.plan import SignalPlan
from controllers.policy import SignalPolicy, readings_of

BLOCK = 1 << 16
BUDGET_MS, BUDGET_MIB = 10.0, 100.0


def attack(plan: SignalPlan, steps: int, seed: int = 1) -> int:
    """Ask a guard for random and for adversarial things so many times; the violations that the monitor sees.

    Half of the blocks ask at random, half for what would hurt most: another phase at every turn, pre-emption that comes
    and goes, calls of nobody; with steps of time from nothing to many seconds, some no number at all.
    """
    rng, guard, monitor = np.random.default_rng(seed), Guard(plan), Monitor(limits_of(plan))
    phases, shown, turn = len(plan.phases), guard.shown, 0
    for begin in range(0, steps, BLOCK):
        n = min(BLOCK, steps - begin)
        hostile = (begin // BLOCK) % 2 == 1
        wanted = rng.integers(-2, phases + 2, n).tolist()
        priority = rng.integers(-8 if not hostile else -1, phases, n).tolist()
        dt_s = rng.choice([0.0, 0.1, 0.5, 1.0, 1.0, 2.5, 17.0], n).tolist()
        called, pressed = (rng.random((n, phases)) < 0.5).tolist(), (rng.random(n) < 0.3).tolist()
        for i in range(n):
            turn += 1
            want: Any = (guard.phase + 1 + turn % phases) if hostile else wanted[i]
            if turn % 101 == 0:
                want = (float("nan"), "0", None, 2**70)[turn % 4]
            step_s = float("nan") if turn % 997 == 0 else dt_s[i]
            monitor.see(shown, step_s if step_s > 0 else 0.0)
            urgent = priority[i] if priority[i] >= 0 else None
            walks = plan.crossings if pressed[i] else ()
            shown = guard.admit(want, step_s, None if turn % 3 else called[i], walks, urgent)
        if turn % (16 * BLOCK) == 0:
            guard.restart()
            shown = guard.shown
            monitor = _fresh(monitor)
    return len(monitor.violations)


def _fresh(before: Monitor) -> Monitor:
    """A monitor after a power cut; what was found before is kept."""
    after = Monitor(before.limits)
    after.violations = before.violations
    return after


def explore(plan: SignalPlan, dt_s: float = 1.0) -> tuple[int, int, int]:
    """Every state that a guard of a small plan can reach, under every request: states, transitions, violations.

    Times must be multiples of `dt_s`; a green longer than the maximum counts as the maximum.
    """
    requests = [
        (wanted, calls, walks, priority)
        for wanted in [None, *range(len(plan.phases))]
        for calls in ((False,) * len(plan.phases), (True,) * len(plan.phases))
        for walks in ((), plan.crossings)
        for priority in [None, *range(len(plan.phases))]
    ]
    first = (Guard(plan), Monitor(limits_of(plan)))
    first[1].see(first[0].shown, 0.0)
    todo, known, transitions, violations = deque([first]), {_key(*first)}, 0, 0
    while todo:
        guard, monitor = todo.popleft()
        for request in requests:
            after, watch = guard.copy(), monitor.copy()
            watch.see(after.shown, dt_s)
            wanted, calls, walks, priority = request
            watch.see(after.admit(wanted, dt_s, calls, walks, priority), 0.0)
            transitions += 1
            violations += len(watch.violations)
            watch.violations.clear()
            if (key := _key(after, watch)) not in known:
                known.add(key)
                todo.append((after, watch))
    return len(known), transitions, violations


def _key(guard: Guard, monitor: Monitor) -> tuple[Any, ...]:
    """All of a state that the future depends on; times so long past that they bind nobody are one."""
    return guard.state, monitor.state


def latency(policy: SignalPolicy, golden: dict[str, Any], decisions: int) -> dict[str, float]:
    """How long decisions take [ms]: median, 99th percentile, longest."""
    story = [readings_of(told) for told in golden["readings"]]
    took = np.zeros(decisions)
    policy.restart()
    for i in range(decisions):
        readings, priority = story[i % len(story)]
        if i % len(story) == 0:
            policy.restart()
        began = time.perf_counter()
        policy.decide(readings, priority)
        took[i] = time.perf_counter() - began
    policy.restart()
    p50, p99 = np.percentile(took * 1000, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": float(took.max() * 1000)}


def peak_mib() -> float:
    """Most memory that this process ever held [MiB]."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux counts a parent's memory into ru_maxrss of a process that it started
        told = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
        return int(told["VmHWM"].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
