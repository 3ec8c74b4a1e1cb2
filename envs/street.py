"""The street of an environment: episodes simulated in a process of their own, so that any number can live at a time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from controllers.features import MOVEMENTS, PHASES, Features, features
from envs.worker import COMPANION, ENDED, FAILED, HEAD, TIMES
from twin.errors import NetworkError
from twin.traffic.folders import ROOT, process_environment
from twin.traffic.networks.check import check
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.events import EventOptions
from twin.traffic.studies.evaluate import detectors_for, hour, settings_for

N_MOVEMENT, N_PHASE = len(features("movement")), len(features("phase"))


@dataclass(frozen=True)
class Scene:
    """What an episode is: a network (`locate` tells the names) with an hour of its demand.

    `day_type` counts on the Trenggalek sketch; `scale` multiplies the demand. `begin_s` and `duration_s` None
    take the network's whole hour. `measured` lets SUMO write what the measures of the hour need; they come with the
    last step.
    """

    network: str = "trenggalek"
    day_type: str = "weekday"
    scale: float = 1.0
    motorcycle_share: float | None = None
    begin_s: int | None = None
    duration_s: int | None = None
    decision_s: float = 5.0
    reward: str = "queue"
    detectors: DetectorOptions | None = None
    events: EventOptions = field(default_factory=lambda: EventOptions(emergency_priority=True))
    measured: bool = False

    @property
    def place(self) -> tuple[str, float]:
        """What the signals and their zones depend on: the network, and how far the cameras see [m]."""
        return self.network, self._detectors().camera_range_m

    def signals(self) -> Signals:
        """The network's signals. Raises NetworkError, FaultsError or PlanError."""
        network = locate(self.network)
        check(network)
        return signals_of(network.net_file, self._detectors().camera_range_m)

    def conditions(self) -> dict[str, Any]:
        """What `twin.traffic.studies.evaluate.hour` is to be told, so that a baseline lives through the same."""
        return {
            "day_type": self.day_type, "scale": self.scale, "motorcycle_share": self.motorcycle_share,
            "detectors": self._detectors(), "duration_s": self.duration_s, "events": self.events,
        }  # fmt: skip

    def job(self, seed: int, raw: bool = False) -> dict[str, Any]:
        """What the street's process is told; `seed` draws the traffic."""
        settings = settings_for(self.network, COMPANION)
        told = hour(self.network, COMPANION, settings, seed, **self.conditions()).as_json()
        if self.begin_s is not None:
            told["network"]["begin_s"] = self.begin_s
        own = {"decision_s": self.decision_s, "reward": self.reward, "measured": self.measured, "raw": raw}
        return {**told, **own}

    def _detectors(self) -> DetectorOptions:
        return self.detectors or detectors_for(self.network)


@dataclass(frozen=True)
class Frame:
    """The street at a decision, for J junctions; `over` at the episode's last one.

    The numbers are those of `controllers.features` and `envs.rewards`: `movements` (J, MOVEMENTS, features), `phases`
    (J, PHASES, features) and `rewards` (J,), all float32; `vehicles` and `halting` (zones,) as the detectors report
    them, where they were asked for.
    """

    time_s: float
    over: bool
    movements: np.ndarray
    phases: np.ndarray
    rewards: np.ndarray
    vehicles: np.ndarray
    halting: np.ndarray


class Street:
    """A process that simulates episodes one after another. `raw` adds the zones' counts to the frames.

    It begins with a scene's signals; an episode may take place elsewhere.
    """

    def __init__(self, scene: Scene, raw: bool = False) -> None:
        self.raw = raw
        self._look(scene)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._living = False
        self._finalizer: weakref.finalize[..., Street] | None = None

    def begin(self, scene: Scene, seed: int) -> Frame:
        """Begin an episode. Raises NetworkError with what SUMO says."""
        self._end_episode()
        self._move(scene)
        if self._process is None:
            self._start()
        self._folder = tempfile.TemporaryDirectory(prefix="twin-street-", ignore_cleanup_errors=True)
        job = {**scene.job(seed, self.raw), "folder": self._folder.name}
        self._tell(json.dumps(job).encode() + b"\n")
        frame = self._frame()
        self._living = True
        return frame

    def step(self, wanted: np.ndarray) -> Frame:
        """Live on until the next decision under the wanted phases, int (J,); −1 leaves a junction to max-pressure."""
        self.ask(wanted)
        return self.answer()

    def ask(self, wanted: np.ndarray) -> None:
        """The first half of `step`: let the street live on."""
        self._tell(b"S" + np.ascontiguousarray(wanted, dtype="<i2").tobytes())

    def answer(self) -> Frame:
        """The second half of `step`: wait for what it then looks like."""
        return self._frame()

    def end(self) -> Mapping[str, Any]:
        """End the episode; the measures of the hour where the scene asked for them, else nothing."""
        self._tell(b"E")
        kind, payload = self._heard()
        assert kind == ENDED, kind  # noqa: S101 (it answers an E with nothing else)
        self._living = False
        measures: dict[str, Any] = json.loads(payload)
        return measures

    def close(self) -> None:
        """End the process and forget the episode."""
        if self._finalizer is not None:
            self._finalizer()
        self._process, self._living, self._finalizer = None, False, None
        self._clean()

    def _move(self, scene: Scene) -> None:
        if scene.place != self._place:
            self._look(scene)

    def _look(self, scene: Scene) -> None:
        self._place, self.signals = scene.place, scene.signals()
        self.serves = Features(self.signals.junctions, self.signals.zone_of, self.signals.exit_of).serves
        self._n, self._zones = len(self.signals.plans), len(self.signals.zones) if self.raw else 0

    def _end_episode(self) -> None:
        if self._living:
            self.end()
        self._clean()

    def _clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self) -> None:
        process = self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "envs.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
            env=process_environment(),
            start_new_session=True,
        )  # fmt: skip
        self._finalizer = weakref.finalize(self, _killed, process)

    def _tell(self, words: bytes) -> None:
        assert self._process is not None  # noqa: S101 (begin starts it)
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(words)
        self._process.stdin.flush()

    def _heard(self) -> tuple[bytes, bytes]:
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        head = self._process.stdout.read(HEAD.size)
        if len(head) < HEAD.size:
            self.close()
            raise NetworkError("the street's process ended before it answered")
        kind, length = HEAD.unpack(head)
        payload = self._process.stdout.read(length)
        if kind == FAILED:
            self._living = False
            raise NetworkError(payload.decode())
        return kind, payload

    def _frame(self) -> Frame:
        payload = self._heard()[1]
        time_s, end_s = TIMES.unpack_from(payload)
        values = np.frombuffer(payload, dtype="<f4", offset=TIMES.size)
        n, m, p, z = self._n, self._n * MOVEMENTS * N_MOVEMENT, self._n * PHASES * N_PHASE, self._zones
        return Frame(
            time_s,
            time_s >= end_s,
            values[:m].reshape(n, MOVEMENTS, N_MOVEMENT),
            values[m : m + p].reshape(n, PHASES, N_PHASE),
            values[m + p : m + p + n],
            values[m + p + n : m + p + n + z],
            values[m + p + n + z :],
        )


def _killed(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()
