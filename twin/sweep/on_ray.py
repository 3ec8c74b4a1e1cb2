"""The Ray engine: every run is a task of a Ray cluster, which makes it again elsewhere where a node is lost."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twin.errors import MissingExtraError, SweepError
from twin.provenance import ROOT
from twin.sweep.work import Result, Task, died, live

MOST_TRIES = 3
AHEAD = 2  # tasks handed over for every core of the cluster, so that none waits for the driver


def connected(address: str | None, workers: int | None = None) -> Any:
    """Ray, at the cluster of `address`, or with one of this machine with `workers` cores.

    Raises MissingExtraError without Ray, SweepError where no cluster answers or starts.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("--engine ray needs: pip install 'trenggalek-twin[sweep]'") from error
    if not ray.is_initialized():  # once a process: an adaptive sweep comes here with every batch; Ray ends at its exit
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        here: dict[str, Any] = {
            "num_cpus": workers, "include_dashboard": False, "runtime_env": {"env_vars": {"PYTHONPATH": path}},
        }  # fmt: skip
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **({} if address else here))
        except Exception as error:  # Ray raises plain Exceptions here
            told = (str(error) or type(error).__name__).splitlines()[0]
            what = "no Ray cluster answers there" if address else "Ray does not start on this machine"
            raise SweepError(
                f"--engine ray --address {address or '(none)'}", [f"{what}: {told}; try again, or --engine local"]
            ) from error
    return ray


def on_ray(
    tasks: Iterable[Task], address: str | None, workers: int | None = None, work: Callable[[Task], Result] = live
) -> Iterator[tuple[Task, Result]]:
    """Results as they come, from what `connected` gives; raises as it does.

    Every node needs the twin installed, and makes its runs in the folder of the task on its own disk, or a shared one.
    """
    ray = connected(address, workers)
    remote = ray.remote(max_retries=MOST_TRIES - 1, num_cpus=1)(work)
    most = max(1, AHEAD * int(ray.cluster_resources().get("CPU", 1)))
    waiting, flying = iter(tasks), dict[object, Task]()
    try:
        while True:
            while len(flying) < most and (task := next(waiting, None)) is not None:
                flying[remote.remote(task)] = task
            if not flying:
                break
            for reference in ray.wait(list(flying), num_returns=1)[0]:
                task = flying.pop(reference)
                try:
                    yield task, ray.get(reference)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
                    yield task, died(MOST_TRIES)
                except ray.exceptions.RayError as error:
                    yield task, Result(f"Ray: {str(error).strip().splitlines()[-1]}")
    finally:
        for reference in flying:
            ray.cancel(reference, force=True)
