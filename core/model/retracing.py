"""What ran after a point of a thread, from the records of its nodes: each node once, with its counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.model.branching import Tree
from interlock.core.model.folding import PLAIN
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.types import CheckpointId

_ENDED = frozenset({NodeStatus.OK, NodeStatus.ERROR})
_SERVED = frozenset({NodeStatus.CACHED, NodeStatus.SHORT_CIRCUITED})  # without being begun


@dataclass(frozen=True, kw_only=True)
class PastNode:
    """
    What a node did after a point the last time.

    `run_count` are the tasks that ended (law 7), `begun_count` how often its code was begun: tries,
    and again for each answer. `waiting_count` are tasks that asked and were not answered,
    `served_count` those that a cache or an open breaker answered. `has_side_effects` None is unknown.
    """

    path: str
    run_count: int
    begun_count: int
    waiting_count: int
    served_count: int
    first_at: datetime
    has_side_effects: bool | None

    @property
    def times(self) -> int:
        """How many tasks it had."""
        return self.run_count + self.waiting_count + self.served_count


def find_runs_after(tree: Tree, point: CheckpointId, node_runs: Sequence[NodeRun]) -> list[NodeRun]:
    """
    The attempts after a point, on the way that `Tree.path_after` names, what is inside of nodes included.

    Args:
        tree: The thread's tree.
        point: A checkpoint of it.
        node_runs: Attempts of the thread, any and in any order.
    """
    if point not in tree.entries:
        return []
    after = tree.path_after(point)
    entries = [tree.entries[each] for each in after]
    made = {(entry.run_id, entry.step) for entry in entries if entry.source == PLAIN}
    spans: dict[int, list[tuple[datetime, datetime]]] = {}
    for entry in entries:
        parent_id = tree.parents[entry.checkpoint_id]
        if entry.source == PLAIN and parent_id is not None:
            since = tree.entries[parent_id].created_at
            spans.setdefault(entry.step, []).append((since, entry.created_at))
    end = tree.entries[after[-1] if after else point]
    until = _next_after(tree, end.checkpoint_id)

    def is_at_end(run: NodeRun) -> bool:
        is_before = until is None or run.started_at < until
        return run.step == end.step + 1 and run.started_at >= end.created_at and is_before

    def is_between(run: NodeRun) -> bool:
        """Of a step whose questions were answered one by one, each run did only a part."""
        return any(since < run.started_at < until for since, until in spans.get(run.step, ()))

    # A task keeps its id however often it is tried, by whichever run; what is inside of it has the
    # id in its namespace. Steps are counted by each graph for itself.
    tasks = {
        run.task_id
        for run in node_runs
        if "|" not in run.namespace
        and ((run.run_id, run.step) in made or is_at_end(run) or is_between(run))
    }
    return [run for run in node_runs if _root_task(run) in tasks]


def count_nodes(
    node_runs: Sequence[NodeRun], side_effects: Mapping[str, bool | None]
) -> tuple[PastNode, ...]:
    """
    Add attempts up by node, in the order in which the nodes began.

    Args:
        node_runs: The attempts.
        side_effects: By node path, as the policies say; what is missing is unknown.
    """
    by_path: dict[str, list[NodeRun]] = {}
    for run in sorted(node_runs, key=lambda r: (r.started_at, r.path)):
        by_path.setdefault(run.path, []).append(run)
    return tuple(_count(path, runs, side_effects) for path, runs in by_path.items())


def _count(path: str, runs: Sequence[NodeRun], side_effects: Mapping[str, bool | None]) -> PastNode:
    statuses: dict[str, set[NodeStatus]] = {}
    for run in runs:
        statuses.setdefault(run.task_id, set()).add(run.status)
    ended = sum(1 for found in statuses.values() if found & _ENDED)
    served = sum(1 for found in statuses.values() if not found & _ENDED and found & _SERVED)
    return PastNode(
        path=path,
        run_count=ended,
        begun_count=sum(1 for run in runs if run.status not in _SERVED),
        waiting_count=len(statuses) - ended - served,
        served_count=served,
        first_at=runs[0].started_at,
        has_side_effects=side_effects.get(path),
    )


def _root_task(run: NodeRun) -> str:
    return run.namespace.partition("|")[0].rpartition(":")[2] or run.task_id


def _next_after(tree: Tree, point: CheckpointId) -> datetime | None:
    """When the thread moved to another checkpoint after this one; None if it stands there."""
    if point == tree.head_id:
        return None
    newer = (each for each in tree.entries if each > point)
    return tree.entries[min(newer)].created_at
