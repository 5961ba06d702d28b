"""
Which versions of the program a database's tables serve, kept in the database beside Alembic's own note.

A program cannot know what comes after it, so the newer one says it: whoever upgrades the tables notes
the oldest revision whose program still runs on them. Made without a migration, so that a program of any
revision can read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
    text,
)

NOTED_BY_ALEMBIC = text("SELECT version_num FROM alembic_version")

# Apart from the tables of `schema`: no migration makes it, and none may change it.
schema_window = Table(
    "schema_window",
    MetaData(),
    Column("revision", String(32), primary_key=True),
    Column("serves_from", String(32), nullable=False),
)


@dataclass(frozen=True)
class Window:
    """The tables' revision, None where there are none, and the oldest program that they serve."""

    revision: str | None
    serves_from: str | None

    def serves(self, program: str) -> bool:
        """Whether a program whose newest revision is `program` runs on these tables as they are."""
        if self.revision is None or self.revision < program:
            return False
        if self.revision == program:
            return True
        return self.serves_from is not None and self.serves_from <= program


def fetch(conn: Connection) -> Window:
    """What the database says of its tables."""
    found = inspect(conn)
    if not found.has_table("alembic_version"):
        return Window(None, None)
    revision = conn.execute(NOTED_BY_ALEMBIC).scalar()
    if not found.has_table(schema_window.name):
        return Window(revision, None)
    noted = select(schema_window.c.serves_from).where(schema_window.c.revision == revision)
    return Window(revision, conn.execute(noted).scalar())


def note(conn: Connection, window: Window) -> None:
    """Say which programs the tables serve from now on."""
    schema_window.create(conn, checkfirst=True)
    conn.execute(delete(schema_window))
    conn.execute(
        insert(schema_window), {"revision": window.revision, "serves_from": window.serves_from}
    )
