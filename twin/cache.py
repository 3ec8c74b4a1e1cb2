"""What can be made again is kept in the cache: a help, never a need. What is damaged there is made anew."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.errors import WriteError
from twin.files import write_whole

SUMS = ".sums.json"  # in a kept folder: file -> SHA-256 of its bytes


def read(path: Path) -> Any | None:
    """The JSON data that `keep` put here; None where there is none, or it is no longer what was kept."""
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
        return json.loads(text) if digest.decode() == hashlib.sha256(text).hexdigest() else None
    except (OSError, ValueError):
        return None


def keep(path: Path, value: Any) -> Any:
    """Keep JSON data under its own digest, and return it as it will be read. What cannot be written is not kept."""
    text = json.dumps(value)
    with contextlib.suppress(OSError):
        write_whole(path, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    return json.loads(text)


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """The JSON data that is kept here; made, and kept, where there is none."""
    found = read(path)
    return keep(path, make()) if found is None else found


def kept_folder(final: Path, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills: made beside its name and renamed, and made anew where a file in it is damaged.

    Raises WriteError where the cache cannot be written: what is made from files has to lie somewhere.
    """
    if _is_whole(final):
        return final
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=final.parent) as folder:
            beside = Path(folder) / "made"
            beside.mkdir()
            make(beside)
            sums = {path.name: _sum(path) for path in sorted(beside.iterdir()) if path.is_file()}
            (beside / SUMS).write_text(json.dumps(sums), encoding="utf-8")
            with contextlib.suppress(FileNotFoundError):
                if not _is_whole(final):
                    final.rename(Path(folder) / "damaged")
            try:
                beside.rename(final)
            except OSError:  # another process made the very same in the meantime
                if not _is_whole(final):
                    raise
    except OSError as error:
        told = f"cannot be made: {error.strerror or error}; make room, or name another folder by TWIN_CACHE"
        raise WriteError(f"{final}: {told}") from error
    return final


def _is_whole(folder: Path) -> bool:
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        return all(_sum(folder / name) == told for name, told in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
