"""
Carrying out one delivery of a run: read the head, do the one next step, read the head again.

Knows nothing of the database: what to do comes in as a `Delivery` without its head, what happened
goes out as an `Outcome`; records leave through `put`, which may wait and so slow the graph (law 5).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained, is_invalid_resume
from langgraph.runtime import RunControl
from langgraph.types import Command

from interlock.core.errors import InvalidInput
from interlock.core.graphs import failing, heads, proceeding, rewinding
from interlock.core.graphs.checkpoints import NamesChannels
from interlock.core.graphs.fidelity import UnstorableValue
from interlock.core.graphs.gone import find_gone, say_gone
from interlock.core.graphs.heads import CountAnswers, Reading
from interlock.core.graphs.listening import listen
from interlock.core.graphs.outcomes import Outcome, outcome_of
from interlock.core.graphs.places import AnyGraph, find_cacheable, merge_breaks
from interlock.core.graphs.run_log import Record
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.delivery import Delivery, Plan, Step, plan_delivery
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import GRAPH_CHANGED, REFUSED, Failure, Run, RunKind, RunStatus
from interlock.core.types import CheckpointId, Json, ThreadId

_FROM_ELSEWHERE = {Step.SEND_INPUT, Step.FORK, Step.COPY}  # not from where the thread stands
INTERNAL = "__"  # keys of LangGraph's own
DEFAULT_RECURSION_LIMIT = 100  # supersteps
STRICT_RESUME = "__pregel_strict_resume"  # law 2
TIMED_ATTEMPTS = "__pregel_timed_attempt_observer"

Put = Callable[[list[Record]], Awaitable[None]]
Copy = Callable[[ThreadId, ThreadId, CheckpointId], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """
    One delivery to carry out.

    `verb` is the answer of a breakpoint's card, for `proceed`; `askers` are the namespaces of the
    tasks that asked on this thread before; `recursion_limit` holds where neither the launch nor
    the graph sets one.
    """

    run: Run
    delivery: Delivery
    verb: Mapping[str, Json] | None
    snapshot_bytes: int
    askers: frozenset[str] = frozenset()
    recursion_limit: int = DEFAULT_RECURSION_LIMIT


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
        copy: Copy | None = None,
    ) -> None:
        self._graph = graph
        self._copy = copy
        self._count_answers = count_answers
        self._task = task
        self._run = task.run
        self._tracker = tracker
        self._put = put
        self._control = RunControl()
        self._values: Any = None  # the state, as the graph gave it out last
        self._config = config_for(task.run)
        self._config["configurable"][TIMED_ATTEMPTS] = tracker.on_timed_attempt
        if "recursion_limit" not in (graph.config or {}):
            self._config.setdefault("recursion_limit", task.recursion_limit)

    def drain(self) -> None:
        """Stop at the end of the superstep; the run is handed over to the next worker."""
        self._control.request_drain("worker stops")

    async def read(self) -> Reading | None:
        """Read the thread's head."""
        return await heads.read_head(
            self._graph,
            config_for(self._run),
            self._run.options,
            self._count_answers,
            askers=self._task.askers | self._tracker.find_askers(),
        )

    async def carry_out(self, first: Reading | None) -> Outcome:
        """Do what the head asks for. Raises only CancelledError, and only when cancelled from outside."""
        reading, plan = first, self._plan(first)
        if plan.step not in _FROM_ELSEWHERE and (gone := self._find_gone()) is not None:
            return gone
        await self._expect_cached(first)
        refused: dict[str, str] = {}
        while True:
            before = reading
            failure, error = await self._step(plan, before)
            if isinstance(error, GraphDrained):
                return Outcome(status=RunStatus.RUNNING)
            reading = (self._read_end(plan) if error is None else None) or await self.read()
            if plan.step is Step.FORK and (gone := self._find_gone()) is not None:
                return gone
            if error is None and self._has_left(plan, before, reading):
                plan = self._plan_on(reading)
                continue
            if error is not None and is_invalid_resume(error):
                blamed = self._find_refused(plan, reading, error)
                refused |= blamed
                if rest := self._find_unsent(plan, reading, refused):
                    plan = replace(plan, answers=rest)
                    continue
                error = None if blamed else error
            return replace(self._conclude(reading, failure, error), refused=refused)

    def _has_left(self, plan: Plan, before: Reading | None, after: Reading | None) -> bool:
        """Whether a skip or a stop took the thread away from where its card was drawn, or mended it."""
        word = (self._task.verb or {}).get("verb")
        if plan.step is not Step.PROCEED or before is None or after is None:
            return False
        is_left_out = word == "skip" and self._task.delivery.is_after_failure
        return is_left_out or (word in {"skip", "stop"} and before.head.differs(after.head))

    def _find_unsent(
        self, plan: Plan, reading: Reading | None, refused: Mapping[str, str]
    ) -> dict[str, Json]:
        """Answers that were sent along with a refused one and did not reach their question."""
        open_ids = reading.head.open_ids if reading is not None else frozenset()
        return {i: a for i, a in plan.answers.items() if i in open_ids and i not in refused}

    def _find_gone(self) -> Outcome | None:
        """
        That the thread, as it was just read, waits before what its graph has not any more; else None.

        Its head is not told: to this graph nothing is asked there, and the cards are to stay.
        """
        saver: Any = self._graph.checkpointer
        gone = find_gone(self._graph, saver.waiting if isinstance(saver, NamesChannels) else {})
        if not gone:
            return None
        message = say_gone(self._run.workflow, gone)
        failure = Failure(type=GRAPH_CHANGED, message=message)
        return Outcome(status=RunStatus.FAILED, failure=failure)

    def _plan(self, reading: Reading | None) -> Plan:
        head = reading.head if reading is not None else None
        return plan_delivery(replace(self._task.delivery, head=head))

    def _plan_on(self, reading: Reading | None) -> Plan:
        """What is left to do once a skip or a stop has been carried out."""
        head = reading.head if reading is not None else None
        plan = plan_delivery(replace(self._task.delivery, head=head, is_first=False))
        return Plan(Step.GO_ON) if plan.step is Step.PROCEED else plan

    async def _expect_cached(self, first: Reading | None) -> None:
        """Only a graph with a cache serves from one; reading what is finished costs a query."""
        if self._graph.cache is None:
            return
        finished = await heads.read_finished(self._graph, first) if first is not None else ()
        self._tracker.expect_cached(find_cacheable(self._graph), finished)

    async def _step(
        self, plan: Plan, reading: Reading | None
    ) -> tuple[Failure | None, BaseException | None]:
        """Run the graph once; errors come back as values, whatever their class."""
        if plan.step is Step.REFUSE:
            return Failure(type=REFUSED, message=plan.reason), None
        if plan.step is Step.RECORD:
            return None, None
        status = NodeStatus.OK
        try:
            if plan.step in {Step.FORK, Step.COPY}:
                await self._stream_fork(reading)
            elif not await self._write_checkpoint(plan, reading):
                await self._stream(await self._input_of(plan, reading))
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
            return None, self._explain(exc)
        finally:
            self._tracker.close(status)
            await asyncio.shield(self._put(self._tracker.take()))
        return None, None

    def _explain(self, error: BaseException) -> BaseException:
        """The error, in our words where LangGraph has none: a superstep took too long."""
        limit_s = self._graph.step_timeout
        is_bare = type(error) is TimeoutError and not error.args
        is_ours = is_bare and self._tracker.find_failed(error) is None
        return error if limit_s is None or not is_ours else self._tracker.end_step(limit_s)

    def _read_end(self, plan: Plan) -> Reading | None:
        """
        The head after a run to the graph's end, which needs no look: nothing failed, nothing held.

        Only the graph's own breakpoints leave no trace in what was heard.
        """
        options, graph = self._run.options, self._graph
        may_break = (
            options.break_before
            or options.break_after
            or graph.interrupt_before_nodes
            or graph.interrupt_after_nodes
        )
        if may_break or self._tracker.has_held or self._values is None:
            return None
        if plan.step not in {Step.SEND_INPUT, Step.SEND_ANSWERS, Step.GO_ON}:
            return None
        return heads.read_end(graph, self._run.thread_id, self._values)

    async def _stream_fork(self, reading: Reading | None) -> None:
        fork = self._task.delivery.fork
        assert fork is not None  # as the plan says
        if fork.from_thread_id is not None:
            assert self._copy is not None
            await self._copy(fork.from_thread_id, fork.thread_id, fork.target_id)
            if await self.read() is None:
                raise InvalidInput(rewinding.GONE)
            return
        assert reading is not None
        at = await rewinding.make_fork(self._graph, self._writing_config, fork, reading)
        if at is not None and not self._run.options.stands:
            await self._stream(None, at=at)

    async def _stream(self, graph_input: Any, *, at: CheckpointId | None = None) -> None:
        self._values = None
        config = self._config
        if at is not None:
            place = {"checkpoint_ns": "", "checkpoint_id": at}
            config = {**config, "configurable": {**config["configurable"], **place}}
        parts = self._graph.astream(
            graph_input,
            listen(config, self._tracker, store=self._graph.store),
            context=self._run.context,
            stream_mode=["values", "tasks"],  # tasks: something before every superstep
            durability="sync",
            control=self._control,
            interrupt_before=merge_breaks(
                self._run.options.break_before, self._graph.interrupt_before_nodes
            ),
            interrupt_after=merge_breaks(
                self._run.options.break_after, self._graph.interrupt_after_nodes
            ),
        )
        # Closed here: a cancellation while `put` waits would leave the graph running behind us.
        async with aclosing(cast("AsyncGenerator[Any]", parts)) as stream:
            async for kind, part in stream:
                if kind == "values":
                    self._values = part
                if self._tracker.is_full:
                    await self._put(self._tracker.take())

    async def _input_of(self, plan: Plan, reading: Reading | None) -> Any:
        if plan.step is Step.SEND_INPUT:
            return self._run.input
        if plan.step is Step.SEND_ANSWERS:
            return Command(resume=dict(plan.answers))
        if plan.step is Step.PROCEED:
            return await self._input_to_proceed(reading)
        return None

    async def _input_to_proceed(self, reading: Reading | None) -> Any:
        verb, delivery = self._task.verb or {}, self._task.delivery
        if not delivery.is_after_failure:
            return await proceeding.make_input(self._graph, verb, reading)
        return await proceeding.make_mending_input(
            self._graph, self._writing_config, verb, reading, delivery.card_checkpoint_id
        )

    async def _write_checkpoint(self, plan: Plan, reading: Reading | None) -> bool:
        """Skip or stop; what to do from there, the new head says."""
        verb = self._task.verb or {}
        return plan.step is Step.PROCEED and await proceeding.write_checkpoint(
            self._graph,
            self._writing_config,
            verb,
            reading,
            is_after_failure=self._task.delivery.is_after_failure,
        )

    @property
    def _writing_config(self) -> RunnableConfig:
        """The config of a checkpoint that no node makes."""
        return {
            "configurable": {"thread_id": self._run.thread_id},
            "metadata": dict(self._config["metadata"]),
        }

    def _find_refused(
        self, plan: Plan, reading: Reading | None, error: BaseException
    ) -> dict[str, str]:
        """Name the questions whose answer was refused, each with its reason."""
        open_sent = [
            i
            for i in (reading.head.interrupts if reading else ())
            if i.interrupt_id in plan.answers and not i.is_answered
        ]
        reasons = self._tracker.refusals
        blamed = {i.interrupt_id: reasons[i.namespace] for i in open_sent if i.namespace in reasons}
        return blamed or {i.interrupt_id: failing.message_of(error) for i in open_sent}

    def _conclude(
        self, reading: Reading | None, failure: Failure | None, error: BaseException | None
    ) -> Outcome:
        found = outcome_of(self._run.thread_id, reading, self._task.snapshot_bytes)
        if error is not None:
            failure = self._describe(error, found.snapshot.values if found.snapshot else None)
        if failure is not None:
            return replace(found, status=RunStatus.FAILED, failure=failure)
        if self._stops and found.status is RunStatus.DONE:
            return replace(found, status=RunStatus.CANCELLED, reason="stopped")
        return found

    @property
    def _stops(self) -> bool:
        fork = self._task.delivery.fork
        is_fork = fork is not None and fork.verb is RewindVerb.STOP
        return is_fork or (self._task.verb or {}).get("verb") == "stop"

    def _describe(self, error: BaseException, values: Json) -> Failure:
        node = None
        if isinstance(error, UnstorableValue):  # raised after the node that made it had ended
            node = self._tracker.find_writer(error.key_path.partition(".")[0].partition("[")[0])
        attempt = self._tracker.find_failed(error)
        return failing.describe(error, attempt=attempt, state=values, node=node)


def config_for(run: Run) -> RunnableConfig:
    """
    The config of a run; `metadata.run_id` is unique per submission (law 4).

    A context is there twice, as `context=` and for graphs that read it from `configurable`. The
    variant, where there is one, is there for the graph and, in the metadata, for its traces.
    """
    given = run.context if isinstance(run.context, dict) else {}
    readable = {key: value for key, value in given.items() if not key.startswith(INTERNAL)}
    config: RunnableConfig = {
        "configurable": {**readable, "thread_id": run.thread_id, STRICT_RESUME: True},
        "metadata": {"run_id": run.run_id, "workflow": run.workflow},
    }
    if run.variant:
        config["configurable"]["variant"] = run.variant
        config["metadata"]["variant"] = run.variant
    if run.options.recursion_limit is not None:
        config["recursion_limit"] = run.options.recursion_limit
    return config


def needs_head(delivery: Delivery) -> bool:
    """Whether the head has to be read first: a first start knows that there is none of its own."""
    return not (delivery.kind is RunKind.START and delivery.is_first)
