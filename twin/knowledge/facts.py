"""Read the tables of facts beside this package."""

from __future__ import annotations

import functools
from pathlib import Path

from twin.files import read_rows

DATA = Path(__file__).parent / "data"
CORPUS = DATA / "corpus"


@functools.cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `data/NAME.csv`."""
    return tuple(read_rows(DATA / f"{name}.csv"))
