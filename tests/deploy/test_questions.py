"""LARAS's questions at rest: sealed, handed over and erased by person, and migrated from and to the clear log."""

import sqlite3
from contextlib import closing

import pytest

from deploy.app.database import Database
from deploy.people.models import Question
from deploy.people.questions import CLEAR_LOG, forget_clear_log, satisfaction
from twin.errors import KnowledgeError
from twin.knowledge.laras.answer import Answer
from twin.knowledge.laras.feedback import note, rate
from twin.knowledge.laras.feedback import satisfaction as satisfaction_of_log

L = "/v1/laras"
QUESTION = "istri saya Sumirah sakit, berapa hari cuti alasan penting?"


def test_what_was_typed_stands_encrypted_under_who_asked(services, tmp_path):
    answer = services.ok("the-employee", "POST", f"{L}/questions", {"question": QUESTION})
    at = f"{L}/questions/{answer['number']}/rating"
    rating = {"satisfied": False, "comment": "Sumirah di RSUD"}
    assert services("the-seeker", "POST", at, rating).status_code == 404  # not an answer to them
    services.ok("the-employee", "POST", at, rating)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"question" in stored
    assert b"Sumirah" not in stored
    assert answer["answer"][:60].encode() not in b"".join(one.read_bytes() for one in
                                                         (tmp_path / "data").glob("services.sqlite*"))  # fmt: skip
    (told,) = services.ok("the-employee", "GET", "/v1/me/data")["laras"]
    assert (told["question"], told["comment"], told["satisfied"]) == (QUESTION, "Sumirah di RSUD", False)
    assert services.ok("the-seeker", "GET", "/v1/me/data")["laras"] == []
    services.ok("the-seeker", "POST", f"{L}/questions", {"question": "cuti lairan pirang sasi?"})
    facts = services.ok("the-librarian", "GET", f"{L}/satisfaction")
    assert {name: facts[name] for name in ("asked", "rated", "satisfied")} == {"asked": 2, "rated": 1, "satisfied": 0}
    services.ok("the-employee", "DELETE", "/v1/me")
    with services.app.state.database.session() as session:
        assert [one.account for one in session.query(Question)] == ["the-seeker"]


def dumped(log) -> list[str]:
    with closing(sqlite3.connect(log)) as opened:
        return [line for line in opened.iterdump() if "asked" in line]


@pytest.fixture
def database(tmp_path, settings_of):
    made = Database(settings_of(tmp_path))
    made.migrate("0002")
    yield made
    made.close()


def test_the_clear_log_is_taken_in_and_written_again_on_the_way_back(tmp_path, database):
    log = tmp_path / CLEAR_LOG
    log.parent.mkdir()
    for number, (satisfied, comment) in enumerate([(True, "baik"), (False, ""), (None, "")], 1):
        note(log, f"pertanyaan {number}", Answer(f"jawaban {number}", number == 2, [], 0.5, []))
        if satisfied is not None:
            rate(log, number, satisfied, comment)
    before, facts = dumped(log), satisfaction_of_log(log)
    database.migrate()
    with database.session() as session:
        assert [(one.id, one.account, one.question) for one in session.query(Question)] == [
            (number, "", f"pertanyaan {number}") for number in (1, 2, 3)
        ]
        assert satisfaction(session) == facts
    assert b"pertanyaan" not in (tmp_path / "services.sqlite").read_bytes()
    forget_clear_log(tmp_path)
    with pytest.raises(KnowledgeError, match="is not there"):
        satisfaction_of_log(log)
    database.migrate("-1")
    assert dumped(log) == before
    assert satisfaction_of_log(log) == facts
    database.migrate()
    with database.session() as session:
        assert session.query(Question).count() == 3
