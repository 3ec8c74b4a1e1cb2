"""Alembic's entry: migrates over the connection that `Database.migrate` hands over."""

from alembic import context

import deploy.app.models
import deploy.people.models
import deploy.work.models  # noqa: F401
from deploy.app.database import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
