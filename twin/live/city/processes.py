"""The processes of a whole city: broker and controller, which come back when they die, its street, and the page."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twin.errors import NetworkError
from twin.hil.processes import ended, started
from twin.hil.run import Loop

AGAIN_S = 3.0  # of real time between two starts of the same process
TRUTH_S = 5.0  # of real time that a line of the street's truth is waited for


class Street:
    """The street's process: `truth` is what it said was so, `over` whether its hour is, `told` how it ended."""

    def __init__(self, job: Mapping[str, Any], folder: Path) -> None:
        folder.mkdir()
        self.told: dict[str, Any] = {}
        self._truth: dict[int, dict[str, Any]] = {}
        self._said: deque[str] = deque(maxlen=1)
        self._changed = threading.Condition()
        self._process = started([sys.executable, "-W", "ignore", "-m", "twin.live.city.street"], talks=True)
        assert self._process.stdin is not None  # noqa: S101 (opened with pipes)
        self._process.stdin.write(json.dumps({**job, "folder": str(folder)}).encode() + b"\n")
        self._process.stdin.flush()
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._listen, self._drain)]
        for reader in self._readers:
            reader.start()

    @property
    def over(self) -> bool:
        """Whether it said how it ended. Raises NetworkError where that was with a fault."""
        with self._changed:
            if error := self.told.get("error"):
                raise NetworkError(f"the street: {error}{''.join(f' ({said})' for said in self._said)}")
            return bool(self.told)

    def truth(self, at: int) -> dict[str, Any] | None:
        """What was so `at` seconds after the begin; None where it is not said."""
        with self._changed:
            self._changed.wait_for(lambda: at in self._truth or bool(self.told), TRUTH_S)
            return self._truth.pop(at, None)

    def end(self) -> None:
        """End it at once."""
        ended(self._process, signal.SIGKILL)
        for reader in self._readers:
            reader.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 (opened with pipes)
        for line in self._process.stdout:
            told = json.loads(line)
            with self._changed:
                if "at" in told:
                    self._truth[told["at"]] = told
                else:
                    self.told = told
                self._changed.notify_all()
        with self._changed:
            self.told = self.told or {"error": "its process ended before its hour did"}
            self._changed.notify_all()

    def _drain(self) -> None:
        """What SUMO says fills no pipe; its last line is kept."""
        assert self._process.stderr is not None  # noqa: S101 (opened with pipes)
        for line in self._process.stderr:
            self._said.append(line.decode(errors="replace").strip())


class Kept:
    """Broker and controller, kept alive."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._started_s = dict.fromkeys(("broker", "controller"), time.monotonic())
        self.down: set[str] = set()

    def revive(self, at_s: float) -> Iterator[str]:
        """Start again what has died, `at_s` after the begin; names what was found dead."""
        for name, process in (("broker", self.loop.broker), ("controller", self.loop.controller)):
            if process is None or process.poll() is None:
                continue
            if name not in self.down:
                self.down.add(name)
                yield name
            if time.monotonic() - self._started_s[name] < AGAIN_S:
                continue
            self._started_s[name] = time.monotonic()
            if name == "broker":
                self.loop.begin_broker()
            else:
                self.loop.start_controller(int(at_s))


def page(folder: Path, central: Path, port: int) -> subprocess.Popen[bytes]:
    """The planners' pages over a folder of live days, with the central monitor's history."""
    environment = {"TWIN_LIVE": str(folder.resolve()), "TWIN_CENTRAL": str(central)}
    words = ["-m", "twin", "dashboard", "--out", str(folder.resolve().parent), "--port", str(port)]
    return started([sys.executable, *words], environment=environment)


def free_port(wanted: int) -> int:
    """The port that is wanted, or any where that one is taken."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", wanted))
        except OSError:
            one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
