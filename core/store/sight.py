"""
What somebody sees who belongs to tenants: rows of their workflows alone, whatever the statement.

Every statement on such a connection gets the condition for each table it reads or changes, as row
security would do it on Postgres; SQLite has none. What is of another tenant is not there: by its id it
is not found. Tables that say nothing of a workflow are listed here by name, so that a new one is
thought about (a test sees to it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    FromClause,
    Join,
    Select,
    Table,
    Update,
    event,
    or_,
    select,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Alias

from interlock.core.store import schema

OPTION: Final = (
    "interlock_sight"  # of an engine or connection: the names of the workflows that are seen
)

# Rows of everybody or of nobody: services see to these themselves, or they hold nothing to be seen.
OPEN: Final = frozenset(
    {
        "access",
        "alembic_version",
        "alert_silences",
        "alerts",
        "attached_sources",
        "audit",
        "breaker_counters",
        "breaker_events",
        "breakers",
        "demonstrations",
        "flags",
        "holds",
        "idempotency_keys",
        "jobs",  # found by their ids alone, which nobody is told whose thread they do not see
        "model_calls",
        "model_keys",
        "notice_rules",
        "operators",
        "rate_takes",
        "rollup_due",
        "search_texts",  # only ever joined to the cards or runs they are of
        "sessions",
        "sign_in_failures",
        "tokens",
        "topics",
        "tours",
        "workers",
    }
)


def listen(engine: Engine) -> None:
    """Let an engine narrow what is asked by connections that have the option."""
    event.listen(engine, "before_execute", _narrow, retval=True)


def is_known(table: Table) -> bool:
    """Whether it is said whose the rows of a table are."""
    return table.name in OPEN or _owner_of(table) is not None


def _narrow(
    conn: Connection, statement: Any, parameters: Any, many: Any, options: Any
) -> tuple[Any, Any, Any]:
    names = conn.get_execution_options().get(OPTION)
    if names is not None and not options.get("interlock_sees_all"):
        statement = _narrowed(statement, frozenset(names))
    return statement, parameters, many


def _narrowed(statement: Any, names: frozenset[str]) -> Any:
    def narrow_select(found: Select[Any]) -> None:
        for table, may_lack in _tables_of(found.get_final_froms()):
            condition = _condition(table, names, may_lack=may_lack)
            if condition is not None:
                found._where_criteria += (condition,)  # noqa: SLF001 - the clone is ours

    def narrow_change(found: Update | Delete) -> None:
        condition = _condition(found.table, names, may_lack=False)
        if condition is not None:
            found._where_criteria += (condition,)  # noqa: SLF001

    visit: dict[str, Callable[[Any], None]] = {
        "select": narrow_select,
        "update": narrow_change,
        "delete": narrow_change,
    }
    return visitors.cloned_traverse(statement, {}, visit)


def _tables_of(
    froms: Iterable[FromClause], *, may_lack: bool = False
) -> Iterable[tuple[FromClause, bool]]:
    """Tables and their aliases among what is selected from; those of an outer join may lack a row."""
    for found in froms:
        if isinstance(found, Join):
            yield from _tables_of([found.left], may_lack=may_lack or found.full)
            yield from _tables_of([found.right], may_lack=may_lack or found.isouter or found.full)
        elif isinstance(found, Table) or (
            isinstance(found, Alias) and isinstance(found.element, Table)
        ):
            yield found, may_lack


def _condition(
    found: FromClause, names: frozenset[str], *, may_lack: bool
) -> ColumnElement[bool] | None:
    table = found.element if isinstance(found, Alias) else found
    assert isinstance(table, Table)
    owner = _owner_of(table)
    if owner is None:
        return None
    column, parent = owner
    here = found.c[column]
    if parent is None:
        condition = here.in_(sorted(names))
    else:
        # An alias of its own: the statement around it may name the same table.
        above = parent.table.alias()
        inner = select(above.c[parent.name]).where(above.c.workflow.in_(sorted(names)))
        condition = here.in_(inner)
    if may_lack:
        key = next(iter(table.primary_key.columns)).name
        return or_(condition, found.c[key].is_(None))
    return condition


def _owner_of(table: Table) -> tuple[str, Column[Any] | None] | None:
    """The column that says whose a row is, and the column of the table that knows its workflow."""
    if table.name in OPEN:
        return None
    if table.name == "workflows":
        return "name", None
    if "workflow" in table.c:
        return "workflow", None
    for column, parent in (
        ("approval_id", schema.approvals.c.approval_id),
        ("run_id", schema.runs.c.run_id),
        ("thread_id", schema.threads.c.thread_id),
        ("what_if_id", schema.what_ifs.c.what_if_id),
    ):
        if column in table.c and not table.c[column].nullable:
            return column, parent
    return None
