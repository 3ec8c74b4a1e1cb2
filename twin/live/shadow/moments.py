"""What a street tells, moment by moment, as a controller's readings; and what a candidate says to each.

The clock is that of arrivals: a moment is over once nothing of it can be on the way any more. A window's moments are
`[begin, end)`; what the lamps did next is known one moment later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from controllers.policy import readings_as_json, readings_of
from controllers.rules import Readings
from twin.errors import LiveError
from twin.live.estimate.seen import columns_of, series
from twin.live.messages import kinds
from twin.live.shadow.policies import Policy
from twin.live.shadow.street import SEEN, deciding, means
from twin.live.trust import Doubt
from twin.module import Row
from twin.traffic.signals.plans import Signals

Decision = dict[str, Any]


@dataclass
class Window:
    """A stretch of a street that was heard: decisions, and what was seen of each zone by moment (3, Z); NaN: not."""

    begin_s: float
    rows: list[Decision] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)

    @property
    def heard_percent(self) -> float:
        """Cameras' readings that came, of those that were due."""
        return 100 * float(np.isfinite(np.array(self.seen)[:, 0]).mean())

    def without(self, doubts: Sequence[Doubt], step_s: float) -> Window:
        """The same in which sensors that are not believed told nothing; what was decided stays as it was."""
        seen = np.array(self.seen)
        at_s = self.begin_s + step_s * np.arange(len(seen))
        zones, _ = columns_of(seen.shape[2], 0)
        for one in doubts:
            kind, names, source = one.values
            if kind == "detectors" and source in zones:
                lies = np.array([one.covers(float(at)) for at in at_s])
                for name in names:
                    seen[lies, SEEN.index(name), zones[source]] = np.nan
        return Window(self.begin_s, self.rows, list(seen))

    def means(self, least_percent: float) -> dict[str, list[float | None]]:
        """What was seen by zone; None where less was heard than the least, and no loops where they told nothing."""
        seen = np.array(self.seen)
        heard = 100 * np.isfinite(seen[:, 0]).mean(axis=0) >= least_percent
        found = {name: means(np.where(heard, seen[:, i], np.nan)) for i, name in enumerate(SEEN)}
        return {
            name: values for name, values in found.items() if name != "passed" or any(v is not None for v in values)
        }


class Moments:
    """Asks a candidate at every moment of decision; `hear` gives the windows that are over.

    A decision is as often as the candidate decides, and no more often than cameras tell; there is none before every
    signal's lamps were told once. `proposes` is told each as it is made.
    """

    def __init__(
        self, signals: Signals, candidate: Policy, duration_s: float, lag_s: float,
        proposes: Callable[[Decision], None] = lambda _: None,
    ) -> None:  # fmt: skip
        limits = kinds()["detectors"]
        self.step_s = max(candidate.decision_s, limits["vehicles"].every_s)
        self.window: Window | None = None
        self._told_s = limits["passed"].every_s
        self._signals, self._duration_s, self._lag_s, self._proposes = signals, duration_s, lag_s, proposes
        self._candidate = candidate
        self._zones, self._lamps = columns_of(len(signals.zones), len(signals.plans))
        self._rows: list[Row] = []
        self._next_s = 0.0
        self._phase = np.full(len(signals.plans), np.nan)
        self._since_s = np.zeros(len(signals.plans))

    def hear(self, rows: Sequence[Row], now_s: float) -> Iterator[Window]:
        """Take readings in; decide at all moments that are over at `now_s` [s UTC, by the clock of arrivals].

        Raises LiveError for another network's readings.
        """
        own = [row for row in rows if row["kind"] in ("detectors", "lamps")]
        if strange := sorted({str(row["source"]) for row in own} - self._zones.keys() - self._lamps.keys()):
            raise LiveError(f"{strange[0]} is no detector of this network; --network says which street it is")
        self._rows += own
        if self.window is None and not own:
            return
        if self.window is None:
            self._next_s = math.ceil((now_s - self._lag_s) / self.step_s) * self.step_s
        window = self.window or self._begun(self._next_s)
        while self._next_s + self._lag_s <= now_s:
            at_s, self._next_s = self._next_s, self._next_s + self.step_s
            seen, lamps = self._at(at_s)
            before = window.rows[-1] if window.rows else None
            if before and before["at_s"] > at_s - 1.5 * self.step_s and np.isfinite(lamps).all():
                before["wanted"] = lamps.astype(int).tolist()
            if at_s >= window.begin_s + self._duration_s:
                yield window
                window = self._begun(at_s)
            window.seen.append(seen)
            if np.isfinite(self._phase).all():
                window.rows.append(self._decision(at_s, seen))

    def _begun(self, at_s: float) -> Window:
        """A new window; its candidate remembers nothing of the one before, so that each can be checked alone."""
        self._decide = deciding(self._candidate.told, self._signals)
        self.window = Window(at_s)
        return self.window

    def _at(self, at_s: float) -> tuple[np.ndarray, np.ndarray]:
        """What was seen at a moment (3, Z) [veh, veh, veh/h], and the lamps' phases (J,); NaN where nothing was."""
        moments = np.array([at_s - self.step_s, at_s])
        past = [row for row in self._rows if float(row["at_s"] or 0.0) <= at_s]

        def told(kind: str, name: str, columns: dict[str, int]) -> np.ndarray:
            return series(past, kind, name, columns, moments, self._lag_s)[1]

        seen = np.array([told("detectors", name, self._zones) for name in SEEN])
        seen[2] *= 3600 / self._told_s
        phase = told("lamps", "phase", self._lamps)
        for j, plan in enumerate(self._signals.plans):
            if phase[j] >= len(plan.phases):
                raise LiveError(
                    f"signal-{j} shows phase {phase[j]:g}, and {plan.name} has {len(plan.phases)}; --network"
                )
        changed = np.isfinite(phase) & (phase != self._phase)
        self._phase[changed], self._since_s[changed] = phase[changed], at_s
        self._rows = [row for row in self._rows if float(row["at_s"] or 0.0) > at_s]
        return seen, phase

    def _decision(self, at_s: float, seen: np.ndarray) -> Decision:
        green_s = at_s - self._since_s - [plan.lost_s for plan in self._signals.plans]
        nobody = tuple(frozenset[int]() for _ in green_s)  # no button is told
        readings = Readings(
            at_s, seen[0], seen[1], np.zeros(0), self._phase.astype(int), np.maximum(green_s, 0), nobody
        )
        told = readings_as_json(readings, [None] * len(nobody))
        row = {"at_s": at_s, "readings": told, "proposed": self._decide(*readings_of(told)).tolist()}
        self._proposes(row)
        return {**row, "wanted": None, "wanted_next": None, "proposed_next": None}
