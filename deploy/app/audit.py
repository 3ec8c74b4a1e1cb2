"""The audit log: a signed, hash-chained trail on the disk, a file a month, each continuing the one before.

It is the trail that the personnel service uses (`twin.programmes.filing.trail`); entries can only be added.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.app.keys import without_torn_end
from twin.errors import PersonnelError
from twin.programmes.filing.trail import Entry, Trail, read_trail, trail_faults


class Audit:
    """Who did what, and when."""

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._key = folder, Ed25519PrivateKey.from_private_bytes(key)
        self._lock = threading.Lock()
        self._trail: Trail | None = None

    def note(self, actor: str, action: str, about: str = "", **detail: Any) -> None:
        """Write an entry; it is on the disk when this returns."""
        now = datetime.now(UTC)
        with self._lock:
            self._of(now).add(now.isoformat(), actor, action, about, detail)

    def entries(self, last: int) -> list[Entry]:
        """The newest entries of this month, newest last."""
        with self._lock:
            return self._of(datetime.now(UTC)).entries[-last:]

    def faults(self) -> list[str]:
        """Where any month's file was changed, or does not continue the month before."""
        found: list[str] = []
        previous = ""
        with self._lock:
            for path in sorted(self.folder.glob("*.jsonl")):
                try:
                    entries = read_trail(path)
                except PersonnelError as error:
                    return [*found, *(f"{path.name}: {fault}" for fault in error.faults)]
                found += [f"{path.name}: {fault}" for fault in trail_faults(entries, self._key.public_key())]
                if entries and entries[0].detail.get("follows") != previous:
                    found.append(f"{path.name}: does not follow the file before it")
                previous = entries[-1].sha256 if entries else previous
        return found

    def _of(self, now: datetime) -> Trail:
        path = self.folder / f"{now:%Y-%m}.jsonl"
        if self._trail is None or self._trail.path != path:
            before = [one for one in sorted(self.folder.glob("*.jsonl")) if one < path]
            follows = read_trail(before[-1])[-1].sha256 if before else ""
            self._trail = Trail(self._key, without_torn_end(path))
            if not self._trail.entries:
                self._trail.add(now.isoformat(), "service", "begin", "", {"follows": follows})
        return self._trail
