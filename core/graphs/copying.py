"""
Copying one point of a thread, with all that led to it, into another thread: rows into rows.

No state is read into this process. What was written beside the point goes along only where nothing
went on from it: the copy of an older point starts that step anew, and what the tasks did there once
would pass for what they did in the copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.core.types import CheckpointId, ThreadId

# `path` are the checkpoints that led to the point; `around` those whose tasks' writes go along.
_PATH = """
WITH RECURSIVE path(id) AS (
    SELECT CAST({point} AS TEXT)
    UNION
    SELECT c.parent_checkpoint_id FROM checkpoints c JOIN path p ON c.checkpoint_id = p.id
    WHERE c.thread_id = {source} AND c.checkpoint_ns = '' AND c.parent_checkpoint_id IS NOT NULL
), around(id) AS (
    SELECT id FROM path WHERE id <> {point} OR NOT EXISTS (
        SELECT 1 FROM checkpoints n WHERE n.thread_id = {source} AND n.checkpoint_ns = ''
          AND n.parent_checkpoint_id = {point})
)
"""
# A subgraph's checkpoints belong to the one of the root that they were made beneath.
_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, {columns})
{path}
SELECT {copy}, {columns} FROM checkpoints
WHERE thread_id = {source}
  AND ((checkpoint_ns = '' AND checkpoint_id IN (SELECT id FROM path))
       OR (checkpoint_ns <> '' AND {root} IN (SELECT id FROM around)))
ON CONFLICT DO NOTHING
"""
_WRITES = """
INSERT INTO {table} (thread_id, {columns})
{path}
SELECT {copy}, {columns} FROM {table} w
WHERE thread_id = {source}
  AND (checkpoint_ns <> '' OR checkpoint_id IN (SELECT id FROM around))
  AND EXISTS (SELECT 1 FROM checkpoints k WHERE k.thread_id = {copy}
              AND k.checkpoint_ns = w.checkpoint_ns AND k.checkpoint_id = w.checkpoint_id)
ON CONFLICT DO NOTHING
"""
_BLOBS = """
INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
SELECT {copy}, b.checkpoint_ns, b.channel, b.version, b.type, b.blob FROM checkpoint_blobs b
WHERE b.thread_id = {source} AND EXISTS (
    SELECT 1 FROM checkpoints k WHERE k.thread_id = {copy} AND k.checkpoint_ns = b.checkpoint_ns
      AND k.checkpoint -> 'channel_versions' ->> b.channel = b.version)
ON CONFLICT DO NOTHING
"""
_KEPT = "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
_BESIDE = "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob"


def for_sqlite(checkpoint_columns: Iterable[str], write_columns: Iterable[str]) -> tuple[str, ...]:
    """The statements for a file with these columns; older versions of LangGraph made fewer."""
    names = {"point": ":point", "source": ":source", "copy": ":copy"}
    root = """json_extract(CAST(metadata AS TEXT), '$.parents.""')"""
    path = _PATH.format(**names)
    kept, beside = (
        ", ".join(c for c in columns if c != "thread_id")
        for columns in (checkpoint_columns, write_columns)
    )
    return (
        _CHECKPOINTS.format(columns=kept, path=path, root=root, **names),
        _WRITES.format(table="writes", columns=beside, path=path, **names),
    )


def for_postgres() -> tuple[str, ...]:
    """The statements for Postgres."""
    names = {"point": "%(point)s", "source": "%(source)s", "copy": "%(copy)s"}
    path = _PATH.format(**names)
    root = "metadata -> 'parents' ->> ''"
    return (
        _CHECKPOINTS.format(columns=_KEPT, path=path, root=root, **names),
        _WRITES.format(table="checkpoint_writes", columns=_BESIDE, path=path, **names),
        _BLOBS.format(**names),
    )


def values(source: ThreadId, copy: ThreadId, point: CheckpointId) -> Mapping[str, str]:
    """What the statements are about."""
    return {"source": source, "copy": copy, "point": point}
