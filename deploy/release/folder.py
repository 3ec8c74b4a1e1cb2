"""A release: a folder of files with a manifest that names every one by its SHA-256 and points to the run.

The same run, code and bundles give the same digest: nothing in a release tells the time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controllers.site import canonical
from twin.errors import FaultsError
from twin.files import write_whole

MANIFEST = "manifest.json"
FORMAT = 1
CURRENT, HISTORY = "current.json", "history.jsonl"


class ReleaseError(FaultsError):
    """A release that cannot be made or used."""


@dataclass(frozen=True)
class Release:
    """A checked release."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything."""
        return str(self.manifest["digest"])

    @property
    def files(self) -> Mapping[str, str]:
        """SHA-256 by path."""
        found: Mapping[str, str] = self.manifest["files"]
        return found

    def read(self, name: str) -> Any:
        """A JSON file of the release."""
        return json.loads((self.folder / name).read_bytes())

    def bundles(self) -> list[str]:
        """Names of its policy bundles."""
        return sorted(path.name for path in (self.folder / "policies").glob("*") if path.is_dir())


def seal(folder: Path, made_from: Mapping[str, Any]) -> Release:
    """Write the manifest of a folder's files."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest: dict[str, Any] = {"format": FORMAT, "made_from": dict(made_from), "files": files}
    manifest["digest"] = hashlib.sha256(canonical(manifest)).hexdigest()
    (folder / MANIFEST).write_bytes(canonical(manifest))
    return Release(folder, manifest)


def load(folder: Path) -> Release:
    """A release whose files are all there and as they were made. Raises ReleaseError with all faults."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        rest = {key: value for key, value in manifest.items() if key != "digest"}
        told: dict[str, str] = manifest["files"]
        if manifest["format"] != FORMAT or hashlib.sha256(canonical(rest)).hexdigest() != manifest["digest"]:
            raise ReleaseError(str(folder), [f"{MANIFEST}: was changed after it was made, or has another format"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(str(folder), [f"{MANIFEST}: is no manifest of a release ({error})"]) from error
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    }
    faults = [f"{name}: is missing" for name in sorted(told.keys() - there.keys())]
    faults += [f"{name}: is not in the manifest" for name in sorted(there.keys() - told.keys())]
    faults += [
        f"{name}: was changed after it was made"
        for name in sorted(told.keys() & there.keys())
        if there[name].is_symlink() or hashlib.sha256(there[name].read_bytes()).hexdigest() != told[name]
    ]
    if faults:
        raise ReleaseError(str(folder), faults)
    return Release(folder, manifest)


def differences(old: Release, new: Release) -> list[dict[str, Any]]:
    """A row a file that was added, removed or changed; for JSON, which of its values."""
    rows: list[dict[str, Any]] = []
    for name in sorted(old.files.keys() | new.files.keys()):
        before, after = old.files.get(name), new.files.get(name)
        if before == after:
            continue
        what = "added" if before is None else "removed" if after is None else "changed"
        values = _values(old.read(name), new.read(name)) if what == "changed" and name.endswith(".json") else []
        rows.append({"file": name, "what": what, "values": values})
    return rows


def _values(old: Any, new: Any, at: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return [line for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)
                for line in _values(old.get(key), new.get(key), f"{at}.{key}" if at else key)]  # fmt: skip
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b
                for line in _values(a, b, f"{at}[{i}]")]  # fmt: skip
    return [f"{at}: {json.dumps(old)[:80]} → {json.dumps(new)[:80]}"]


class Shelf:
    """The releases that a data folder holds, and which one is in force; the history of that is only added to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> Release | None:
        """The release in force. Raises ReleaseError where it was changed."""
        path = self.folder / CURRENT
        return load(self.folder / json.loads(path.read_text(encoding="utf-8"))["release"]) if path.exists() else None

    def history(self) -> list[dict[str, Any]]:
        """What was in force, oldest first."""
        path = self.folder / HISTORY
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def activate(self, source: Path) -> Release:
        """Copy a release onto the shelf and put it in force. Raises ReleaseError."""
        made = load(source)
        own = self.folder / made.digest[:16]
        if not own.exists():
            beside = self.folder / f".{own.name}.{os.getpid()}.partial"
            shutil.rmtree(beside, ignore_errors=True)
            shutil.copytree(source, beside)
            beside.rename(own)
        self._in_force(own.name, "activate")
        return load(own)

    def rollback(self) -> Release:
        """Put what was in force before back in force. Raises ReleaseError where there was none."""
        before: list[str] = []
        for row in self.history():
            before.pop() if row["what"] == "rollback" else before.append(row["release"])
        if len(before) < 2:
            raise ReleaseError(str(self.folder), ["nothing was in force before: there is nothing to go back to"])
        load(self.folder / before[-2])
        self._in_force(before[-2], "rollback")
        return load(self.folder / before[-2])

    def _in_force(self, name: str, what: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, "release": name}
        with (self.folder / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        write_whole(self.folder / CURRENT, json.dumps(row))
