"""
Many rows in one statement.

A driver sends a row at a time, which on Postgres costs more than the rows: there they all go as one
JSON text that the server takes apart. SQLite lives in this process, and a row at a time is cheap.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from interlock.core.ciphers import Cipher
from interlock.core.store import columns, dialect, encoding
from interlock.core.store.columns import SealedJson, SealedWords
from interlock.core.store.dialect import PerDialect

Encode = Callable[[Any], Any]
Encoders = tuple[tuple[str, Encode | None], ...]

_ROWS = "rows"


def _from_rows(table: Table) -> Any:
    """INSERT from the records of one JSON text; what is JSON itself stands in it as text."""
    text = cast(bindparam(_ROWS, type_=Text), postgresql.JSON)
    fields = [column(c.name, Text() if _is_json(c) else c.type) for c in table.columns]
    records = func.json_to_recordset(text).table_valued(*fields).render_derived(with_types=True)
    values = [
        cast(records.c[c.name], c.type) if _is_json(c) else records.c[c.name] for c in table.columns
    ]
    return postgresql.insert(table).from_select([c.name for c in table.columns], select(*values))


INSERTS: dialect.Inserts = {"sqlite": sqlite.insert, "postgresql": _from_rows}


class Bulk:
    """A statement of `INSERTS` for any number of rows; each row has a value for every column."""

    def __init__(self, table: Table, statement: PerDialect) -> None:
        self._statement = statement
        self._table = table
        self._plain = self._encoders(None)

    def run(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry it out, at once for all rows; nothing to do if there are none."""
        if not rows:
            return
        given: Any = rows
        if conn.dialect.name == "postgresql":
            cipher = columns.cipher_of(conn.dialect)
            encoders = self._plain if cipher is None else self._encoders(cipher)
            # Row by row: one call for all would keep the other threads waiting as long as it takes.
            given = {_ROWS: f"[{','.join(self._dump_row(row, encoders) for row in rows)}]"}
        conn.execute(self._statement.on(conn), given)

    def _encoders(self, cipher: Cipher | None) -> Encoders:
        return tuple((column.name, _encoder(column, cipher)) for column in self._table.columns)

    @staticmethod
    def _dump_row(row: Mapping[str, Any], encoders: Encoders) -> str:
        encoded = {name: encode(row[name]) if encode else row[name] for name, encode in encoders}
        return json.dumps(encoded, default=datetime.isoformat, separators=(",", ":"))


def insert_new(table: Table) -> Bulk:
    """INSERT that leaves rows which are there already as they are."""
    return Bulk(table, dialect.insert_new(table, inserts=INSERTS))


def upsert(table: Table, **how: Any) -> Bulk:
    """INSERT that updates rows with the same primary key; `how` is told at `dialect.upsert`."""
    return Bulk(table, dialect.upsert(table, inserts=INSERTS, **how))


def _is_json(column_: Column[Any]) -> bool:
    return columns.is_json(column_.type)


def _encoder(column_: Column[Any], cipher: Cipher | None) -> Encode | None:
    """What the column's type does to a value on its way in."""
    kind = column_.type
    if isinstance(kind, SealedJson):
        return lambda value: encoding.dump_json(kind.wrap(value, cipher))
    if isinstance(kind, SealedWords):
        return lambda value: None if value is None else kind.wrap(kind.clean(value), cipher)
    if _is_json(column_):
        return encoding.dump_json
    return kind.dialect_impl(_POSTGRES).bind_processor(_POSTGRES)


_dialect_of: Any = postgresql.dialect
_POSTGRES: Any = _dialect_of()
