"""Tables of JOBTREN and of the personnel desk. What is about a person is sealed; pseudonyms name people elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from deploy.app.database import Base, Moment, Sealed


class Seeker(Base):
    """Somebody who looks for work; `account` is empty for those that the manpower office imported."""

    __tablename__ = "seeker"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str | None] = mapped_column(sa.String(80), unique=True)
    pseudonym: Mapped[str] = mapped_column(sa.String(40), unique=True)
    profile: Mapped[str] = mapped_column(Sealed)


class Vacancy(Base):
    """Work that an employer offers."""

    __tablename__ = "vacancy"
    id: Mapped[int] = mapped_column(primary_key=True)
    employer: Mapped[str] = mapped_column(sa.String(80), index=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    terms: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    is_open: Mapped[bool] = mapped_column(sa.Boolean)


class Application(Base):
    """A seeker's application, with what the screening said, and the interview it led to."""

    __tablename__ = "application"
    __table_args__ = (sa.UniqueConstraint("seeker", "vacancy"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    seeker: Mapped[int] = mapped_column(sa.ForeignKey("seeker.id", ondelete="CASCADE"))
    vacancy: Mapped[int] = mapped_column(sa.ForeignKey("vacancy.id"))
    state: Mapped[str] = mapped_column(sa.String(12))
    reasons: Mapped[list[str]] = mapped_column(sa.JSON)
    parts: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    interview_at: Mapped[datetime | None] = mapped_column(Moment)
    interview_place: Mapped[str] = mapped_column(sa.String(200))
    made_at: Mapped[datetime] = mapped_column(Moment)


class Match(Base):
    """A pair of a match run, with its explanation."""

    __tablename__ = "match"
    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[int] = mapped_column(sa.Integer, index=True)
    seeker: Mapped[int] = mapped_column(sa.ForeignKey("seeker.id", ondelete="CASCADE"), index=True)
    vacancy: Mapped[int] = mapped_column(sa.ForeignKey("vacancy.id"))
    score: Mapped[float] = mapped_column(sa.Float)
    because: Mapped[str] = mapped_column(sa.Text)


class Notification(Base):
    """A message to somebody."""

    __tablename__ = "notification"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(80), index=True)
    text: Mapped[str] = mapped_column(Sealed)
    at: Mapped[datetime] = mapped_column(Moment)
    was_read: Mapped[bool] = mapped_column(sa.Boolean)


class Question(Base):
    """What somebody asked LARAS, the answer (with its links, JSON), and whether it helped."""

    __tablename__ = "question"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(80), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    question: Mapped[str] = mapped_column(Sealed)
    answer: Mapped[str] = mapped_column(Sealed)
    links: Mapped[str] = mapped_column(Sealed)
    abstained: Mapped[bool] = mapped_column(sa.Boolean)
    seconds: Mapped[float] = mapped_column(sa.Float)
    satisfied: Mapped[bool | None] = mapped_column(sa.Boolean)
    comment: Mapped[str] = mapped_column(Sealed)


class Paper(Base):
    """The bytes of a document of a personnel request (base64, sealed); the trail has their hash."""

    __tablename__ = "paper"
    __table_args__ = (sa.UniqueConstraint("request", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    request: Mapped[str] = mapped_column(sa.String(40), index=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    content: Mapped[str] = mapped_column(Sealed)
