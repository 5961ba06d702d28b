"""What clients say of their threads: kept as it is, and found by its fields."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from interlock.core.store import dialect, encoding
from interlock.core.store.schema import thread_labels, thread_metadata
from interlock.core.types import Json, ThreadId

_UPSERT = dialect.upsert(thread_metadata, keep=["made_by"])
_ADD_LABEL = dialect.insert_new(thread_labels)
_DROP_LABELS = delete(thread_labels).where(thread_labels.c.thread_id == bindparam("of_thread"))
_FETCH_MANY = select(thread_metadata.c.thread_id, thread_metadata.c.data).where(
    thread_metadata.c.thread_id.in_(bindparam("of_threads", expanding=True))
)


def put(conn: Connection, thread_id: ThreadId, data: Mapping[str, Json], *, made_by: str) -> None:
    """Keep what is said of a thread; it replaces what was said before."""
    row = {"thread_id": thread_id, "data": dict(data), "made_by": made_by}
    conn.execute(_UPSERT.on(conn), row)
    conn.execute(_DROP_LABELS, {"of_thread": thread_id})
    rows = [{"thread_id": thread_id, "label": label} for label in labels_of(data)]
    if rows:
        conn.execute(_ADD_LABEL.on(conn), rows)


def fetch_many(
    conn: Connection, thread_ids: Collection[ThreadId]
) -> Mapping[ThreadId, Mapping[str, Json]]:
    """What is said of these threads."""
    found = conn.execute(_FETCH_MANY, {"of_threads": list(thread_ids)})
    return {row.thread_id: row.data for row in found}


def labels_of(data: Mapping[str, Json]) -> Sequence[str]:
    """By what a thread with these fields is found: one a field, in any order of the keys within."""
    return sorted({_digest(name, value) for name, value in data.items()})


def having(labels: Sequence[str]) -> list[Any]:
    """The threads that have each of these, as one query each."""
    return [select(thread_labels.c.thread_id).where(thread_labels.c.label == one) for one in labels]


def _digest(name: str, value: Json) -> str:
    return hashlib.sha256(encoding.canonical_json([name, value]).encode()).hexdigest()
