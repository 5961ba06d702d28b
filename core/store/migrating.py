"""
Brings a database to this version's tables: an embedded one by itself, a shared one when told to.

Alembic is imported only where there is something to upgrade; the check is one small query.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect

from interlock.core import private
from interlock.core.errors import StoreUnavailable
from interlock.core.store import dialect, schema, window
from interlock.core.store import engine as opening

logger = logging.getLogger(__name__)

LOCK_S = 3.0  # for a table that somebody reads; as long do those wait who come after us
LOCK_PAUSE_S = 1.0
LOCK_TRIES = 20
_STANDS_ASIDE = {"55P03", "40P01"}  # Postgres: lock_not_available, deadlock_detected

FOLDER = Path(__file__).parent / "migrations"


def ensure_schema(engine: Engine, settings_is_embedded: bool) -> None:  # noqa: FBT001  # one flag, named
    """
    See to it that the tables are those of this version, or newer ones that serve it too.

    Args:
        engine: The database.
        settings_is_embedded: Whether it is ours alone, so that it is upgraded on the spot, after a
            backup beside it.

    Raises:
        StoreUnavailable: A shared database is older than this version, or any is too new for it.
    """
    with opening.read(engine) as conn:
        found = window.fetch(conn)
    if found.serves(schema.REVISION):
        if found.revision != schema.REVISION:
            logger.info("schema_ahead", extra={"tables": found.revision, "known": schema.REVISION})
        return
    _refuse_newer(found)
    if not settings_is_embedded:
        old = found.revision
        state = "has no tables yet" if old is None else f"has the tables of version {old}"
        raise StoreUnavailable(
            f"The database {state}; this version needs {schema.REVISION}.",
            hint="Run `interlock db upgrade`.",
        )
    upgrade(engine)


def upgrade(engine: Engine) -> str:
    """
    Upgrade the tables to this version; whoever comes second waits and finds it done.

    Tables of a newer version that serve this one are left as they are, so that a roll-back's own
    upgrade is no failure.

    Returns:
        The revision that the database has now.

    Raises:
        StoreUnavailable: The database is too new for this version, or a table was in use all the
            time; nothing was changed.
    """
    left = LOCK_TRIES
    while True:
        try:
            return _upgrade(engine)
        except Exception as error:
            if not _STANDS_ASIDE.intersection((_code_of(error), _code_of(error.__cause__))):
                raise
            left -= 1
            if not left:
                raise StoreUnavailable(
                    "A table that is to be changed has been in use all the time; nothing was changed.",
                    hint="A long report, perhaps: look at pg_stat_activity, and run it again.",
                ) from error
        logger.info("upgrade_waits", extra={"tries_left": left})
        time.sleep(LOCK_PAUSE_S)


def _code_of(error: BaseException | None) -> str | None:
    """What Postgres calls it; a script goes to the driver, whose errors nobody translates."""
    return getattr(error, "sqlstate", None)


def _upgrade(engine: Engine) -> str:
    with opening.rebuild(engine) as conn:
        dialect.lock_all(conn, dialect.Lock.UPGRADE)
        found = window.fetch(conn)
        _refuse_newer(found)
        if found.revision is not None and found.revision > schema.REVISION:
            return found.revision
        if found.revision != schema.REVISION:
            if engine.dialect.name == "sqlite" and inspect(conn).get_table_names():
                _back_up(engine, found.revision)
            # Whoever waits for a table keeps all others waiting behind it: better to stand aside.
            dialect.wait_at_most(conn, LOCK_S)
            _carry_out(conn)
        due = window.Window(schema.REVISION, schema.SERVES_FROM)
        if found != due:
            window.note(conn, due)
    return schema.REVISION


def backup_path(engine: Engine, revision: str | None) -> Path:
    """Where the copy of a SQLite file goes that is made before it leaves a revision."""
    path = Path(str(engine.url.database))
    return path.with_name(f"{path.name}.{revision or 'unversioned'}.backup")


def _refuse_newer(found: window.Window) -> None:
    if found.revision is None or found.revision <= schema.REVISION or found.serves(schema.REVISION):
        return
    since = found.serves_from or found.revision
    raise StoreUnavailable(
        f"The database has the tables of version {found.revision}, too new for this program, which "
        f"knows {schema.REVISION}: they serve programs from {since} on.",
        hint="Install the newer Interlock (`pip install --upgrade interlock-control-room`), or give "
        "this one another database with --database.",
    )


def _back_up(engine: Engine, revision: str | None) -> None:
    """Copy the file as it was last committed; the upgrade's own changes are not in it."""
    target = backup_path(engine, revision)
    unfinished = target.with_suffix(".unfinished")
    private.make_file(unfinished)
    with opening.read(engine) as conn, closing(sqlite3.connect(unfinished)) as copy:
        source: Any = conn.connection.dbapi_connection
        source.backup(copy)
    unfinished.replace(target)


def _carry_out(conn: Connection) -> None:
    from alembic import command  # 0.2 s that only an upgrade has to pay
    from alembic.config import Config

    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, schema.REVISION)
