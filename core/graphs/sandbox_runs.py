"""
Trying an answer on a copy of a thread: all in memory, with stand-ins for what must not run.

The graph is the project's own, opened as for any run; what differs is its saver, its store and its
nodes. No policy stands around a node: nothing is cached, counted, limited or tried again there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from langchain_core.runnables import RunnableConfig

from interlock.core.errors import Conflict
from interlock.core.graphs.checkpoints import CONTROL_CHANNELS
from interlock.core.graphs.heads import Reading
from interlock.core.graphs.outcomes import Outcome
from interlock.core.graphs.places import AnyGraph
from interlock.core.graphs.preparing import copy_graph
from interlock.core.graphs.run_log import Record
from interlock.core.graphs.running import Execution, Task, config_for
from interlock.core.graphs.sandbox_savers import ReadOnlyStore, SandboxSaver
from interlock.core.graphs.stand_ins import StandIns, Stood, Writes
from interlock.core.graphs.tracking import Tracker
from interlock.core.graphs.workshop import Workshop
from interlock.core.model import json_values
from interlock.core.model.delivery import LiveInterrupt
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.model.trials import Reply, Trial
from interlock.core.model.usage import Usage
from interlock.core.model.what_ifs import How, PathStep
from interlock.core.types import Json, ThreadId

MAX_ROUNDS = 20  # answers that are given one after the other at one point


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a side came to; `asks` leaves out what only a missing stand-in asks."""

    outcome: Outcome
    path: tuple[PathStep, ...]
    asks: tuple[Json, ...]
    usage: Usage

    @property
    def missing(self) -> tuple[str, ...]:
        """The nodes that need a value before it can go on."""
        return tuple(step.node for step in self.path if step.how is How.MISSING)


async def try_on_copy(
    workshop: Workshop,
    trial: Trial,
    *,
    now: Callable[[], datetime],
    snapshot_bytes: int,
    recursion_limit: int,
) -> Tried:
    """
    Carry one side out, in memory, and give back what it came to.

    Raises:
        WorkflowNotLoaded: The project has no such graph, or it cannot be opened.
        Conflict: What it answers is not asked any more.
    """
    run = trial.run
    tracker = Tracker(run, now=now, last_seq=0, prices=workshop.policies.prices)
    records: list[Record] = []

    async def keep(found: Sequence[Record]) -> None:
        records.extend(found)

    async with workshop.open(run.workflow, config_for(run), context=run.context) as graph:
        recorded = await read_recorded(workshop, graph, trial.original_id, trial.recorded)
        stand_ins = StandIns(runs=trial.runs, given=trial.given, recorded=recorded, now=now)
        saver = SandboxSaver(
            _saver_of(graph),
            original_id=trial.original_id,
            sandbox_id=run.thread_id,
            at=trial.checkpoint_id,
        )
        store = ReadOnlyStore(graph.store) if graph.store is not None else None
        copied = copy_graph(
            graph,
            {
                "nodes": stand_ins.put(graph),
                "checkpointer": saver,
                "store": store,
                "cache": None,
            },
        )
        task = Task(
            run=run,
            delivery=trial.delivery,
            verb=trial.verb,
            snapshot_bytes=snapshot_bytes,
            askers=trial.askers,
            recursion_limit=recursion_limit,
        )
        left, outcome = list(trial.replies), None
        for _ in range(MAX_ROUNDS):
            execution = Execution(
                copied, task, tracker=tracker, put=keep, count_answers=saver.count_answers
            )
            reading = await execution.read()
            _require_open(task.delivery.answers, reading)
            outcome = await execution.carry_out(reading)
            answers = _take_replies(left, outcome)
            if not answers:
                break
            delivery = replace(
                task.delivery, kind=RunKind.RESUME, is_first=True, answers=answers, fork=None
            )
            task = replace(task, delivery=delivery, verb=None)
        assert outcome is not None
    return _tell(outcome, stand_ins.stood, [*records, *tracker.take()], tracker.meter.total)


def _require_open(answers: Mapping[str, Json], reading: Reading | None) -> None:
    """Without its question an answer would be left out, and the copy go on without it."""
    open_ids = reading.head.open_ids if reading is not None else frozenset()
    if set(answers) - open_ids:
        raise Conflict("The question was answered before this side began; there is nothing to try.")


def _saver_of(graph: AnyGraph) -> Any:
    return graph.checkpointer


def _take_replies(left: list[Reply], outcome: Outcome) -> dict[str, Json]:
    """The answers for what is asked anew; each is given once."""
    if outcome.status is not RunStatus.WAITING or outcome.head is None:
        return {}
    found: dict[str, Json] = {}
    seen: list[LiveInterrupt] = []
    for asked in outcome.head.interrupts:
        if asked.is_answered:
            continue
        nth = sum(1 for other in seen if _asks_the_same(other, asked.node, asked.value))
        seen.append(asked)
        for reply in left:
            if reply.nth == nth and _asks_the_same(asked, reply.node, reply.payload):
                found[asked.interrupt_id] = reply.answer
                left.remove(reply)
                break
    return found


def _asks_the_same(asked: LiveInterrupt, node: str, payload: Json) -> bool:
    return asked.node == node and json_values.are_same(asked.value, payload)


async def read_recorded(
    workshop: Workshop, graph: AnyGraph, thread_id: ThreadId, tasks: Mapping[str, Sequence[str]]
) -> dict[str, list[Writes]]:
    """
    What tasks of a thread wrote, by path of their node, in the order given.

    Those that wrote nothing are left out.
    """
    found: dict[str, list[Writes]] = {}
    saver = _saver_of(graph)
    for path, task_ids in tasks.items():
        for task_id in task_ids:
            writes = await _read_writes(workshop, saver, thread_id, task_id)
            if writes:
                found.setdefault(path, []).append(writes)
    return found


async def _read_writes(
    workshop: Workshop, saver: Any, thread_id: ThreadId, task_id: str
) -> list[tuple[str, Any]]:
    for namespace, checkpoint_id in await workshop.savers.find_task(thread_id, task_id):
        place: RunnableConfig = {
            "configurable": {
                "thread_id": thread_id,
                "checkpoint_ns": namespace,
                "checkpoint_id": checkpoint_id,
            }
        }
        saved = await saver.aget_tuple(place)
        writes = [
            (channel, value)
            for written_by, channel, value in (saved.pending_writes or () if saved else ())
            if written_by == task_id and channel not in CONTROL_CHANNELS
        ]
        if writes:
            return writes
    return []


_HOW = {
    NodeStatus.INTERRUPTED: How.ASKED,
    NodeStatus.ERROR: How.FAILED,
    NodeStatus.CANCELLED: How.FAILED,
}


def _tell(
    outcome: Outcome, stood: Sequence[Stood], records: Sequence[Record], usage: Usage
) -> Tried:
    hidden = {each.interrupt_id for each in stood if each.how is How.MISSING}
    asked = outcome.snapshot.interrupts if outcome.snapshot is not None else ()
    return Tried(
        outcome=outcome,
        path=_order(stood, records),
        asks=tuple(dict(each) for each in asked if each["id"] not in hidden),
        usage=usage,
    )


def _order(stood: Sequence[Stood], records: Sequence[Record]) -> tuple[PathStep, ...]:
    """What ran and what was stood in for, in the order in which it began; each task once."""
    in_place = {each.task_id for each in stood}
    newest: dict[str, NodeRun] = {}
    for record in records:
        if isinstance(record, NodeRun) and record.task_id not in in_place:
            newest[record.task_id] = record
    around = {
        part.rpartition(":")[2]
        for record in newest.values()
        for part in record.namespace.split("|")[:-1]
    }
    steps = [
        (
            record.started_at,
            PathStep(
                node=record.path,
                how=_HOW.get(record.status, How.RAN),
                duration_ms=record.duration_ms,
                error=record.error_message,
            ),
        )
        for record in newest.values()
        if record.task_id not in around  # a graph is told by the nodes in it
    ]
    steps += [(each.at, PathStep(node=each.path, how=each.how)) for each in stood]
    return tuple(step for _, step in sorted(steps, key=lambda pair: pair[0]))
