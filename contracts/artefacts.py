"""The committed artefacts: ABI and bytecode, refused where they were not compiled from the sources beside them."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from twin.errors import TwinError

HERE = Path(__file__).parent
NAMES = (
    "Registry", "RupiahToken", "CarbonCredit", "CarbonVault", "Settlement", "TourismNFT", "WasteToken", "UmkmPayments",
)  # fmt: skip


class ArtefactError(TwinError):
    """A committed artefact that is missing or was not compiled from its source."""


@cache
def load(name: str, folder: Path = HERE / "artefacts", sources: Path = HERE / "solidity") -> dict[str, Any]:
    """A contract's artefact. Raises ArtefactError where a digest differs."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise ArtefactError(f"{path}: is missing; `make contracts` compiles it")
    artefact: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found = {
        "sources_sha256": hashlib.sha256(b"".join(p.read_bytes() for p in sorted(sources.glob("*.sol")))).hexdigest(),
        "bytecode_sha256": hashlib.sha256(artefact["bytecode"].encode()).hexdigest(),
    }
    wrong = [key for key, sha256 in found.items() if artefact[key] != sha256]
    if wrong:
        raise ArtefactError(f"{path}: {' and '.join(wrong)} differ from what was committed; `make contracts` compiles")
    return artefact
