"""
Deleting a thread's older points from the checkpoint tables.

Checkpoints of a subgraph go with the one of the root that they were made beneath. A subgraph with a
memory of its own (its namespace names no task) is entered from where it last stood at that time, so
there all stay from the last before the oldest point that stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from interlock.core.types import CheckpointId, ThreadId

_KEPT = {
    "sqlite": "SELECT value FROM json_each(:kept)",
    "postgres": "SELECT value FROM json_array_elements_text(CAST(%(kept)s AS json))",
}
_ROOT = {
    "sqlite": """json_extract(CAST(metadata AS TEXT), '$.parents.""')""",
    "postgres": "metadata -> 'parents' ->> ''",
}
_CHECKPOINTS = """
DELETE FROM checkpoints WHERE thread_id = {thread} AND (
    (checkpoint_ns = '' AND checkpoint_id NOT IN ({kept}))
    OR (checkpoint_ns LIKE '%%:%%' AND coalesce({root}, '') NOT IN ({kept}))
    OR (checkpoint_ns <> '' AND checkpoint_ns NOT LIKE '%%:%%' AND checkpoint_id < (
        SELECT max(o.checkpoint_id) FROM checkpoints o
        WHERE o.thread_id = {thread} AND o.checkpoint_ns = checkpoints.checkpoint_ns
          AND o.checkpoint_id < {oldest})))
"""
_WRITES = """
DELETE FROM {table} WHERE thread_id = {thread} AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.thread_id = {table}.thread_id
      AND c.checkpoint_ns = {table}.checkpoint_ns AND c.checkpoint_id = {table}.checkpoint_id)
"""
_BLOBS = """
DELETE FROM checkpoint_blobs b WHERE b.thread_id = {thread} AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.thread_id = b.thread_id
      AND c.checkpoint_ns = b.checkpoint_ns
      AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)
"""


def for_sqlite() -> tuple[str, ...]:
    """The statements for a file."""
    given = {"thread": ":thread", "oldest": ":oldest", "kept": _KEPT["sqlite"]}
    checkpoints = _CHECKPOINTS.format(root=_ROOT["sqlite"], **given).replace("%%", "%")
    return checkpoints, _WRITES.format(table="writes", **given)


def for_postgres() -> tuple[str, ...]:
    """The statements for Postgres."""
    given = {"thread": "%(thread)s", "oldest": "%(oldest)s", "kept": _KEPT["postgres"]}
    return (
        _CHECKPOINTS.format(root=_ROOT["postgres"], **given),
        _WRITES.format(table="checkpoint_writes", **given),
        _BLOBS.format(**given),
    )


def values(thread_id: ThreadId, kept: Sequence[CheckpointId]) -> Mapping[str, str]:
    """What the statements are given."""
    return {"thread": thread_id, "kept": json.dumps(list(kept)), "oldest": min(kept)}
