"""JOBTREN, the personnel desk's papers, notifications, and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _required(name: str, kind: sa.types.TypeEngine, *more: sa.schema.SchemaItem, index: bool = False,
              unique: bool = False) -> sa.Column:  # fmt: skip
    return sa.Column(name, kind, *more, nullable=False, index=index, unique=unique)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "job", sa.Column("id", sa.Integer(), primary_key=True), _required("kind", sa.String(40)),
        _required("asked_by", sa.String(80)), _required("arguments", sa.JSON()), _required("state", sa.String(12)),
        _required("progress", sa.Float()), _required("note", sa.Text()), _required("result", sa.JSON()),
        _required("made_at", MOMENT), sa.Column("ended_at", MOMENT),
    )  # fmt: skip
    op.create_table(
        "seeker", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("account", sa.String(80), unique=True),
        _required("pseudonym", sa.String(40), unique=True), _required("profile", sa.Text()),
    )  # fmt: skip
    op.create_table(
        "vacancy", sa.Column("id", sa.Integer(), primary_key=True), _required("employer", sa.String(80), index=True),
        _required("title", sa.String(200)), _required("terms", sa.JSON()), _required("is_open", sa.Boolean()),
    )  # fmt: skip
    op.create_table(
        "application", sa.Column("id", sa.Integer(), primary_key=True),
        _required("seeker", sa.Integer(), sa.ForeignKey("seeker.id", ondelete="CASCADE")),
        _required("vacancy", sa.Integer(), sa.ForeignKey("vacancy.id")), _required("state", sa.String(12)),
        _required("reasons", sa.JSON()), _required("parts", sa.JSON()), sa.Column("interview_at", MOMENT),
        _required("interview_place", sa.String(200)), _required("made_at", MOMENT),
        sa.UniqueConstraint("seeker", "vacancy"),
    )  # fmt: skip
    op.create_table(
        "match", sa.Column("id", sa.Integer(), primary_key=True), _required("job", sa.Integer(), index=True),
        _required("seeker", sa.Integer(), sa.ForeignKey("seeker.id", ondelete="CASCADE"), index=True),
        _required("vacancy", sa.Integer(), sa.ForeignKey("vacancy.id")), _required("score", sa.Float()),
        _required("because", sa.Text()),
    )  # fmt: skip
    op.create_table(
        "notification", sa.Column("id", sa.Integer(), primary_key=True),
        _required("account", sa.String(80), index=True), _required("text", sa.Text()), _required("at", MOMENT),
        _required("was_read", sa.Boolean()),
    )  # fmt: skip
    op.create_table(
        "paper", sa.Column("id", sa.Integer(), primary_key=True), _required("request", sa.String(40), index=True),
        _required("name", sa.String(60)), _required("content", sa.Text()), sa.UniqueConstraint("request", "name"),
    )  # fmt: skip


def downgrade() -> None:
    """Back."""
    for name in ("paper", "notification", "match", "application", "vacancy", "seeker", "job"):
        op.drop_table(name)
