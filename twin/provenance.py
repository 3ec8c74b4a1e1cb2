"""Where a number comes from: code, packages, platform, revision."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from twin import regency

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("*.py", "*.csv", "*.yaml", "*.xml")
PACKAGES = (
    "trenggalek-twin", "humanleague", "libsumo", "mesa", "numba", "numpy", "pandas", "pvlib", "pydantic",
    "scipy", "sumo-rl",
)  # fmt: skip


@functools.cache
def code_digest() -> str:
    """SHA-256 over the model's sources and tables and the packages it computes with: other code, other run."""
    digest = hashlib.sha256()
    for folder in ("twin", "controllers"):
        for path in sorted(path for pattern in SOURCES for path in (ROOT / folder).rglob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    own = regency.folder()
    for path in regency.tables(own):
        digest.update(os.path.relpath(path, own).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(repr(sorted(versions().items())).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Installed versions of the packages that a result depends on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def revision() -> str | None:
    """The git revision of the code, with "+changes" where the working tree differs; None outside a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "twin", "controllers") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def provenance() -> dict[str, Any]:
    """What is stored with every run beside its scenario and seed."""
    return {
        "code_digest": code_digest(),
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "machine": platform.machine(),
        "git_revision": revision(),
        "regency": own.name if (own := regency.folder()) is not None else None,
    }
