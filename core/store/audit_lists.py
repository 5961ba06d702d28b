"""
Lists of the audit as screens and commands filter them, the latest first.

One filter leads, by its index, in the order of the list; the others are looked at entry by entry, in so
many entries that a page takes no second of the database, however rare what is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, or_, select, tuple_

from interlock.core.model.audit_lists import (
    COUNT_LIMIT,
    MAX_TEXT,
    AuditCount,
    AuditEntry,
    AuditFilter,
    AuditPage,
)
from interlock.core.store import dialect
from interlock.core.store.schema import audit

SCAN_LIMIT = 20_000  # entries that are looked through for one page
NAMES_LIMIT = 100  # names of one kind that are offered to choose from

_NEWEST = (audit.c.at.desc(), audit.c.seq.desc())
_NAMED = {"actor": audit.c.actor, "action": audit.c.action}


def fetch_page(
    conn: Connection, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """One page; `before` is what the last one said."""
    leading, rest = _split(wanted)
    if before is not None:
        at = conn.execute(select(audit.c.at).where(audit.c.seq == before)).scalar_one_or_none()
        if at is None:
            return AuditPage(entries=())
        leading = [*leading, tuple_(audit.c.at, audit.c.seq) < (at, before)]
    statement = select(audit).where(*leading).order_by(*_NEWEST)
    if not rest:
        found = _read(conn, statement.limit(limit + 1))
    else:
        looked = statement.limit(SCAN_LIMIT).subquery()
        through = select(looked).where(*_on(looked, rest))
        order = (looked.c.at.desc(), looked.c.seq.desc())
        found = _read(conn, through.order_by(*order).limit(limit + 1))
    if len(found) > limit:
        return AuditPage(entries=tuple(found[:limit]), before=found[limit - 1].seq)
    further = None
    if rest:
        end = statement.with_only_columns(audit.c.seq).offset(SCAN_LIMIT - 1).limit(1)
        further = conn.execute(end).scalar_one_or_none()
    return AuditPage(entries=tuple(found), before=further)


def count(conn: Connection, wanted: AuditFilter) -> AuditCount:
    """How many entries fit, as far as they are counted."""
    leading, rest = _split(wanted)
    if not rest:
        reached = select(audit.c.seq).where(*leading).limit(COUNT_LIMIT + 1).subquery()
        number = conn.execute(select(func.count()).select_from(reached)).scalar_one()
        return AuditCount(min(number, COUNT_LIMIT), number <= COUNT_LIMIT)
    looked = select(audit).where(*leading).order_by(*_NEWEST).limit(SCAN_LIMIT).subquery()
    number = conn.execute(
        select(func.count()).select_from(looked).where(*_on(looked, rest))
    ).scalar_one()
    seen = conn.execute(select(func.count()).select_from(looked)).scalar_one()
    return AuditCount(number, seen < SCAN_LIMIT)


def fetch_names(conn: Connection, column: str) -> list[str]:
    """The actors or the actions that there are, by name: one step of the index for each."""
    named, found, last = _NAMED[column], list[str](), ""
    while len(found) < NAMES_LIMIT:
        following = select(func.min(named)).where(named > last)
        name = conn.execute(following).scalar_one_or_none()
        if name is None:
            break
        found.append(name)
        last = name
    return found


def _read(conn: Connection, statement: Select[Any]) -> list[AuditEntry]:
    return [AuditEntry(**row) for row in conn.execute(statement).mappings()]


Condition = tuple[str, str]


def _split(wanted: AuditFilter) -> tuple[list[ColumnElement[bool]], list[Condition]]:
    """What an index serves, and what is looked at entry by entry, by name."""
    given = {
        "object": "" if wanted.object.endswith(":") else wanted.object,
        "actor": wanted.actor,
        "action": wanted.action,
        "origin": wanted.origin,
        "kind": wanted.object if wanted.object.endswith(":") else "",
        "text": wanted.text[:MAX_TEXT],
    }
    asked = {name: value for name, value in given.items() if value}
    led = next((name for name in ("object", "actor", "action") if name in asked), None)
    leading: list[ColumnElement[bool]] = []
    if led is not None:
        leading.append(audit.c[led] == asked.pop(led))
    if wanted.since is not None:
        leading.append(audit.c.at >= wanted.since)
    if wanted.until is not None:
        leading.append(audit.c.at < wanted.until)
    return leading, list(asked.items())


def _on(looked: Any, rest: Sequence[Condition]) -> list[ColumnElement[bool]]:
    made: list[ColumnElement[bool]] = []
    for name, value in rest:
        if name == "kind":
            made.append(func.substr(looked.c.object, 1, len(value)) == value)
        elif name == "text":
            places = ("actor", "action", "object", "reason", "before", "after")
            made.append(or_(*(_has(looked.c[place], value) for place in places)))
        else:
            made.append(looked.c[name] == value)
    return made


def _has(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """As it is, or whatever its case: SQLite knows the case of plain letters alone."""
    lowered = dialect.has_text(func.lower(cast(column, Text)), text.lower())
    return or_(lowered, dialect.has_text(column, text))
