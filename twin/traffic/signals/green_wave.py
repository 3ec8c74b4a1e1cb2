"""Offsets for a green wave: every signal turns green when those arrive whom its neighbours let go.

Along the tree of the heaviest streams the first come to a green that begins; then signal after signal is shifted while
that shortens the waits of all streams, in both directions. All signals here share one cycle of `C` whole seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controllers.plan import GREEN, SignalPlan
from twin.traffic.signals.flows import Stream

HEADWAY_S = 2.0  # between cars that leave a queue: 3,600 over a saturation flow of 1,800 veh/h
SWEEPS = 20


@dataclass(frozen=True)
class Timing:
    """A junction's fixed time: `order` of phases, their `greens_s`, and the whole `cycle_s` with lost times."""

    order: tuple[int, ...]
    greens_s: tuple[int, ...]
    cycle_s: int


def green_seconds(plan: SignalPlan, timing: Timing, link: int) -> np.ndarray:
    """Whether a link is green in each second after the programme's start, bool (C,)."""
    green = [plan.phases[phase][link] in GREEN for phase in timing.order]
    found: list[bool] = []
    for k, green_s in enumerate(timing.greens_s):
        found += [green[k] and green[k - 1]] * round(plan.lost_s) + [green[k]] * green_s
    return np.resize(np.array(found), timing.cycle_s)


def waits_s(green: np.ndarray) -> np.ndarray:
    """For who arrives in each second of a cycle (C,), how long until the next green [s]; 0 if there is none."""
    later = np.flatnonzero(np.tile(green, 2))
    seconds = np.arange(len(green))
    return later[np.searchsorted(later, seconds)] - seconds if len(later) else np.zeros(len(green), dtype=int)


def platoon(green: np.ndarray, vehicles: float) -> np.ndarray:
    """Share of a cycle's vehicles that leaves in each second (C,): a queue from every beginning of the green on."""
    begins = np.flatnonzero(green & ~np.roll(green, 1))
    length = max(int(np.ceil(vehicles * HEADWAY_S / max(len(begins), 1))), 1)
    leaving = np.zeros(len(green))
    for begin in begins if len(begins) else [0]:
        seconds = (begin + np.arange(length)) % len(green)
        leaving[seconds[green[seconds]] if len(begins) else seconds] += 1.0
    return leaving / leaving.sum()


def stream_waits_s(
    plans: Sequence[SignalPlan], timings: Mapping[int, Timing], s: Stream, travel_s: float
) -> np.ndarray:
    """Total wait of a stream in an hour [pcu·s] if its first signal starts 0 … C−1 s after its second, float (C,)."""
    first, second = timings[s.junction], timings[s.to_junction]
    leaving = platoon(green_seconds(plans[s.junction], first, s.link), s.pcu_per_h * first.cycle_s / 3600)
    waits = waits_s(green_seconds(plans[s.to_junction], second, s.to_link))
    arriving = np.roll(leaving, round(travel_s))
    return s.pcu_per_h * np.array([np.roll(arriving, lag) @ waits for lag in range(first.cycle_s)])


def offsets_s(
    plans: Sequence[SignalPlan], timings: Mapping[int, Timing], streams: Iterable[Stream], progression_factor: float
) -> dict[int, int]:
    """Offsets of all junctions with a timing [s]; `progression_factor` scales the free travel times [-]."""
    ours = [s for s in streams if s.junction in timings and s.to_junction in timings and s.junction != s.to_junction]
    waits: dict[tuple[int, int], np.ndarray] = {}  # (a, b): by how much later a starts than b
    flow: dict[tuple[int, int], float] = defaultdict(float)
    for s in ours:
        pair = s.junction, s.to_junction
        more = stream_waits_s(plans, timings, s, progression_factor * s.travel_s)
        waits[pair] = waits.get(pair, 0.0) + more
        flow[pair] += s.pcu_per_h
    found = _tree(timings, waits, flow)
    for _ in range(SWEEPS):
        before = dict(found)
        for j in sorted(timings, key=lambda j: -sum(q for pair, q in flow.items() if j in pair)):
            total = np.zeros(timings[j].cycle_s)
            for (a, b), wait in waits.items():
                if j == a:
                    total += np.roll(wait, found[b])
                elif j == b:
                    total += np.roll(wait[::-1], found[a] + 1)
            if total[found[j]] > total.min() + 1e-6:
                found[j] = int(total.argmin())
        if found == before:
            break
    return found


def _tree(
    timings: Mapping[int, Timing], waits: Mapping[tuple[int, int], np.ndarray], flow: Mapping[tuple[int, int], float]
) -> dict[int, int]:
    """Offsets along the tree of the heaviest flows, from the busiest junction outward; each flow waits least."""
    busy = {j: sum(q for pair, q in flow.items() if j in pair) for j in timings}
    found: dict[int, int] = {}
    for root in sorted(timings, key=lambda j: (-busy[j], j)):
        found.setdefault(root, 0)
        while out := [pair for pair in flow if (pair[0] in found) != (pair[1] in found)]:
            a, b = max(out, key=lambda pair: (flow[pair], pair))
            later = int(waits[a, b].argmin())
            if a in found:
                found[b] = (found[a] - later) % timings[b].cycle_s
            else:
                found[a] = (found[b] + later) % timings[a].cycle_s
    return found
