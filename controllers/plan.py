"""A signal plan: what a junction's lamps may show, for how long, and which greens must never meet.

A phase is a string with one letter a signal group (link), as SUMO writes it: `G` green with right of way, `g` green
that yields, `r` red, `s` red, but turning after a stop is allowed. Transitions are derived, never drawn by hand:
pedestrian clearance, yellow, all-red.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from controllers.errors import PlanError

GREEN, LETTERS = "Gg", frozenset("Ggrs")


@dataclass(frozen=True)
class SignalPlan:
    """Phases, conflicts and times [s] of one junction. Raises PlanError with every fault.

    `conflicts` are pairs of links whose streams cross: both may be green only where one yields (`g`). `crossings` are
    the links of pedestrians; `clearance_s` is how long one who has just stepped off the kerb needs. `programme` is the
    fixed-time fallback: pairs of phase index and green time (clearance included), started `offset_s` late.
    """

    name: str
    phases: tuple[str, ...]
    conflicts: frozenset[tuple[int, int]] = frozenset()
    crossings: tuple[int, ...] = ()
    min_green_s: float = 5.0
    max_green_s: float = 120.0
    yellow_s: float = 3.0
    all_red_s: float = 2.0
    walk_s: float = 6.0
    clearance_s: float = 10.0
    programme: tuple[tuple[int, float], ...] = ()
    offset_s: float = 0.0
    _transitions: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise PlanError(self.name, faults)

    def _faults(self) -> Iterable[str]:
        if not self.phases:
            yield "has no phase"
            return
        width = len(self.phases[0])
        for i, state in enumerate(self.phases):
            if len(state) != width:
                yield f"phase {i} has {len(state)} links, phase 0 has {width}"
            if unknown := sorted(set(state) - LETTERS):
                yield f"phase {i} has {', '.join(map(repr, unknown))}; a phase is written with G, g, r, s"
            if not any(letter in GREEN for letter in state):
                yield f"phase {i} gives nobody green"
            for a, b in sorted(self.conflicts):
                if max(a, b) < len(state) and state[a] == "G" and state[b] == "G":
                    yield f"phase {i} gives links {a} and {b} green with right of way, and their streams cross"
        for a, b in sorted(self.conflicts):
            if not (0 <= a < width and 0 <= b < width) or a == b:
                yield f"conflict {a}-{b} is no pair of links 0 … {width - 1}"
        for link in self.crossings:
            if not 0 <= link < width:
                yield f"crossing {link} is no link 0 … {width - 1}"
        yield from self._time_faults()

    def _time_faults(self) -> Iterable[str]:
        for name in ("min_green_s", "yellow_s", "walk_s"):
            if not getattr(self, name) > 0:
                yield f"{name} is {getattr(self, name)}; it must be above 0"
        for name in ("all_red_s", "clearance_s"):
            if not getattr(self, name) >= 0:
                yield f"{name} is {getattr(self, name)}; it must not be below 0"
        if not self.max_green_s >= self.min_green_s:
            yield f"max_green_s is {self.max_green_s}, below min_green_s {self.min_green_s}"
        for i, (phase, green_s) in enumerate(self.programme):
            if not 0 <= phase < len(self.phases):
                yield f"programme step {i} names phase {phase}; there are 0 … {len(self.phases) - 1}"
            if not green_s > 0:
                yield f"programme step {i} lasts {green_s} s; it must be above 0"

    @property
    def links(self) -> int:
        """Number of signal groups."""
        return len(self.phases[0])

    @cached_property
    def crossings_of(self) -> tuple[frozenset[int], ...]:
        """For each phase, the pedestrian links that walk in it."""
        return tuple(frozenset(c for c in self.crossings if state[c] in GREEN) for state in self.phases)

    def shown(self, phase: int, walking: frozenset[int]) -> str:
        """The lamps of a phase in which only the crossings in `walking` walk."""
        state = self.phases[phase]
        stopped = self.crossings_of[phase] - walking
        return state if not stopped else "".join("r" if i in stopped else c for i, c in enumerate(state))

    def transition(self, phase: int, to: int) -> tuple[str, str]:
        """Lamps of the yellow and of the all-red between two phases.

        A link that loses its green shows yellow, then red; one that keeps it stays; nobody gains green before the end.
        """
        if (found := self._transitions.get((phase, to))) is None:
            before, after = self.phases[phase], self.phases[to]
            crossing = set(self.crossings)
            yellow = "".join(
                "r" if i in crossing else "y" if a in GREEN and b not in GREEN else a
                for i, (a, b) in enumerate(zip(before, after, strict=True))
            )
            red = "".join("r" if y in "yr" else y for y in yellow)
            found = self._transitions[phase, to] = (yellow, red)
        return found

    @cached_property
    def all_red(self) -> str:
        """Every lamp red: what a controller starts with."""
        return "r" * self.links

    @property
    def lost_s(self) -> float:
        """Time between two phases in which nobody gains green."""
        return self.yellow_s + self.all_red_s
