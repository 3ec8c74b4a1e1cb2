"""Jobs: one at a time, each a process of its own, so that the services stay quick; progress, cancelling, resuming.

A worker is `python -m deploy.work.KIND`: it gets its arguments as JSON on standard input and writes a line of JSON for
progress (`{"done": 3, "of": 12}`) and one for its result (`{"result": …}`). A job that ran when the services were
killed is begun again: the twin's runs go on where they were.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from deploy.app.database import Database
from deploy.app.problems import ProblemError, missing
from deploy.app.settings import PREFIX
from deploy.work.models import Job

log = logging.getLogger("deploy.jobs")
MOST_QUEUED = 20
LAST_WORDS = 2_000


class Jobs:
    """The queue and the job that runs. `finishers` take a kind's result, before it is told that it is done."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.finishers: dict[str, Callable[[dict[str, Any], dict[str, Any]], Mapping[str, Any]]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._running: int | None = None

    def start(self) -> None:
        """Begin, with what was running when the services ended."""
        with self.database.session() as session:
            session.execute(sa.update(Job).where(Job.state == "running").values(state="queued"))
        self._wake.set()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; what runs is begun again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def add(self, kind: str, asked_by: str, arguments: dict[str, Any]) -> Job:
        """Queue a job. Raises ProblemError 429 where too many wait."""
        with self.database.session() as session:
            waiting = session.scalar(sa.select(sa.func.count()).where(Job.state.in_(("queued", "running"))))
            if (waiting or 0) >= MOST_QUEUED:
                raise ProblemError(429, f"{waiting} jobs wait; wait for them", "too_many", {"retry-after": "60"})
            job = Job(kind=kind, asked_by=asked_by, arguments=arguments, state="queued", progress=0.0, note="",
                      result={}, made_at=datetime.now(UTC), ended_at=None)  # fmt: skip
            session.add(job)
        return job

    def wake(self) -> None:
        """Look at the queue."""
        self._wake.set()

    def get(self, number: int) -> Job:
        """A job. Raises ProblemError 404."""
        with self.database.session() as session:
            job = session.get(Job, number)
        if job is None:
            raise missing(f"job {number}")
        return job

    async def cancel(self, number: int) -> Job:
        """End a job that waits or runs. Raises ProblemError."""
        job = await asyncio.to_thread(self.get, number)
        if job.state not in ("queued", "running"):
            raise ProblemError(409, f"job {number} is {job.state}", "ended")
        await asyncio.to_thread(self._set, number, state="cancelled", ended_at=datetime.now(UTC))
        _clear(job.arguments)
        if self._running == number and self._process is not None and self._process.returncode is None:
            self._process.terminate()
        return await asyncio.to_thread(self.get, number)

    def _set(self, number: int, **values: Any) -> None:
        with self.database.session() as session:
            session.execute(sa.update(Job).where(Job.id == number).values(**values))

    def _next(self) -> Job | None:
        with self.database.session() as session:
            job = session.scalar(sa.select(Job).where(Job.state == "queued").order_by(Job.id).limit(1))
            if job is not None:
                job.state = "running"
        return job

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (job := await asyncio.to_thread(self._next)) is not None:
                self._running = job.id
                try:
                    await self._work(job)
                except Exception:  # a job's failure is told in the job; the queue goes on
                    log.exception("a job failed", extra={"job": job.id})
                    await asyncio.to_thread(self._end, job.id, "failed", "fault of ours; the log says more", {})
                self._running = self._process = None

    async def _work(self, job: Job) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", f"deploy.work.{job.kind}", env=environment, limit=1 << 24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None  # noqa: S101 (pipes were asked for)
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(job.arguments).encode())
            process.stdin.close()
            errors = asyncio.create_task(process.stderr.read())
            result: dict[str, Any] | None = None
            async for line in process.stdout:
                told = json.loads(line)
                if "result" in told:
                    result = told["result"]
                else:
                    share = told["done"] / max(1, told["of"])
                    await asyncio.to_thread(self._set, job.id, progress=share, note=str(told.get("now", "")))
            code, last_words = await process.wait(), (await errors).decode(errors="replace")[-LAST_WORDS:]
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if code == 0 and result is not None:
            finish = self.finishers.get(job.kind)
            kept = dict(await asyncio.to_thread(finish, {**job.arguments, "job": job.id}, result)) if finish else result
            await asyncio.to_thread(self._end, job.id, "done", "", kept)
        else:
            await asyncio.to_thread(self._end, job.id, "failed", last_words.strip().splitlines()[-1:] or "failed", {})

    def _end(self, number: int, state: str, note: Any, result: dict[str, Any]) -> None:
        with self.database.session() as session:
            job = session.get(Job, number)
            if job is not None and job.state == "running":
                job.state, job.ended_at, job.result = state, datetime.now(UTC), result
                job.note = note if isinstance(note, str) else "".join(note)
                job.progress = 1.0 if state == "done" else job.progress
                _clear(job.arguments)


def _clear(arguments: Mapping[str, Any]) -> None:
    """Take away what was written for a worker that will not read it: it may be about people."""
    if "folder" in arguments:
        shutil.rmtree(arguments["folder"], ignore_errors=True)
