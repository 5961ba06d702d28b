"""Where a thread's new checkpoints belong in its index: on which branch each goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from interlock.core.model.threads import CheckpointEntry
from interlock.core.store import checkpoints
from interlock.core.types import CheckpointId, ThreadId


def index_checkpoints(
    conn: Connection, thread_id: ThreadId, entries: Collection[CheckpointEntry]
) -> None:
    """Add checkpoints to a thread's index, oldest first, each on its branch."""
    checkpoints.insert_many(conn, place_checkpoints(conn, thread_id, entries))


def place_checkpoints(
    conn: Connection,
    thread_id: ThreadId,
    entries: Collection[CheckpointEntry],
    *,
    is_first: bool = False,
) -> Sequence[CheckpointEntry]:
    """
    Find the branch of each of a thread's new checkpoints, given oldest first.

    The first child of a checkpoint goes on with its branch, any later one starts another
    (LangGraph's head is the newest checkpoint, never a notion of a branch: measured).
    `is_first`: nothing of the thread is indexed yet, so there is nothing to look for.
    """
    if not entries:
        return ()
    is_begun = not is_first or next(iter(entries)).parent_id is not None
    newest = checkpoints.fetch_for_thread(conn, thread_id, limit=1) if is_begun else []
    branches = {entry.checkpoint_id: entry.branch for entry in newest}
    parents: set[CheckpointId] = set()  # of entries placed here
    placed: list[CheckpointEntry] = []
    for entry in entries:
        branch = _find_branch(conn, entry, branches, parents)
        if branch is None:
            own = max(branches.values(), default=-1) + 1
            branch = max(own, checkpoints.next_branch(conn, thread_id))
        placed.append(replace(entry, branch=branch))
        branches[entry.checkpoint_id] = branch
        if entry.parent_id is not None:
            parents.add(entry.parent_id)
    return placed


def _find_branch(
    conn: Connection,
    entry: CheckpointEntry,
    branches: Mapping[CheckpointId, int],
    parents: Collection[CheckpointId],
) -> int | None:
    """The branch a checkpoint goes on with; None if it starts one."""
    parent_id = entry.parent_id
    if parent_id is None:
        return None if branches else 0
    if parent_id in parents:
        return None
    if parent_id in branches:
        return branches[parent_id]
    parent = checkpoints.fetch(conn, entry.thread_id, parent_id)
    if parent is None or checkpoints.has_child(conn, entry.thread_id, parent_id):
        return None
    return parent.branch
