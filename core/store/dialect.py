"""The few statements the two databases spell differently, each behind one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import IntEnum, unique
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Integer,
    Table,
    Text,
    case,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from interlock.core.store.columns import UtcDateTime

T = TypeVar("T")
Inserts = Mapping[str, Callable[[Table], Any]]

ROW_BY_ROW: Inserts = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class PerDialect:
    """One statement in two spellings, built once; `on` gives the one for a connection."""

    def __init__(self, spellings: Mapping[str, Executable]) -> None:
        self._spellings = spellings

    def on(self, conn: Connection) -> Any:
        """The statement for this connection's database."""
        return self._spellings[conn.dialect.name]


def insert_new(table: Table, *, inserts: Inserts = ROW_BY_ROW) -> PerDialect:
    """INSERT that leaves a row which is there already as it is."""
    return PerDialect(
        {name: make(table).on_conflict_do_nothing() for name, make in inserts.items()}
    )


def upsert(
    table: Table,
    *,
    keep: Iterable[str] = (),
    change: Mapping[str, ColumnElement[Any]] | None = None,
    where: Callable[[Any], ColumnElement[bool]] | None = None,
    inserts: Inserts = ROW_BY_ROW,
) -> PerDialect:
    """
    INSERT that updates a row with the same primary key.

    Args:
        table: The table.
        keep: Columns that an existing row keeps; all others but the key take the new value.
        change: Columns with an expression of their own instead; then no others are updated.
        where: Makes, from the new row, the condition under which the existing row is updated at all.
        inserts: How each database spells the INSERT itself.
    """
    return PerDialect(
        {
            name: _upsert(make(table), table, set(keep), change, where)
            for name, make in inserts.items()
        }
    )


def _upsert(
    insert: Any,
    table: Table,
    keep: set[str],
    change: Mapping[str, ColumnElement[Any]] | None,
    where: Callable[[Any], ColumnElement[bool]] | None,
) -> Executable:
    key = [column.name for column in table.primary_key]
    values = change or {
        column.name: insert.excluded[column.name]
        for column in table.columns
        if column.name not in keep and column.name not in key
    }
    statement: Executable = insert.on_conflict_do_update(
        index_elements=key, set_=values, where=None if where is None else where(insert.excluded)
    )
    return statement


class _Spelled(GenericFunction[T]):
    """A function that each database spells in its own way; `{0}` stands for what it is given."""

    _register = False
    inherit_cache = True
    on_sqlite: str
    on_postgres: str


@compiles(_Spelled)
def _spell(element: _Spelled[Any], compiler: Any, **options: Any) -> str:
    given = compiler.process(element.clauses, **options)
    is_sqlite = compiler.dialect.name == "sqlite"
    return (element.on_sqlite if is_sqlite else element.on_postgres).format(given)


class _Position(_Spelled[int]):
    """Where a text first has another, from 1; 0 where it has not."""

    type = Integer()
    inherit_cache = True
    on_sqlite, on_postgres = "instr({0})", "strpos({0})"


def has_text(stored: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Whether a text, or the text of a stored JSON value, has another in it as it is."""
    return _Position(cast(stored, Text), part) > 0


def text_before(whole: ColumnElement[str], mark: str) -> ColumnElement[str]:
    """The part of a text before the first `mark`; the rest is not sent here. All of one without it."""
    at = _Position(whole, mark)
    return func.substr(whole, 1, case((at > 0, at - 1), else_=func.length(whole)), type_=Text())


class _Joined(_Spelled[str]):
    """All texts of a group, one after the other with commas between them."""

    type = Text()
    inherit_cache = True
    on_sqlite, on_postgres = "group_concat({0})", "string_agg({0})"


class _LastNumber(_Spelled[str]):
    """The number that a stored JSON list ends with, as it is written; None where it ends with none."""

    type = Text()
    inherit_cache = True
    # From the text's end: `json_extract` reads all that stands before, which took most of the time,
    # and of a text, unlike of bytes, even `substr` does. A number has 24 characters at most.
    _end = "CAST(substr(CAST({0} AS BLOB), -30) AS TEXT)"
    on_sqlite = (
        f"nullif(rtrim(substr({_end}, length(rtrim({_end}, '0123456789.eE+-]')) + 1), ']'), '')"
    )
    on_postgres = "({0} ->> -1)"


def last_number(stored: ColumnElement[Any]) -> ColumnElement[str]:
    """The number that a stored JSON list ends with, found by the database: its digits, none lost."""
    return _LastNumber(stored)


class _Epoch(_Spelled[int]):
    """Whole seconds since 1970."""

    type = Integer()
    inherit_cache = True
    on_sqlite = "strftime('%s', {0})"
    on_postgres = "CAST(extract(epoch FROM {0}) AS BIGINT)"


def epoch_s(moment: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole seconds since 1970, counted by the database: thousands of moments are read faster so."""
    return _Epoch(moment)


class _Now(_Spelled[datetime]):
    """The time of the database: of its server, or of the machine that opened the file."""

    type = UtcDateTime()
    inherit_cache = True
    on_sqlite = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # as SQLAlchemy keeps a datetime
    # Not now(), which stands still while a transaction waits for a lock.
    on_postgres = "clock_timestamp()"


NOW = _Now()  # in a statement: what `fetch_now` gives
_NOW = select(NOW)


def fetch_now(conn: Connection) -> datetime:
    """What time it is for all who share this database, however their own clocks go."""
    return conn.execute(_NOW).scalar_one()


def join_texts(texts: ColumnElement[Any]) -> ColumnElement[str]:
    """The texts (or JSON texts) of a group as one, with commas between them."""
    return _Joined(cast(texts, Text), ",")


@unique
class Lock(IntEnum):
    """Our advisory locks on Postgres: numbers that no other program is likely to use."""

    AUDIT = 7_401_001  # the head of the chain, until the commit
    CLAIM = 7_401_002  # claims take turns
    UPGRADE = 7_401_003  # several hosts may start at once
    FIGURES = 7_401_005  # rolling up figures, a step at a time
    PUBLISH = 7_401_008  # what workers serve between them; 004 was that of the only worker once
    FOLLOW = 7_401_006  # following another application's database, as long as the session lasts
    ALERTS = 7_401_015  # what is wrong is settled by one process at a time


def lock_all(conn: Connection, key: Lock) -> None:
    """
    Wait until no other transaction holds `key`, and hold it until this one ends.

    SQLite has one writer at a time anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_ADVISORY, {"key": key})


def try_lock(conn: Connection, key: Lock) -> bool:
    """The same without waiting; False where another transaction holds it."""
    if conn.dialect.name != "postgresql":
        return True
    return bool(conn.execute(_TRY_ADVISORY, {"key": key}).scalar_one())


def wait_at_most(conn: Connection, seconds: float) -> None:
    """
    From here to the end of the transaction, give up what another holds for so long.

    Raises:
        StoreUnavailable: Later, by the statement that has waited.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK_TIMEOUT, {"limit": f"{int(seconds * 1000)}ms"})


def lock_name(conn: Connection, key: str) -> None:
    """The same for one of many names; nothing happens to those of other names (nearly always)."""
    if conn.dialect.name == "postgresql":
        conn.execute(_ADVISORY_NAME, {"space": LIMITS, "key": key})


LIMITS = 7_401_016
_ADVISORY_NAME = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
_TRY_ADVISORY = text("SELECT pg_try_advisory_xact_lock(:key)")
_LOCK_TIMEOUT = text("SELECT set_config('lock_timeout', :limit, true)")
_ADVISORY = text("SELECT pg_advisory_xact_lock(:key)")
