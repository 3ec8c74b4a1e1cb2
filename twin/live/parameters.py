"""Tables of parameters below `data/`; units, sources and confidence stand there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from twin.files import read_rows

DATA = Path(__file__).parent / "data"


@functools.cache
def parameters_of(table: str) -> Mapping[str, float]:
    """The values of `data/TABLE.csv` by parameter."""
    rows = read_rows(DATA / f"{table}.csv")
    return MappingProxyType({row["parameter"]: float(row["value"]) for row in rows})
