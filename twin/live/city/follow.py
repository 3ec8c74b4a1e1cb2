"""Following the city: every message is taken in, and every minute the twin says what it makes of what came."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from controllers.central import Central
from controllers.errors import MessageError
from controllers.io.messages import decode, place_of
from twin.live.city import forecasts
from twin.live.city.estimates import Known, came_in, estimated, rows, true_values
from twin.live.city.feed import PREFIX, Lately, clock_of
from twin.live.city.kept import Record
from twin.live.city.scoring import pooled, scores
from twin.live.counters import MINUTE_S
from twin.live.estimate.city import Told
from twin.live.forecast.roads import Forecaster
from twin.live.line import BEGIN_S, CLOCK
from twin.live.messages import ROOT_TOPIC
from twin.live.store import LiveStore
from twin.live.trust import Doubt, kept
from twin.module import Row

WAIT_S = 2  # of the city's time that a minute's estimate waits for the readings of its moment
TICK_S = 1.0
GAP_S, AGAIN_S = 10.0, 15.0  # the clock was not heard for so long; between two estimates while something is wrong
Truth = Callable[[int], Mapping[str, Any] | None]  # what was so so many seconds after the begin


class Follower:
    """The twin's side of the city. `at_s` is the city's time as far as it has been heard."""

    def __init__(
        self, known: Known, forecaster: Forecaster | None, store: LiveStore, record: Record, central: Central,
        truth: Truth,
    ) -> None:  # fmt: skip
        self.known, self.forecaster, self.store, self.record, self.central = known, forecaster, store, record, central
        self.truth, self.at_s, self.online = truth, BEGIN_S, 0
        self.lamps: list[str] = []
        self.seconds = dict.fromkeys(("as_asked", "otherwise", "unanswered"), 0)  # of junctions' lamps
        self.scores: list[Row] = []
        self.minute: dict[str, Any] = {}
        self.doubts: tuple[Doubt, ...] = ()
        self._due_s, self._estimated_s = BEGIN_S + MINUTE_S, BEGIN_S
        self._lately, self._hour = Lately(), forecasts.minutes_heard()
        self._flags: Counter[str] = Counter()
        self._lags: list[float] = []
        self._refused = 0
        self._asked: tuple[tuple[str, int], list[str]] | None = None
        self._looked: tuple[str, int] | None = None

    def take(self, arrived_s: float, topic: str, payload: bytes) -> None:
        """Take a message in; junk among what is no feed is let go."""
        if topic.startswith(f"{ROOT_TOPIC}/"):
            self._reading(arrived_s, topic, payload)
            return
        name, _, last = topic.removeprefix("trenggalek/").rpartition("/")
        with contextlib.suppress(MessageError):
            if topic == CLOCK:
                self._tick(payload)
            elif topic == f"{PREFIX}/lamps":
                body = decode(payload)
                self._asked = (place_of(body), list(body.get("lamps", [])))
            else:
                self.online += last == "status" and decode(payload).get("online") is True
                self.central.take(name, last, payload, time.time())

    def _reading(self, arrived_s: float, topic: str, payload: bytes) -> None:
        readings = self.store.take(topic, payload, arrived_s)
        self._lately.take(readings)
        if readings:
            self._lags.append(arrived_s - float(readings[0]["at_s"] or 0.0))
        for row in readings:
            self._flags.update(filter(None, str(row["flags"]).split(",")))

    def _tick(self, payload: bytes) -> None:
        """A second of the city: what its lamps show, and a minute's estimates where they are due."""
        body, before_s = clock_of(payload), self.at_s
        self.at_s, lamps, place = float(body["at_s"]), list(body["lamps"]), place_of(body)
        if place != self._looked:
            self._looked = place
            self._compare(place, lamps)
        before, self.lamps = self.lamps or [""] * len(lamps), lamps
        names = [plan.name for plan in self.known.signals.plans]
        changed = [(name, now) for name, was, now in zip(names, before, lamps, strict=True) if now != was]
        shown_s = self.at_s - TICK_S  # since the second that is over
        self.record.add("live_lamp", [{"at_s": shown_s, "junction": name, "state": now} for name, now in changed])
        while self.at_s >= self._due_s + WAIT_S:
            self._estimate(self._due_s)
            self._due_s += MINUTE_S
        troubled = self.at_s - before_s > GAP_S or any("o" in state for state in lamps)
        if troubled and self.at_s >= self._estimated_s + AGAIN_S + WAIT_S:
            step_s = self.known.step_s
            self._estimate(BEGIN_S + (self.at_s - WAIT_S - BEGIN_S) // step_s * step_s)

    def _compare(self, place: tuple[str, int], lamps: list[str]) -> None:
        if self._asked is None or self._asked[0] != place:
            self.seconds["unanswered"] += len(lamps)
            return
        same = sum(one == other for one, other in zip(lamps, self._asked[1], strict=True))
        self.seconds["as_asked"] += same
        self.seconds["otherwise"] += len(lamps) - same

    def _estimate(self, at_s: float) -> None:
        """Say what was so at a moment; beside the full minutes where something is wrong with what comes in."""
        began_s, self._estimated_s = time.perf_counter(), at_s
        self.doubts = kept(self.store.folder)
        came = came_in(self.known, self._lately.heard(at_s), at_s, self.doubts)
        judged = estimated(self.known, came, at_s - BEGIN_S)
        if (at_s - BEGIN_S) % MINUTE_S:
            self.record.add("live_estimate", rows(self.known, at_s, judged))
            self.record.write(at_s)
            return
        told = self.truth(round(at_s - BEGIN_S))
        if told is not None:
            true = true_values(self.known, told)
            judged = [replace(one, true=true[one.what]) for one in judged]
        found = scores(at_s, judged)
        self.scores += found
        self.record.add("live_estimate", rows(self.known, at_s, judged))
        self.record.add("live_score", found)
        self._minute(at_s, came, began_s)

    def _minute(self, at_s: float, came: Told, began_s: float) -> None:
        """The forecast, and what came in during the last minute."""
        forecasts.take(self._hour, came, self.known.step_s)
        if self.forecaster is not None:
            self.record.add("live_forecast", forecasts.told(self.forecaster, self.known, self._hour, at_s))
        last = MINUTE_S // self.known.step_s
        refused = sum(self.store.totals.values()) - self.store.totals["taken"]
        self.minute = {
            "at_s": at_s, "messages": len(self._lags), "refused": refused - self._refused,
            "flags": json.dumps(dict(self._flags.most_common())),
            "left_out": ", ".join(self._left_out(at_s)),
            "silent_percent": 100 * float(np.isnan(came.vehicles[-last:]).all(axis=0).mean()),
            "lag_p95_s": float(np.percentile(self._lags, 95)) if self._lags else None,
            "ready_s": self.at_s - at_s, "took_s": time.perf_counter() - began_s,
        }  # fmt: skip
        self.record.add("live_minute", [self.minute])
        self.record.write(at_s)
        self._flags.clear()
        self._lags, self._refused = [], refused

    def _left_out(self, at_s: float) -> list[str]:
        return sorted({one.sensor for one in self.doubts if one.covers(at_s)})

    def state(self) -> dict[str, Any]:
        """What is so in this second, for whoever looks."""
        told = [vars(one) for one in self.central.controllers.values()]
        names = [plan.name for plan in self.known.signals.plans]
        return {
            "network": self.known.network, "at_s": self.at_s, "begin_s": BEGIN_S,
            "lamps": dict(zip(names, self.lamps, strict=False)),
            "online": any(one["online"] for one in told),
            "modes": dict(zip(names, told[0]["modes"], strict=False)) if told else {},
            "alarms": [alarm for one in told for alarm in one["alarms"]],
            "left_out": self._left_out(self.at_s), "totals": self.store.totals, "forecast": self.forecaster is not None,
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Lamps, messages and scores of what was followed."""
        answered = self.seconds["as_asked"] + self.seconds["otherwise"]
        return {
            "followed_s": self.at_s - BEGIN_S,
            "lamps_as_asked_percent": 100 * self.seconds["as_asked"] / answered if answered else None,
            "lamp_seconds_unanswered": self.seconds["unanswered"],
            **self.store.totals,
            "scores": pooled(self.scores),
        }
