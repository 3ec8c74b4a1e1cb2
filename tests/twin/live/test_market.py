"""The market from its journal: at every moment what the book that writes it has, and nothing from a damaged one."""

import pytest
from journal_writer import SET_UP, begun, commands
from reference_book import ReferenceBook

from twin.carbon.engine.book import Book, Setup
from twin.carbon.engine.codes import Side, Stp
from twin.carbon.engine.journal import RECORD, Journal
from twin.errors import JournalError
from twin.live.market import Follower, followed, state_of


@pytest.fixture
def closing():
    books = []
    yield books.append
    for book in books:
        book.journal.close()


def test_golden_a_followed_book_is_the_engines_own_at_every_look(tmp_path, closing):
    book = begun(tmp_path / "j")
    closing(book)
    follower, looked = Follower(tmp_path / "j"), 0
    for n, command in enumerate(commands(1500)):
        if n == 700:
            book.control("session", 1)
        if n == 710:
            book.control("session", 0)
        book.submit(*command)
        if n % 97 == 0:
            looked += follower.look()
            assert state_of(follower.book, 50) == state_of(book, 50)
    looked += follower.look()
    assert looked == 1502
    assert follower.book.resting() == book.resting()
    assert state_of(book).last is not None
    told = followed(tmp_path / "j", 0.0, 3)
    assert (told["best_bid_idr"], told["commands"]) == (50 * book.best_bid, 1500)


def test_another_tool_the_plain_book_of_the_rules_has_the_same_depth(tmp_path, closing):
    setup = Setup(SET_UP.ladder, 0, Stp.OFF)
    book, plain = Book(setup, journal=Journal.create(tmp_path / "j", setup)), ReferenceBook(setup.ladder, Stp.OFF)
    closing(book)
    for kind, side, level, lots, ref, _ in commands(600):
        book.submit(kind, side, level, lots, ref, -1)
        plain.submit(kind, side, level, lots, ref, -1)
    state = state_of(Follower(tmp_path / "j").book, 1000)
    for side, found in ((Side.BUY, state.bids), (Side.SELL, state.asks)):
        orders = [one for one in plain.resting() if one[0] == side]
        levels = list(dict.fromkeys(one[1] for one in orders))
        expected = [
            (at, sum(one[3] for one in orders if one[1] == at), sum(one[1] == at for one in orders)) for at in levels
        ]
        assert found == expected
    assert state.last == plain.fills[-1][2]
    assert state.traded_lots == sum(fill[3] for fill in plain.fills)


def test_a_record_that_is_being_written_waits_and_a_damaged_one_is_told(tmp_path, closing):
    path = tmp_path / "j"
    book = begun(path)
    closing(book)
    follower = Follower(path)
    for command in commands(20):
        book.submit(*command)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert follower.look() == 19
    assert follower.look() == 0
    path.write_bytes(whole)
    assert follower.look() == 1
    assert state_of(follower.book) == state_of(book)
    for command in commands(30)[20:]:
        book.submit(*command)
    spoilt = bytearray(path.read_bytes())
    spoilt[len(whole) + RECORD.size + 3] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(JournalError, match="checksum differs"):
        follower.look()
    assert follower.book.seq == 21  # what was whole is there
