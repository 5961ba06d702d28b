"""The few statements the two databases spell differently, each behind one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import IntEnum, unique
from typing import Any

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


class _Position(GenericFunction[int]):
    """Where a text first has another, from 1; 0 where it has not."""

    type = Integer()
    inherit_cache = True
    name = "strpos"


@compiles(_Position, "sqlite")
def _position_on_sqlite(element: _Position, compiler: Any, **options: Any) -> str:
    return f"instr{compiler.process(element.clause_expr, **options)}"


def has_text(stored: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Whether a text, or the text of a stored JSON value, has another in it as it is."""
    return _Position(cast(stored, Text), part) > 0


def text_before(whole: ColumnElement[str], mark: str) -> ColumnElement[str]:
    """The part of a text before the first `mark`; the rest is not sent here. All of one without it."""
    at = _Position(whole, mark)
    return func.substr(whole, 1, case((at > 0, at - 1), else_=func.length(whole)), type_=Text())


class _Joined(GenericFunction[str]):
    """All texts of a group, one after the other with commas between them."""

    type = Text()
    inherit_cache = True
    name = "string_agg"


@compiles(_Joined, "sqlite")
def _joined_on_sqlite(element: _Joined, compiler: Any, **options: Any) -> str:
    return f"group_concat{compiler.process(element.clause_expr, **options)}"


class _LastNumber(GenericFunction[str]):
    """The number that a stored JSON list ends with, as it is written; None where it ends with none."""

    type = Text()
    inherit_cache = True
    name = "json_last_number"


@compiles(_LastNumber, "sqlite")
def _last_number_on_sqlite(element: _LastNumber, compiler: Any, **options: Any) -> str:
    # From the text's end: `json_extract` reads all that stands before, which took most of the time,
    # and of a text, unlike of bytes, even `substr` does. A number has 24 characters at most.
    (column,) = (compiler.process(part, **options) for part in element.clauses)
    end = f"CAST(substr(CAST({column} AS BLOB), -30) AS TEXT)"
    return f"nullif(rtrim(substr({end}, length(rtrim({end}, '0123456789.eE+-]')) + 1), ']'), '')"


@compiles(_LastNumber, "postgresql")
def _last_number_on_postgres(element: _LastNumber, compiler: Any, **options: Any) -> str:
    (column,) = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} ->> -1)"


def last_number(stored: ColumnElement[Any]) -> ColumnElement[str]:
    """The number that a stored JSON list ends with, found by the database: its digits, none lost."""
    return _LastNumber(stored)


class _Epoch(GenericFunction[int]):
    """Whole seconds since 1970."""

    type = Integer()
    inherit_cache = True
    name = "epoch_s"


@compiles(_Epoch, "sqlite")
def _epoch_on_sqlite(element: _Epoch, compiler: Any, **options: Any) -> str:
    return f"strftime('%s', {compiler.process(element.clauses, **options)})"


@compiles(_Epoch, "postgresql")
def _epoch_on_postgres(element: _Epoch, compiler: Any, **options: Any) -> str:
    return f"CAST(extract(epoch FROM {compiler.process(element.clauses, **options)}) AS BIGINT)"


def epoch_s(moment: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole seconds since 1970, counted by the database: thousands of moments are read faster so."""
    return _Epoch(moment)


class _Now(GenericFunction[datetime]):
    """The time of the database: of its server, or of the machine that opened the file."""

    type = UtcDateTime()
    inherit_cache = True
    name = "clock_timestamp"  # not now(), which stands still while a transaction waits for a lock


@compiles(_Now, "sqlite")
def _now_on_sqlite(element: _Now, compiler: Any, **options: Any) -> str:  # noqa: ARG001
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # as SQLAlchemy keeps a datetime


_NOW = select(_Now())


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
    WORKER = 7_401_004  # being the only worker, as long as the session lasts
    ALERTS = 7_401_015  # what is wrong is settled by one process at a time


def lock_all(conn: Connection, key: Lock) -> None:
    """
    Wait until no other transaction holds `key`, and hold it until this one ends.

    SQLite has one writer at a time anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_ADVISORY, {"key": key})


def lock_name(conn: Connection, key: str) -> None:
    """The same for one of many names; nothing happens to those of other names (nearly always)."""
    if conn.dialect.name == "postgresql":
        conn.execute(_ADVISORY_NAME, {"space": LIMITS, "key": key})


LIMITS = 7_401_016
_ADVISORY_NAME = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
_ADVISORY = text("SELECT pg_advisory_xact_lock(:key)")
