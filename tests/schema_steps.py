"""What a migration may do to the tables that are there: add, and no more (docs/upgrades.md)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, inspect
from sqlalchemy.types import TypeEngine

OWN = ("alembic_version", "schema_window")  # the migrator's


@dataclass(frozen=True)
class Shape:
    """The tables as a program that knows nothing of later migrations meets them."""

    columns: dict[str, dict[str, dict[str, Any]]]
    rules: dict[str, frozenset[str]]  # what a row has to keep: unique, foreign keys, checks


def read_shape(conn: Connection, names: Sequence[str] | None = None) -> Shape:
    """The tables of a database, or those that are named, without the migrator's own."""
    found: Any = inspect(conn)
    columns = _by_table(found.get_multi_columns(filter_names=names))
    return Shape(
        columns={t: {c["name"]: dict(c) for c in has} for t, has in columns.items()},
        rules={t: frozenset() for t in columns} | _read_rules(found, names),
    )


def _read_rules(found: Any, names: Sequence[str] | None) -> dict[str, frozenset[str]]:
    keys = _by_table(found.get_multi_pk_constraint(filter_names=names))
    unique = _by_table(found.get_multi_unique_constraints(filter_names=names))
    indexes = _by_table(found.get_multi_indexes(filter_names=names))
    foreign = _by_table(found.get_multi_foreign_keys(filter_names=names))
    checks = _by_table(found.get_multi_check_constraints(filter_names=names))
    rules: dict[str, list[str]] = {}
    for table, key in keys.items():
        over = [*unique.get(table, ()), *(i for i in indexes.get(table, ()) if i["unique"])]
        rules[table] = [
            f"its primary key ({', '.join(key['constrained_columns'])})",
            *(f"{u['name']}, unique over {', '.join(map(str, u['column_names']))}" for u in over),
            *(f"{f['name']}, a foreign key" for f in foreign.get(table, ())),
            *(f"{c['name']}: {c['sqltext']}" for c in checks.get(table, ())),
        ]
    return {table: frozenset(told) for table, told in rules.items()}


def _by_table(found: Any) -> dict[str, Any]:
    return {table: told for (_, table), told in found.items() if table not in OWN}


def find_faults(before: Shape, after: Shape, *, widens: Collection[str] = ()) -> list[str]:
    """
    What a program written for `before` would meet on `after` and cannot know of.

    Args:
        before: The tables that it was written for.
        after: Those that it meets.
        widens: Checks of rows that were replaced by ones that admit more; nobody can tell from their SQL.
    """
    told = []
    for table, columns in before.columns.items():
        now = after.columns.get(table)
        if now is None:
            told.append(f"{table} is gone")
            continue
        told += [f"{table}.{name} is gone" for name in columns if name not in now]
        told += _find_changed(table, columns, now)
        told += [
            f"{table}.{name} is new, takes no null and has no default of the server"
            for name, column in now.items()
            if name not in columns and not column["nullable"] and column["default"] is None
        ]
        new_rules = after.rules[table] - before.rules[table]
        told += [
            f"{table} has a new rule for its rows: {rule}"
            for rule in sorted(new_rules)
            if rule.partition(":")[0] not in widens
        ]
    return told


def _find_changed(
    table: str, columns: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]
) -> list[str]:
    told = []
    for name, column in columns.items():
        if name not in now:
            continue
        if column["nullable"] and not now[name]["nullable"]:
            told.append(f"{table}.{name} takes no null any more")
        if not _holds(now[name]["type"], column["type"]):
            told.append(f"{table}.{name} was {column['type']} and is {now[name]['type']}")
        if column["default"] is not None and now[name]["default"] is None:
            told.append(f"{table}.{name} has no default of the server any more")
    return told


def _holds(new: TypeEngine[Any], old: TypeEngine[Any]) -> bool:
    """Whether what fitted into the old type fits into the new one and comes back as it was."""
    if isinstance(new, String) and isinstance(old, String):
        return new.length is None or (old.length is not None and new.length >= old.length)
    return str(new) == str(old)
