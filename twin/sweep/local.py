"""The local engine: processes of this machine, each with a worker of its own, so that one that dies takes one run."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for

from twin.sweep.work import Result, Task, died, live

MOST_DEATHS = 3  # of workers at one run; then the run is given up
MOST_RUNS = 50  # of one worker, which then makes room for a new one: memory stays bounded
Work = Callable[[Task], Result]


class Slot:
    """A place for one run at a time."""

    def __init__(self, work: Work) -> None:
        self.work, self.deaths, self.pool = work, 0, _pool()
        self.runs = 0

    def take(self, task: Task) -> Future[Result]:
        """Begin a run."""
        if self.runs >= MOST_RUNS:
            self.renew()
        self.task, self.deaths, self.runs = task, 0, self.runs + 1
        return self.pool.submit(self.work, task)

    def again(self) -> Future[Result] | None:
        """Begin the run anew after its worker died; None where it died too often."""
        self.deaths += 1
        self.renew()
        return None if self.deaths >= MOST_DEATHS else self.pool.submit(self.work, self.task)

    def renew(self) -> None:
        """A fresh worker."""
        self.pool.shutdown(wait=False)
        self.pool, self.runs = _pool(), 0


def on_processes(tasks: Iterable[Task], workers: int, work: Work = live) -> Iterator[tuple[Task, Result]]:
    """Results as they come. No more tasks are taken than there are workers; at an interrupt the workers end at once."""
    waiting = iter(tasks)
    idle, busy = [Slot(work) for _ in range(workers)], dict[Future[Result], Slot]()
    before = set(multiprocessing.active_children())
    try:
        while True:
            while idle and (task := next(waiting, None)) is not None:
                slot = idle.pop()
                busy[slot.take(task)] = slot
            if not busy:
                break
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                slot = busy.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    if (next_try := slot.again()) is not None:
                        busy[next_try] = slot
                        continue
                    result = died(MOST_DEATHS)
                idle.append(slot)
                yield slot.task, result
    finally:
        for slot in [*idle, *busy.values()]:
            slot.pool.shutdown(wait=False, cancel_futures=True)
        if busy:  # interrupted: a run's own checkpoint is what the next command goes on with
            for child in set(multiprocessing.active_children()) - before:
                child.kill()


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)


def _begin() -> None:
    """A worker computes on one core, leaves Ctrl-C to its parent, and does not outlive it."""
    import signal

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
