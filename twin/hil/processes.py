"""Processes that are ours to end: after an error, after Ctrl-C, and even when we are killed.

A process that nobody can kill with us by accident (it shares no terminal, and no group) hears on its standard input
whom we started; where that input ends, we are gone, and it ends them. Run as `python -m twin.hil.processes`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from twin.traffic.folders import ROOT, process_environment

PATIENCE_S = 20.0  # that a process has to end by itself before it is killed
POLL_S = 0.05


def started(
    words: Sequence[str], talks: bool = False, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that a Ctrl-C is ours alone; `talks`: over pipes, else it is silent."""
    pipe = subprocess.PIPE if talks else subprocess.DEVNULL
    process = subprocess.Popen(
        list(words), stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, start_new_session=True,
        env={**process_environment(), **(environment or {})},
    )  # fmt: skip
    _HEIR.hears_of(process.pid, lives=True)
    return process


def ended(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    """End a process and what it forked; one that does not go by itself is killed."""
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _HEIR.hears_of(process.pid, lives=False)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


class _Heir:
    """The process that ends what we leave; it is there while there is something to leave."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ours: set[int] = set()
        self._lock = threading.Lock()

    def hears_of(self, pid: int, lives: bool) -> None:
        with self._lock:
            (self._ours.add if lives else self._ours.discard)(pid)
            if self._process is None and lives:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "twin.hil.processes"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    cwd=ROOT, start_new_session=True, env=process_environment(),
                )  # fmt: skip
            if self._process is None:
                return
            assert self._process.stdin is not None  # noqa: S101 (opened with a pipe)
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{'+' if lives else '-'}{pid}\n".encode())
                self._process.stdin.flush()
            if not self._ours:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
                self._process.wait()
                self._process = None


_HEIR = _Heir()


def inherit(words: Iterable[str]) -> None:
    """Hear of processes that begin (`+PID`) and that were ended (`-PID`); end those that are left in the end."""
    left: set[int] = set()
    for word in words:
        pid = int(word[1:])
        (left.add if word[0] == "+" else left.discard)(pid)
    _all(left, signal.SIGTERM)
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and any(_lives(pid) for pid in left):
        time.sleep(POLL_S)
    _all(left, signal.SIGKILL)


def _all(groups: Iterable[int], how: signal.Signals) -> None:
    for pid in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, how)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inherit(sys.stdin)
