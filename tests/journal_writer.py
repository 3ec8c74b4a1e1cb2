"""A stream of commands, and a process that writes a book's journal until it is killed."""

from pathlib import Path

import numpy as np

from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Kind, Stp
from twin.carbon.engine.journal import Journal, recover

SET_UP = Setup(500, 4, Stp.CANCEL_RESTING)


def commands(n: int):
    rng = np.random.default_rng(5)
    columns = (
        rng.choice([int(kind) for kind in Kind], n), rng.integers(0, 2, n), rng.integers(-1, 502, n),
        rng.integers(-1, 40, n), rng.integers(-1, np.arange(n) + 2), rng.integers(-1, 5, n),
    )  # fmt: skip
    return list(zip(*(column.tolist() for column in columns), strict=True))


def with_accounts(book: Book) -> Book:
    for account in range(4):
        book.control("account", account, 3, 10_000)
    return book


def begun(path: Path) -> Book:
    return with_accounts(Book(SET_UP, journal=Journal.create(path, SET_UP)))


def write_on(path: Path, told) -> None:
    """Recover the book and go on with the stream; tell when the first command is through."""
    book, _ = recover(path)
    for command in commands(100_000)[book.seq :]:
        book.submit(*command)
        told.set()
