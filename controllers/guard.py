"""The guard between any policy and the lamps: whatever is wanted, what is shown keeps to the plan.

The same object stands in the training environment and in the street cabinet, and nothing else sets lamps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import index

from controllers.plan import SignalPlan

INFINITY = float("inf")
FLASHING = "o"  # amber that flashes: whoever comes must give way
NOBODY: frozenset[int] = frozenset()


class Guard:
    """Keeps minimum and maximum green, pedestrian walk and clearance, yellow and all-red, for one junction.

    It begins with `flash_s` of flashing amber where that is asked for, then all red for the plan's all-red time, then
    the first phase of the programme.
    """

    __slots__ = (
        "_left_s", "_stage", "_walk_left_s", "flash_s", "green_s", "phase", "plan",
        "served_s", "shown", "target", "time_s", "walking",
    )  # fmt: skip

    def __init__(self, plan: SignalPlan, flash_s: float = 0.0) -> None:
        self.plan, self.flash_s = plan, flash_s
        self.time_s = 0.0
        self.served_s = [0.0] * len(plan.phases)  # when each phase last had green
        self.restart()

    def restart(self, flash: bool = True) -> None:
        """Come back from the dark: flashing amber if there is any and `flash`, then all red."""
        self.phase: int = self.plan.programme[0][0] if self.plan.programme else 0
        self.target: int = self.phase
        self.green_s = 0.0
        self.walking = NOBODY
        self._walk_left_s = 0.0
        self._to_all_red()
        if flash and self.flash_s > 0:
            self._stage, self._left_s, self.shown = "flash", self.flash_s, FLASHING * self.plan.links

    def _to_all_red(self) -> None:
        self._stage, self._left_s, self.shown = "all-red", max(self.plan.all_red_s, 1.0), self.plan.all_red

    def copy(self) -> Guard:
        """The same state, on its own from now on."""
        other = object.__new__(Guard)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.served_s = list(self.served_s)
        return other

    @property
    def state(self) -> tuple[object, ...]:
        """All that what it shows from now on depends on; the order of `served_s` stands for its times."""
        order = tuple(sorted(range(len(self.served_s)), key=self.served_s.__getitem__))
        green_s = min(self.green_s, self.plan.max_green_s)
        walk_s, left_s = max(self._walk_left_s, 0.0), max(self._left_s, 0.0)
        return self._stage, self.phase, self.target, green_s, walk_s, left_s, self.walking, self.shown, order

    @property
    def changing(self) -> bool:
        """Whether the lamps are between two phases."""
        return self._stage != "green"

    @property
    def stage(self) -> str:
        """`green`, `clearance`, `yellow`, `all-red`, or `flash` at the start."""
        return self._stage

    @property
    def ended_at_maximum(self) -> bool:
        """Whether the present or last green had reached its maximum."""
        return self.green_s >= self.plan.max_green_s - 1e-9

    @property
    def due_s(self) -> float:
        """How long until the guard must be asked again [s]: the end of a stage, or of the maximum green."""
        if self._stage != "green":
            return self._left_s
        left = self.plan.max_green_s - self.green_s
        return left if left > 0 else INFINITY

    def admit(
        self,
        wanted: int | None,
        dt_s: float,
        calls: Sequence[bool] | None = None,
        walks: Collection[int] | None = None,
        priority: int | None = None,
    ) -> str:
        """Lamps to show from now on, after the last ones were shown for `dt_s` seconds.

        `wanted` is a phase; None, or a phase that there is not, holds. `calls[phase]` tells whether somebody waits for
        a phase and `walks` are crossings with a pressed button; None means everybody always. `priority` is the phase an
        emergency vehicle needs: it goes before `wanted` and outlasts the maximum green, and cuts no other time short.
        Asked late, the guard still shows every stage in full.
        """
        dt_s = dt_s if dt_s > 0 else 0.0  # time does not run backwards, nor to where it is no number
        self.time_s += dt_s
        if self._stage == "green":
            self.green_s += dt_s
            self._walk_left_s -= dt_s
            self.served_s[self.phase] = self.time_s
            self._hold_or_leave(wanted, calls, walks, priority)
        else:
            self._left_s -= dt_s
            while self._stage != "green" and self._left_s <= 1e-9:
                self._advance(walks)
        return self.shown

    def _hold_or_leave(
        self, wanted: int | None, calls: Sequence[bool] | None, walks: Collection[int] | None, priority: int | None
    ) -> None:
        plan, phase = self.plan, self.phase
        wanted = self._known(wanted)
        if (urgent := self._known(priority)) is not None:
            wanted = urgent
        elif self.green_s >= plan.max_green_s - 1e-9 and (wanted is None or wanted == phase):
            wanted = self._longest_waiting(calls)
        if wanted is None or wanted == phase:
            self._walk(walks)
        elif self.green_s >= plan.min_green_s - 1e-9 and self._walk_left_s <= 1e-9:
            self._leave(wanted)

    def _known(self, phase: int | None) -> int | None:
        """The phase, or None where there is no such phase."""
        if phase is None:
            return None
        try:
            number = index(phase)
        except TypeError:
            return None
        return number if 0 <= number < len(self.plan.phases) else None

    def _longest_waiting(self, calls: Sequence[bool] | None) -> int | None:
        waiting = [
            p
            for p in range(len(self.plan.phases))
            if p != self.phase and (calls is None or p >= len(calls) or calls[p])
        ]
        return min(waiting, key=self.served_s.__getitem__) if waiting else None

    def _walk(self, walks: Collection[int] | None) -> None:
        """A button pressed during the green starts that crossing's walk, where the maximum green leaves time for it."""
        here = self.plan.crossings_of[self.phase]
        if here and here != self.walking and self.green_s + self.plan.walk_s <= self.plan.max_green_s:
            self._begin_walk(self.walking | (here if walks is None else here.intersection(walks)))

    def _begin_walk(self, walking: frozenset[int]) -> None:
        if walking != self.walking:
            self._walk_left_s = self.plan.walk_s
        self.walking = walking
        self.shown = self.plan.shown(self.phase, walking)

    def _leave(self, to: int) -> None:
        self.target = to
        if self.walking and self.plan.clearance_s > 0:
            self._stage, self._left_s = "clearance", self.plan.clearance_s
            self.shown = self.plan.shown(self.phase, NOBODY)
        else:
            self._to_yellow()
        self.walking = NOBODY

    def _to_yellow(self) -> None:
        self._stage, self._left_s = "yellow", self.plan.yellow_s
        self.shown = self.plan.transition(self.phase, self.target)[0]

    def _advance(self, walks: Collection[int] | None) -> None:
        if self._stage == "clearance":
            self._to_yellow()
        elif self._stage == "flash":
            self._to_all_red()
        elif self._stage == "yellow":
            self._stage, self._left_s = "all-red", self.plan.all_red_s
            self.shown = self.plan.transition(self.phase, self.target)[1]
        else:
            here = self.plan.crossings_of[self.target]
            self._stage, self.phase, self.green_s, self._left_s = "green", self.target, 0.0, 0.0
            self.served_s[self.phase] = self.time_s
            self._walk_left_s = 0.0
            self._begin_walk(here if walks is None else here.intersection(walks))
