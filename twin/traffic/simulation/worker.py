"""A process that simulates jobs, each in a fresh copy of itself: the same job, the same bits, whatever came before.

Inside one process SUMO's result can depend on what was done before (its memory's layout decides some orders: cologne1
with one seed gives 42.97 s or 44.13 s of delay). So this process loads everything, then forks a child that reads one
job from standard input, simulates it in the job's folder and writes one line of JSON; the parent does nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

READY, ENDED = 0, 7
Job = dict[str, Any]


def serve(one: Callable[[Job, int], None]) -> int:
    """Serve jobs until standard input ends. `one` lives a job in a fork and writes to the file descriptor it is given.

    Whatever `one` needs must be imported before: a fork then finds the same memory every time.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever SUMO prints is no answer
    while True:
        child = os.fork()
        if child == 0:
            os._exit(_serve_one(one, answers))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == ENDED:
            return 0
        if code == -signal.SIGKILL:
            answer(answers, {"killed": True})
        elif code != READY:
            answer(answers, {"error": f"the simulation's process ended with code {code}"})


def _serve_one(one: Callable[[Job, int], None], answers: int) -> int:
    line = bytearray()
    while not line.endswith(b"\n"):
        read = os.read(0, 1 << 16)
        if not read:
            return ENDED
        line += read
    job = json.loads(line)
    os.chdir(job["folder"])
    one(job, answers)
    return READY


def answer(answers: int, document: Job) -> None:
    """Write one line of JSON."""
    os.write(answers, json.dumps(document).encode() + b"\n")


def fault_of(error: Exception) -> str:
    """What to say of a simulation that failed; anything but SUMO's exceptions and our own is raised again."""
    import libsumo

    from twin.errors import TwinError

    if isinstance(error, (libsumo.TraCIException, libsumo.FatalTraCIError)):
        return "SUMO says: " + " ".join(str(error).split())
    if isinstance(error, TwinError):
        return str(error)
    raise error


def answering(live: Callable[[Job], Job]) -> Callable[[Job, int], None]:
    """What `serve` takes: one line with what a job's life gives, or with its fault."""

    def one(job: Job, answers: int) -> None:
        try:
            answer(answers, live(job))
        except Exception as error:
            answer(answers, {"error": fault_of(error)})

    return one


if __name__ == "__main__":
    from twin.traffic.simulation.hour import live  # loaded before the fork, used in the child

    sys.exit(serve(answering(live)))
