"""Records that were lost with a worker, made up for from the checkpoint database (law 4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from interlock.core.graphs.heads import Reading
from interlock.core.graphs.namespaces import path_of
from interlock.core.graphs.savers import Savers
from interlock.core.graphs.traces import (
    Trace,
    read_head_traces,
    read_inner_traces,
    read_traces,
)
from interlock.core.graphs.workshop import AnyGraph
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run
from interlock.core.types import CheckpointId
from interlock.core.worker.indexing import MAX_ASKED, read_raws

INTERNAL_PREFIX = "__"  # LangGraph's own nodes
OPEN = frozenset({NodeStatus.RUNNING, NodeStatus.CANCELLED})  # nothing is known of how it ended
# Of a node that did not run itself, its trace says no more than that it has a result.
_ALIKE = {NodeStatus.CACHED: NodeStatus.OK, NodeStatus.SHORT_CIRCUITED: NodeStatus.OK}


async def read_own_traces(
    savers: Savers, graph: AnyGraph, run: Run, head: Reading, *, after: CheckpointId | None
) -> list[Trace]:
    """
    Read what a run left in its thread, as far as its checkpoints are not indexed.

    Args:
        savers: The checkpoint database.
        graph: The run's graph.
        run: The run; it was handed out before.
        head: Where the thread stands.
        after: The newest checkpoint the index holds.
    """
    own = [raw for raw in await read_raws(savers, run.thread_id, after) if raw.run_id == run.run_id]
    left = [raw.parent_id for raw in own if raw.parent_id is not None][-MAX_ASKED:]
    found = [trace for place in left for trace in await read_traces(graph, run.thread_id, place)]
    found += await read_inner_traces(savers, run.thread_id, run.run_id)
    found += await read_head_traces(graph, run.thread_id, head.state)
    return [trace for trace in found if not trace.node.startswith(INTERNAL_PREFIX)]


def make_up(run: Run, traces: Sequence[Trace], known: Collection[NodeRun]) -> list[NodeRun]:
    """
    The records that are missing, given those that are known of the same tasks.

    A task may have ended before, otherwise than it did now: it asked and was answered, it failed and
    was tried again.
    """
    told = {(record.task_id, _ALIKE.get(record.status, record.status)) for record in known}
    own = [record for record in known if record.run_id == run.run_id]
    return [
        _make(run, trace, [record for record in own if record.task_id == trace.task_id])
        for trace in traces
        if (trace.task_id, trace.status) not in told
    ]


def _make(run: Run, trace: Trace, own: Sequence[NodeRun]) -> NodeRun:
    begun = next((record for record in own if record.status in OPEN), None)
    delivery = run.deliveries - 1
    record = begun or NodeRun(
        run_id=run.run_id,
        thread_id=run.thread_id,
        workflow=run.workflow,
        task_id=trace.task_id,
        attempt=1 + max((r.attempt for r in own if r.delivery == delivery), default=0),
        delivery=delivery,
        node=trace.node,
        path=path_of(trace.namespace),
        namespace=trace.namespace,
        step=trace.step,
        status=trace.status,
        started_at=max(trace.at, run.started_at or run.created_at),  # it may have been due before
    )
    error = trace.error
    return replace(
        record,
        status=trace.status,
        duration_ms=None,  # nobody knows
        error_type=error.partition("(")[0] if error is not None else None,
        error_message=error,
    )
