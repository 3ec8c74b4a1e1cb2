"""LARAS's questions, sealed, in place of a log of clear text in a file of their own.

The way back writes that file again, without who asked: the code before knows no askers.
"""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import context, op

from deploy.app.database import Moment, Sealed

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LOG = """
CREATE TABLE asked (id INTEGER PRIMARY KEY, at TEXT NOT NULL, question TEXT NOT NULL,
    answer TEXT NOT NULL, abstained INTEGER NOT NULL, seconds REAL NOT NULL, links TEXT NOT NULL);
CREATE TABLE rated (asked INTEGER PRIMARY KEY REFERENCES asked (id), at TEXT NOT NULL,
    satisfied INTEGER NOT NULL, comment TEXT NOT NULL);
"""
OLD_ROWS = """
SELECT asked.at, question, answer, links, abstained, seconds, satisfied, comment
FROM asked LEFT JOIN rated ON rated.asked = asked.id ORDER BY asked.id
"""


def _columns() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account", sa.String(80), nullable=False, index=True),
        sa.Column("at", Moment(), nullable=False), sa.Column("question", Sealed(), nullable=False),
        sa.Column("answer", Sealed(), nullable=False), sa.Column("links", Sealed(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False), sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("satisfied", sa.Boolean()), sa.Column("comment", Sealed(), nullable=False),
    ]  # fmt: skip


def _log() -> Path:
    return context.config.attributes["data"] / "laras" / "laras.sqlite"


def upgrade() -> None:
    """Forward: the file stays until the services start, when its rows are surely here."""
    made = op.create_table("question", *_columns())
    if _log().exists():
        with closing(sqlite3.connect(_log())) as log:
            rows = log.execute(OLD_ROWS).fetchall()
        names = ("at", "question", "answer", "links", "abstained", "seconds", "satisfied", "comment")
        for row in rows:
            one = dict(zip(names, row, strict=True))
            one |= {"at": datetime.fromisoformat(one["at"]), "abstained": bool(one["abstained"])}
            one |= {"satisfied": None if one["satisfied"] is None else bool(one["satisfied"])}
            op.execute(made.insert().values(account="", **one | {"comment": one["comment"] or ""}))


def downgrade() -> None:
    """Back."""
    rows = op.get_bind().execute(sa.select(sa.table("question", *_columns())).order_by(sa.text("id"))).mappings().all()
    _log().unlink(missing_ok=True)
    if rows:
        _log().parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(_log())) as log:
            log.executescript(LOG)
            for one in rows:
                at = one["at"].isoformat()
                asked = (one["id"], at, one["question"], one["answer"], one["abstained"], one["seconds"], one["links"])
                log.execute("INSERT INTO asked VALUES (?, ?, ?, ?, ?, ?, ?)", asked)
                if one["satisfied"] is not None:
                    rated = (one["id"], at, one["satisfied"], one["comment"])
                    log.execute("INSERT INTO rated VALUES (?, ?, ?, ?)", rated)
            log.commit()
    op.drop_table("question")
