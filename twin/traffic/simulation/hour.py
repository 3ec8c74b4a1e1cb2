"""One simulated hour, inside a worker: the job's network, controller and detectors in, numbers out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from controllers.monitor import Monitor, Violation, limits_of
from controllers.plan import SignalPlan
from controllers.rules import Readings
from twin.traffic.networks.files import Network
from twin.traffic.signals.baselines import BASELINES, Baseline, Settings, decider, sumo_logic_xml
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.electricity import lit_seconds, signal_electricity_kwh, signal_plts_percent
from twin.traffic.simulation.events import EventOptions, check
from twin.traffic.simulation.live_events import Events, counted_red_light, output_words, write_files
from twin.traffic.simulation.measures import read
from twin.traffic.simulation.sim import DARK, Trace, TrafficSim

LOGIC = "logic.add.xml"
DECISION_S = 5.0


def live(job: dict[str, Any], watch: Callable[[Hour], None] | None = None) -> dict[str, Any]:
    """Simulate a job (`batch.Job.as_json`) in the present folder, where SUMO's outputs land.

    `watch` may look at the simulation after every decision, and change nothing.
    Raises libsumo's exceptions with SUMO's message.
    """
    baseline, settings = BASELINES[job["controller"]], job["settings"]
    hour = Hour.begin(job, baseline, _decision_s(baseline, settings, job["trace"]))
    decide = decider(baseline, hour.signals, settings) if baseline.rule is not None else _nothing
    try:
        while hour.sim.time_s < hour.end_s:
            hour.sim.step(decide(hour.sim.readings))
            if watch is not None:
                watch(hour)
    finally:
        hour.sim.close()
    return {
        "measures": hour.measures(),
        **(told_of(hour.sim, hour.signals) if job["trace"] else {}),
        "violations": [vars(v) for v in violations(hour.signals.plans, hour.sim.trace, hour.end_s)]
        if baseline.rule
        else [],
    }


@dataclass
class Hour:
    """A job's simulation, begun in the present folder, and all that its measures need."""

    sim: TrafficSim
    signals: Signals
    network: Network
    events: EventOptions
    duration_s: int

    @classmethod
    def begin(cls, job: dict[str, Any], baseline: Baseline, decision_s: float, measured: bool = True) -> Hour:
        """Begin a job under a baseline's kind of control; without `measured` SUMO writes no outputs.

        Everything that SUMO reads is linked to under a fixed name: its result can depend on the layout of the
        process's memory, and so on the length of a path.
        """
        network = _linked(job["network"])
        detectors = DetectorOptions(**job["detectors"])
        signals = with_programmes(signals_of(network.net_file, detectors.camera_range_m), job["programmes"])
        additional = [str(path) for path in network.additional_files]
        if baseline.sumo is not None:
            Path(LOGIC).write_text(sumo_logic_xml(signals.plans, baseline.sumo, job["settings"]), encoding="utf-8")
            additional.append(LOGIC)
        events = EventOptions.of(job["events"])
        check(events, signals.plans, network)
        additional += write_files(events, network, signals.plans)
        options = [*sumo_options(network, job["seed"], job["scale"]), *(output_words(events) if measured else ())]
        sim = TrafficSim(
            network, signals, options, additional=additional, decision_s=decision_s, detectors=detectors,
            seed=job["seed"], guarded=baseline.rule is not None,
        )  # fmt: skip
        Events(events, job["seed"]).attach(sim)
        return cls(sim, signals, network, events, job["duration_s"])

    @property
    def end_s(self) -> float:
        """When the hour is over [s]."""
        return float(self.network.begin_s + self.duration_s)

    def measures(self) -> dict[str, Any]:
        """All measures of the hour, after the simulation was closed."""
        lamps_s, powered_s = lit_seconds(self.sim.trace.lamps, len(self.signals.plans), self.end_s)
        electricity_kwh = signal_electricity_kwh(lamps_s, powered_s)
        hybrid = [name in self.events.hybrid_supply for name in self.sim.names]
        found = read(
            Path(),
            self.duration_s,
            np.array(self.sim.trace.queues),
            red_light_violations=counted_red_light(self.events, self.network),
            signal_electricity_kwh=float(electricity_kwh.sum()),
            signal_plts_percent=signal_plts_percent(electricity_kwh, hybrid),
        )
        return asdict(found)


def _decision_s(baseline: Baseline, settings: Settings, trace: bool) -> float:
    """Time between decisions [s]; SUMO's own lamps are looked at every second where their story is wanted."""
    return 1.0 if trace and baseline.rule is None else settings.get("decision_s", DECISION_S)


def told_of(sim: TrafficSim, signals: Signals) -> dict[str, Any]:
    """The story of the lamps (time [s], signal, state) and the queues [veh] by approach lane at the busiest moment."""
    busiest = int(np.argmax([queues.sum() for queues in sim.trace.queues]))
    lanes = [zone[0][0] for zone in signals.zones]
    return {
        "lamps": [(t, sim.names[j], state) for t, j, state in sim.trace.lamps],
        "busiest_s": sim.trace.times_s[busiest],
        "queues": list(zip(lanes, sim.trace.queues[busiest].tolist(), strict=True)),
    }


def sumo_options(network: Network, seed: int, scale: float) -> list[str]:
    """SUMO's command-line words for a network, without outputs; nobody teleports."""
    return [
        "--net-file", str(network.net_file), "--route-files", ",".join(map(str, network.demand_files)),
        "--begin", str(network.begin_s), "--seed", str(seed), "--scale", repr(scale),
        "--time-to-teleport", "-1", "--collision.action", "warn", "--pedestrian.striping.jamtime", "-1",
        "--no-step-log", "--no-warnings", "--duration-log.disable", *network.options,
    ]  # fmt: skip


def _linked(described: dict[str, Any]) -> Network:
    """The network, its files under names of fixed length in the present folder."""

    def link(path: str, name: str) -> Path:
        suffix = ".gz" if path.endswith(".gz") else ""
        here = Path(name + suffix)
        here.symlink_to(path)
        return here

    return Network(
        described["name"],
        link(described["net_file"], "net.xml"),
        link(described["demand_files"][0], "routes.0.xml"),
        described["begin_s"],
        tuple(described["options"]),
        described["end_s"],
        tuple(link(path, f"routes.{i}.xml") for i, path in enumerate(described["demand_files"][1:], 1)),
        tuple(link(path, f"additional.{i}.xml") for i, path in enumerate(described["additional_files"])),
    )


def with_programmes(signals: Signals, programmes: dict[str, Any]) -> Signals:
    """The signals with other fixed-time programmes: junction -> {"steps": [[phase, green_s], …], "offset_s": …}."""
    if not programmes:
        return signals
    plans = tuple(
        replace(
            plan,
            programme=tuple((int(p), float(s)) for p, s in programmes[plan.name]["steps"]),
            offset_s=float(programmes[plan.name]["offset_s"]),
        )
        if plan.name in programmes
        else plan
        for plan in signals.plans
    )
    return replace(signals, plans=plans)


def _nothing(_: Readings) -> np.ndarray:
    """What SUMO's own logic is told: nothing."""
    return np.zeros(0, dtype=int)


def violations(plans: tuple[SignalPlan, ...], trace: Trace, end_s: float) -> list[Violation]:
    """What the independent monitor has to say about the lamps of a simulation."""
    found: list[Violation] = []
    for j, plan in enumerate(plans):
        monitor = Monitor(limits_of(plan))
        shown = [(t, state) for t, k, state in trace.lamps if k == j]
        for (t, state), (until, _) in zip(shown, [*shown[1:], (end_s, "")], strict=True):
            if DARK in state:  # what was before the dark binds nobody after it
                found += monitor.violations
                monitor = Monitor(limits_of(plan))
                monitor.time_s = until - shown[0][0]
            else:
                monitor.see(state, until - t)
        found += monitor.violations
    return found
