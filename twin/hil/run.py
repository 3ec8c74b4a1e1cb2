"""A controller in the loop: broker, controller and street as processes; the same hour as the environment lives it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from controllers.bundle import Bundle, load
from controllers.errors import ControllerError
from controllers.io.messages import decode
from controllers.io.mqtt import Broker, client_of, start
from controllers.log import decisions
from twin.errors import NetworkError
from twin.hil.faults import BROKER, CONTROLLER, Fault
from twin.hil.processes import ended, started
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for, hour

PREFIX = "trenggalek/hil"
BEGIN_S = 1_767_571_200.0  # 2026-01-05 00:00 UTC, a Monday: what the controller's log calls the hour's begin
ONLINE_S = 60.0  # within which a controller must be there


@dataclass
class Loop:
    """The processes of one hour; `kill` and `revive` do to them what a fault asks for."""

    bundle: Path
    folder: Path
    kind: str  # mosquitto or embedded
    prefix: str = PREFIX
    port: int = field(default_factory=lambda: _free_port())
    broker: subprocess.Popen[bytes] | None = None
    controller: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The controller's log."""
        return self.folder / "controller.sqlite"

    def begin(self) -> None:
        """Start the broker and the controller, and wait until the controller is there."""
        self.start_broker()
        self.start_controller(0)
        self._wait_until_online()

    def start_broker(self) -> None:
        """Start the broker; it listens when this returns. Raises NetworkError where it does not come to that."""
        self.begin_broker()
        until_s = time.monotonic() + ONLINE_S
        while time.monotonic() < until_s and self.broker is not None and self.broker.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return
            time.sleep(0.05)
        raise NetworkError(f"the broker ({self.kind}) did not start on port {self.port}")

    def begin_broker(self) -> None:
        """Start the broker's process, and do not wait for it."""
        if self.kind == "mosquitto":
            file = self.folder / "mosquitto.conf"
            lines = (
                f"listener {self.port} 127.0.0.1",
                "allow_anonymous true",
                "set_tcp_nodelay true",
                "log_type error",
            )
            file.write_text("\n".join((*lines, "persistence false", "")), encoding="ascii")
            words = [str(mosquitto()), "-c", str(file)]
        else:
            words = [sys.executable, "-m", "twin.hil.broker", "--port", str(self.port)]
        ended(self.broker, signal.SIGKILL)  # one that died is not ours to end any more
        self.broker = started(words)

    def start_controller(self, at_s: int) -> None:
        """Start the controller; the log calls its begin `at_s` seconds after the hour's."""
        words = [
            sys.executable, "-m", "controllers", "run", str(self.bundle), "--mqtt", f"127.0.0.1:{self.port}",
            "--prefix", self.prefix, "--pace", "street", "--log", str(self.log), "--begin", str(BEGIN_S + at_s),
            *(["--no-flash"] if at_s == 0 else []),
        ]  # fmt: skip
        ended(self.controller, signal.SIGKILL)
        self.controller = started(words)

    def _wait_until_online(self) -> None:
        there = threading.Event()
        client = client_of(Broker("127.0.0.1", self.port), "hil-waits")
        client.on_connect = lambda client, *_: client.subscribe(f"{self.prefix}/status", qos=1)
        client.on_message = lambda c, u, message: there.set() if decode(bytes(message.payload))["online"] else None
        start(client, Broker("127.0.0.1", self.port))
        try:
            if not there.wait(ONLINE_S):
                raise NetworkError("the controller did not come online")
        finally:
            client.disconnect()
            client.loop_stop()

    def suffer(self, fault: str, begins: bool, at_s: int) -> None:
        """Kill what a fault kills when it begins; start it again when it ends."""
        if fault == CONTROLLER:
            if begins:
                ended(self.controller, signal.SIGKILL)
            else:
                self.start_controller(at_s)
                self._wait_until_online()
        elif fault == BROKER:
            if begins:
                ended(self.broker, signal.SIGKILL)
            else:
                self.start_broker()
                self._wait_until_online()

    def end(self) -> None:
        """End the controller, which seals its log, and the broker."""
        ended(self.controller, signal.SIGTERM)
        ended(self.broker, signal.SIGTERM)


def in_the_loop(
    bundle: Path, network: str, seed: int, day_type: str, duration_s: int | None, kind: str, faults: Sequence[Fault],
    speed: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """An hour of a network with a bundle's controller in the loop: lamps, decisions, what faults did, latency."""
    job = _job(network, seed, day_type, duration_s)
    with tempfile.TemporaryDirectory(prefix="twin-hil-", ignore_cleanup_errors=True) as name:
        loop = Loop(bundle.absolute(), Path(name), kind)
        own = {"port": loop.port, "prefix": PREFIX, "boot": f"{seed}-{os.getpid()}", "speed": speed}
        told = {"in_the_loop": True, "faults": [asdict(fault) for fault in faults], **own}
        began_s = time.monotonic()
        try:
            loop.begin()
            found = _lived({**job, **told}, loop)
        finally:
            loop.end()
        found["wall_s"] = time.monotonic() - began_s
        rows = [row for row in decisions(loop.log) if _seconds(row["time"]) < found["seconds"]]
        found["decisions"] = [row["answer"] for row in rows]
        found["log"] = _log_facts(loop.log)
        found["faults"] = [_suffered(fault, found["story"], loop.log) for fault in faults]
    return found


def environments(bundle: Path, network: str, seed: int, day_type: str, duration_s: int | None) -> dict[str, Any]:
    """The same hour as the environment lives it: decisions and lamps."""
    job = _job(network, seed, day_type, duration_s)
    return _lived({**job, "in_the_loop": False, "bundle": str(bundle.absolute())}, None)


def fitting(folder: Path, network: str) -> Bundle:
    """The bundle, which must have been made for all signals of the network. Raises NetworkError or BundleError."""
    bundle = load(folder)
    if bundle.kind != "signals":
        raise ControllerError(f"{folder}: is a bundle of kind {bundle.kind!r}; this takes one of kind 'signals'")
    signals = signals_of(locate(network).net_file, detectors_for(network).camera_range_m)
    site = bundle.runner.site
    if site.plans != signals.plans or site.zone_of != signals.zone_of or site.exit_of != signals.exit_of:
        told = f"python -m agents.export MODEL --network {network} --out FOLDER"
        raise NetworkError(f"{folder}: was not made for the signals of {network}; `{told}` makes one that is")
    return bundle


def mosquitto() -> Path | None:
    """Debian's broker, where it is installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _job(network: str, seed: int, day_type: str, duration_s: int | None) -> dict[str, Any]:
    one = hour(network, "max_pressure", {}, seed, day_type=day_type, duration_s=duration_s)
    return {**one.as_json(), "seed": seed}


def _lived(job: dict[str, Any], loop: Loop | None) -> dict[str, Any]:
    """What the street's process answers; what it says of faults on the way is done."""
    with tempfile.TemporaryDirectory(prefix="twin-street-", ignore_cleanup_errors=True) as folder:
        street = started([sys.executable, "-W", "ignore", "-m", "twin.hil.street"], talks=True)
        try:
            assert street.stdin is not None  # noqa: S101 (opened with pipes)
            assert street.stdout is not None  # noqa: S101
            street.stdin.write(json.dumps({**job, "folder": folder}).encode() + b"\n")
            street.stdin.flush()
            if loop is not None:
                threading.Thread(target=_listen, args=(street, loop), daemon=True).start()
            line = street.stdout.readline()
        finally:
            ended(street, signal.SIGKILL)
    if not line:
        raise NetworkError("the street's process ended before it answered")
    found: dict[str, Any] = json.loads(line)
    if "error" in found:
        raise NetworkError(found["error"])
    return found


def _listen(street: subprocess.Popen[bytes], loop: Loop) -> None:
    assert street.stderr is not None  # noqa: S101 (opened with pipes)
    assert street.stdin is not None  # noqa: S101
    for line in street.stderr:
        if not line.startswith(b'{"fault"'):
            continue
        told = json.loads(line)
        if told["fault"] in (BROKER, CONTROLLER):
            loop.suffer(told["fault"], told["begins"], told["at_s"])
            with contextlib.suppress(OSError):
                street.stdin.write(b"\n")
                street.stdin.flush()


def _suffered(fault: Fault, story: list[dict[str, Any]], log: Path) -> dict[str, Any]:
    """What a fault did: for how long lamps flashed, and how long it was until every junction followed the policy."""
    after = fault.until_s + 200
    flashing = [one["s"] for one in story if fault.from_s <= one["s"] < after and one["flashing"]]
    modes: dict[str, list[float]] = {"actuated": [], "fixed_time": []}
    for mode, times in modes.items():
        for begin_s, end_s in _alarms(log, mode):
            if fault.from_s <= begin_s < after:
                times += [begin_s, end_s]
    lamps = [mode.replace("_", " ") for mode, times in modes.items() if times] + (["flashing"] if flashing else [])
    ends = [*modes["actuated"], *modes["fixed_time"], *flashing]
    begins = [one for one in ends if one >= fault.from_s]
    return {
        "fault": fault.kind,
        "from_s": fault.from_s,
        "lasted_s": fault.until_s - fault.from_s,
        "lamps": " and ".join(lamps) or "followed the policy",
        "flashing_s": len(flashing),
        "fallback_s": max(ends) - min(begins) if begins else 0.0,
    }


def _alarms(log: Path, begins_with: str) -> Iterator[tuple[float, float]]:
    """Begin and end of every alarm of a kind [s after the hour's begin]; one that never ended ends with the log."""
    with contextlib.closing(sqlite3.connect(log)) as connection:
        rows = connection.execute("SELECT time, alarm, holds FROM alarm ORDER BY rowid").fetchall()
        last = connection.execute("SELECT max(time) FROM decision").fetchone()[0]
    open_s: dict[str, float] = {}
    for at, alarm, holds in rows:
        if alarm.startswith(f"{begins_with}:"):
            if holds:
                open_s[alarm] = _seconds(at)
            elif alarm in open_s:
                yield open_s.pop(alarm), _seconds(at)
    for begin_s in open_s.values():
        yield begin_s, _seconds(last)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp() - BEGIN_S


def _log_facts(log: Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(log)) as connection:
        took = [row[0] for row in connection.execute("SELECT latency_ms FROM decision")]
        events = connection.execute("SELECT count(*) FROM hires").fetchone()[0]
        conflicts = connection.execute("SELECT count(*) FROM alarm WHERE alarm LIKE 'conflict:%'").fetchone()[0]
    p50, p99 = np.percentile(took, [50, 99]) if took else (0.0, 0.0)
    latency = {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": max(took, default=0.0)}
    return {"events": events, "conflicts": conflicts, **latency}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
