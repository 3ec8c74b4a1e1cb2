"""Readings read back: what every source told last, and a value's history over the days that are kept."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from twin.live.intake import MOST_SOURCES
from twin.module import Row

COLUMNS = ("at_s", "arrived_s", "kind", "source", "name", "value", "flags")
OF_VALUE = "kind = ? AND source = ? AND name = ? AND instr(flags, 'duplicate') = 0"
Source = tuple[str, str]


class Latest:
    """The newest reading of every value of every source, by event time; who told nothing for longest is forgotten."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Source, dict[str, Row]] = OrderedDict()

    def take(self, rows: Iterable[Row]) -> None:
        """Remember readings where they are news."""
        for row in rows:
            if row["value"] is None or "duplicate" in str(row["flags"]):
                continue
            key = (str(row["kind"]), str(row["source"]))
            known = self._rows.setdefault(key, {})
            before = known.get(str(row["name"]))
            if before is None or float(row["at_s"] or 0.0) >= float(before["at_s"] or 0.0):
                known[str(row["name"])] = row
            self._rows.move_to_end(key)
            if len(self._rows) > MOST_SOURCES:
                self._rows.popitem(last=False)

    def sources(self) -> list[Source]:
        """Kind and source of everybody who told something, in order."""
        return sorted(self._rows)

    def of(self, kind: str, source: str) -> Mapping[str, Row]:
        """A source's newest readings by name; empty where there are none."""
        return dict(self._rows.get((kind, source), {}))


def newest(path: Path) -> Iterator[Row]:
    """The newest reading of every value of every source in a day's file."""
    with contextlib.closing(_opened(path)) as connection:
        names = ", ".join(COLUMNS[1:])
        found = connection.execute(
            f"SELECT max(at_s), {names} FROM live_reading WHERE value IS NOT NULL AND instr(flags, 'duplicate') = 0 "  # noqa: S608 (our own names)
            "GROUP BY kind, source, name ORDER BY arrived_s"
        )
        for row in found:
            yield dict(zip(COLUMNS, row, strict=True))


def history(
    days: Sequence[Path], stream: tuple[str, str, str], order: str, descending: bool, after_s: float,
    skip: int, top: int,
) -> tuple[list[Row], int]:  # fmt: skip
    """Readings of a value (kind, source, name) of event times beyond `after_s`, no duplicates, and how many there are.

    `order` is `at_s` (event time) or `arrived_s`. All days are merged in order, and as many skipped as are asked.
    """
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(contextlib.closing(_opened(path))) for path in days]
        way = "DESC" if descending else "ASC"
        asked = (*stream, after_s)
        count = f"SELECT count(*) FROM live_reading WHERE {OF_VALUE} AND at_s > ?"  # noqa: S608
        total = sum(one.execute(count, asked).fetchone()[0] for one in opened)
        found = (
            f"SELECT {', '.join(COLUMNS)} FROM live_reading WHERE {OF_VALUE} AND at_s > ? "  # noqa: S608
            f"ORDER BY {order} {way}, rowid {way} LIMIT ?"
        )
        cursors = [one.execute(found, (*asked, skip + top)) for one in opened]
        at = COLUMNS.index(order)
        with contextlib.closing(heapq.merge(*cursors, key=lambda row: row[at], reverse=descending)) as merged:
            rows = list(itertools.islice(merged, skip, skip + top))
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows], total


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
