"""Reading a table that somebody else made: every fault of it at once, each with its line."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from twin.errors import FaultsError
from twin.files import write_whole

SHOWN = 20  # faults of one kind that are spelt out; the rest is counted


def read_csv(
    path: Path, error: type[FaultsError], columns: Sequence[str], optional: Sequence[str] = ()
) -> pd.DataFrame:
    """The named columns of a CSV (comma or semicolon, UTF-8) as text, indexed by line number; `optional` ones may lack.

    Raises `error` for what cannot be read, lacks a column, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # a first row that is too long
            table = pd.read_csv(
                path, sep=";" if header.count(";") > header.count(",") else ",", dtype=str, na_filter=False,
                skip_blank_lines=False, encoding="utf-8-sig", index_col=False,
            )  # fmt: skip
    except OSError as cause:
        raise error(str(path), [f"cannot be read: {cause.strerror}"]) from cause
    except UnicodeDecodeError as cause:
        raise error(str(path), [f"is not UTF-8 text (byte {cause.start}); save it as UTF-8"]) from cause
    except pd.errors.EmptyDataError as cause:
        raise error(str(path), ["is empty"]) from cause
    except (pd.errors.ParserError, pd.errors.ParserWarning) as cause:
        raise error(str(path), [f"is no table: {str(cause).strip()}"]) from cause
    table.columns = [str(name).strip().lower() for name in table.columns]
    table.index = pd.RangeIndex(2, len(table) + 2, name="line")
    missing = [name for name in columns if name not in table]
    if missing:
        raise error(str(path), [_missing(name, list(table.columns)) for name in missing])
    table = table[[*columns, *(name for name in optional if name in table)]]
    table = table.apply(lambda column: column.str.strip())
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise error(str(path), ["has a header and no rows"])
    return table


def _missing(name: str, found: list[str]) -> str:
    near = difflib.get_close_matches(name, found, n=1, cutoff=0.7)
    hint = f"is {near[0]!r} meant?" if near else f"found: {', '.join(found)}"
    return f"line 1: no column {name}; {hint}"


def row_faults(table: pd.DataFrame, bad: pd.Series | np.ndarray, say: Callable[[pd.Series], str]) -> list[str]:
    """One fault a row where `bad` is true, in the words of `say(row)`; after some twenty, only how many more."""
    rows = table[np.asarray(bad, dtype=bool)]
    faults = [f"line {line}: {say(row)}" for line, row in rows.head(SHOWN).iterrows()]
    return faults if len(rows) <= SHOWN else [*faults, f"… and {len(rows) - SHOWN:,} more lines like the last"]


def numbers(column: pd.Series) -> pd.Series:
    """Text as numbers; what is none, or not finite, as NaN."""
    return pd.to_numeric(column, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)


def write_table(table: pd.DataFrame, path: Path, error: type[FaultsError]) -> None:
    """Write a CSV, whole or not at all. Raises `error` where it cannot be written."""
    try:
        write_whole(path, table.to_csv(index=False))
    except OSError as cause:
        raise error(str(path), [f"cannot be written: {cause.strerror}"]) from cause
