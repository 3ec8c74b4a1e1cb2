"""New bundles over MQTT: fetched, proved, put in charge, and taken back where they do not hold out.

| topic below the controller's prefix | from | body |
|---|---|---|
| `release/offer` | central | `digest` of a bundle; `sha256`, `parts` of its archive, unless the bundle is here |
| `release/part/N` | central | a part of the archive (tar), raw |
| `installed` | controller | retained: `digest` in charge, `state` running, refused or fell_back, `why`, `wanted` |

The controller is a process of its own: it goes on with the bundle that it has while a new one is fetched and proved.
A new bundle that ends within its probation gives way to the one before it, without asking anybody.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import queue
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from controllers.bundle import load
from controllers.errors import ControllerError, MessageError
from controllers.io.messages import decode, encode
from controllers.io.mqtt import Broker, client_of, start

MOST_BYTES, PART_BYTES = 40 << 20, 128 << 10
PROBATION_S = 10.0
LOOK_S = 0.2
STOP_S = 5.0
CURRENT = "current"
Begin = Callable[[Path], "subprocess.Popen[bytes]"]


def archive(folder: Path) -> bytes:
    """A bundle as the tar that is sent; the same bundle gives the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            info = tarfile.TarInfo(path.name)
            info.size = path.stat().st_size
            tar.addfile(info, io.BytesIO(path.read_bytes()))
    return out.getvalue()


def offer(folder: Path | None, digest: str) -> list[tuple[str, bytes]]:
    """The messages of an offer: topic below the prefix, and payload; without a folder for a bundle that is there."""
    if folder is None:
        return [("release/offer", encode({"digest": digest}))]
    data = archive(folder)
    parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    body = {"digest": digest, "sha256": hashlib.sha256(data).hexdigest(), "parts": len(parts)}
    return [("release/offer", encode(body)), *((f"release/part/{n}", part) for n, part in enumerate(parts))]


class Updater:
    """Keeps a controller running on the newest bundle that holds out. `store` has a folder for each bundle."""

    def __init__(
        self, store: Path, begin: Begin, tell: Callable[[Mapping[str, Any]], None], public_key: bytes | None = None,
        probation_s: float = PROBATION_S,
    ) -> None:  # fmt: skip
        self.store, self._begin, self._tell, self._key, self._probation_s = store, begin, tell, public_key, probation_s
        self._offer: dict[str, Any] | None = None
        self._parts: dict[int, bytes] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.current = self._kept()

    def install(self, folder: Path) -> None:
        """Put a first bundle into the store. Raises BundleError."""
        self.current = self._stored(folder)
        self._keep(self.current)

    def begin(self) -> None:
        """Start the controller. Raises ControllerError where the store is empty."""
        if self.current is None:
            raise ControllerError(f"{self.store}: holds no bundle; begin with --bundle")
        self._process = self._begin(self.store / self.current[:16])
        self._told("running")

    def take(self, topic: str, payload: bytes) -> None:
        """A message of central: `offer` or `part/N`. Junk is dropped."""
        try:
            if topic == "offer":
                body = decode(payload)
                digest, parts = body.get("digest"), body.get("parts", 0)
                if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
                    raise MessageError("digest: 64 hexadecimal digits")
                if type(parts) is not int or not 0 <= parts * PART_BYTES <= MOST_BYTES + PART_BYTES:
                    raise MessageError("parts: too many")
                self._offer, self._parts = body, {}
            elif topic.startswith("part/") and self._offer is not None and len(payload) <= PART_BYTES:
                number = int(topic.removeprefix("part/"))
                if 0 <= number < int(self._offer.get("parts", 0)):
                    self._parts[number] = payload
        except (MessageError, ValueError):
            return
        if self._offer is not None and len(self._parts) >= int(self._offer.get("parts", 0)):
            wanted, self._offer = self._offer, None
            self._switch(wanted)

    def look(self) -> None:
        """Start the controller again where it ended."""
        if self._process is not None and self._process.poll() is not None:
            self.begin()

    def close(self) -> None:
        """End the controller."""
        if self._process is not None:
            _stop(self._process)
            self._process = None

    def _switch(self, wanted: Mapping[str, Any]) -> None:
        digest, before = str(wanted["digest"]), self.current
        if digest == before:
            self._told("running", wanted=digest)
            return
        try:
            if not (self.store / digest[:16]).is_dir():
                self._fetched(wanted)
            if load(self.store / digest[:16], self._key).digest != digest:
                raise ControllerError("the bundle that came is not the one that was offered")
        except (ControllerError, OSError, tarfile.TarError) as error:
            self._told("refused", str(error), digest)
            return
        self.close()
        self._process = self._begin(self.store / digest[:16])
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._probation_s)
            self.current = before
            self.begin()
            self._told("fell_back", "it ended within its probation", digest)
            return
        self.current = digest
        self._keep(digest)
        self._told("running", wanted=digest)

    def _fetched(self, wanted: Mapping[str, Any]) -> None:
        data = b"".join(self._parts[n] for n in sorted(self._parts))
        self._parts = {}
        if hashlib.sha256(data).hexdigest() != wanted.get("sha256"):
            raise ControllerError("the archive is not the one that was offered")
        beside = self.store / f".{os.getpid()}.partial"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                tar.extractall(beside, filter="data")
            self._stored(beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _stored(self, folder: Path) -> str:
        """A proved copy of a bundle in the store; its digest."""
        digest = load(folder, self._key).digest
        own = self.store / digest[:16]
        if not own.exists():
            copy = self.store / f".{os.getpid()}.copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy)
            copy.rename(own)
        return digest

    def _kept(self) -> str | None:
        path = self.store / CURRENT
        return path.read_text(encoding="ascii").strip() if path.is_file() else None

    def _keep(self, digest: str) -> None:
        beside = self.store / f".{CURRENT}"
        beside.write_text(digest + "\n", encoding="ascii")
        os.replace(beside, self.store / CURRENT)

    def _told(self, state: str, why: str = "", wanted: str = "") -> None:
        self._tell({"digest": self.current or "", "state": state, "why": why[:300], "wanted": wanted})


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def keep_updated(
    broker: Broker, address: str, prefix: str, store: Path, first: Path | None, more: list[str],
    public_key: bytes | None = None, seconds: float | None = None, probation_s: float = PROBATION_S,
) -> str:  # fmt: skip
    """Run the controller of `prefix` until interrupted, on whatever bundle central offers; gives the last digest."""
    store.mkdir(parents=True, exist_ok=True)
    client = client_of(broker, f"updater-{prefix}")
    arrived: queue.Queue[tuple[str, bytes]] = queue.Queue(4096)

    def begin(bundle: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "controllers", "run", str(bundle), "--mqtt", address, "--prefix", prefix]
        return subprocess.Popen([*command, *more])

    def tell(body: Mapping[str, Any]) -> None:
        client.publish(f"{prefix}/installed", encode(body), qos=1, retain=True)

    def message(client: Any, userdata: Any, one: Any) -> None:
        with contextlib.suppress(queue.Full):
            arrived.put_nowait((one.topic.removeprefix(f"{prefix}/release/"), bytes(one.payload)))

    client.on_connect = lambda client, *_: client.subscribe(f"{prefix}/release/#", qos=1)
    client.on_message = message
    start(client, broker)
    updater = Updater(store, begin, tell, public_key, probation_s)
    if first is not None and updater.current is None:
        updater.install(first)
    until_s = time.monotonic() + (seconds if seconds is not None else float("inf"))
    try:
        updater.begin()
        while time.monotonic() < until_s:
            with contextlib.suppress(queue.Empty):
                updater.take(*arrived.get(timeout=LOOK_S))
            updater.look()
    finally:
        updater.close()
        client.disconnect()
        client.loop_stop()
    return updater.current or ""
