"""
What was due after a checkpoint, told by what its tasks wrote: neither its state nor its graph is needed.

Both savers store the path of the task beside each of its writes, and a task that finished has
written, also one that a cache served (measured on LangGraph 1.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from interlock.core.graphs.checkpoints import Question, RawCheckpoint, Savers
from interlock.core.graphs.handlers import is_handler
from interlock.core.types import CheckpointId, ThreadId

PER_QUESTION = 1000  # checkpoints
PULL = "~__pregel_pull, "  # of a node that an edge leads to; its name follows
PUSH = "~__pregel_push, "  # of a Send, whose number follows, or of a call within a function

_PATHS = Question(
    sqlite="""
SELECT DISTINCT checkpoint_id, task_id, task_path FROM writes
WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id BETWEEN ? AND ?
""",
    postgres="""
SELECT DISTINCT checkpoint_id, task_id, task_path FROM checkpoint_writes
WHERE thread_id = %s AND checkpoint_ns = '' AND checkpoint_id BETWEEN %s AND %s
""",
)


async def find_due(
    savers: Savers, thread_id: ThreadId, left: Sequence[RawCheckpoint]
) -> dict[CheckpointId, tuple[str, ...]]:
    """
    The nodes that were due after checkpoints, in no order; those that this does not tell are left out.

    Args:
        savers: The checkpoint database.
        thread_id: The thread.
        left: Root checkpoints, oldest first, that nodes have led on from, so that all of them wrote.
    """
    found: dict[CheckpointId, tuple[str, ...]] = {}
    for start in range(0, len(left), PER_QUESTION):
        page = left[start : start + PER_QUESTION]
        between = (thread_id, page[0].checkpoint_id, page[-1].checkpoint_id)
        paths: defaultdict[str, list[str]] = defaultdict(list)
        for checkpoint_id, _, path in await savers.ask(_PATHS, between):
            paths[checkpoint_id].append(path)
        for raw in page:
            names = name_due(paths[raw.checkpoint_id])
            if names:
                found[raw.checkpoint_id] = names
    return found


def name_due(paths: Iterable[str]) -> tuple[str, ...]:
    """The nodes of tasks by their paths; nothing where one was sent to, as its path has no name."""
    paths = list(paths)
    if any(is_send(path) for path in paths):
        return ()
    names = [path.removeprefix(PULL) for path in paths if path.startswith(PULL)]
    return tuple(name for name in names if not is_handler(name))


def is_send(path: str) -> bool:
    """Whether a task's path is that of a Send."""
    return path.startswith(PUSH) and path.removeprefix(PUSH).isdigit()
