"""The single writer: commands in order of arrival, one fsync for all that wait (group commit), answers after it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deploy.app.gate import Metrics
from deploy.app.problems import ProblemError
from deploy.exchange.log import begin_day, document_of, recover
from deploy.exchange.machine import Command, Result, answered, carry_out
from deploy.exchange.state import FIRST_REFERENCE_IDR, Body
from twin.carbon.engine.codes import Kind, Side
from twin.carbon.mechanisms.regular import RegularMarket

MOST_WAITING = 5_000
MOST_TOGETHER = 500
Waiting = tuple[Command, "asyncio.Future[Result]"]


class Writer:
    """Owns the exchange; whatever changes it goes through `do`."""

    def __init__(self, folder: Path, metrics: Metrics, publish: Callable[[list[Body]], None]) -> None:
        self.folder, self.metrics, self._publish = folder, metrics, publish
        _warm_up()
        self.exchange, self._log = recover(folder)
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.failed = ""

    def start(self) -> None:
        """Begin to take commands."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more commands, finish those that wait, and close the log."""
        self._closing = True
        if self._task is not None:
            while not self._waiting.empty() and not self._task.done():
                await asyncio.sleep(0.005)
            await asyncio.sleep(0)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._log.close()

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._waiting.qsize()

    @property
    def lines(self) -> int:
        """Lines of the day's log."""
        return self._log.lines

    @property
    def log_sha256(self) -> str:
        """Hash of the log's last line."""
        return self._log.previous

    async def do(self, do: str, by: str, key: str, args: Body) -> Body:
        """Carry a command out and give its answer once it is on the disk. Raises ProblemError where it is refused."""
        if self._closing or self.failed:
            raise ProblemError(503, "the exchange takes no commands now", "closing", {"retry-after": "5"})
        command = Command(do, by, datetime.now(UTC).isoformat(timespec="microseconds"), key, args)
        result = answered(self.exchange, command)
        if result is None:
            future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            try:
                self._waiting.put_nowait((command, future))
            except asyncio.QueueFull as error:
                raise ProblemError(503, "too many commands wait; try again", "busy", {"retry-after": "1"}) from error
            result = await asyncio.shield(future)
        if result.status != 200:
            raise ProblemError(result.status, result.body["detail"], result.body["reason"])
        return result.body

    async def _run(self) -> None:
        while True:
            together = [await self._waiting.get()]
            # a new day begins a new file: whatever follows it is written there
            while together[-1][0].do != "new_day" and len(together) < MOST_TOGETHER and not self._waiting.empty():
                together.append(self._waiting.get_nowait())
            documents = [document_of(command) for command, _ in together]
            writing = asyncio.create_task(asyncio.to_thread(self._log.write, documents))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                self._carry_out(together)
                raise
            except OSError as error:  # a full or broken disk: nothing more may be promised
                self.failed = str(error)
                self._refuse(together)
                return
            self._carry_out(together)

    def _carry_out(self, together: list[Waiting]) -> None:
        x = self.exchange
        for command, future in together:
            day = x.day
            result = carry_out(x, command)
            if x.day != day:
                self._next_day()
            if not future.done():
                future.set_result(result)
        self.metrics.commands.inc(len(together))
        self.metrics.commits.inc()
        events, x.events = x.events, []
        x.ledger.entries.clear()  # they are in the log; the settlement worker reads them there
        x.ledger.certificates.clear()
        self._publish(events)

    def _next_day(self) -> None:
        previous = self._log.previous
        self._log.close()
        self._log = begin_day(self.folder, self.exchange, previous)
        gc.collect()

    def _refuse(self, together: list[Waiting]) -> None:
        for _, future in together:
            if not future.done():
                future.set_result(Result(503, {"reason": "disk", "detail": "the disk failed; the outcome is unknown"}))


def _warm_up() -> None:
    """Let the engine be compiled, or read from its cache, before anybody waits for it."""
    market = RegularMarket(FIRST_REFERENCE_IDR, 1)
    market.submit(Kind.LIMIT, Side.BUY, FIRST_REFERENCE_IDR, 1)
    for side in Side:
        market.book.depth(side)
