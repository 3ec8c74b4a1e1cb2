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

READY, ENDED = 0, 7


def main() -> int:
    """Serve jobs until standard input ends."""
    import twin.traffic.simulation.hour  # noqa: F401 (loaded before the fork, used in the child)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever SUMO prints is no answer
    while True:
        child = os.fork()
        if child == 0:
            os._exit(_serve_one(answers))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == ENDED:
            return 0
        if code != READY:
            _answer(answers, {"error": f"the simulation's process ended with code {code}"})


def _serve_one(answers: int) -> int:
    line = bytearray()
    while not line.endswith(b"\n"):
        read = os.read(0, 1 << 16)
        if not read:
            return ENDED
        line += read
    job = json.loads(line)
    os.chdir(job["folder"])
    _answer(answers, _result(job))
    return READY


def _result(job: dict[str, object]) -> dict[str, object]:
    import libsumo

    from twin.errors import TwinError
    from twin.traffic.simulation.hour import live

    try:
        return live(job)
    except (libsumo.TraCIException, libsumo.FatalTraCIError) as error:
        return {"error": "SUMO says: " + " ".join(str(error).split())}
    except TwinError as error:
        return {"error": str(error)}


def _answer(answers: int, document: dict[str, object]) -> None:
    os.write(answers, json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
