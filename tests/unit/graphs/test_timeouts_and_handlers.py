"""A node's own time-out and a node's own error handler, told as what they are."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import NodeError
from langgraph.graph import START, StateGraph
from langgraph.types import Command, RetryPolicy, interrupt
from typing_extensions import TypedDict

from interlock.core.graphs import overrunning
from interlock.core.graphs.heads import read_head
from interlock.core.graphs.outcomes import Outcome
from interlock.core.graphs.running import Execution, Task
from interlock.core.graphs.sqlite_savers import open_sqlite_savers
from interlock.core.graphs.traces import traces_of
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.delivery import Delivery
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
HANDLER = "fails/__error_handler__fails"
AGAIN = RetryPolicy(max_attempts=2, initial_interval=0.001, jitter=False, retry_on=Exception)

RUN = Run(
    run_id=RunId("r1"),
    thread_id=ThreadId("t"),
    workflow="w",
    kind=RunKind.START,
    status=RunStatus.RUNNING,
    input={"log": []},
    context=None,
    options=RunOptions(),
    priority=0,
    created_at=NOW,
    created_by="anna",
)


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


class Lab:
    """A graph on a real saver and what its runs recorded."""

    def __init__(self, savers: Any, graph: Any) -> None:
        self.savers = savers
        self.graph = graph.copy({"checkpointer": savers.for_run(JsonPlusSerializer())})
        self.records: list[Any] = []
        self.tracker = Tracker(RUN, now=lambda: NOW, last_seq=0)
        self.runs = 0

    async def _keep(self, records: list[Any]) -> None:
        self.records += records

    async def run(self, kind: RunKind, **given: Any) -> Outcome:
        """Carry a run of this kind out."""
        self.runs += 1
        run = replace(RUN, run_id=RunId(f"r{self.runs}"), kind=kind)
        self.tracker = Tracker(run, now=lambda: NOW, last_seq=0)
        self.records = []
        known: dict[str, Any] = {"is_first": True, "is_retry": False, "answers": {}} | given
        delivery = Delivery(
            kind=kind,
            own_run_ids=frozenset({run.run_id}),
            card_checkpoint_id=None,
            head=None,
            **known,
        )
        execution = Execution(
            self.graph,
            Task(run=run, delivery=delivery, verb=None, snapshot_bytes=100_000),
            tracker=self.tracker,
            put=self._keep,
            count_answers=self.savers.pending_resumes,
        )
        return await execution.carry_out(await execution.read())

    @property
    def ends(self) -> list[tuple[str, int, str, str | None]]:
        """Ended attempts, in the order in which they ended."""
        newest = {
            (r.task_id, r.attempt): (r.path, r.attempt, str(r.status), r.error_type)
            for r in self.records
            if isinstance(r, NodeRun) and r.status is not NodeStatus.RUNNING
        }
        return list(newest.values())


@pytest.fixture
def lab(tmp_path):
    """Make a lab for a builder."""

    @asynccontextmanager
    async def make(builder: StateGraph) -> AsyncIterator[Lab]:
        async with open_sqlite_savers(tmp_path / "checkpoints.db") as savers:
            yield Lab(savers, builder.compile())

    return make


async def stays(state: State) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


def fails(state: State) -> dict[str, Any]:
    raise ZeroDivisionError("by zero")


def one(name: str, node: Any, **options: Any) -> StateGraph:
    return StateGraph(State).add_node(name, node, **options).add_edge(START, name)


def handled(handler: Any, **options: Any) -> StateGraph:
    builder = one("fails", fails, error_handler=handler, **options)
    return builder.add_node("after", lambda _: {"log": ["after"]})


def goes_on(state: State, error: NodeError) -> Command[Any]:
    return Command(update={"log": [f"handled {error.error}"]}, goto="after")


def asks(state: State, error: NodeError) -> Command[Any]:
    return Command(update={"log": [interrupt("what now?")]}, goto="after")


async def test_an_attempt_that_ran_out_of_time_failed_and_the_failure_names_it(lab):
    async with lab(one("slow", stays, timeout=0.02, retry_policy=AGAIN)) as of:
        outcome = await of.run(RunKind.START)

    assert of.ends == [
        ("slow", 1, "error", "NodeTimeoutError"),
        ("slow", 2, "error", "NodeTimeoutError"),
    ]
    failed = [r for r in of.records if isinstance(r, NodeRun)][-1]
    assert "exceeded its run timeout of 0.020s" in (failed.error_message or "")
    assert outcome.status is RunStatus.FAILED
    assert outcome.failure is not None
    assert (outcome.failure.node, outcome.failure.attempt) == ("slow", 2)
    assert outcome.failure.type == "NodeTimeoutError"


async def test_an_attempt_after_one_that_ran_out_of_time_may_end_well(lab):
    tries = []

    async def slow_once(state: State) -> dict[str, Any]:
        tries.append(1)
        return {"log": ["done"]} if len(tries) > 1 else await stays(state)

    async with lab(one("slow", slow_once, timeout=0.05, retry_policy=AGAIN)) as of:
        outcome = await of.run(RunKind.START)

    assert outcome.status is RunStatus.DONE
    assert of.ends == [("slow", 1, "error", "NodeTimeoutError"), ("slow", 2, "ok", None)]


@pytest.mark.parametrize(
    ("names", "node", "said"),
    [(("b", "a"), None, "still working: a, b."), (("a",), "a", "still working: a.")],
)
async def test_a_superstep_out_of_time_says_so_and_who_was_still_working(lab, names, node, said):
    builder = StateGraph(State)
    for name in names:
        builder.add_node(name, stays).add_edge(START, name)
    async with lab(builder) as of:
        of.graph = of.graph.copy({"step_timeout": 0.05})
        outcome = await of.run(RunKind.START)
    assert outcome.failure is not None
    assert outcome.failure.type == "StepTimedOut"
    assert outcome.failure.message == f"The superstep took longer than 0.05 s; {said}"
    assert outcome.failure.node == node  # of several nobody is to blame alone
    assert sorted(of.ends) == [(name, 1, "error", "StepTimedOut") for name in sorted(names)]
    late = [r for r in of.records if isinstance(r, NodeRun) and r.error_type]
    assert {r.error_kind for r in late} == {"timeout"}
    assert all((r.duration_ms or 0) > 0 and r.ended_at for r in late)


def cancelled(namespace: str, *, step: int = 1, after_s: int = 0) -> NodeRun:
    task = namespace.rpartition("|")[2]
    return NodeRun(
        run_id=RUN.run_id,
        thread_id=RUN.thread_id,
        workflow="w",
        task_id=task.partition(":")[2],
        attempt=1,
        delivery=1,
        node=task.partition(":")[0],
        path="/".join(part.partition(":")[0] for part in namespace.split("|")),
        namespace=namespace,
        step=step,
        status=NodeStatus.CANCELLED,
        started_at=NOW + timedelta(seconds=after_s),
    )


def test_late_is_what_the_last_superstep_waited_for_and_the_innermost_is_named():
    before = cancelled("old:0")
    left = [cancelled("team:1|plan:2", step=2), cancelled("team:1|write:3", step=1, after_s=2)]
    team = cancelled("team:1", step=2, after_s=1)
    late = overrunning.find_late([before, *left, team])
    assert late == [left[1], team]  # `plan` was cancelled in an earlier try of its team
    error = overrunning.describe(2.0, late)
    assert str(error) == "The superstep took longer than 2 s; still working: team/write."
    assert str(overrunning.describe(2.0, [])) == "The superstep took longer than 2 s."
    many = [cancelled(f"n{number:02}:x{number}") for number in range(12)]
    assert str(overrunning.describe(2.0, many)).endswith("n08, n09 and 2 more.")


async def test_a_nodes_own_time_out_is_not_that_of_its_superstep(lab):
    def gives_up(state: State) -> dict[str, Any]:
        raise TimeoutError

    async with lab(one("n", gives_up)) as of:
        of.graph = of.graph.copy({"step_timeout": 60.0})
        outcome = await of.run(RunKind.START)
    assert outcome.failure is not None
    assert (outcome.failure.type, outcome.failure.node) == ("TimeoutError", "n")


async def test_a_time_out_inside_a_subgraph_names_the_inner_node(lab):
    inner = one("slow", stays, timeout=0.02).compile()
    async with lab(one("outer", inner)) as of:
        outcome = await of.run(RunKind.START)

    assert outcome.failure is not None
    assert outcome.failure.node == "outer/slow"
    assert ("outer/slow", 1, "error", "NodeTimeoutError") in of.ends


async def test_what_a_time_out_of_the_outer_node_cut_off_was_cancelled(lab):
    inner = one("slow", stays).compile()
    async with lab(one("outer", inner, timeout=0.05)) as of:
        outcome = await of.run(RunKind.START)

    assert outcome.failure is not None
    assert outcome.failure.node == "outer"
    assert sorted(of.ends) == [
        ("outer", 1, "error", "NodeTimeoutError"),
        ("outer/slow", 1, "cancelled", None),
    ]


async def test_attempts_that_failed_and_their_handlers_work_are_both_recorded(lab):
    async with lab(handled(goes_on, retry_policy=AGAIN)) as of:
        outcome = await of.run(RunKind.START)

    assert outcome.status is RunStatus.DONE
    assert of.ends == [
        ("fails", 1, "error", "ZeroDivisionError"),
        ("fails", 2, "error", "ZeroDivisionError"),
        (HANDLER, 1, "ok", None),
        ("after", 1, "ok", None),
    ]
    assert of.tracker.step_nodes == {1: ["fails"], 2: ["after"]}


async def test_a_handler_that_fails_is_what_the_failure_names(lab):
    def breaks(state: State, error: NodeError) -> Command[Any]:
        raise KeyError("handler")

    async with lab(handled(breaks)) as of:
        outcome = await of.run(RunKind.START)

    assert outcome.status is RunStatus.FAILED
    assert outcome.failure is not None
    assert (outcome.failure.type, outcome.failure.node) == ("KeyError", HANDLER)


async def test_a_handler_may_ask_a_human_and_its_answer_goes_on(lab):
    async with lab(handled(asks)) as of:
        waiting = await of.run(RunKind.START)
        assert waiting.head is not None
        (asked,) = waiting.head.interrupts
        config: Any = {"configurable": {"thread_id": "t"}}
        reading = await read_head(of.graph, config, RunOptions(), of.savers.pending_resumes)
        done = await of.run(RunKind.RESUME, answers={asked.interrupt_id: "go on"})

    assert reading is not None
    assert [(t.node, str(t.status), t.error) for t in traces_of(reading.state)] == [
        ("fails", "error", "ZeroDivisionError('by zero')"),
        # Of LangGraph's own nodes no record is made.
        (HANDLER.partition("/")[2], "interrupted", None),
    ]
    assert waiting.status is RunStatus.WAITING
    assert (asked.value, asked.node, asked.is_answered) == ("what now?", HANDLER, False)
    assert waiting.head.next == ("fails",)
    assert done.status is RunStatus.DONE
    assert done.snapshot is not None
    assert done.snapshot.values == {"log": ["go on", "after"]}


async def test_a_handler_that_asks_inside_a_subgraph_is_named_by_its_path(lab):
    async with lab(one("outer", handled(asks).compile())) as of:
        waiting = await of.run(RunKind.START)
        assert waiting.head is not None
        (asked,) = waiting.head.interrupts
        done = await of.run(RunKind.RESUME, answers={asked.interrupt_id: "go on"})

    assert asked.node == f"outer/{HANDLER}"
    assert (waiting.status, done.status) == (RunStatus.WAITING, RunStatus.DONE)


async def test_a_run_whose_worker_stopped_in_a_handler_goes_on_with_it(lab):
    begun = asyncio.Event()

    async def stays_once(state: State, error: NodeError) -> Command[Any]:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return goes_on(state, error)

    async with lab(handled(stays_once)) as of:
        first = asyncio.create_task(of.run(RunKind.START))
        await begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        of.runs = 0  # the same run is delivered again
        done = await of.run(RunKind.START, is_first=False)

    assert done.status is RunStatus.DONE, done.failure
    assert done.snapshot is not None
    assert done.snapshot.values == {"log": ["handled ZeroDivisionError('by zero')", "after"]}
