"""How often each tool was called, by how that ended; totals of all time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from interlock.core.model.totals import ToolKey
from interlock.core.store import dialect
from interlock.core.store.schema_sight import tool_totals

MAX_ROWS = 20_000  # kinds of calls, not calls

_KEY = ("workflow", "tool", "status")
_ALL = (
    select(*(tool_totals.c[name] for name in _KEY), tool_totals.c.calls)
    .order_by(*(tool_totals.c[name] for name in _KEY))
    .limit(MAX_ROWS)
)


def _adding(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=_KEY, set_={"calls": tool_totals.c.calls + insert.excluded.calls}
    )


_ADD = dialect.PerDialect(
    {name: _adding(make(tool_totals)) for name, make in dialect.ROW_BY_ROW.items()}
)


def add(conn: Connection, calls: Mapping[ToolKey, int]) -> None:
    """Add calls to what is counted; in one order, so that two workers do not wait for each other."""
    rows = [
        {"workflow": key.workflow, "tool": key.tool, "status": key.status, "calls": count}
        for key, count in sorted(calls.items())
    ]
    if rows:
        conn.execute(_ADD.on(conn), rows)


def fetch(conn: Connection) -> dict[ToolKey, int]:
    """All that is counted."""
    rows = conn.execute(_ALL).all()
    return {ToolKey(row.workflow, row.tool, row.status): int(row.calls) for row in rows}
