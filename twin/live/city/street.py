"""The city's street, a process of its own: controllers far away set its lamps, and its feed goes over a faulty line.

Once a second it tells the city's time and the lamps that it shows, then whatever of the feed arrives by then: a message
has arrived when the city's clock says so, however fast the city is lived. What really happens goes to standard output,
a line a minute, for the scores alone.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import libsumo
import numpy as np

from controllers.errors import MessageError
from controllers.io.messages import decode, encode
from twin.hil.street import TICK_S, HilStreet, told_of
from twin.live.city.truth import Truth
from twin.live.counters import MINUTE_S, Crossings, crossings_of, loops_xml
from twin.live.line import BEGIN_S, CLOCK, bodies, on_the_way
from twin.live.parameters import parameters_of
from twin.traffic.signals.baselines import BASELINES
from twin.traffic.simulation.hour import Hour
from twin.traffic.simulation.worker import answer, fault_of, serve

AFTER_S = 3  # the clock goes on for so long after the last second, and brings what was still under way


class CityStreet(HilStreet):
    """A street whose cameras, lamps and counters tell what they see to whoever follows the city, too."""

    def __init__(self, hour: Hour, job: dict[str, Any], crossings: Crossings, tell: Callable[[Any], None]) -> None:
        super().__init__(hour, job)
        self._phase = np.full(len(self.units), np.nan)
        self._passed = np.zeros(len(self.site.zones))
        self._counters = crossings.sources
        self._loops, self._counted = job["loops"], np.zeros(len(job["loops"]))
        self._rng, self._counting = (np.random.default_rng([job["seed"], stream]) for stream in (14, 19))
        self._p = parameters_of("estimate")
        self._sent: list[tuple[float, int, str, bytes]] = []
        self._order = itertools.count()
        self._truth, self._tell_truth = Truth(crossings, Path("net.xml"), job["recent_min"]), tell
        topics = [(f"{job['prefix']}/{name}", quality) for name, quality in (("lamps", 0), ("state", 1), ("status", 1))]
        self.client.message_callback_add(topics[1][0], self._state)
        self.client.message_callback_add(topics[2][0], self._status)
        self.client.on_connect = lambda client, *_: client.subscribe(topics)
        self.client.on_disconnect = lambda *_: self._nobody()
        self.client.subscribe(topics)

    def live(self) -> None:
        """Live through the hour, `speed` times as fast as life; what was too slow is not made up for."""
        nothing = np.zeros(len(self.units), dtype=int)
        speed, due_s = float(self.job["speed"]), time.monotonic()
        while self.sim.time_s < self.hour.end_s:
            self.sim.step(nothing)
            self._look(round(self.sim.time_s - self.begin_s))
            if speed > 0:
                due_s = max(due_s + TICK_S / speed, time.monotonic() - TICK_S / speed)
                time.sleep(max(0.0, due_s - time.monotonic()))
        ends_s = round(self.sim.time_s - self.begin_s)
        for at in range(ends_s + 1, ends_s + AFTER_S + 1):
            self._publish(at)
        self.client.disconnect()
        self.client.loop_stop()
        self.sim.close()

    def _look(self, at: int) -> None:
        """What is seen, counted and true `at` seconds after the begin."""
        self._passed += self.sim.readings.passed
        self._truth.watch()
        if at % self.job["step_s"] == 0:
            self._report(at)
        if at % MINUTE_S == 0:
            self._count(at)
            self._tell_truth({"at": at, "halting": self.sim.present[1].tolist(), **self._truth.minute()})
        self._publish(at)

    def _report(self, at: int) -> None:
        """What cameras and lamps report to the city's centre: some readings do not get there, however near they are."""
        readings, rng = self.sim.readings, self._rng
        dark = [unit.flashing for unit in self.units]
        phase = np.where(dark, np.nan, self._phase)
        silent = rng.random(len(self._passed)) < self._p["city_dropout_percent"] / 100
        vehicles, halting = (np.where(silent, np.nan, counts) for counts in (readings.vehicles, readings.halting))
        for kind, source, values in bodies(vehicles, halting, self._passed, phase):
            self._send_on(kind, source, at // self.job["step_s"] - 1, at, values, rng)
        self._passed = np.zeros_like(self._passed)

    def _count(self, at: int) -> None:
        """A minute's counts, as counters tell them: some vehicles overlooked, some counts missing."""
        count, rng = libsumo.inductionloop.getIntervalVehicleNumber, self._counting
        so_far = np.array([sum(map(count, own)) for own in self._loops], dtype=float)
        seen = rng.binomial((so_far - self._counted).astype(int), 1 - self._p["city_counter_miss_percent"] / 100)
        silent = rng.random(len(seen)) < self._p["city_dropout_percent"] / 100
        self._counted = so_far
        for source, n, nothing in zip(self._counters, seen, silent, strict=True):
            values = {"passed": None if nothing else float(n)}
            self._send_on("counters", source, at // MINUTE_S - 1, at, values, rng)

    def _send_on(
        self, kind: str, source: str, seq: int, at: int, values: dict[str, float | None], rng: np.random.Generator
    ) -> None:
        for arrives_s, topic, payload in on_the_way(kind, source, seq, BEGIN_S + at, values, rng):
            heapq.heappush(self._sent, (arrives_s, next(self._order), topic, payload))

    def _publish(self, at: int) -> None:
        """The city's time and lamps, then what has arrived by now."""
        dark = [unit.flashing for unit in self.units]
        lamps = ["o" * len(unit.shown) if out else unit.shown for unit, out in zip(self.units, dark, strict=True)]
        body = {"at_s": BEGIN_S + at, "boot": self.boot, "seq": self.seq, "lamps": lamps}
        self.client.publish(CLOCK, encode(body))
        while self._sent and self._sent[0][0] <= BEGIN_S + at:
            _, _, topic, payload = heapq.heappop(self._sent)
            self.client.publish(topic, payload)

    def _nobody(self) -> None:
        """No lamps will come: the street goes on at once."""
        self.answers.put((self.seq, None))

    def _status(self, client: Any, userdata: Any, message: Any) -> None:
        with contextlib.suppress(MessageError):
            if decode(bytes(message.payload)).get("online") is not True:
                self._nobody()

    def _state(self, client: Any, userdata: Any, message: Any) -> None:
        """The phase that the controller shows, or changes to, at every junction."""
        try:
            phases = decode(bytes(message.payload)).get("phases")
        except MessageError:
            return
        if isinstance(phases, list) and len(phases) == len(self.units):
            self._phase = np.array(phases, dtype=float)


def _live(job: dict[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    crossings = crossings_of(Path(job["network"]["net_file"]))
    xml, job["loops"] = loops_xml(crossings)
    Path("street.add.xml").write_text(f"<additional>{xml}</additional>", encoding="utf-8")
    job["network"]["additional_files"].append(str(Path("street.add.xml").absolute()))
    street = CityStreet(Hour.begin(job, BASELINES["max_pressure"], TICK_S, measured=False), job, crossings, tell)
    street.live()
    return {"over": True, **told_of(street)}


def _answering(job: dict[str, Any], answers: int) -> None:
    """A line a minute with what is true, then one with how it ended."""
    try:
        answer(answers, _live(job, lambda told: answer(answers, dict(told))))
    except Exception as error:
        answer(answers, {"error": fault_of(error)})


if __name__ == "__main__":
    sys.exit(serve(_answering))
