"""The loop of a controller: read, decide, guard, show, log, several times a second.

`Cabinet` is everything but the waiting: it takes a time and what was seen and gives the lamps. Its guards are asked at
decisions and when a stage ends, as the simulation asks them, so that both show the same lamps to the same street.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from controllers.guard import FLASHING, Guard
from controllers.health import Health
from controllers.io import Driver, Seen, Shown
from controllers.monitor import Monitor, limits_of
from controllers.policy import SignalPolicy
from controllers.rules import Readings, fixed_time
from controllers.safety import ACTUATED, FIXED_TIME, Detectors, Fallback, Preemption, actuated

if TYPE_CHECKING:
    from controllers.log import Log


Question = tuple[Future[np.ndarray], Readings, list[int | None]]
START_S = 30.0  # for so long the street is waited for, lamps as at the start; then its detectors count as broken


class Cabinet:
    """The controller of a site's junctions, without its wires. `decided` holds this turn's decision, for the log.

    It begins with the first readings: until then the lamps flash, or are all red where they shall not flash.
    """

    def __init__(self, policy: SignalPolicy, begin_s: float = 0.0, *, flash: bool = True) -> None:
        self.policy, self.site, self.safety = policy, policy.site, policy.safety
        flash_s = self.safety.start_flash_s if flash else 0.0
        self.guards = [Guard(plan, flash_s) for plan in self.site.plans]
        self.detectors = Detectors(self.site, self.safety, begin_s)
        self.fallbacks = [Fallback(self.safety) for _ in self.guards]
        self.preemptions = [Preemption(self.safety.priority_hold_s) for _ in self.guards]
        self.monitors = [Monitor(limits_of(plan)) for plan in self.site.plans]
        self.health = Health(self.site)
        self.decided: tuple[Readings, list[int | None], list[int], list[int]] | None = None
        self.latency_s = 0.0
        self._fixed = fixed_time(self.site.junctions)
        self._served = self.site.junctions.green.reshape(*self.site.junctions.exists.shape, -1)
        self._asked: SimpleQueue[Question | None] = SimpleQueue()
        Thread(target=_answers, args=(policy, self._asked), name="policy", daemon=True).start()
        self._running: Future[np.ndarray] | None = None
        self.begun_s: float | None = None
        self._begin_s, self._asked_s, self._next_s = begin_s, [begin_s] * len(self.guards), begin_s
        self.seen: Seen | None = None
        self._readings: Readings | None = None
        self._wanted = [guard.target for guard in self.guards]
        self._lamps = [guard.shown for guard in self.guards]
        self._now_s = begin_s
        self._crossed = any(plan.crossings for plan in self.site.plans)

    @property
    def modes(self) -> list[str]:
        """The control that each junction is under."""
        return [fallback.mode for fallback in self.fallbacks]

    def turn(self, now_s: float, seen: Seen | None) -> list[str]:
        """The lamps of every junction from now on; those in which its own monitor saw a violation flash for good."""
        for monitor, state in zip(self.monitors, self._lamps, strict=True):
            monitor.see(state, now_s - self._now_s)
        self._now_s, self.decided = now_s, None
        if self.begun_s is None and not self._begin(now_s, seen):
            return list(self._lamps)
        if seen is not None:
            self.seen = seen
            self.detectors.see(seen.vehicles, seen.halting, now_s)
            self._restart_what_flashes(now_s, seen)
        deciding = now_s >= self._next_s - 1e-9
        if deciding:
            self._next_s = now_s + self.policy.decision_s
            self._decide(now_s)
        for j, guard in enumerate(self.guards):
            self._ask(j, guard, now_s, deciding)
        for j, (guard, monitor) in enumerate(zip(self.guards, self.monitors, strict=True)):
            monitor.see(guard.shown, 0.0)
            self._lamps[j] = FLASHING * guard.plan.links if monitor.violations else guard.shown
        self.health.look(now_s, self)
        return list(self._lamps)

    def close(self) -> None:
        """Let go of the policy's thread; one that hangs is left behind."""
        self._asked.put(None)

    def _begin(self, now_s: float, seen: Seen | None) -> bool:
        """Whether it is time to begin; then all times count from now."""
        if seen is None and now_s - self._begin_s < START_S:
            return False
        self.begun_s = self._next_s = now_s
        self._asked_s = [now_s] * len(self.guards)
        return True

    def _restart_what_flashes(self, now_s: float, seen: Seen) -> None:
        for j, flashing in enumerate(seen.flashing):
            if flashing:
                self.guards[j].restart(flash=False)
                if not self.monitors[j].violations:
                    self.monitors[j] = Monitor(self.monitors[j].limits)
                self._asked_s[j] = now_s

    def _decide(self, now_s: float) -> None:
        believed = self.detectors.believed(now_s)
        seen = self.seen
        vehicles = np.where(believed, self.detectors.vehicles, np.nan)
        halting = np.where(believed, self.detectors.halting, np.nan)
        changing = [guard.changing for guard in self.guards]
        green_s = [
            0.0 if changing[j] else guard.green_s + now_s - self._asked_s[j] for j, guard in enumerate(self.guards)
        ]
        phase = np.array([guard.target for guard in self.guards])
        walks = seen.walk_calls if seen is not None else ()
        readings = Readings(now_s, vehicles, halting, np.zeros(0), phase, np.array(green_s), walks)
        priority = self._priority()
        answer = self._answer(readings, priority)
        enough = self.detectors.enough(believed)
        fixed = self._fixed(readings)
        for j, (guard, fallback) in enumerate(zip(self.guards, self.fallbacks, strict=True)):
            mode = fallback.look(now_s, enough[j], answer is not None)
            if mode == FIXED_TIME:
                self._wanted[j] = int(fixed[j])
            elif mode == ACTUATED or answer is None:
                served = self._served[j]
                self._wanted[j] = actuated(guard, green_s[j], served, vehicles, self._calls(j, readings))
            else:
                self._wanted[j] = int(answer[j])
        self._readings = readings
        self.decided = (readings, priority, answer.tolist() if answer is not None else [], list(self._wanted))

    def _priority(self) -> list[int | None]:
        """The phase that an emergency vehicle asks for at each junction; one that there is not is nobody's."""
        asked = self.seen.priority if self.seen is not None and self.seen.priority else (None,) * len(self.guards)
        phases = [len(plan.phases) for plan in self.site.plans]
        return [p if p is not None and 0 <= p < n else None for p, n in zip(asked, phases, strict=True)]

    def _answer(self, readings: Readings, priority: list[int | None]) -> np.ndarray | None:
        """What the policy wants, or None where it is late or fails."""
        if self._running is not None and not self._running.done():
            self.health.late()
            return None
        began = time.perf_counter()
        self._running = Future()
        self._asked.put((self._running, readings, priority))
        try:
            answer = self._running.result(timeout=self.safety.deadline_s)
        except LateError:
            self.health.late()
            return None
        except Exception as error:  # whatever a policy does, the lamps go on
            self.health.failed(error)
            return None
        self.latency_s = time.perf_counter() - began
        return answer

    def _ask(self, j: int, guard: Guard, now_s: float, deciding: bool) -> None:
        """Ask a guard where a decision changes something, or its own time has come."""
        dt_s = now_s - self._asked_s[j]
        priority = self.preemptions[j].admit(self._priority()[j], now_s)
        matters = self._crossed or priority is not None or self._wanted[j] != guard.target
        if not (guard.due_s <= dt_s + 1e-9 or (deciding and matters)):
            return
        readings = self._readings
        calls = self._calls(j, readings) if readings is not None else None
        walks = readings.walk_calls[j] if self._crossed and readings is not None and readings.walk_calls else None
        guard.admit(self._wanted[j], dt_s, calls, walks, priority)
        self._asked_s[j] = now_s

    def _calls(self, j: int, readings: Readings) -> list[bool]:
        """For each phase whether somebody waits for it; an unseen zone may hide one."""
        plan = self.site.plans[j]
        waiting = self._served[j][: len(plan.phases)] @ np.nan_to_num(readings.vehicles, nan=1.0) > 0
        if self._crossed and readings.walk_calls:
            waiting = waiting | [bool(walking & readings.walk_calls[j]) for walking in plan.crossings_of]
        return list(waiting.tolist())


def _answers(policy: SignalPolicy, asked: SimpleQueue[Question | None]) -> None:
    """Let a policy answer, in a thread that ends with the process: one that hangs must not keep it alive."""
    while (question := asked.get()) is not None:
        future, readings, priority = question
        try:
            future.set_result(policy.decide(readings, priority))
        except Exception as error:  # told to whoever waits for the answer
            future.set_exception(error)


def run(cabinet: Cabinet, driver: Driver, log: Log | None = None, most_turns: int | None = None) -> int:
    """Run a cabinet on a street until the driver's last tick; returns the number of turns."""
    now_s, turns = 0.0, 0
    try:
        while most_turns is None or turns < most_turns:
            tick = driver.wait()
            if tick.last:
                break
            now_s += tick.dt_s
            lamps = cabinet.turn(now_s, tick.seen)
            driver.show(told(cabinet, lamps))
            if log is not None:
                log.note(now_s, cabinet, lamps)
            turns += 1
    finally:
        driver.close()
        cabinet.close()
        if log is not None:
            log.close()
    return turns


def told(cabinet: Cabinet, lamps: Sequence[str]) -> Shown:
    """What a cabinet tells after a turn."""
    return Shown(lamps, cabinet.modes, [guard.target for guard in cabinet.guards], cabinet.health.alarms)
