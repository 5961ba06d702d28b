"""
Runs the steps on a connection: the one it is given, or, for a developer's `alembic` command, its own.

It never commits a connection it was given: whoever gave it holds the lock and owns the transaction.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from interlock.core.settings import load_settings
from interlock.core.store import engine as opening
from interlock.core.store import schema


def run(conn: Connection) -> None:
    """Carry out the steps that are due."""
    context.configure(
        connection=conn,
        target_metadata=schema.metadata,
        render_as_batch=True,  # SQLite cannot alter most things in place
        transactional_ddl=True,  # our SQLite engine begins before a CREATE, so all or nothing holds
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with opening.write(opening.open_engine(load_settings().database_url)) as own:
        run(own)
