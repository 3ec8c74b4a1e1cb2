"""What was asked and whether it helped: a log in SQLite that the asker's office keeps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin.errors import KnowledgeError
from twin.knowledge.evaluation.measures import share
from twin.knowledge.laras.answer import Answer

SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (id INTEGER PRIMARY KEY, at TEXT NOT NULL, question TEXT NOT NULL,
    answer TEXT NOT NULL, abstained INTEGER NOT NULL, seconds REAL NOT NULL, links TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rated (asked INTEGER PRIMARY KEY REFERENCES asked (id), at TEXT NOT NULL,
    satisfied INTEGER NOT NULL, comment TEXT NOT NULL);
"""


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path)) as log:
            log.executescript(SCHEMA)
            yield log
            log.commit()
    except sqlite3.DatabaseError as error:
        raise KnowledgeError(str(path), [f"is no log of questions that can be used ({error})"]) from error


def note(path: Path, question: str, answer: Answer) -> int:
    """Write an answer into the log; gives its number. Raises KnowledgeError."""
    links = json.dumps([citation.link for citation in answer.citations])
    row = (datetime.now(UTC).isoformat(), question, answer.answer, int(answer.abstained), answer.seconds, links)
    with _opened(path) as log:
        cursor = log.execute(
            "INSERT INTO asked (at, question, answer, abstained, seconds, links) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        return int(cursor.lastrowid or 0)


def rate(path: Path, number: int, satisfied: bool, comment: str = "") -> None:
    """Say whether an answer helped; a later word replaces an earlier one. Raises KnowledgeError for no such answer."""
    with _opened(path) as log:
        if log.execute("SELECT 1 FROM asked WHERE id = ?", (number,)).fetchone() is None:
            raise KnowledgeError(str(path), [f"holds no answer number {number}"])
        row = (number, datetime.now(UTC).isoformat(), int(satisfied), comment)
        log.execute("INSERT OR REPLACE INTO rated (asked, at, satisfied, comment) VALUES (?, ?, ?, ?)", row)


def satisfaction(path: Path) -> dict[str, Any]:
    """Questions, abstentions, and the share of rated answers that satisfied, with its 95 % interval."""
    if not path.is_file():
        raise KnowledgeError(str(path), ["is not there; `knowledge ask --log` begins it"])
    with _opened(path) as log:
        asked, abstained = log.execute("SELECT count(*), coalesce(sum(abstained), 0) FROM asked").fetchone()
        rated, satisfied = log.execute("SELECT count(*), coalesce(sum(satisfied), 0) FROM rated").fetchone()
    return satisfied_of(asked, abstained, rated, satisfied)


def satisfied_of(asked: int, abstained: int, rated: int, satisfied: int) -> dict[str, Any]:
    """The counts, and the share of rated answers that satisfied, with its 95 % interval, beside the book's."""
    facts: dict[str, Any] = {"asked": asked, "abstained": abstained, "rated": rated, "satisfied": satisfied}
    if rated:
        value, low, high = share(satisfied, rated)
        facts |= {"satisfied_share": value, "interval": [low, high], "book_target": 0.8}
    return facts
