"""An independent conflict monitor: it sees the lamps alone, and knows nothing of phases, policies or the guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controllers.plan import SignalPlan

GREEN = frozenset("Gg")


@dataclass(frozen=True)
class Violation:
    """What was shown and must not have been, at which time [s]."""

    time_s: float
    rule: str
    links: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Limits:
    """What the monitor holds the lamps to: conflicting pairs of links, pedestrian links, and least times [s]."""

    conflicts: frozenset[tuple[int, int]]
    crossings: frozenset[int]
    min_green_s: float
    yellow_s: float
    all_red_s: float
    walk_s: float
    clearance_s: float


def limits_of(plan: SignalPlan) -> Limits:
    """What the monitor holds a plan's lamps to."""
    return Limits(
        plan.conflicts, frozenset(plan.crossings), plan.min_green_s, plan.yellow_s, plan.all_red_s, plan.walk_s,
        plan.clearance_s,
    )  # fmt: skip


class Monitor:
    """Watches one junction. `see(state, dt_s)` says that `state` was shown for `dt_s` seconds.

    Rules: two crossing streams never have right of way together (one may yield: `g`); a vehicle green lasts its least
    time and ends in yellow of full length; between the green of one stream and the green of a conflicting one lie at
    least yellow and all-red; a pedestrian green lasts the walk and is followed by the clearance before a conflicting
    green with right of way.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.time_s = 0.0
        self.violations: list[Violation] = []
        self._last: str | None = None
        self._since: list[float] = []  # when each link's lamp last changed
        self._green_end: list[float] = []  # when each link's green ended
        self._starting: set[int] = set()

    def see(self, state: str, dt_s: float) -> None:
        """Take note of what was shown."""
        if self._last is None:
            self._since, self._green_end = [self.time_s] * len(state), [float("-inf")] * len(state)
            self._starting = set(range(len(state)))  # how long these have been shown before is unknown
        elif state != self._last:
            for link, (before, now) in enumerate(zip(self._last, state, strict=True)):
                if before != now:
                    self._changed(link, before, now)
        if state != self._last:
            self._meeting(state)
        self._last = state
        self.time_s += dt_s

    def copy(self) -> Monitor:
        """The same memory, on its own from now on."""
        other = Monitor(self.limits)
        other.time_s, other._last = self.time_s, self._last
        other._since, other._green_end = list(self._since), list(self._green_end)
        other._starting, other.violations = set(self._starting), list(self.violations)
        return other

    @property
    def state(self) -> tuple[object, ...]:
        """All that its judgement depends on; what lies longer back than any limit is as good as for ever."""
        limits = self.limits
        longest = 1.0 + max(limits.min_green_s, limits.walk_s, limits.yellow_s + limits.all_red_s, limits.clearance_s)
        since = tuple(min(self.time_s - at, longest) for at in self._since)
        ended = tuple(min(self.time_s - at, longest) for at in self._green_end)
        return self._last, since, ended, frozenset(self._starting)

    def _changed(self, link: int, before: str, now: str) -> None:
        shown_s = self.time_s - self._since[link]
        if before in GREEN and now in GREEN:  # right of way gained or lost within a green
            return
        known = link not in self._starting
        self._starting.discard(link)
        if before in GREEN:
            self._green_end[link] = self.time_s
            walks = link in self.limits.crossings
            least_s = self.limits.walk_s if walks else self.limits.min_green_s
            if known and shown_s < least_s - 1e-6:
                self._report("minimum green", (link,), f"green for {shown_s:g} s, least {least_s:g}")
            if not walks and now != "y":
                self._report("yellow", (link,), f"green was followed by {now!r}")
        elif before == "y" and shown_s < self.limits.yellow_s - 1e-6 and known:
            self._report("yellow", (link,), f"yellow for {shown_s:g} s, least {self.limits.yellow_s:g}")
        self._since[link] = self.time_s

    def _meeting(self, state: str) -> None:
        for a, b in self.limits.conflicts:
            if state[a] == "G" and state[b] == "G":
                self._report("conflict", (a, b), "crossing streams have right of way together")
            for link, other in ((a, b), (b, a)):
                if state[link] == "G" and self._since[link] == self.time_s and state[other] not in GREEN:
                    self._cleared(link, other)

    def _cleared(self, link: int, other: int) -> None:
        limits, passed_s = self.limits, self.time_s - self._green_end[other]
        least_s = limits.clearance_s if other in limits.crossings else limits.yellow_s + limits.all_red_s
        if passed_s < least_s - 1e-6:
            self._report("clearance", (link, other), f"green {passed_s:g} s after a conflicting one, least {least_s:g}")

    def _report(self, rule: str, links: tuple[int, ...], text: str) -> None:
        self.violations.append(Violation(self.time_s, rule, links, text))
