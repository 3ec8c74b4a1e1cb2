"""The database by URL: SQLite or PostgreSQL, sessions, and text that is encrypted at rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from cryptography.fernet import MultiFernet
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from deploy.app.keys import box
from deploy.app.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """Tables of the services."""


class Sealed(sa.TypeDecorator[str]):
    """Text that stands encrypted in the database (`keys.box`)."""

    impl = sa.Text
    cache_ok = True
    box: MultiFernet | None = None

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Encrypt."""
        assert self.box is not None  # noqa: S101 (the database sets it before the first session)
        return None if value is None else self.box.encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        """Decrypt."""
        assert self.box is not None  # noqa: S101
        return None if value is None else self.box.decrypt(value.encode()).decode()


class Moment(sa.TypeDecorator[datetime]):
    """A time with its zone: UTC in the database, also where that (SQLite) knows no zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """In UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """With its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Database:
    """An engine and its sessions."""

    def __init__(self, settings: Settings) -> None:
        url = sa.make_url(settings.database)
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        self.url, self.data = url, settings.data
        self.engine = sa.create_engine(url, pool_pre_ping=True)
        if url.get_backend_name() == "sqlite":
            event.listen(self.engine, "connect", _safe_sqlite)
        Sealed.box = box(settings)
        self._session = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back on an error."""
        with self._session.begin() as session:
            yield session

    def alive(self) -> bool:
        """Whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def migrate(self, to: str = "head") -> None:
        """Bring the tables to a revision; `base` takes them all away."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.engine.begin() as connection:
            config.attributes |= {"connection": connection, "data": self.data}
            (command.downgrade if to == "base" or to.startswith("-") else command.upgrade)(config, to)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _safe_sqlite(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")
