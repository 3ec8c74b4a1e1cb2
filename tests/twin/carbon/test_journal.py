"""The journal: a book is rebuilt from it to the bit, a damaged tail is told and everything before it kept."""

import multiprocessing
import signal
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_writer import SET_UP, begun, commands, with_accounts, write_on

from twin.carbon.engine.book import Book
from twin.carbon.engine.codes import Kind, Side
from twin.carbon.engine.journal import RECORD, SETUP, Journal, read, recover
from twin.errors import JournalError


def same(one: Book, other: Book) -> bool:
    return (
        np.array_equal(one.state, other.state)
        and one.seq == other.seq
        and one.resting() == other.resting()
        and np.array_equal(one.fills[: one.state[3]], other.fills[: other.state[3]])
    )


def write(path, n=200) -> Book:
    book = begun(path)
    for command in commands(n):
        book.submit(*command)
    book.control("session", 1)
    book.journal.close()
    return book


def test_a_book_is_rebuilt_and_goes_on(tmp_path):
    path = tmp_path / "book.journal"
    book = write(path)
    for _ in range(2):
        again, damage = recover(path)
        assert damage is None
        assert same(book, again)
        for one in (book, again):
            one.journal = one.journal if one is again else None
            one.control("session", 0)
            one.submit(Kind.LIMIT, Side.BUY, 9, 7, -1, 1)
        assert same(book, again)
        again.journal.close()


def test_a_batch_is_journalled_too(tmp_path):
    path = tmp_path / "book.journal"
    book = begun(path)
    book.submit_many(*(np.array(column) for column in zip(*commands(50), strict=True)))
    book.journal.close()
    again, _ = recover(path)
    again.journal.close()
    assert same(book, again)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60 * 60), st.sampled_from(["cut", "flip"]), st.integers(1, 255))
def test_a_damaged_tail_is_told_and_the_rest_kept(tmp_path_factory, at, how, bits):
    path = tmp_path_factory.mktemp("journal") / "book.journal"
    write(path, 50)
    data = bytearray(path.read_bytes())
    at = SETUP.size + at % (len(data) - SETUP.size)
    whole = (at - SETUP.size) // RECORD.size
    if how == "cut":
        data = data[:at]
    else:
        data[at] ^= bits
    path.write_bytes(data)
    book, damage = recover(path)
    clean = how == "cut" and (at - SETUP.size) % RECORD.size == 0
    assert (damage is None) == clean
    if damage is not None:
        assert (damage.record, damage.byte) == (whole, SETUP.size + whole * RECORD.size)
        assert path.with_name("book.journal.damaged").stat().st_size == damage.lost_bytes
    content = read(path)
    assert (len(content.records), content.damage) == (whole, None)
    assert book.seq == max(0, min(50, whole - 4))
    book.journal.close()


@pytest.mark.parametrize("swap", [(3, 4), (5, 9)])
def test_records_that_changed_places_are_found(tmp_path, swap):
    path = tmp_path / "book.journal"
    write(path, 50)
    data = bytearray(path.read_bytes())
    a, b = (slice(SETUP.size + i * RECORD.size, SETUP.size + (i + 1) * RECORD.size) for i in swap)
    data[a], data[b] = data[b], data[a]
    path.write_bytes(data)
    assert read(path).damage.record == swap[0]


@pytest.mark.parametrize("content", [b"", b"hello", b"TWJ1" + bytes(60)])
def test_what_is_no_journal_is_refused(tmp_path, content):
    path = tmp_path / "book.journal"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"book\.journal"):
        read(path)


def test_a_journal_is_never_overwritten(tmp_path):
    write(tmp_path / "book.journal", 1)
    with pytest.raises(JournalError, match="exists"):
        Journal.create(tmp_path / "book.journal", SET_UP)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_killed_at_twenty_random_moments_the_book_is_identical(tmp_path):
    path, rng = tmp_path / "book.journal", np.random.default_rng(6)
    begun(path).journal.close()
    context = multiprocessing.get_context("fork")
    stream = tuple(np.array(column, np.int64) for column in zip(*commands(100_000), strict=True))
    lengths = []
    for _ in range(20):
        told = context.Event()
        child = context.Process(target=write_on, args=(path, told))
        child.start()
        assert told.wait(60)
        time.sleep(float(rng.uniform(0, 0.03)))
        child.kill()  # SIGKILL
        child.join()
        assert child.exitcode == -signal.SIGKILL
        again, _ = recover(path)
        again.journal.close()
        expected = with_accounts(Book(SET_UP))
        expected.submit_many(*(column[: again.seq] for column in stream))
        assert same(expected, again)
        lengths.append(again.seq)
    assert all(np.diff(lengths) > 0)
