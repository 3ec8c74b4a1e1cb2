"""The traffic sector on the city's calendar: a representative hour a month on every network."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.module import Row, Rows, Seen, State, read_tables
from twin.traffic.network import locate
from twin.traffic.options import TrafficOptions
from twin.traffic.sim import simulate


class TrafficModule:
    """Simulates in SUMO every `simulate_every_months` months and carries the hour over in between."""

    name = "traffic"
    tables = read_tables(Path(__file__).parent / "tables.csv")

    def reset(self, scenario: Any, rng: np.random.Generator) -> None:
        """Find or build the networks."""
        self.options: TrafficOptions = scenario.traffic
        self.start: pd.Period = scenario.start_month
        self.rng = rng
        self.networks = [locate(name, self.options.motorcycle_share) for name in self.options.networks]
        self.hours: list[Row] = []

    def step(self, month: pd.Period, seen: Seen) -> None:
        """Simulate, or carry over."""
        months = (month - self.start).n
        if months % self.options.simulate_every_months == 0:
            self.hours = self._simulated(months)
        else:
            self.hours = [{**row, "simulated": 0} for row in self.hours]

    def _simulated(self, months: int) -> list[Row]:
        o = self.options
        scale = o.demand_scale * (1 + o.demand_growth_percent_per_year / 100) ** (months / 12)
        seeds = [int(self.rng.integers(1, 2**31 - 1)) for _ in self.networks]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each simulation is a process of its own
            jobs = [pool.submit(simulate, *one, o.hour_s, scale) for one in zip(self.networks, seeds, strict=True)]
            measured = [job.result() for job in jobs]
        return [
            {
                "network": network.name,
                "controller": "fixed",
                "sumo_seed": seed,
                "simulated": 1,
                "hour_s": o.hour_s,
                "demand_scale": scale,
                **asdict(hour),
            }
            for network, seed, hour in zip(self.networks, seeds, measured, strict=True)
        ]

    def observe(self) -> Rows:
        """Table `traffic_hour`: one row a network."""
        return {"traffic_hour": self.hours}

    def state(self) -> State:
        """The hour that the next months may carry over."""
        return {"hours": [dict(row) for row in self.hours]}

    def restore(self, state: State) -> None:
        """Take up the hour again."""
        self.hours = list(state["hours"])
