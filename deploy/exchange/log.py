"""The log of commands: a file a trading day, a line a command, each line's hash covering the line before it.

A command is on the disk before it is carried out, and carried out before it is answered; so what was answered is in the
log, and the exchange is what its log says. A day's file begins with a snapshot, so that recovery reads one file. The
engine's own journal (`twin.carbon.engine.journal`) holds a book's commands; this one holds money, credits and keys too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from deploy.exchange.machine import Command, carry_out, restored, snapshot
from deploy.exchange.state import Exchange
from twin.errors import JournalError

FIRST = "0" * 64


class CommandLog:
    """A day's file open for writing."""

    def __init__(self, path: Path, previous: str, lines: int) -> None:
        self.path, self.previous, self.lines = path, previous, lines
        self._file = path.open("ab", buffering=0)

    def write(self, documents: Iterable[dict[str, Any]]) -> None:
        """Add lines; they are on the disk when this returns."""
        out = bytearray()
        for document in documents:
            text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
            self.previous = chained(self.previous, text)
            out += f"{self.previous} {text}\n".encode()
            self.lines += 1
        self._file.write(out)
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def chained(previous: str, text: str) -> str:
    """The hash of a line."""
    return hashlib.sha256(f"{previous} {text}".encode()).hexdigest()


def begin_day(folder: Path, x: Exchange, previous: str) -> CommandLog:
    """Begin the file of the exchange's day; there all at once, or not at all."""
    path = folder / f"day-{x.day:06d}.log"
    beside = path.with_suffix(".partial")
    beside.unlink(missing_ok=True)
    made = CommandLog(beside, FIRST, 0)
    made.write([{"snapshot": snapshot(x), "follows": previous}])
    made.close()
    os.replace(beside, path)
    _sync_folder(folder)
    return CommandLog(path, made.previous, 1)


def recover(folder: Path) -> tuple[Exchange, CommandLog]:
    """The exchange as its newest file has it, and that file, open for more.

    A last line that was being written when the power went is kept aside as `.torn`: it was never answered. Raises
    JournalError where a line within a file was changed or lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = sorted(folder.glob("day-*.log"))
    if not days:
        x = Exchange()
        return x, begin_day(folder, x, FIRST)
    path = days[-1]
    documents, previous, whole = read(path)
    data = path.read_bytes()
    if whole < len(data):
        path.with_suffix(".torn").write_bytes(data[whole:])
        os.truncate(path, whole)
    x = restored(documents[0]["snapshot"])
    day = x.day
    for document in documents[1:]:
        carry_out(x, Command(**document))
    x.events.clear()
    if x.day != day:  # killed after a new day was begun and before its file was
        return x, begin_day(folder, x, previous)
    return x, CommandLog(path, previous, len(documents))


def read(path: Path) -> tuple[list[dict[str, Any]], str, int]:
    """A file's documents, its last hash, and how many of its bytes are whole lines. Raises JournalError."""
    data = path.read_bytes()
    found: list[dict[str, Any]] = []
    previous, whole = FIRST, 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        last = number >= len(lines) - 2 and not b"\n".join(lines[number + 1 :])
        if not line and last:
            break
        digest, _, text = line.partition(b" ")
        torn = number == len(lines) - 1  # no line feed at its end
        try:
            decoded = text.decode()
            if digest.decode() != chained(previous, decoded):
                raise ValueError("hash differs")
            document = json.loads(decoded)
        except ValueError as error:
            if torn:
                break
            raise JournalError(
                f"{path}: line {number + 1} is damaged ({error}); restore the newest backup (see the runbook)"
            ) from error
        if torn:  # whole but for its line feed: never answered
            break
        previous, whole = digest.decode(), whole + len(line) + 1
        found.append(document)
    if not found:
        raise JournalError(f"{path}: holds nothing whole; restore the newest backup (see the runbook)")
    return found, previous, whole


def history(folder: Path) -> Iterator[Command]:
    """Every command since the begin. Raises JournalError where a day does not follow the day before."""
    follows = FIRST
    for path in sorted(folder.glob("day-*.log")):
        documents, previous, _ = read(path)
        if documents[0]["follows"] != follows:
            raise JournalError(f"{path}: does not follow the day before it")
        yield from (Command(**document) for document in documents[1:])
        follows = previous


def audit(folder: Path) -> list[str]:
    """Replay everything since the begin: every chain, every snapshot, and that money and credits add up."""
    x, found = Exchange(), []
    for path in sorted(folder.glob("day-*.log")):
        documents, _, _ = read(path)
        if _plain(documents[0]["snapshot"]) != _plain(snapshot(x)):
            found.append(f"{path.name}: its snapshot is not what the days before lead to")
        for document in documents[1:]:
            carry_out(x, Command(**document))
        x.events.clear()
    return found + x.faults()


def _plain(state: dict[str, Any]) -> Any:
    return json.loads(json.dumps(state))


def document_of(command: Command) -> dict[str, Any]:
    """A command as a line of the log."""
    return {"do": command.do, "by": command.by, "at": command.at, "key": command.key, "args": command.args}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
