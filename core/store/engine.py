"""
Opens the database and hands out its transactions: `write` for one use case, `read` for one look.

SQLite writers begin IMMEDIATE, because a transaction that reads and then writes is refused at once
when another wrote in between, whatever the timeout (facts: engine 5).
"""

from __future__ import annotations

import select
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from interlock.core import private
from interlock.core.errors import OutcomeUnknown, StoreUnavailable
from interlock.core.keepalives import SERVER_SIDE, keepalives_for
from interlock.core.masking import mask_text
from interlock.core.store import encoding, sight, violations
from interlock.core.store.sqlite_file import SqliteFile

BUSY_TIMEOUT_S = 30  # how long a writer waits for the others; a backup or a big batch takes a few
RETRY_S = 0.02  # between two tries of what SQLite refuses without waiting
POOL_SIZE = 10
POOL_OVERFLOW = 20
STATEMENT_CACHE = 256  # prepared statements a SQLite connection keeps; ours are fewer

# For the audit, from where something is done: the kind of process, and who asks it.
ORIGIN = "interlock_origin"
ADDRESS = "interlock_address"
_READ = "interlock_read"
_LAST = "interlock_last"
_REBUILD = "interlock_rebuild"
_TURN = "interlock_turn"
_MOST = "interlock_most_connections"

_Act = Callable[[Connection, Collection[str]], None]
_Last = dict[_Act, set[str]]


def open_engine(
    url: str,
    *,
    application_name: str = "interlock",
    origin: str = "",
    pool_size: int = POOL_SIZE,
    pool_overflow: int = POOL_OVERFLOW,
) -> Engine:
    """
    Open a database; nothing is connected until the first transaction.

    Args:
        url: A `sqlite:///` or `postgresql+psycopg://` URL; the folder of a SQLite file is made.
        application_name: How the sessions are called on Postgres; takeover ends them by this name.
        origin: The kind of process this is, as the audit tells from where something was done.
        pool_size: Connections that are kept once they were opened.
        pool_overflow: Further ones, which are closed when nobody uses them.

    Raises:
        StoreUnavailable: The URL is not one, or the folder cannot be made.
    """
    parsed = _parse(url)
    options = (
        _sqlite_options(parsed) if _is_sqlite(parsed) else _postgres_options(url, application_name)
    )
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_overflow,
        pool_timeout=BUSY_TIMEOUT_S,
        json_serializer=encoding.dump_json,
        json_deserializer=encoding.load_json,
        **options,
    )
    engine.update_execution_options(**{ORIGIN: origin, _MOST: pool_size + pool_overflow})
    sight.listen(engine)
    event.listen(engine, "handle_error", violations.translate, retval=True)
    if _is_sqlite(parsed):
        if parsed.database:
            SqliteFile(Path(parsed.database).absolute()).listen(engine)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgres)
        event.listen(engine, "checkout", _refuse_dead)
    return engine


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """
    One transaction that may write: commits at the end, rolls back on any exception.

    Raises:
        Conflict: A unique constraint was broken; the message says which by meaning.
        InvalidInput: A value that the database cannot store.
        StoreUnavailable: The database does not answer, or does not fit this version.
        OutcomeUnknown: It went away at the very commit.
    """
    is_written = False
    with _turn(engine), _connection(engine) as conn:
        try:
            with conn.begin():
                last: _Last = {}
                yield conn.execution_options(**{_LAST: last})
                for act, names in last.items():
                    act(conn, names)
                is_written = True
        except StoreUnavailable as error:
            # A server may have committed what it could not say; SQLite is in this process.
            if not is_written or engine.dialect.name == "sqlite":
                raise
            raise OutcomeUnknown(
                f"{error.message} It went away in the middle of keeping this.",
                hint="See whether it was done before you try again.",
            ) from error


def put_off(conn: Connection, act: _Act, names: Iterable[str]) -> bool:
    """
    Have something done at the very end of a `write`, once for all names: what locks what all others
    need is to be locked no longer than it takes.

    Returns:
        False outside of a `write`; then it is up to the caller.
    """
    last: _Last | None = conn.get_execution_options().get(_LAST)
    if last is not None:
        last.setdefault(act, set()).update(names)
    return last is not None


@contextmanager
def statements(engine: Engine) -> Iterator[Connection]:
    """
    A connection on which each statement is a transaction of its own, which the server ends by itself.

    A process that is stopped between two of them holds nothing that others would wait for. SQLite,
    where nobody else writes such a row, has one transaction.

    Raises:
        StoreUnavailable: The database does not answer, or does not fit this version.
    """
    if engine.dialect.name == "sqlite":
        with write(engine) as conn:
            yield conn
        return
    with _connection(engine) as conn:
        yield conn.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def rebuild(engine: Engine) -> Iterator[Connection]:
    """
    A `write` in which tables may be rebuilt, for upgrades.

    SQLite rebuilds a table by dropping it, which with foreign keys on empties the tables that
    belong to it; so they are off until the end and checked there.

    Raises:
        StoreUnavailable: Rows were left without what they belong to; nothing was changed.
    """
    if engine.dialect.name != "sqlite":
        with write(engine) as conn:
            yield conn
        return
    with _turn(engine), _connection(engine) as conn:
        try:
            with conn.execution_options(**{_REBUILD: True}).begin():
                yield conn
                if conn.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise StoreUnavailable("The upgrade would lose what rows belong to.")
        finally:
            conn.invalidate()  # the pool must not hand it out with foreign keys off


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """
    One consistent look at the database: never blocks a writer, never waits for one, cannot write.

    Raises:
        StoreUnavailable: The database does not answer, or does not fit this version.
    """
    with _connection(engine) as conn:
        options = _READ_OPTIONS[engine.dialect.name]
        yield conn.execution_options(**options)


@contextmanager
def glance(engine: Engine) -> Iterator[Connection]:
    """
    The same for one statement alone: a server is asked once, and not to begin and to end as well.

    Raises:
        StoreUnavailable: The database does not answer, or does not fit this version.
    """
    with _connection(engine) as conn:
        options = _GLANCE_OPTIONS[engine.dialect.name]
        yield conn.execution_options(**options)


# A page of several queries must not see half of a transaction, on Postgres neither.
_READ_OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {_READ: True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
_GLANCE_OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {_READ: True},
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}


@contextmanager
def _connection(engine: Engine) -> Iterator[Connection]:
    try:
        conn = engine.connect()
    except exc.TimeoutError as error:
        raise StoreUnavailable(
            f"All {engine.get_execution_options()[_MOST]} database connections of this process have been"
            f" in use for {BUSY_TIMEOUT_S} s.",
            hint="INTERLOCK_POOL_SIZE and INTERLOCK_POOL_OVERFLOW say how many there are.",
        ) from error
    except exc.InvalidRequestError as error:
        raise StoreUnavailable("The database closes every connection at once.") from error
    with conn:
        yield conn


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Let the writers of one process queue up: SQLite's own waiting is sleeping, up to 100 ms a try."""
    lock: threading.Lock | None = engine.get_execution_options().get(_TURN)
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=BUSY_TIMEOUT_S):
        raise StoreUnavailable(f"Another writer has held the database for {BUSY_TIMEOUT_S} s.")
    try:
        yield
    finally:
        lock.release()


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (exc.ArgumentError, ValueError) as error:  # ValueError: the port is no number
        raise StoreUnavailable(f"{mask_text(url)!r} is not a database URL.") from error


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite_options(url: URL) -> dict[str, Any]:
    if url.database:
        folder = Path(url.database).absolute().parent
        try:
            private.make_folder(folder)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {folder} cannot be made: {error.strerror}."
            ) from error
    return {
        "connect_args": {
            "check_same_thread": False,  # the pool hands a connection to one thread at a time
            "timeout": BUSY_TIMEOUT_S,
            "cached_statements": STATEMENT_CACHE,
        },
        "execution_options": {_TURN: threading.Lock()},
    }


def _postgres_options(url: str, application_name: str) -> dict[str, Any]:
    timeouts = {"connect_timeout": 10, **keepalives_for(url)}
    return {"connect_args": {"application_name": application_name, **timeouts}}


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN is deferred and comes too late
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    _switch_to_wal(connection)
    for pragma in (
        "synchronous=NORMAL",  # with WAL: survives any kill, one fsync a checkpoint and not a commit
        "foreign_keys=ON",  # off by default, for each connection
        "journal_size_limit=67108864",  # bytes the WAL file is cut back to after a burst
    ):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """
    Let readers and the writer not block each other.

    Of several that open a new file at once all but one are refused the switch without any waiting.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)
        else:
            return


def _begin_sqlite(conn: Connection) -> None:
    driver: Any = conn.connection.dbapi_connection
    if driver.isolation_level is not None:  # SQLAlchemy's reset after AUTOCOMMIT turns it on again
        driver.isolation_level = None
    options = conn.get_execution_options()
    is_read = options.get(_READ, False)
    if options.get(_REBUILD, False):
        driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute(f"PRAGMA query_only={'ON' if is_read else 'OFF'}")
    conn.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")


def _prepare_postgres(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.execute(SERVER_SIDE)
    connection.commit()


def _refuse_dead(connection: Any, _entry: ConnectionPoolEntry, _proxy: Any) -> None:
    """Replace a session that the server ended; an idle one that has something to read usually was."""
    if not _has_input(connection.fileno()):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        raise exc.InvalidatePoolError("The session was ended by the server.") from error


def _has_input(descriptor: int) -> bool:
    if hasattr(select, "poll"):
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])
