"""What a live day's readings say at each moment, by event time: what may not be trusted is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from twin.module import Row

NOT_USED = {"duplicate", "skew", "missing", "impossible"}


def columns_of(zones: int, signals: int) -> tuple[dict[str, int], dict[str, int]]:
    """Which column is which source's: of the cameras' zones, and of the signals."""
    return {f"zone-{z}": z for z in range(zones)}, {f"signal-{j}": j for j in range(signals)}


def series(
    rows: Iterable[Row], kind: str, name: str, columns: Mapping[str, int], at_s: np.ndarray, grace_s: float
) -> np.ndarray:
    """A value of every source at each moment, float (n, sources): the last of the step up to it, NaN where none.

    `columns` says which source is which column, `at_s` are the moments, evenly apart. A reading that arrived more than
    `grace_s` after the moment it belongs to came too late for its estimate.
    """
    found = np.full((len(at_s), len(columns)), np.nan)
    for row in rows:
        if row["kind"] != kind or row["name"] != name or NOT_USED & set(str(row["flags"]).split(",")):
            continue
        k = int(np.searchsorted(at_s, float(row["at_s"] or 0.0) - 1e-6))
        column = columns.get(str(row["source"]))
        if k < len(at_s) and column is not None and float(row["arrived_s"] or 0.0) <= at_s[k] + grace_s:
            found[k, column] = row["value"]
    return found


def held(values: np.ndarray, first: float | np.ndarray) -> np.ndarray:
    """Each column's last value that there was, `first` before any."""
    filled = values.copy()
    filled[0] = np.where(np.isnan(filled[0]), first, filled[0])
    for k in range(1, len(filled)):
        filled[k] = np.where(np.isnan(filled[k]), filled[k - 1], filled[k])
    return filled
