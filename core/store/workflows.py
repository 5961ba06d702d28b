"""The workflows that a worker published."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from interlock.core.model.workflows import Workflow, WorkflowName
from interlock.core.store import dialect
from interlock.core.store.schema import workflows
from interlock.core.types import Json

_COLUMNS = tuple(field.name for field in fields(Workflow))
_UPSERT = dialect.upsert(workflows)
_DELETE_OTHERS = delete(workflows).where(
    workflows.c.name.not_in(bindparam("names", expanding=True))
)
_DELETE = delete(workflows).where(workflows.c.name.in_(bindparam("names", expanding=True)))
_FETCH = select(workflows).where(workflows.c.name == bindparam("name"))
_FETCH_TOOLS = select(workflows.c.tools).where(workflows.c.name == bindparam("name"))
_FETCH_POLICY = select(workflows.c.policy).where(workflows.c.name == bindparam("name"))
_FETCH_RULES = (
    select(workflows.c.name, workflows.c.policy, workflows.c.nodes)
    .order_by(workflows.c.name)
    .limit(10_000)
)
_FETCH_POLICIES = select(workflows.c.name, workflows.c.policy).order_by(workflows.c.name)
_FETCH_ALL = select(workflows).order_by(workflows.c.name).limit(bindparam("limit"))

_FETCH_NAMES = (
    select(workflows.c.name, workflows.c.error).order_by(workflows.c.name).limit(bindparam("limit"))
)


def replace_all(conn: Connection, workflows: Sequence[Workflow]) -> None:
    """Make these the workflows there are; others disappear."""
    rows = sorted((_as_row(workflow) for workflow in workflows), key=lambda row: row["name"])
    conn.execute(_DELETE_OTHERS, {"names": [row["name"] for row in rows]})
    if rows:
        conn.execute(_UPSERT.on(conn), rows)


def replace(conn: Connection, workflows: Sequence[Workflow], gone: Collection[str]) -> bool:
    """Put these in the place of those of the same name, and let others disappear; whether any changed."""
    rows = [
        _as_row(workflow)
        for workflow in sorted(workflows, key=lambda each: each.name)
        if not _is_same(workflow, fetch(conn, workflow.name))
    ]
    if gone:
        conn.execute(_DELETE, {"names": sorted(gone)})
    if rows:
        conn.execute(_UPSERT.on(conn), rows)
    return bool(rows or gone)


def _is_same(workflow: Workflow, kept: Workflow | None) -> bool:
    return kept is not None and workflow == dataclasses.replace(
        kept, published_at=workflow.published_at
    )


def fetch(conn: Connection, name: str) -> Workflow | None:
    """The workflow of this name."""
    row = conn.execute(_FETCH, {"name": name}).one_or_none()
    return None if row is None else _from_row(row)


def fetch_tools(conn: Connection, name: str) -> Json:
    """The tools of the workflow of this name, without the rest of it; None if there are none."""
    return conn.execute(_FETCH_TOOLS, {"name": name}).scalar_one_or_none()


def fetch_policy(conn: Connection, name: str) -> Json:
    """What interlock.toml says of the workflow of this name; None if it says nothing."""
    return conn.execute(_FETCH_POLICY, {"name": name}).scalar_one_or_none()


def fetch_rules(conn: Connection) -> list[tuple[str, Json, list[str]]]:
    """The workflows with what interlock.toml says of them, and the paths of their nodes."""
    rows = conn.execute(_FETCH_RULES).all()
    return [(row.name, row.policy, [str(path) for path in row.nodes or ()]) for row in rows]


def fetch_policies(conn: Connection) -> dict[str, Json]:
    """What interlock.toml says of each workflow, by name; None where it says nothing."""
    return {row.name: row.policy for row in conn.execute(_FETCH_POLICIES)}


def fetch_all(conn: Connection, *, limit: int = 500) -> list[Workflow]:
    """All workflows, by name."""
    return [_from_row(row) for row in conn.execute(_FETCH_ALL, {"limit": limit})]


def fetch_names(conn: Connection, *, limit: int = 500) -> list[WorkflowName]:
    """All workflows by name, with nothing but why one failed to load."""
    rows = conn.execute(_FETCH_NAMES, {"limit": limit})
    return [WorkflowName(name=row.name, error=row.error) for row in rows]


def _as_row(workflow: Workflow) -> dict[str, Any]:
    row = {name: getattr(workflow, name) for name in _COLUMNS}
    return row | {
        "nodes": list(workflow.nodes),
        "channels": list(workflow.channels),
        "graph": dict(workflow.graph),
    }


def _from_row(row: Row[Any]) -> Workflow:
    return Workflow(
        name=row.name,
        description=row.description,
        nodes=tuple(row.nodes),
        graph=row.graph,
        input_schema=row.input_schema,
        context_schema=row.context_schema,
        state_schema=row.state_schema,
        channels=tuple(row.channels),
        error=row.error,
        published_at=row.published_at,
        tools=row.tools,
        policy=row.policy,
    )
