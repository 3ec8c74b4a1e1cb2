"""The audit trail: entries that can only be added, each holding the hash of the one before and an Ed25519 signature."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from twin.errors import PersonnelError

FIRST = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One thing that was done. `sha256` covers all else but the signature, `signature` (hex) covers `sha256`."""

    number: int
    at: str
    actor: str
    action: str
    request: str
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str = ""
    signature: str = ""

    def hashed(self) -> str:
        """SHA-256 of the entry's canonical JSON."""
        body = {name: value for name, value in asdict(self).items() if name not in ("sha256", "signature")}
        return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass
class Trail:
    """Entries in order. With a `path`, each is also on the disk, a line of JSON, before `add` returns."""

    key: Ed25519PrivateKey
    path: Path | None = None
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path is not None and self.path.exists():
            self.entries = read_trail(self.path)
            require_intact(self.entries, self.key.public_key(), str(self.path))

    def add(self, at: str, actor: str, action: str, request: str, detail: dict[str, Any]) -> Entry:
        """Append one entry."""
        previous = self.entries[-1].sha256 if self.entries else FIRST
        bare = Entry(len(self.entries), at, actor, action, request, detail, previous)
        digest = bare.hashed()
        entry = Entry(**{**asdict(bare), "sha256": digest, "signature": self.key.sign(bytes.fromhex(digest)).hex()})
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        self.entries.append(entry)
        return entry


def read_trail(path: Path) -> list[Entry]:
    """Entries of a trail's file.

    Raises:
        PersonnelError: it cannot be read, or every line that is no entry.
    """
    try:
        lines = path.read_bytes().decode("utf-8").splitlines()
    except OSError as error:
        raise PersonnelError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise PersonnelError(str(path), [f"is no text of an audit trail (byte {error.start} is not UTF-8)"]) from error
    found, faults = [], []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Entry(**json.loads(line)))
        except (TypeError, ValueError):
            faults.append(f"line {number}: is no entry of an audit trail")
    if faults:
        raise PersonnelError(str(path), faults)
    return found


def trail_faults(entries: Sequence[Entry], public: Ed25519PublicKey) -> list[str]:
    """Where a trail was changed, reordered, cut within or signed by somebody else; empty if it is intact.

    Entries taken off the *end* leave an intact chain: keep the last hash elsewhere to notice that.
    """
    found, previous = [], FIRST
    for place, entry in enumerate(entries):
        if entry.number != place:
            found.append(f"entry {place}: is numbered {entry.number}")
        if entry.previous_sha256 != previous:
            found.append(f"entry {place}: does not follow the entry before it")
        if entry.hashed() != entry.sha256:
            found.append(f"entry {place}: was changed after it was written")
        try:
            public.verify(bytes.fromhex(entry.signature), bytes.fromhex(entry.sha256))
        except (InvalidSignature, TypeError, ValueError):
            found.append(f"entry {place}: its signature is not the office's")
        previous = entry.sha256
    return found


def signature_faults(entries: Sequence[Entry], number: int, sha256: str, request: str) -> list[str]:
    """Why the trail holds no signature of `request` as the entry that a decision names; empty if it does."""
    if not 0 <= number < len(entries) or entries[number].sha256 != sha256:
        return [f"holds no entry {number} of the hash that the decision names"]
    entry, found = entries[number], []
    if entry.request != request:
        found.append(f"entry {number}: is of request {entry.request}, and the decision is on {request}")
    if entry.action != "sign":
        found.append(f"entry {number}: is `{entry.action}` and no signature")
    return found


def require_intact(entries: Sequence[Entry], public: Ed25519PublicKey, where: str) -> None:
    """Raise PersonnelError with every fault of a trail."""
    if found := trail_faults(entries, public):
        raise PersonnelError(where, found)
