"""Files written whole or not at all, and our own tables read."""

from __future__ import annotations

import csv
import os
import threading
from pathlib import Path

import platformdirs

from twin.regency import in_place_of

RUNS = Path("runs")  # where runs are kept unless something else is said


def cache_folder() -> Path:
    """Where what can be made again is kept; the environment variable TWIN_CACHE names another place."""
    return Path(os.environ.get("TWIN_CACHE") or platformdirs.user_cache_dir("trenggalek-twin"))


def write_whole(path: Path, text: str) -> Path:
    """Write beside the file's name and rename, so that nobody ever finds half of it. Makes the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of one of our own CSV tables, or of what stands in for it in another regency (`twin/regency.py`)."""
    with in_place_of(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
