"""Tables of accounts; the tables of a service stand beside it and are imported here for migrations."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from deploy.app.database import Base, Moment, Sealed


class Account(Base):
    """Somebody who may log in. `epoch` is part of every token: raising it ends all that were given out."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    roles: Mapped[list[str]] = mapped_column(sa.JSON)
    full_name: Mapped[str] = mapped_column(Sealed)
    contact: Mapped[str] = mapped_column(Sealed)
    active: Mapped[bool] = mapped_column(sa.Boolean, default=True)
    epoch: Mapped[int] = mapped_column(sa.Integer, default=0)
    made_at: Mapped[datetime] = mapped_column(Moment)
