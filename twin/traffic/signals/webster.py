"""Fixed time as an engineer would set it from counts: phases, cycle and splits by Webster, offsets for a green wave.

Of a junction's phases the cheapest set that serves everybody is taken; a small linear programme shares out the green,
so that overlapping phases and lanes served by several of them are counted rightly. `R` lanes with flow, `P` phases,
`K` steps of a programme. Flows are passenger-car units an hour, ratios are flow over saturation flow.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from controllers.plan import SignalPlan
from twin.errors import NetworkError
from twin.traffic.networks.files import Network
from twin.traffic.signals.flows import Flows, counted
from twin.traffic.signals.green_wave import Timing, offsets_s
from twin.traffic.signals.plans import Signals
from twin.traffic.signals.theory import webster_cycle_s

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
    if weight.max(axis=1).min() <= 0:
        return float("inf")
    need = demand.ratio + (weight * blocked).sum(axis=1)
    solved = linprog(np.ones(len(cover)), A_ub=-weight, b_ub=-need, method="highs")
    return float(solved.fun) if solved.status == 0 else float("inf")


def optimal_cycle_s(lost_s: float, ratio: float, least_s: float = 0.0, most_s: float = MAX_CYCLE_S) -> float:
    """Webster's cycle of least delay, (1.5 L + 5) / (1 − Y) (Webster 1958), between `least_s` and `most_s`."""
    return max(min(float(webster_cycle_s(lost_s, ratio)), most_s), least_s)


def least_greens_s(plan: SignalPlan, cover: Sequence[int]) -> np.ndarray:
    """Shortest green of each phase [s], float (K,): the plan's, or a walk and its clearance where people cross."""
    crossing_s = plan.walk_s + plan.clearance_s
    return np.array([max(plan.min_green_s, crossing_s if plan.crossings_of[p] else 0.0) for p in cover])


def kept_green(demand: Demand, order: Sequence[int]) -> np.ndarray:
    """Weight with which a lane goes on discharging in the change after each step, float (R, K): it keeps its green."""
    if len(order) == 1:
        return demand.weight[:, order]
    return np.minimum(demand.weight[:, order], demand.weight[:, np.roll(order, -1)])


def split_greens_s(
    demand: Demand, order: Sequence[int], cycle_s: float, lost_s: float, least_s: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, float]:
    """Greens [s], float (K,), with which all capacities are the largest common multiple of demand; and that factor.

    `lost_s` is one step's. Greens and lost times add up to the cycle, no green is below `least_s` (K,). Where lanes
    have one phase each, these are Webster's splits: equal degrees of saturation.
    """
    steps, weight = len(order), demand.weight[:, order]
    constant = kept.sum(axis=1) * lost_s / cycle_s - (weight * demand.blocked[:, order]).sum(axis=1)
    solved = linprog(
        np.r_[np.zeros(steps), -1.0],
        A_ub=np.hstack([-weight / cycle_s, demand.ratio[:, None]]), b_ub=constant,
        A_eq=[[*[1.0] * steps, 0.0]], b_eq=[cycle_s - steps * lost_s],
        bounds=[*((low, None) for low in least_s), (None, 1e3)], method="highs",
    )  # fmt: skip
    return solved.x[:steps], float(solved.x[steps])


def shortest_cycle_s(
    demand: Demand, order: Sequence[int], lost_s: float, least_s: np.ndarray, kept: np.ndarray
) -> float:
    """Shortest cycle in which capacity meets demand with greens of at least `least_s` (K,); inf if none does."""
    steps, weight = len(order), demand.weight[:, order]
    need = demand.ratio + (weight * demand.blocked[:, order]).sum(axis=1)
    solved = linprog(
        np.r_[np.zeros(steps), 1.0],
        A_ub=np.hstack([-weight, need[:, None]]), b_ub=kept.sum(axis=1) * lost_s,
        A_eq=[[*[1.0] * steps, -1.0]], b_eq=[-steps * lost_s],
        bounds=[*((low, None) for low in least_s), (0, None)], method="highs",
    )  # fmt: skip
    return float(solved.fun) if solved.status == 0 else float("inf")


def mean_delay_s(
    demand: Demand, order: Sequence[int], greens_s: np.ndarray, cycle_s: float, saturation_per_h: float
) -> float:
    """Estimated delay per vehicle [s]: uniform and overflow delay of an hour (HCM 2000, equations 16-11 and 16-12)."""
    weight = demand.weight[:, order]
    share = (weight * (greens_s / cycle_s - demand.blocked[:, order])).sum(axis=1).clip(1e-3)  # of full discharge
    green = (share / weight.max(axis=1)).clip(max=1.0)
    x = demand.ratio / share
    uniform_s = 0.5 * cycle_s * (1 - green) ** 2 / (1 - np.minimum(x, 1) * green).clip(1e-9)
    overflow_s = 900 * (x - 1 + np.sqrt((x - 1) ** 2 + 4 * x / (share * saturation_per_h)))
    return float(np.average(uniform_s + overflow_s, weights=demand.ratio))


def timing(plan: SignalPlan, demand: Demand, order: Sequence[int], cycle_s: float) -> tuple[Timing, np.ndarray]:
    """Programme in whole seconds for phases in this order, and its greens before rounding [s], float (K,).

    The cycle is longer than `cycle_s` where least greens need it, or capacity does and MAX_CYCLE_S allows. Rounding
    keeps the cycle and the least greens.
    """
    least_s = np.ceil(least_greens_s(plan, order))
    kept = kept_green(demand, order)
    needed_s = min(shortest_cycle_s(demand, order, plan.lost_s, least_s, kept), MAX_CYCLE_S)
    cycle = int(np.ceil(max(round(cycle_s), needed_s - 1e-6, least_s.sum() + len(order) * plan.lost_s)))
    exact, _ = split_greens_s(demand, order, cycle, plan.lost_s, least_s, kept)
    whole = np.floor(exact + 1e-6)
    for k in np.argsort(whole - exact, kind="stable")[: round(exact.sum() - whole.sum())]:
        whole[k] += 1
    return Timing(tuple(order), tuple(int(g) for g in whole), cycle), exact


def unyielding(plan: SignalPlan, flow_per_h: np.ndarray) -> tuple[frozenset[int], ...]:
    """For each phase the links with flow that have right of way in it, and must yield in another phase."""
    yielding = {i for state in plan.phases for i, letter in enumerate(state) if letter == "g" and flow_per_h[i] > 0}
    return tuple(frozenset(i for i in yielding if state[i] == "G") for state in plan.phases)


def phase_cover(
    plan: SignalPlan,
    demand: Demand,
    saturation_per_h: float,
    cycle_factor: float = 1.0,
    needs: Sequence[frozenset[int]] = (),
) -> tuple[tuple[int, ...], float]:
    """The phases, in the order in which to show them, that serve every lane with flow, and their cycle [s].

    Of all sets of up to MAX_STEPS phases, the one with the least estimated delay at Webster's cycle times
    `cycle_factor`. `needs` are links by phase that must have their turn as well; by default the crossings. A set that
    loses more time than a smaller one and needs no less green is passed over.
    """
    needs = needs or plan.crossings_of
    wanted = frozenset().union(*needs)
    best: tuple[float, tuple[int, ...], float] | None = None
    least_ratio = float("inf")
    for n in range(1, min(len(plan.phases), MAX_STEPS) + 1):
        ratios = {}
        for cover in itertools.combinations(range(len(plan.phases)), n):
            if wanted == frozenset().union(*(needs[p] for p in cover)):
                ratios[cover] = critical_ratio(demand, cover)
        for cover, ratio in ratios.items():
            if ratio > least_ratio - 1e-6 or ratio == float("inf"):
                continue
            order = best_order(demand, cover)
            cycle_s = min(optimal_cycle_s(n * plan.lost_s, ratio) * cycle_factor, MAX_CYCLE_S)
            timed, greens_s = timing(plan, demand, order, cycle_s)
            delay_s = mean_delay_s(demand, order, greens_s, timed.cycle_s, saturation_per_h)
            if best is None or delay_s < best[0] - 1e-9:
                best = delay_s, order, float(timed.cycle_s)
        least_ratio = min([least_ratio, *ratios.values()])
    if best is None:
        raise NetworkError(f"signal {plan.name}: no {MAX_STEPS} of its phases serve everybody; the plan lacks phases")
    return best[1:]


def best_order(demand: Demand, cover: Sequence[int]) -> tuple[int, ...]:
    """The order in which most traffic keeps its green from phase to phase; the plan's own where that makes no odds."""
    orders = [(cover[0], *rest) for rest in itertools.permutations(cover[1:])]
    return max(orders, key=lambda order: round(float(demand.ratio @ kept_green(demand, order).sum(axis=1)), 9))


@functools.lru_cache(maxsize=1024)
def _chosen(
    plan: SignalPlan, zone_of: tuple[int, ...], flow_per_h: tuple[float, ...], saturation_per_h: float,
    cycle_factor: float, protected_turns: bool,
) -> tuple[tuple[int, ...], float]:  # fmt: skip
    """`phase_cover`, remembered: every seed of an evaluation has the same programmes."""
    flow, needs = np.array(flow_per_h), plan.crossings_of
    if protected_turns:
        needs = tuple(a | b for a, b in zip(needs, unyielding(plan, flow), strict=True))
    return phase_cover(plan, demand_of(plan, zone_of, flow, saturation_per_h), saturation_per_h, cycle_factor, needs)


def webster_programmes(network: Network, signals: Signals, settings: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Programmes of all signals for `batch.Job.programmes`: {"steps": [[phase, green_s], …], "offset_s": …}.

    Settings: `cycle_factor` on Webster's cycle [-]; `saturation_veh_per_h` of a lane [pcu/h of green];
    `progression_factor` on the free travel time between signals [-], 0 leaves every junction its own cycle; and, if
    given and not 0, `protected_turns`: who must yield in one phase gets another with right of way, where the plan has
    one. A junction that nobody passes keeps the plan's programme. Raises NetworkError.
    """
    flows = counted(network, signals)
    saturation, progression = settings["saturation_veh_per_h"], settings["progression_factor"]
    demands, covers = {}, {}
    for j, plan in enumerate(signals.plans):
        if flows.car_units[j].any():
            demands[j] = demand_of(plan, signals.zone_of[j], flows.car_units[j], saturation)
            covers[j] = _chosen(
                plan, signals.zone_of[j], tuple(flows.car_units[j].tolist()), saturation, settings["cycle_factor"],
                bool(settings.get("protected_turns")),
            )  # fmt: skip
    cycles_s = {j: cycle_s for j, (_, cycle_s) in covers.items()}
    if progression > 0:
        cycles_s = common_cycles_s(cycles_s, flows)
    timings = {j: timing(signals.plans[j], demands[j], order, cycles_s[j])[0] for j, (order, _) in covers.items()}
    starts_s = offsets_s(signals.plans, timings, flows.streams, progression) if progression > 0 else {}
    return {
        signals.plans[j].name: {
            "steps": [list(step) for step in zip(t.order, t.greens_s, strict=True)],
            "offset_s": starts_s.get(j, 0),
        }
        for j, t in timings.items()
    }


def common_cycles_s(cycles_s: Mapping[int, float], flows: Flows) -> dict[int, float]:
    """For every junction the longest cycle among those that traffic links it with."""
    found = dict(cycles_s)
    pairs = [(s.junction, s.to_junction) for s in flows.streams]
    for _ in found:
        for a, b in pairs:
            found[a] = found[b] = max(found[a], found[b])
    return found
