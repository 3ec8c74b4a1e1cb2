"""Where the sector's own tables lie, and where what it builds and simulates is kept."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from twin.provenance import versions
from twin.regency import in_place_of

ROOT = Path(__file__).resolve().parents[2]
SECTOR = Path(__file__).parent
DATA, SKETCH = SECTOR / "data", SECTOR / "sketch"
TUNED = DATA / "tuned.csv"


def process_environment() -> dict[str, str]:
    """What a process that simulates is started with: nothing of chance, this checkout's packages, one thread."""
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@functools.cache
def code_digest(package: str = "") -> str:
    """SHA-256 over the packages' versions, our tables, and the code of this sector or of one package in it.

    What is kept under it is made anew when any of them changes. Tuned settings are left out: who uses them names them.
    """
    digest = hashlib.sha256(repr(sorted(versions().items())).encode())
    code = [*(ROOT / "controllers").glob("*.py"), *(SECTOR / package).rglob("*.py")]
    tables = [path for folder in (DATA, SKETCH) for path in folder.glob("*.csv") if path != TUNED]
    for path in sorted([*code, *tables]):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + in_place_of(path).read_bytes() + b"\0")
    return digest.hexdigest()
