"""What a worker of a sweep is given to do in tests instead of a run; importable by a process of its own."""

import os
import signal
import sys
import time
from pathlib import Path

from twin.sweep.local import on_processes
from twin.sweep.work import Result, Task


def who(task):
    return Result("", run=task.key, kpis={"pid": float(os.getpid())})


def dies_once(task):
    """The first worker at task `1` is killed, as by the kernel when memory is out."""
    mark = Path(task.runs) / "died"
    if task.key == "1" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return who(task)


def dies_always(task):
    if task.key == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return who(task)


def waits(task):
    """Says who it is and never ends."""
    (Path(task.runs) / "pid").write_text(str(os.getpid()))
    time.sleep(600)
    return who(task)


if __name__ == "__main__":  # a driver that is to be killed
    list(on_processes([Task("0", "", 1, sys.argv[1])], 1, waits))
