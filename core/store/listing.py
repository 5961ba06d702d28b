"""
Pages of a long table that stay cheap however long it grows.

An index serves one value and an order, not several values and an order. So a list over several
statuses is read as one short ordered list a status, and these are merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    select,
    tuple_,
    union_all,
)

_LIMIT: BindParameter[int] = bindparam("page_limit")
_OFFSET: BindParameter[int] = bindparam("page_offset")
_REACH: BindParameter[int] = bindparam("page_reach")  # how far each of the merged lists must go


@dataclass(frozen=True, kw_only=True)
class Page:
    """How much of a table, in which order; the order ends with a unique id."""

    table: Table
    order: tuple[str, ...]
    columns: tuple[ColumnElement[Any], ...] | None = None  # all of them; the same objects each time
    limit: int
    offset: int = 0
    newest_first: bool = False
    after: tuple[Any, ...] | None = None  # the order's columns of the last row before this page


def fetch(
    conn: Connection, page: Page, *, equal: Mapping[str, Any], statuses: Sequence[str]
) -> Sequence[Row[Any]]:
    """
    Read a page.

    Args:
        conn: The connection.
        page: The table, its order and how much of it.
        equal: Column to the value it must have; None leaves the column free.
        statuses: The row's `status` is one of these; empty leaves it free.
    """
    given = {name: value for name, value in equal.items() if value is not None}
    wanted = dict.fromkeys(statuses)
    statement = _build(
        page.table,
        page.columns,
        page.order,
        page.newest_first,
        tuple(given),
        len(wanted),
        page.after is not None,
    )
    parameters = {f"equal_{name}": value for name, value in given.items()}
    parameters |= {f"status_{number}": status for number, status in enumerate(wanted)}
    parameters |= {"page_limit": page.limit, "page_offset": page.offset}
    parameters |= {f"after_{at}": value for at, value in enumerate(page.after or ())}
    if len(wanted) > 1:
        parameters["page_reach"] = page.limit + page.offset
    return conn.execute(statement, parameters).all()


@lru_cache(maxsize=200)
def _build(
    table: Table,
    columns: tuple[ColumnElement[Any], ...] | None,
    order: tuple[str, ...],
    newest_first: bool,  # noqa: FBT001  # private; a key of the cache
    equal: tuple[str, ...],
    status_count: int,
    goes_on: bool = False,  # noqa: FBT001, FBT002
) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        table.c[name] == bindparam(f"equal_{name}") for name in equal
    ]
    if goes_on:
        conditions.append(_after(table, order, newest_first))
    branches = [table.c.status == bindparam(f"status_{number}") for number in range(status_count)]
    whole = select(*(columns or table.columns))
    if status_count <= 1:
        only = whole.where(*conditions, *branches)
        return only.order_by(*_terms(table, order, newest_first)).limit(_LIMIT).offset(_OFFSET)
    short = [
        select(table.c[order[-1]], *(table.c[name] for name in order[:-1]))
        .where(*conditions, branch)
        .order_by(*_terms(table, order, newest_first))
        .limit(_REACH)
        .subquery()
        for branch in branches
    ]
    merged = union_all(*(select(part) for part in short)).subquery()
    chosen = (
        select(merged.c[order[-1]])
        .order_by(*_terms(merged, order, newest_first))
        .limit(_LIMIT)
        .offset(_OFFSET)
    )
    return whole.where(table.c[order[-1]].in_(chosen)).order_by(*_terms(table, order, newest_first))


def _terms(source: Any, order: tuple[str, ...], newest_first: bool) -> list[ColumnElement[Any]]:  # noqa: FBT001
    columns = [source.c[name] for name in order]
    return [column.desc() for column in columns] if newest_first else columns


def _after(table: Table, order: tuple[str, ...], newest_first: bool) -> ColumnElement[bool]:  # noqa: FBT001
    """Beyond the last row of the page before: a row comparison, which an index of the order serves."""
    here = tuple_(*(table.c[name] for name in order))
    types = [table.c[name].type for name in order]
    last = tuple_(*(bindparam(f"after_{at}", type_=kind) for at, kind in enumerate(types)))
    return here < last if newest_first else here > last
