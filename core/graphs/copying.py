"""
Copying one point of a thread, with all that led to it, into another thread: rows into rows.

No state is read into this process. What was written beside the point goes along only where nothing
went on from it: the copy of an older point starts that step anew, and what the tasks did there once
would pass for what they did in the copy.

Nor does an answer go along whose task has not ended: whoever goes on with the copy would give it again
without anybody being asked (DESIGN law 1). Of such a step only what has ended is kept, so that the
rest begins anew and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interlock.core.graphs.checkpoints import CONTROL_CHANNELS, ERROR, NULL_TASK_ID
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
# What was written beside the point and beside the checkpoints of subgraphs that stand beneath it.
_BESIDE_POINT = """
SELECT w.checkpoint_ns, w.checkpoint_id, w.task_id, w.channel FROM {table} w
WHERE w.thread_id = {copy} AND (
    (w.checkpoint_ns = '' AND w.checkpoint_id = {point})
    OR (w.checkpoint_ns <> '' AND EXISTS (
        SELECT 1 FROM checkpoints k WHERE k.thread_id = {copy}
          AND k.checkpoint_ns = w.checkpoint_ns AND k.checkpoint_id = w.checkpoint_id
          AND {root} = {point})))
"""
_FORGET = """
DELETE FROM {table} WHERE thread_id = {copy} AND checkpoint_ns = {namespace}
  AND checkpoint_id = {checkpoint} AND task_id = {task} AND channel = {channel}
"""
_KEPT = "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
_BESIDE = "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob"
RESUME = "__resume__"
_NAMES = ("point", "source", "copy", "namespace", "checkpoint", "task", "channel")
_SQLITE = {name: f":{name}" for name in _NAMES}
_POSTGRES = {name: f"%({name})s" for name in _NAMES}
_ROOT_IN_SQLITE = """json_extract(CAST(metadata AS TEXT), '$.parents.""')"""
_ROOT_IN_POSTGRES = "metadata -> 'parents' ->> ''"


def for_sqlite(checkpoint_columns: Iterable[str], write_columns: Iterable[str]) -> tuple[str, ...]:
    """The statements for a file with these columns; older versions of LangGraph made fewer."""
    path = _PATH.format(**_SQLITE)
    kept, beside = (
        ", ".join(c for c in columns if c != "thread_id")
        for columns in (checkpoint_columns, write_columns)
    )
    return (
        _CHECKPOINTS.format(columns=kept, path=path, root=_ROOT_IN_SQLITE, **_SQLITE),
        _WRITES.format(table="writes", columns=beside, path=path, **_SQLITE),
    )


def for_postgres() -> tuple[str, ...]:
    """The statements for Postgres."""
    path = _PATH.format(**_POSTGRES)
    return (
        _CHECKPOINTS.format(columns=_KEPT, path=path, root=_ROOT_IN_POSTGRES, **_POSTGRES),
        _WRITES.format(table="checkpoint_writes", columns=_BESIDE, path=path, **_POSTGRES),
        _BLOBS.format(**_POSTGRES),
    )


def beside_in_sqlite() -> tuple[str, str]:
    """What finds the writes beside the point of a copy, and what takes one out, in a file."""
    return _beside("writes", _ROOT_IN_SQLITE, _SQLITE)


def beside_in_postgres() -> tuple[str, str]:
    """The same in Postgres."""
    return _beside("checkpoint_writes", _ROOT_IN_POSTGRES, _POSTGRES)


def _beside(table: str, root: str, names: Mapping[str, str]) -> tuple[str, str]:
    given = {"table": table, "root": root, **names}
    return _BESIDE_POINT.format(**given), _FORGET.format(**given)


def values(source: ThreadId, copy: ThreadId, point: CheckpointId) -> Mapping[str, str]:
    """What the statements are about."""
    return {"source": source, "copy": copy, "point": point}


def forget_answers(beside: Iterable[Sequence[Any]], copy: ThreadId) -> list[Mapping[str, str]]:
    """
    What a copy does without, for an answer that was given to another thread: values for what takes
    writes out.

    Where a task was answered and has not ended, nothing stays of any that has not. One that called it,
    as a subgraph's does, asks in its place; and who waits beside it is asked again.

    Args:
        beside: What was written beside the point, and beneath it: namespace, checkpoint, task and
            channel.
        copy: The copy's thread.
    """
    found = [tuple(write) for write in beside]
    failed = {write[:3] for write in found if write[3] == ERROR}
    ended = {write[:3] for write in found if write[3] not in CONTROL_CHANNELS} - failed
    answered = {write[:3] for write in found if write[3] == RESUME and write[2] != NULL_TASK_ID}
    gone = {w for w in found if w[3] == RESUME and w[2] == NULL_TASK_ID}  # no task says to whom
    if answered - ended:
        gone |= {w for w in found if w[3] == RESUME or w[:3] not in ended}
    return [
        {
            "copy": copy,
            "namespace": write[0],
            "checkpoint": write[1],
            "task": write[2],
            "channel": write[3],
        }
        for write in sorted(gone)
    ]
