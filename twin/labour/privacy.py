"""Personal data: keyed-hash pseudonyms, and no table that shows a group of fewer than k people."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from twin.errors import LabourError
from twin.module import Row

KEY_NAME = "TWIN_LABOUR_KEY"
SHORTEST_KEY = 16


def key_from_environment() -> bytes:
    """The secret of the pseudonyms. It stands in the environment alone, never in a file or an option.

    Raises LabourError where it is missing or short.
    """
    key = os.environ.get(KEY_NAME, "")
    if len(key) < SHORTEST_KEY:
        have = f"has {len(key)} characters" if key else "is not set"
        raise LabourError(
            f"environment variable {KEY_NAME}",
            [f"{have}; set it to a secret of {SHORTEST_KEY} characters or more, and keep it outside this folder"],
        )
    return key.encode()


def pseudonym(identity: str, key: bytes) -> str:
    """A name for somebody that only who has the key can find again: HMAC-SHA-256, 80 bits of it."""
    return hmac.new(key, identity.strip().casefold().encode(), hashlib.sha256).hexdigest()[:20]


def suppressed(
    rows: Iterable[Row], k: int, counts: Sequence[str], derived: Mapping[str, Sequence[str]] | None = None
) -> list[Row]:
    """Rows in which a count of 1 … k − 1 people is empty, and so is what is `derived` from it (name -> counts)."""
    shown: list[Row] = []
    for row in rows:
        small = {name for name in counts if row[name] is not None and 0 < float(row[name] or 0) < k}
        hidden = small | {figure for figure, of in (derived or {}).items() if small & set(of)}
        shown.append({name: None if name in hidden else value for name, value in row.items()})
    return shown


def smallest_group(table: pd.DataFrame, quasi_identifiers: Sequence[str]) -> int:
    """How many rows share their quasi-identifiers with the fewest others: the k of k-anonymity (Sweeney 2002)."""
    return int(table.groupby(list(quasi_identifiers), dropna=False).size().min()) if len(table) else 0


def k_anonymous(table: pd.DataFrame, quasi_identifiers: Sequence[str], k: int) -> tuple[pd.DataFrame, list[str]]:
    """The table with as many quasi-identifiers blanked, the last first, as k-anonymity needs; and which were.

    Raises LabourError where the table has fewer than k rows.
    """
    if len(table) < k:
        raise LabourError("export", [f"{len(table)} people are fewer than the {k} that one must hide among"])
    safe = table.copy()
    blanked: list[str] = []
    for name in reversed(quasi_identifiers):
        if smallest_group(safe, quasi_identifiers) >= k:
            break
        safe[name] = ""
        blanked.append(name)
    return safe, blanked
