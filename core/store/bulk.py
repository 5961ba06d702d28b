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

from sqlalchemy import JSON, Column, Connection, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from interlock.core.store import dialect, encoding
from interlock.core.store.dialect import PerDialect

Encode = Callable[[Any], Any]

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
        self._encoders = tuple((c.name, _encoder(c)) for c in table.columns)

    def run(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry it out, at once for all rows; nothing to do if there are none."""
        if not rows:
            return
        given: Any = {_ROWS: self._dump(rows)} if conn.dialect.name == "postgresql" else rows
        conn.execute(self._statement.on(conn), given)

    def _dump(self, rows: Sequence[Mapping[str, Any]]) -> str:
        # Row by row: one call for all would keep the other threads waiting as long as it takes.
        return f"[{','.join(map(self._dump_row, rows))}]"

    def _dump_row(self, row: Mapping[str, Any]) -> str:
        encoded = {
            name: encode(row[name]) if encode else row[name] for name, encode in self._encoders
        }
        return json.dumps(encoded, default=datetime.isoformat, separators=(",", ":"))


def insert_new(table: Table) -> Bulk:
    """INSERT that leaves rows which are there already as they are."""
    return Bulk(table, dialect.insert_new(table, inserts=INSERTS))


def upsert(table: Table, **how: Any) -> Bulk:
    """INSERT that updates rows with the same primary key; `how` is told at `dialect.upsert`."""
    return Bulk(table, dialect.upsert(table, inserts=INSERTS, **how))


def _is_json(column_: Column[Any]) -> bool:
    return isinstance(column_.type, JSON)


def _encoder(column_: Column[Any]) -> Encode | None:
    """What the column's type does to a value on its way in."""
    if _is_json(column_):
        return encoding.dump_json
    return column_.type.dialect_impl(_POSTGRES).bind_processor(_POSTGRES)


_dialect_of: Any = postgresql.dialect
_POSTGRES: Any = _dialect_of()
