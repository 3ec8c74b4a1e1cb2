"""What was asked of LARAS and whether it helped, sealed, under who asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from deploy.people.models import Question
from twin.knowledge.laras.answer import Answer
from twin.knowledge.laras.feedback import satisfied_of

CLEAR_LOG = Path("laras") / "laras.sqlite"


def forget_clear_log(data: Path) -> None:
    """Delete the log of clear text that was there before revision 0003, which has taken it in."""
    (data / CLEAR_LOG).unlink(missing_ok=True)


def note(session: Session, account: str, question: str, answer: Answer) -> int:
    """Keep a question and its answer; gives its number."""
    made = Question(
        account=account, at=datetime.now(UTC), question=question, answer=answer.answer, abstained=answer.abstained,
        links=json.dumps([one.link for one in answer.citations]), seconds=answer.seconds, satisfied=None, comment="",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def rate(session: Session, account: str, number: int, satisfied: bool, comment: str) -> bool:
    """Keep whether an answer helped its asker; False where they have no such answer."""
    found = session.get(Question, number)
    if found is None or found.account != account:
        return False
    found.satisfied, found.comment = satisfied, comment
    return True


def satisfaction(session: Session) -> dict[str, Any]:
    """Questions, abstentions, and the share of rated answers that satisfied, with its 95 % interval."""
    q = Question
    abstained, satisfied = (sa.func.count(q.id).filter(one.is_(True)) for one in (q.abstained, q.satisfied))
    row = session.execute(sa.select(sa.func.count(q.id), abstained, sa.func.count(q.satisfied), satisfied)).one()
    return satisfied_of(*map(int, row))


def of(session: Session, account: str) -> list[dict[str, Any]]:
    """What somebody asked, oldest first."""
    found = session.scalars(sa.select(Question).where(Question.account == account).order_by(Question.id))
    return [{"at": one.at.isoformat(), "question": one.question, "answer": one.answer, "satisfied": one.satisfied,
             "comment": one.comment} for one in found]  # fmt: skip


def erase(session: Session, account: str) -> None:
    """Take away what somebody asked."""
    session.execute(sa.delete(Question).where(Question.account == account))
