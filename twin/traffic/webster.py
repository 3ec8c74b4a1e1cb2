"""Fixed time as an engineer would set it from counts: phases, cycle and splits by Webster, offsets for a green wave.

Of a junction's phases the cheapest set that serves everybody is taken; a small linear programme shares out the green,
so that overlapping phases and lanes served by several of them are counted rightly. `R` lanes with flow, `P` phases,
`K` steps of a programme. Flows are passenger-car units an hour, ratios are flow over saturation flow.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from controllers.plan import SignalPlan
from twin.traffic.files import Network
from twin.traffic.flows import Flows, counted
from twin.traffic.green_wave import Timing, offsets_s
from twin.traffic.signals import Signals

MAX_STEPS = 5  # a programme of more steps loses more time than any order of phases saves
MAX_CYCLE_S = 120.0  # longer ones save little capacity and cost everybody waiting (Webster 1958; HCM 2000, ch. 16)
CRITICAL_GAP_S, FOLLOW_UP_S = 4.5, 2.5  # of drivers who yield on green (Akçelik 1981, ARR 123; HCM 2000, ch. 16)


@dataclass(frozen=True)
class Demand:
    """What one junction's lanes need and get.

    `ratio`: flow ratio of each lane, float (R,). `weight`: share of its saturation flow that a lane discharges in each
    phase, float (R, P). `blocked`: share of the cycle for which opposing queues first keep it from moving, (R, P).
    """

    ratio: np.ndarray
    weight: np.ndarray
    blocked: np.ndarray


def lane_flows(zone_of: Sequence[int], flow_per_h: np.ndarray) -> dict[int, float]:
    """Flow of every approach lane (zone) that has any: the sum over the links that leave it."""
    found: dict[int, float] = {}
    for zone, flow in zip(zone_of, flow_per_h.tolist(), strict=True):
        if zone >= 0 and flow > 0:
            found[zone] = found.get(zone, 0.0) + flow
    return found


def yielding_saturation_per_h(opposing_per_h: float, saturation_per_h: float) -> float:
    """What a lane discharges that has green and must find gaps in an opposing flow (Akçelik 1981; HCM 2000, C16-2)."""
    if opposing_per_h <= 0:
        return saturation_per_h
    q = opposing_per_h / 3600
    gaps = opposing_per_h * np.exp(-q * CRITICAL_GAP_S) / (1 - np.exp(-q * FOLLOW_UP_S))
    return float(min(gaps, saturation_per_h))


def demand_of(plan: SignalPlan, zone_of: Sequence[int], flow_per_h: np.ndarray, saturation_per_h: float) -> Demand:
    """Flow ratios of a junction's lanes, and how well each phase serves them.

    A phase serves a lane where it serves all turns from it; where no phase does, every turn is taken for itself.
    """
    totals = lane_flows(zone_of, flow_per_h)
    streams = []
    for zone in totals:
        links = [i for i, z in enumerate(zone_of) if z == zone and flow_per_h[i] > 0]
        whole = any(all(state[i] != "r" for i in links) for state in plan.phases)
        streams += [links] if whole else [[i] for i in links]
    ratios = {zone: total / saturation_per_h for zone, total in totals.items()}
    served = [
        [_service(plan, state, links, zone_of, flow_per_h, ratios, saturation_per_h) for state in plan.phases]
        for links in streams
    ]
    both = np.array(served, dtype=float).reshape(len(streams), len(plan.phases), 2)
    ratio = np.array([sum(flow_per_h[i] for i in links) / saturation_per_h for links in streams])
    return Demand(ratio, both[:, :, 0], both[:, :, 1])


def _service(
    plan: SignalPlan, state: str, links: Sequence[int], zone_of: Sequence[int], flow_per_h: np.ndarray,
    ratios: Mapping[int, float], saturation_per_h: float,
) -> tuple[float, float]:  # fmt: skip
    """Weight and blocked share of a lane with these links while a phase shows `state`; turns mix by their flows."""
    if any(state[i] == "r" for i in links):
        return 0.0, 0.0
    total = sum(flow_per_h[i] for i in links)
    headway = blocked = 0.0
    for i in links:
        share = flow_per_h[i] / total
        rate = saturation_per_h
        if state[i] != "G":
            foes = [b if a == i else a for a, b in plan.conflicts if i in (a, b)]
            foes = [f for f in foes if state[f] == "G" and f not in plan.crossings]
            rate = yielding_saturation_per_h(sum(flow_per_h[f] for f in foes), saturation_per_h)
            blocked += share * max((ratios.get(zone_of[f], 0.0) for f in foes), default=0.0)
        headway += share / rate
    return 1 / (headway * saturation_per_h), blocked


def critical_ratio(demand: Demand, cover: Sequence[int]) -> float:
    """Least share of the cycle that must be green for capacity to meet demand in these phases; inf if none does."""
    if not len(demand.ratio):
        return 0.0
    weight, blocked = demand.weight[:, cover], demand.blocked[:, cover]
    need = demand.ratio + (weight * blocked).sum(axis=1)
    solved = linprog(np.ones(len(cover)), A_ub=-weight, b_ub=-need, method="highs")
    return float(solved.fun) if solved.status == 0 else float("inf")


def optimal_cycle_s(lost_s: float, ratio: float, least_s: float = 0.0, most_s: float = MAX_CYCLE_S) -> float:
    """Webster's cycle of least delay, (1.5 L + 5) / (1 − Y) (Webster 1958), between `least_s` and `most_s`."""
    best_s = (1.5 * lost_s + 5) / (1 - ratio) if ratio < 1 else most_s
    return max(min(best_s, most_s), least_s)


def least_greens_s(plan: SignalPlan, cover: Sequence[int]) -> np.ndarray:
    """Shortest green of each phase [s], float (K,): the plan's, or a walk and its clearance where people cross."""
    crossing_s = plan.walk_s + plan.clearance_s
    return np.array([max(plan.min_green_s, crossing_s if plan.crossings_of[p] else 0.0) for p in cover])


def kept_green(plan: SignalPlan, demand: Demand, order: Sequence[int]) -> np.ndarray:
    """Weight with which a lane also discharges in the change after each step, (R, K): where all its lamps stay green."""
    found = np.zeros((len(demand.ratio), len(order)))
    for k, phase in enumerate(order):
        to = order[(k + 1) % len(order)]
        found[:, k] = np.minimum(demand.weight[:, phase], demand.weight[:, to])
    return found


def split_greens_s(
    demand: Demand,
    order: Sequence[int],
    cycle_s: float,
    lost_s: float,
    least_s: np.ndarray,
    kept: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """Greens [s], float (K,), that all capacities exceed demand by the largest common factor; and that factor.

    `lost_s` is the lost time of one step. Greens and lost times add up to the cycle, no green is below `least_s`.
    """
    steps = len(order)
    free_s = cycle_s - steps * lost_s
    constant = np.zeros(len(demand.ratio)) if kept is None else kept.sum(axis=1) * lost_s / cycle_s
    weight, blocked = demand.weight[:, order], demand.blocked[:, order]
    constant = constant - (weight * blocked).sum(axis=1)
    rows = np.hstack([-weight / cycle_s, demand.ratio[:, None]])
    solved = linprog(
        np.r_[np.zeros(steps), -1.0], A_ub=rows, b_ub=constant, A_eq=[[*[1.0] * steps, 0.0]], b_eq=[free_s],
        bounds=[*((low, None) for low in least_s), (None, 1e3)], method="highs",
    )  # fmt: skip
    return solved.x[:steps], float(solved.x[steps])


def mean_delay_s(
    demand: Demand, order: Sequence[int], greens_s: np.ndarray, cycle_s: float, saturation_per_h: float
) -> float:
    """Estimated delay per vehicle [s]: uniform and overflow delay of an hour (HCM 2000, equations 16-11 and 16-12)."""
    ratio, weight = demand.ratio, demand.weight[:, order]
    share = (weight * (greens_s / cycle_s - demand.blocked[:, order])).sum(axis=1).clip(1e-3)  # of full discharge
    green = (share / demand.weight.max(axis=1)).clip(max=1.0)
    x = ratio / share
    uniform_s = 0.5 * cycle_s * (1 - green) ** 2 / (1 - np.minimum(x, 1) * green).clip(1e-9)
    overflow_s = 900 * (x - 1 + np.sqrt((x - 1) ** 2 + 4 * x / (share * saturation_per_h)))
    return float(np.average(uniform_s + overflow_s, weights=ratio))


def timing(plan: SignalPlan, demand: Demand, order: Sequence[int], cycle_s: float) -> tuple[Timing, np.ndarray]:
    """Greens for phases in this order and a cycle of about `cycle_s`, longer if least greens need it: in whole seconds
    and, float (K,), as they were before rounding. Rounding keeps the sum and never goes below the least greens."""
    least_s = np.ceil(least_greens_s(plan, order))
    cycle = int(np.ceil(max(round(cycle_s), least_s.sum() + len(order) * plan.lost_s)))
    exact, _ = split_greens_s(demand, order, cycle, plan.lost_s, least_s, kept_green(plan, demand, order))
    whole = np.floor(exact + 1e-6)
    for k in np.argsort(whole - exact, kind="stable")[: round(exact.sum() - whole.sum())]:
        whole[k] += 1
    return Timing(tuple(order), tuple(int(g) for g in whole), cycle), exact


def protected(plan: SignalPlan, flow_per_h: np.ndarray) -> tuple[frozenset[int], ...]:
    """For each phase the links with flow that need not yield in it, where they must yield in another."""
    yielding = {i for state in plan.phases for i, letter in enumerate(state) if letter == "g" and flow_per_h[i] > 0}
    return tuple(frozenset(i for i in yielding if state[i] == "G") for state in plan.phases)


def phase_cover(
    plan: SignalPlan,
    demand: Demand,
    saturation_per_h: float,
    cycle_factor: float = 1.0,
    needs: Sequence[frozenset[int]] = (),
) -> tuple[tuple[int, ...], float]:
    """The phases, in the order in which to show them, that serve every lane with flow and every crossing at the least
    estimated delay; and the cycle for them [s]. Raises nothing: a junction without flow takes its fallback's phases."""
    needs = needs or plan.crossings_of
    needed = frozenset().union(*needs)
    best: tuple[float, tuple[int, ...], float] | None = None
    for n in range(1, min(len(plan.phases), MAX_STEPS) + 1):
        for cover in itertools.combinations(range(len(plan.phases)), n):
            if needed != frozenset().union(*(needs[p] for p in cover)):
                continue
            ratio = critical_ratio(demand, cover)
            if not np.isfinite(ratio):
                continue
            cycle_s = optimal_cycle_s(n * plan.lost_s, ratio) * cycle_factor
            order = best_order(plan, demand, cover)
            timed, greens_s = timing(plan, demand, order, min(cycle_s, MAX_CYCLE_S))
            delay_s = mean_delay_s(demand, order, greens_s, timed.cycle_s, saturation_per_h)
            if best is None or delay_s < best[0] - 1e-9:
                best = delay_s, order, float(timed.cycle_s)
    if best is None:
        raise LookupError(plan.name)
    return best[1:]


def best_order(plan: SignalPlan, demand: Demand, cover: Sequence[int]) -> tuple[int, ...]:
    """The order in which most traffic keeps its green from phase to phase; the plan's own where that makes no odds."""
    orders = [(cover[0], *rest) for rest in itertools.permutations(cover[1:])]
    return max(orders, key=lambda order: round(float(demand.ratio @ kept_green(plan, demand, order).sum(axis=1)), 9))


def webster_programmes(network: Network, signals: Signals, settings: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Programmes of all signals for `batch.Job.programmes`: {"steps": [[phase, green_s], …], "offset_s": …}.

    Settings: `cycle_factor` on Webster's cycle [-], `saturation_veh_per_h` of a lane [pcu/h of green],
    `progression_factor` on the free travel time between signals [-]; 0 leaves every junction its own cycle. A junction
    that nobody passes keeps the plan's programme. Raises NetworkError.
    """
    flows = counted(network, signals)
    saturation, factor = settings["saturation_veh_per_h"], settings["progression_factor"]
    demands = {
        j: demand_of(plan, signals.zone_of[j], flows.car_units[j], saturation)
        for j, plan in enumerate(signals.plans)
        if flows.car_units[j].any()
    }
    covers = {}
    for j, demand in demands.items():
        plan = signals.plans[j]
        needs = [a | b for a, b in zip(plan.crossings_of, protected(plan, flows.vehicles[j]), strict=True)]
        needs = needs if settings.get("protected_turns") else plan.crossings_of
        covers[j] = phase_cover(plan, demand, saturation, settings["cycle_factor"], needs)
    cycles_s = {j: cycle_s for j, (_, cycle_s) in covers.items()}
    if factor > 0:
        cycles_s = common_cycles_s(cycles_s, flows)
    timings = {j: timing(signals.plans[j], demands[j], order, cycles_s[j])[0] for j, (order, _) in covers.items()}
    starts_s = offsets_s(signals.plans, timings, flows.streams, factor) if factor > 0 else {}
    return {
        signals.plans[j].name: {
            "steps": [list(step) for step in zip(t.order, t.greens_s, strict=True)], "offset_s": starts_s.get(j, 0),
        }
        for j, t in timings.items()
    }  # fmt: skip


def common_cycles_s(cycles_s: Mapping[int, float], flows: Flows) -> dict[int, float]:
    """For every junction the longest cycle among those that traffic links it with."""
    found = dict(cycles_s)
    pairs = [(s.junction, s.to_junction) for s in flows.streams]
    for _ in found:
        for a, b in pairs:
            found[a] = found[b] = max(found[a], found[b])
    return found
