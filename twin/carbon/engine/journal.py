"""The journal: every command of a book, written down before it is carried out; a book is rebuilt from it to the bit.

A file begins with a magic word and the book's set-up. Each record is seven int64 (number, kind, side, tick, lots,
reference, account) and a CRC-32 that continues the one of the record before, so that a record which is cut, changed,
lost or moved ends what can be trusted. Records go straight to the operating system: a process that is killed loses
nothing that it has answered.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twin.carbon.engine.book import CONTROLS, Book, Setup
from twin.carbon.engine.codes import Stp
from twin.errors import JournalError

MAGIC = b"TWJ1"
SETUP, RECORD = struct.Struct("<4s4qI"), struct.Struct("<7qI")
LAYOUT = np.dtype([("number", "<i8"), ("values", "<i8", 6), ("crc", "<u4")])
MOST = 2**63 - 1


@dataclass(frozen=True)
class Damage:
    """Where a journal stops being whole: record and byte, how many bytes follow, and what is wrong there."""

    record: int
    byte: int
    lost_bytes: int
    why: str


@dataclass(frozen=True, eq=False)
class Content:
    """What a journal holds: the book's set-up, every whole record's six values (n, 6), the last CRC, any damage."""

    setup: Setup
    records: np.ndarray
    crc: int
    damage: Damage | None


class Journal:
    """A journal open for writing. `Journal.create` begins one, `recover` goes on with one."""

    def __init__(self, path: Path, crc: int, number: int) -> None:
        self.path, self.crc, self.number = path, crc, number
        self.file = path.open("ab", buffering=0)

    @classmethod
    def create(cls, path: Path, setup: Setup) -> Journal:
        """Begin a journal. Raises JournalError where a file of that name exists: a journal is never overwritten."""
        if path.exists():
            raise JournalError(f"{path}: exists; recover from it, or choose another name")
        head = SETUP.pack(MAGIC, setup.ladder, setup.accounts, setup.stp, setup.owners, 0)[:-4]
        crc = zlib.crc32(head)
        path.write_bytes(head + struct.pack("<I", crc))
        return cls(path, crc, 0)

    def append(self, kind: int, side: int, level: int, lots: int, ref: int, account: int) -> None:
        """Write one command down; a number that fits no int64 is written as the largest, which is refused as well."""
        values = [max(-MOST, min(MOST, value)) for value in (kind, side, level, lots, ref, account)]
        body = struct.pack("<7q", self.number, *values)
        self.crc = zlib.crc32(body, self.crc)
        self.file.write(body + struct.pack("<I", self.crc))
        self.number += 1

    def sync(self) -> None:
        """Wait until everything is on the disk (against a power cut; a killed process needs none)."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def read(path: Path) -> Content:
    """Everything whole in a journal. Raises JournalError where not even its head is whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) < SETUP.size or not data.startswith(MAGIC):
        raise JournalError(f"{path}: is no journal of a book, or is cut within its first {SETUP.size} bytes")
    _, ladder, accounts, stp, owners, crc = SETUP.unpack_from(data)
    if zlib.crc32(data[: SETUP.size - 4]) != crc:
        raise JournalError(f"{path}: its head is damaged (checksum); nothing in it can be trusted")
    crc, damage = _checked(memoryview(data), crc)
    end = len(data) if damage is None else damage.byte
    records = np.frombuffer(data[SETUP.size : end], LAYOUT)["values"].reshape(-1, 6)
    return Content(Setup(ladder, accounts, Stp(stp), bool(owners)), records, crc, damage)


def read_on(path: Path, crc: int, number: int) -> tuple[np.ndarray, int, Damage | None]:
    """Whole records (n, 6) written since `number` of them were read, the last CRC, and any damage.

    One that is cut may be one that is being written. Raises JournalError where the file cannot be read.
    """
    begin = SETUP.size + number * RECORD.size
    try:
        with path.open("rb") as file:
            file.seek(begin)
            data = file.read()
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from error
    crc, damage = _checked(memoryview(data), crc, number, 0)
    end = len(data) if damage is None else damage.byte
    records = np.frombuffer(data[:end], LAYOUT)["values"].reshape(-1, 6)
    return records, crc, None if damage is None else replace(damage, byte=begin + damage.byte)


def _checked(data: memoryview, crc: int, number: int = 0, at: int = SETUP.size) -> tuple[int, Damage | None]:
    """The CRC after the last whole record, and where and why the next one is not whole."""
    while at < len(data):
        why = ""
        if len(data) - at < RECORD.size:
            why = f"cut: {len(data) - at} of {RECORD.size} bytes"
        else:
            after = zlib.crc32(data[at : at + RECORD.size - 4], crc)
            if after != int.from_bytes(data[at + RECORD.size - 4 : at + RECORD.size], "little"):
                why = "checksum differs"
            elif int.from_bytes(data[at : at + 8], "little") != number:
                why = "number differs"
        if why:
            return crc, Damage(number, at, len(data) - at, why)
        crc, number, at = after, number + 1, at + RECORD.size
    return crc, None


def carry_out(book: Book, records: np.ndarray) -> Book:
    """Put records (n, 6) into a book, in order, as they once were."""
    controls = np.flatnonzero((records[:, 0] < 0) & (records[:, 0] >= -len(CONTROLS)))
    begin = 0
    for end in [*controls.tolist(), len(records)]:
        if end > begin:
            book.submit_many(*np.ascontiguousarray(records[begin:end].T))
        if end < len(records):
            kind, _, a, b, c, _ = records[end].tolist()
            book.control(CONTROLS[-1 - kind], a, b, c)
        begin = end + 1
    return book


def recover(path: Path) -> tuple[Book, Damage | None]:
    """Rebuild the book of a journal and go on writing to it; a damaged tail is kept beside it as `.damaged`."""
    content = read(path)
    if content.damage is not None:
        data = path.read_bytes()
        path.with_name(path.name + ".damaged").write_bytes(data[content.damage.byte :])
        os.truncate(path, content.damage.byte)
    book = carry_out(Book(content.setup), content.records)
    book.journal = Journal(path, content.crc, len(content.records))
    return book, content.damage
