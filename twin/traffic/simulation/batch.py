"""Simulating many hours: jobs go to worker processes, answers are kept by what they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import cache
from twin.errors import MissingExtraError, NetworkError
from twin.files import cache_folder
from twin.traffic.folders import ROOT, code_digest, process_environment
from twin.traffic.networks.files import Network
from twin.traffic.signals.baselines import Settings
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.events import EventOptions

WORKER = "twin.traffic.simulation.worker"
MOST_DEATHS = 3  # of processes at one hour; then it is given up
Progress = Callable[[int, int], None]  # hours done, hours in all


@dataclass(frozen=True)
class Job:
    """One hour to simulate. `programmes` replace the plans' own; `trace` asks for the story of lamps and queues."""

    network: Network
    seed: int = 1
    controller: str = "shipped"
    settings: Settings = field(default_factory=dict)
    programmes: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    duration_s: int = 3600
    detectors: DetectorOptions = field(default_factory=DetectorOptions)
    events: EventOptions = field(default_factory=EventOptions)
    trace: bool = False

    def as_json(self) -> dict[str, Any]:
        """What a worker is told."""
        n = self.network
        return {
            "network": {
                "name": n.name, "net_file": str(n.net_file.absolute()), "begin_s": n.begin_s, "end_s": n.end_s,
                "demand_files": [str(path.absolute()) for path in n.demand_files], "options": list(n.options),
                "additional_files": [str(path.absolute()) for path in n.additional_files],
            },
            "seed": self.seed, "controller": self.controller, "settings": dict(self.settings),
            "programmes": dict(self.programmes), "scale": self.scale, "duration_s": self.duration_s,
            "detectors": self.detectors.model_dump(), "events": self.events.model_dump(mode="json"),
            "trace": self.trace,
        }  # fmt: skip

    def digest(self) -> str:
        """SHA-256 over all that the answer depends on: the files' contents, the rest of the job, and the code."""
        content = {**self.as_json(), "network": self.network.digest(), "code": code_digest()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def simulate(jobs: Sequence[Job], progress: Progress | None = None, worker: str = WORKER) -> list[dict[str, Any]]:
    """Answers of all jobs in their order; each is lived once and kept under its digest in the cache folder.

    `worker` is the module that lives them. An interrupted batch goes on where it was. Raises NetworkError with SUMO's
    own message.
    """
    for job in jobs:
        if missing := job.network.missing():
            raise NetworkError(f"{job.network.name}: {missing[0]}")
    places = [cache_folder() / "hours" / f"{job.digest()}.json" for job in jobs]
    answers: dict[Path, Any] = {place: cache.read(place) for place in places}
    wanted = {place: job for place, job in zip(places, jobs, strict=True) if answers[place] is None}
    before, begun = len(jobs) - len(wanted), list(wanted)

    def told(done: int, _: int) -> None:
        if progress is not None:
            progress(before + done, len(jobs))

    told(0, 0)
    lived = live(list(wanted.values()), told, worker, lambda i, answer: cache.keep(begun[i], answer))
    answers.update(zip(begun, lived, strict=True))
    return [answers[place] for place in places]


def live(
    jobs: Sequence[Job], progress: Progress | None = None, worker: str = WORKER,
    answered: Callable[[int, Any], Any] = lambda _, answer: answer,
) -> list[dict[str, Any]]:  # fmt: skip
    """Answers of all jobs in their order, from as many processes as there are cores; nothing is kept.

    A process that dies is begun again, and none is left when this returns or raises. What `answered` makes of a job's
    number and answer, as soon as there is one, is what is returned. Raises NetworkError with SUMO's own message.
    """
    if importlib.util.find_spec("libsumo") is None:
        raise MissingExtraError('SUMO is not installed: pip install "trenggalek-twin[twin]"')
    if not jobs:
        return []
    workers = _Workers(min(os.cpu_count() or 1, len(jobs)), worker)
    pool = ThreadPoolExecutor(len(workers.all))

    def one(i: int) -> Any:
        return answered(i, _lived(workers, jobs[i]))

    try:
        under_way = [pool.submit(one, i) for i in range(len(jobs))]
        for done, future in enumerate(as_completed(under_way), 1):
            future.result()
            if progress is not None:
                progress(done, len(jobs))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        workers.end()
        pool.shutdown()
    return [future.result() for future in under_way]


def _lived(workers: _Workers, job: Job) -> dict[str, Any]:
    for _ in range(MOST_DEATHS):
        worker = workers.free.get()
        try:
            with tempfile.TemporaryDirectory(prefix="twin-sumo-", ignore_cleanup_errors=True) as folder:
                answer = _ask(worker, {**job.as_json(), "folder": folder})
        finally:
            workers.give_back(worker)
        if answer is None or answer.get("killed"):
            continue
        if error := answer.get("error"):
            raise NetworkError(f"{job.network.name}: {error}")
        return answer
    raise NetworkError(
        f"{job.network.name}: its simulation was killed {MOST_DEATHS} times, as by a system out of memory; hours that "
        "are done are kept: make room, and the same command goes on"
    )


def _ask(worker: subprocess.Popen[bytes], job: Mapping[str, Any]) -> dict[str, Any] | None:
    """The worker's answer; None where it died before it gave one."""
    assert worker.stdin is not None  # noqa: S101 (opened with pipes below)
    assert worker.stdout is not None  # noqa: S101
    try:
        worker.stdin.write(json.dumps(job).encode() + b"\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
    except BrokenPipeError:
        return None
    if not line.endswith(b"\n"):
        return None
    answer: dict[str, Any] = json.loads(line)
    return answer


class _Workers:
    """Worker processes to take and to give back. Each leads a process group with the simulations that it forks."""

    def __init__(self, n: int, module: str = WORKER) -> None:
        self.module = module
        self.all = [_started(module) for _ in range(n)]
        self.ended = False
        self.free: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()
        for worker in self.all:
            self.free.put(worker)

    def give_back(self, worker: subprocess.Popen[bytes]) -> None:
        """Whoever waits gets this worker, or a fresh one where it is dead."""
        if worker.poll() is not None and not self.ended:
            worker = _started(self.module)
            self.all.append(worker)
        self.free.put(worker)

    def end(self) -> None:
        """End them at once, whatever they are doing."""
        self.ended = True
        for worker in self.all:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.communicate()


def _started(module: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, cwd=ROOT, env=process_environment(), start_new_session=True,
    )  # fmt: skip
