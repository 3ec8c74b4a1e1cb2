"""Committed artefacts: the ABI and bytecode of every contract, tied to the sources by digests."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from twin.errors import TwinError
from twin.files import write_whole

HERE = Path(__file__).parent
SOURCES, FOLDER = HERE / "solidity", HERE / "artefacts"
MANIFEST = "manifest.json"
CODE_LIMIT_BYTES = 24_576  # EIP-170


class ArtefactError(TwinError):
    """An artefact that is not what was committed, or contracts that do not compile."""


def sha256(text: str) -> str:
    """Digest of a text file's content."""
    return hashlib.sha256(text.encode()).hexdigest()


def compiled(sources: Path = SOURCES, mode: str = "optimised") -> dict[str, Any]:
    """Contracts of a folder compiled by the pinned npm solc. Raises ArtefactError with the compiler's words."""
    done = subprocess.run(
        ["node", str(HERE / "tools" / "compile.js"), str(sources), mode], capture_output=True, text=True
    )
    if done.returncode:
        raise ArtefactError(f"{sources}: does not compile\n{done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def texts(contracts: dict[str, Any], sources: Path = SOURCES) -> dict[str, str]:
    """The artefact files of compiled contracts, by file name, the manifest among them."""
    files = {f"{name}.json": json.dumps(made, indent=1) + "\n" for name, made in sorted(contracts.items())}
    digests = {
        "sources": {p.name: sha256(p.read_text(encoding="utf-8")) for p in sorted(sources.glob("*.sol"))},
        "artefacts": {name: sha256(text) for name, text in files.items()},
        "toolchain": json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"],
    }
    return files | {MANIFEST: json.dumps(digests, indent=1) + "\n"}


def write() -> list[str]:
    """Compile and write every artefact; gives the names of the contracts."""
    contracts = compiled()
    for name, text in texts(contracts).items():
        write_whole(FOLDER / name, text)
    return sorted(contracts)


@cache
def load(name: str) -> dict[str, Any]:
    """ABI and bytecode of one contract. Raises ArtefactError where its digest is not the manifest's."""
    manifest = json.loads((FOLDER / MANIFEST).read_text(encoding="utf-8"))["artefacts"]
    if f"{name}.json" not in manifest:
        raise ArtefactError(f"{name}: no such contract; there are {', '.join(sorted(manifest))}")
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    if sha256(text) != manifest[f"{name}.json"]:
        raise ArtefactError(f"{FOLDER / name}.json: differs from its digest; compile again with `make contracts`")
    return dict(json.loads(text))


def names() -> list[str]:
    """Every contract that has an artefact."""
    return sorted(p.stem for p in FOLDER.glob("*.json") if p.name != MANIFEST)
