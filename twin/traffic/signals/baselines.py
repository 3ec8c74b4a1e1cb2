"""Every baseline that a policy has to beat, with the settings over which it is tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from controllers.plan import SignalPlan
from controllers.rules import RULES, Decide
from twin.traffic.signals.plans import Signals

Settings = Mapping[str, float]
Programmes = Mapping[str, tuple[tuple[tuple[int, float], ...], float]]  # junction -> steps, offset [s]


@dataclass(frozen=True)
class Baseline:
    """One kind of control. `rule` runs behind the guard; `sumo` is SUMO's own logic, made from the same plan.

    `grid` are the values of each setting that tuning may choose from; the first one of each is the default.
    """

    name: str
    title: str
    rule: str | None
    sumo: str | None
    grid: Mapping[str, tuple[float, ...]]
    source: str

    @property
    def defaults(self) -> dict[str, float]:
        """Settings of an untuned baseline."""
        return {name: values[0] for name, values in self.grid.items()}


BASELINES = {
    one.name: one
    for one in (
        Baseline("shipped", "the network's own fixed programme", None, None, {}, "the network's files"),
        Baseline(
            "webster", "fixed time: Webster's splits and cycle, offsets for a green wave", "fixed_time", None,
            {"cycle_factor": (1.0, 0.6, 0.8, 1.25, 1.6), "saturation_veh_per_h": (1800.0, 1500.0, 2100.0),
             "progression_factor": (1.0, 0.0, 0.8), "protected_turns": (0.0, 1.0), "decision_s": (1.0, 5.0)},
            "Webster 1958; offsets by the waits of platoons in both directions",
        ),
        Baseline(
            "actuated", "SUMO's gap-based actuated control", None, "actuated",
            {"min_green_s": (5.0, 8.0, 10.0, 15.0), "max_green_s": (50.0, 30.0, 80.0), "max_gap_s": (3.0, 1.5, 4.0),
             "detector_gap_s": (2.0, 1.0, 3.0)},
            "SUMO tlLogic type actuated",
        ),
        Baseline(
            "delay_based", "SUMO's delay-based actuated control", None, "delay_based",
            {"min_green_s": (5.0, 8.0, 10.0, 15.0), "max_green_s": (50.0, 30.0, 80.0),
             "min_time_loss_s": (1.0, 0.5, 2.0, 5.0), "detector_range_m": (100.0, 50.0, 200.0)},
            "SUMO tlLogic type delay_based",
        ),
        Baseline(
            "max_pressure", "max-pressure", "max_pressure", None,
            {"min_green_s": (10.0, 5.0, 8.0, 12.0, 15.0, 20.0), "halting_weight": (0.0, 1.0, 0.5),
             "exit_weight": (0.0, 1.0, 0.5), "switch_bonus_veh": (0.0, 1.0, 2.0, 4.0), "decision_s": (5.0, 2.0)},
            "Varaiya 2013",
        ),
        Baseline(
            "sotl", "self-organising lights", "sotl", None,
            {"threshold_veh_s": (50.0, 20.0, 35.0, 80.0, 120.0), "min_green_s": (10.0, 5.0, 8.0, 15.0),
             "platoon_veh": (3.0, 0.0, 2.0, 5.0), "halting_weight": (0.0, 1.0), "decision_s": (5.0, 2.0)},
            "Gershenson 2005; Cools, Gershenson & D'Hooghe 2013",
        ),
    )
}  # fmt: skip


def decider(baseline: Baseline, signals: Signals, settings: Settings) -> Decide:
    """The rule of a guarded baseline; `decision_s` is the simulation's, not the rule's."""
    own = {name: value for name, value in settings.items() if name in _rule_settings(baseline)}
    return RULES[str(baseline.rule)](signals.junctions, **own)


def _rule_settings(baseline: Baseline) -> set[str]:
    return set() if baseline.rule == "fixed_time" else set(baseline.grid) - {"decision_s"}


def sumo_logic_xml(plans: Sequence[SignalPlan], kind: str, settings: Settings) -> str:
    """SUMO's own actuated or delay-based logic for every plan: the plan's phases, yellow, all-red and clearance."""
    keys = {
        "actuated": {"max-gap": "max_gap_s", "detector-gap": "detector_gap_s"},
        "delay_based": {"minTimeLoss": "min_time_loss_s", "detectorRange": "detector_range_m"},
    }[kind]
    logics = []
    for plan in plans:
        lines = [f'<param key="{key}" value="{settings[name]:g}"/>' for key, name in keys.items()]
        steps = plan.programme or tuple((p, 30.0) for p in range(len(plan.phases)))
        order = [phase for phase, _ in steps]
        for i, phase in enumerate(order):
            lines += _phase_xml(plan, phase, order[(i + 1) % len(order)], settings)
        logics.append(
            f'<tlLogic id={quoteattr(plan.name)} type="{kind}" programID="{kind}" offset="0">{"".join(lines)}</tlLogic>'
        )
    return f"<additional>{''.join(logics)}</additional>"


def _phase_xml(plan: SignalPlan, phase: int, following: int, settings: Settings) -> list[str]:
    walking = plan.crossings_of[phase]
    least_s = max(settings["min_green_s"], plan.min_green_s, plan.walk_s if walking else 0.0)
    most_s = max(min(settings["max_green_s"], plan.max_green_s), least_s)
    green = f'minDur="{least_s:g}" maxDur="{most_s:g}"'
    lines = [f'<phase duration="{least_s:g}" {green} state="{plan.shown(phase, walking)}"/>']
    if phase == following:
        return lines
    yellow, red = plan.transition(phase, following)
    if walking:
        lines.append(f'<phase duration="{plan.clearance_s:g}" state="{plan.shown(phase, frozenset())}"/>')
    lines.append(f'<phase duration="{plan.yellow_s:g}" state="{yellow}"/>')
    if plan.all_red_s > 0:
        lines.append(f'<phase duration="{plan.all_red_s:g}" state="{red}"/>')
    return lines
