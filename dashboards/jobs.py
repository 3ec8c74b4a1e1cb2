"""Runs in processes of their own, one after the other, for all visitors; who reloads the page finds their run again.

The worker is the services' (`deploy.work.what_if`): JSON on its standard input, lines of JSON for progress and result.
A run that is cancelled, or whose server is stopped, goes on from its last checkpoint when it is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

MOST_KEPT = 50
RUNNING = ("queued", "running")


@dataclass
class Job:
    """A run that was asked for; `note` is the month it is at, or why it failed."""

    key: str
    scenario: str
    overrides: tuple[str, ...]
    seed: int
    runs: Path
    state: str = "queued"
    progress: float = 0.0
    note: str = ""
    run: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in RUNNING


class Jobs:
    """All jobs of this server, by key; one runs at a time, so that the pages stay quick."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self._turn, self._lock = threading.Lock(), threading.Lock()

    def start(self, scenario: str, overrides: list[str], seed: int, runs: Path) -> Job:
        """Ask for a run; the same one that is under way is handed back."""
        key = hashlib.sha256(json.dumps([scenario, overrides, seed, str(runs)]).encode()).hexdigest()[:10]
        with self._lock:
            if key in self.jobs and not self.jobs[key].ended:
                return self.jobs[key]
            for old in [k for k, job in self.jobs.items() if job.ended][: max(0, len(self.jobs) - MOST_KEPT)]:
                del self.jobs[old]
            job = self.jobs[key] = Job(key, scenario, tuple(overrides), seed, runs)
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        return job

    def get(self, key: str) -> Job | None:
        """A job of this server."""
        return self.jobs.get(key)

    def of(self, scenario: str, settings: tuple[str, ...]) -> Job | None:
        """A job under way with these settings, whatever its run is called."""
        asked = [job for job in self.jobs.values() if job.scenario == scenario and job.overrides[:-1] == settings]
        return next((job for job in asked if not job.ended), None)

    def cancel(self, job: Job) -> None:
        """End it; what it has done is kept, and the same run goes on from there."""
        with self._lock:
            if not job.ended:
                job.state = "cancelled"
                if job.process is not None:
                    job.process.terminate()

    def _work(self, job: Job) -> None:
        with self._turn:
            with self._lock:
                if job.ended:
                    return
                job.state = "running"
                job.process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "deploy.work.what_if"], text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )  # fmt: skip
            self._follow(job, job.process)

    def _follow(self, job: Job, process: subprocess.Popen[str]) -> None:
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
        reader.start()
        with process:
            arguments = {"scenario": job.scenario, "overrides": job.overrides, "seed": job.seed, "runs": str(job.runs)}
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 (pipes were asked for)
            with suppress(BrokenPipeError):  # cancelled before it had read
                process.stdin.write(json.dumps(arguments))
                process.stdin.close()
            for line in process.stdout:
                self._tell(job, json.loads(line))
        reader.join()
        with self._lock:
            job.process = None
            if job.state == "running":
                job.state = "done" if job.run else "failed"
                job.note = "" if job.run else "".join(errors[-1:]).strip()

    def _tell(self, job: Job, told: dict[str, Any]) -> None:
        if "result" in told:
            job.run, job.progress = str(told["result"]["run"]), 1.0
        else:
            job.progress, job.note = told["done"] / max(1, told["of"]), str(told["now"])


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The server's jobs."""
    return Jobs()
