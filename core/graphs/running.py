"""
Carrying out one delivery of a run: read the head, do the one next step, read the head again.

Knows nothing of the database: what to do comes in as a `Delivery` without its head, what happened
goes out as an `Outcome`; records leave through `put`, which may wait and so slow the graph (law 5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained, is_invalid_resume
from langgraph.pregel import Pregel
from langgraph.runtime import RunControl
from langgraph.types import Command, Overwrite, StateUpdate

from interlock.core.graphs import failing
from interlock.core.graphs.heads import EVERY_NODE, CountAnswers, Reading, read_head
from interlock.core.graphs.snapshots import make_snapshot
from interlock.core.graphs.tracking import Record, Tracker
from interlock.core.model.delivery import Delivery, Head, Plan, Step, plan_delivery
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, Run, RunKind, RunStatus
from interlock.core.model.threads import Snapshot
from interlock.core.types import Json, ThreadId

STREAM_MODES: Final[list[Literal["tasks", "custom", "messages"]]] = ["tasks", "custom", "messages"]
STRICT_RESUME = "__pregel_strict_resume"  # law 2
END_NODE = "__end__"

Put = Callable[[list[Record]], Awaitable[None]]
AnyGraph = Pregel[Any, Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    How one delivery ended.

    `status` is running only if the worker is draining and hands the run over. `refused` maps ids
    of questions whose answer the graph refused to its reason.
    """

    status: RunStatus
    head: Head | None = None
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    reason: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Task:
    """One delivery to carry out. `verb` is the answer of a breakpoint's card, for `proceed`."""

    run: Run
    delivery: Delivery
    verb: Mapping[str, Json] | None
    snapshot_bytes: int


class Execution:
    """One delivery in flight; `drain` and cancelling its asyncio task are the only ways in."""

    def __init__(
        self,
        graph: AnyGraph,
        task: Task,
        *,
        tracker: Tracker,
        put: Put,
        count_answers: CountAnswers,
    ) -> None:
        self._graph = graph
        self._count_answers = count_answers
        self._task = task
        self._run = task.run
        self._tracker = tracker
        self._put = put
        self._control = RunControl()
        self._config = config_for(task.run, callbacks=[tracker])

    def drain(self) -> None:
        """Stop at the end of the superstep; the run is handed over to the next worker."""
        self._control.request_drain("worker stops")

    async def read(self) -> Reading | None:
        """Read the thread's head."""
        config = config_for(self._run)
        return await read_head(self._graph, config, self._run.options, self._count_answers)

    async def carry_out(self, first: Reading | None) -> Outcome:
        """Do what the head asks for. Raises only CancelledError, and only when cancelled from outside."""
        plan = plan_delivery(
            replace(self._task.delivery, head=first.head if first is not None else None)
        )
        refused: dict[str, str] = {}
        sent: set[str] = set()
        while True:
            sent |= plan.answers.keys()
            failure, error = await self._step(plan)
            if isinstance(error, GraphDrained):
                return Outcome(status=RunStatus.RUNNING, sent=frozenset(sent))
            reading = await self.read()
            if error is not None and is_invalid_resume(error):
                refused |= self._find_refused(plan, reading, error)
                rest = {i: a for i, a in plan.answers.items() if i not in refused}
                open_ids = reading.head.open_ids if reading else frozenset()
                if rest and rest.keys() <= open_ids:
                    plan = replace(plan, answers=rest)
                    continue
                failure, error = None, None
            outcome = self._conclude(plan, reading, failure, error)
            return replace(outcome, refused=refused, sent=frozenset(sent))

    async def _step(self, plan: Plan) -> tuple[Failure | None, BaseException | None]:
        """Run the graph once; errors come back as values, whatever their class."""
        if plan.step is Step.REFUSE:
            return Failure(type="Refused", message=plan.reason), None
        if plan.step is Step.RECORD:
            return None, None
        status = NodeStatus.OK
        try:
            await self._stream(await self._input_of(plan))
        except asyncio.CancelledError as exc:
            status = NodeStatus.CANCELLED
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return None, exc  # the node raised it itself
        except GraphDrained as exc:
            return None, exc
        except BaseException as exc:  # noqa: BLE001  a graph may raise what it likes
            status = NodeStatus.CANCELLED  # siblings of the failed node
            return None, exc
        finally:
            self._tracker.close(status)
            await asyncio.shield(self._put(self._tracker.take()))
        return None, None

    async def _stream(self, graph_input: Any) -> None:
        async for part in self._graph.astream(
            graph_input,
            self._config,
            context=self._run.context,
            stream_mode=STREAM_MODES,
            subgraphs=True,
            durability="sync",
            version="v2",
            control=self._control,
            interrupt_before=_breaks(
                self._run.options.break_before, self._graph.interrupt_before_nodes
            ),
            interrupt_after=_breaks(
                self._run.options.break_after, self._graph.interrupt_after_nodes
            ),
        ):
            self._tracker.on_part(cast("dict[str, Any]", part))
            records = self._tracker.take()
            if records:
                await self._put(records)

    async def _input_of(self, plan: Plan) -> Any:
        if plan.step is Step.SEND_INPUT:
            return self._run.input
        if plan.step is Step.SEND_ANSWERS:
            return Command(resume=dict(plan.answers))
        if plan.step is Step.PROCEED:
            await self._apply_verb(self._task.verb or {})
        return None

    async def _apply_verb(self, verb: Mapping[str, Json]) -> None:
        """Write what a breakpoint's card decided; going on is the stream's part."""
        config: RunnableConfig = {
            "configurable": {"thread_id": self._run.thread_id},
            "metadata": dict(self._config["metadata"]),
        }
        word = verb.get("verb")
        if word == "edit":
            values = {k: self._replacing(k, v) for k, v in (verb.get("values") or {}).items()}
            await self._graph.aupdate_state(config, values)
        elif word == "skip":
            state = await self._graph.aget_state(config)
            updates = [StateUpdate(None, as_node=name) for name in state.next]
            await self._graph.abulk_update_state(config, [updates])
        elif word == "stop":
            await self._graph.aupdate_state(config, None, as_node=END_NODE)

    def _replacing(self, channel: str, value: Json) -> Any:
        """An edit replaces what stands there, also where the channel would append (law 6)."""
        kind = type(self._graph.channels.get(channel)).__name__
        return Overwrite(value) if kind in {"BinaryOperatorAggregate", "DeltaChannel"} else value

    def _find_refused(
        self, plan: Plan, reading: Reading | None, error: BaseException
    ) -> dict[str, str]:
        """Name the questions whose answer was refused: those of the task that raised."""
        reason = failing.message_of(error)
        open_sent = [
            i
            for i in (reading.head.interrupts if reading else ())
            if i.interrupt_id in plan.answers and not i.is_answered
        ]
        failed = self._tracker.failed
        blamed = [i for i in open_sent if failed is not None and i.namespace == failed.namespace]
        return {i.interrupt_id: reason for i in blamed or open_sent}

    def _conclude(
        self,
        plan: Plan,
        reading: Reading | None,
        failure: Failure | None,
        error: BaseException | None,
    ) -> Outcome:
        snapshot = snapshot_of(self._run.thread_id, reading, self._task.snapshot_bytes)
        head = reading.head if reading is not None else None
        if error is not None:
            attempt = self._tracker.failed
            values = snapshot.values if snapshot is not None else None
            failure = failing.describe(error, attempt=attempt, state=values)
        if failure is not None:
            return Outcome(status=RunStatus.FAILED, head=head, snapshot=snapshot, failure=failure)
        if plan.step is Step.RECORD and head is not None and head.has_failed:
            return Outcome(
                status=RunStatus.FAILED,
                head=head,
                snapshot=snapshot,
                failure=_failure_on_record(reading),
            )
        stopped = (self._task.verb or {}).get("verb") == "stop"
        if stopped and (head is None or not head.next):
            return Outcome(
                status=RunStatus.CANCELLED, head=head, snapshot=snapshot, reason="stopped"
            )
        return Outcome(status=_status_of(head), head=head, snapshot=snapshot)


def config_for(run: Run, *, callbacks: list[Any] | None = None) -> RunnableConfig:
    """The config of a run; `metadata.run_id` is unique per submission (law 4)."""
    config: RunnableConfig = {
        "configurable": {"thread_id": run.thread_id, STRICT_RESUME: True},
        "metadata": {"run_id": run.run_id, "workflow": run.workflow},
        "recursion_limit": run.options.recursion_limit,
    }
    if callbacks:
        config["callbacks"] = callbacks
    return config


def snapshot_of(thread_id: ThreadId, reading: Reading | None, max_bytes: int) -> Snapshot | None:
    """The state at a head as the screens show it."""
    if reading is None:
        return None
    interrupts = tuple(
        {"id": i.interrupt_id, "node": i.node, "value": i.value, "response_schema": i.schema}
        for i in reading.head.interrupts
        if not i.is_answered
    )
    return make_snapshot(
        thread_id, reading.head.checkpoint_id, reading.state, interrupts, max_bytes=max_bytes
    )


def _status_of(head: Head | None) -> RunStatus:
    if head is None or not head.next:
        return RunStatus.DONE
    return RunStatus.WAITING if head.open_ids else RunStatus.PAUSED


def _failure_on_record(reading: Reading | None) -> Failure:
    """The failure as the checkpoint keeps it: a text, because its process died before recording it."""
    task = next((t for t in (reading.state.tasks if reading else ()) if t.error is not None), None)
    text = str(task.error) if task is not None else ""
    name, _, _ = text.partition("(")
    return Failure(
        type=name or "Error",
        message=text,
        node=task.name if task is not None else None,
        versions=dict(failing.versions()),
    )


def _breaks(given: Collection[str], own: Any) -> Any:
    """Breakpoints of the launch beside the graph's own; LangGraph takes one list or the other."""
    if EVERY_NODE in given or own == EVERY_NODE:
        return EVERY_NODE
    merged = [*own, *(n for n in given if n not in own)]
    return merged or None


def needs_head(delivery: Delivery) -> bool:
    """Whether the head has to be read first: a first start knows that there is none of its own."""
    return not (delivery.kind is RunKind.START and delivery.is_first)
