"""The traffic sector on the city's calendar: a representative hour a month on every network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Row, Rows, Seen, State, Value, read_tables
from twin.traffic.couplings import commuting_factor, with_outages
from twin.traffic.demand.hours import growth_factor
from twin.traffic.networks.locate import locate
from twin.traffic.options import TrafficOptions
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation.batch import Job, simulate
from twin.traffic.studies.evaluate import hour, settings_for

SKETCH = "trenggalek"
SHOWN_FROM_S, SHOWN_S = 900, 180  # which part of the hour the signal-timing diagram shows


class TrafficModule:
    """Simulates in SUMO every `simulate_every_months` months and carries the hour over in between."""

    name = "traffic"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Begin without an hour."""
        self.options: TrafficOptions = scenario.traffic
        self.start: pd.Period = scenario.start_month
        self.rng = rng
        self.hours: list[Row] = []
        self.pictures: Rows = {}

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Simulate, or carry over."""
        months = (month - self.start).n
        self.pictures = {}
        if months % self.options.simulate_every_months == 0:
            self.hours = self._simulated(months, month, seen)
        else:
            self.hours = [{**row, "simulated": 0} for row in self.hours]

    def _simulated(self, months: int, month: pd.Period, seen: Seen) -> list[Row]:
        o = self.options
        day = float(self.rng.random())  # which day of a month the hour stands for
        scale = o.demand_scale * commuting_factor(seen) * growth_factor(o.demand_growth_percent_per_year, months / 12)
        keys: list[dict[str, Value]] = []
        jobs: list[Job] = []
        for network in o.networks:
            seed = int(self.rng.integers(1, 2**31 - 1))  # one for all controllers: they meet the same traffic
            events = o.events
            if network == SKETCH:
                names = [plan.name for plan in signals_of(locate(network).net_file, o.detectors.camera_range_m).plans]
                events = with_outages(events, seen, month, day, o.hour_begins_h, o.hour_s, names)
            for controller in o.controllers:
                keys.append({"network": network, "controller": controller, "sumo_seed": seed})
                jobs.append(
                    hour(
                        network, controller, settings_for(network, controller), seed, day_type=o.day_type, scale=scale,
                        motorcycle_share=o.motorcycle_share, detectors=o.detectors, duration_s=o.hour_s,
                        events=events, trace=months == 0 and not jobs,
                    )
                )  # fmt: skip
        answers = simulate(jobs)
        if months == 0:
            self.pictures = pictures(jobs[0], answers[0], o.networks[0])
        return [
            {**key, "simulated": 1, "hour_s": o.hour_s, "demand_scale": scale, **answer["measures"]}
            for key, answer in zip(keys, answers, strict=True)
        ]

    def observe(self) -> Rows:
        """Table `traffic_hour`: one row a network and controller; in the first month also the hour's pictures."""
        return {"traffic_hour": self.hours, **self.pictures}

    def state(self) -> State:
        """The hour that the next months may carry over."""
        return {"hours": [dict(row) for row in self.hours]}

    def restore(self, state: State) -> None:
        """Take up the hour again."""
        self.hours = list(state["hours"])


def pictures(job: Job, answer: Mapping[str, Any], network: str) -> Rows:
    """Tables `traffic_queue` (the busiest moment) and `traffic_lamp` (three minutes of the largest signal)."""
    signals = signals_of(job.network.net_file, job.detectors.camera_range_m)
    j = max(range(len(signals.plans)), key=lambda j: signals.plans[j].links)
    plan, zones = signals.plans[j], signals.zone_of[j]
    approach = [signals.zones[z][0][0].rpartition("_")[0] if z >= 0 else "on foot" for z in zones]
    begin_s = job.network.begin_s + min(SHOWN_FROM_S, job.duration_s // 2)
    end_s = min(begin_s + SHOWN_S, job.network.begin_s + job.duration_s)
    shown = [(float(t), state) for t, name, state in answer["lamps"] if name == plan.name]
    spans = zip(shown, [*(t for t, _ in shown[1:]), end_s], strict=True)
    lamps: list[Row] = [
        {"network": network, "signal": plan.name, "link": link, "approach": approach[link], "lamp": letter,
         "from_s": max(t, begin_s) - begin_s, "until_s": min(until_s, end_s) - begin_s}
        for (t, state), until_s in spans if until_s > begin_s and t < end_s
        for link, letter in enumerate(state)
    ]  # fmt: skip
    queues: list[Row] = [
        {"network": network, "at_s": answer["busiest_s"] - job.network.begin_s, "lane": lane, "halting_veh": veh}
        for lane, veh in answer["queues"]
    ]
    return {"traffic_queue": queues, "traffic_lamp": lamps}
