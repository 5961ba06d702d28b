"""Policies around the nodes of real graphs: tries, time limits, guards, fallbacks, tools."""

from __future__ import annotations

import asyncio
import importlib
import operator
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeTimeoutError
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from langgraph.runtime import Runtime, get_runtime
from langgraph.types import Command, RetryPolicy, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from interlock.core.errors import BreakerOpen, InvalidInput
from interlock.core.graphs.falling_back import order_fallback
from interlock.core.graphs.guarding import Call, Hooks, Place
from interlock.core.graphs.listening import listen
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.supervising import asks_on_failure, list_paths, supervise
from interlock.core.graphs.supervising_attempts import Supervision
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.policies import WorkflowPolicy
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
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
    variant="b",
)
AT_ONCE = {"attempts": 3, "initial_s": 0, "jitter_s": 0, "on": "any"}


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    note: str


class Watched:
    """A graph under a policy, and what a tracker recorded of it."""

    def __init__(self, graph: Any, policy: dict[str, Any], hooks: Hooks | None = None) -> None:
        self.user_graph = graph.compile() if isinstance(graph, StateGraph) else graph
        self.policy = WorkflowPolicy.model_validate(policy)
        self.hooks = hooks or Hooks()
        self.saver = InMemorySaver()
        self.records: list[Any] = []
        self.tracker = Tracker(RUN, now=lambda: NOW, last_seq=0)

    def prepare(self) -> Any:
        """The graph as a worker runs it."""
        supervision = Supervision(
            run=RUN,
            policy=self.policy,
            notes=self.tracker.notes,
            hooks=self.hooks,
            now=lambda: NOW,
        )
        return prepare(
            self.user_graph,
            checkpointer=self.saver,
            store=None,
            name="w",
            supervised=supervise(self.user_graph, supervision),
        )

    async def run(self, given: Any) -> Any:
        """Run it; its error is raised. The records are of this run alone."""
        self.tracker = Tracker(RUN, now=lambda: NOW, last_seq=0)
        self.records = []
        config: Any = {
            "configurable": {
                "thread_id": "t",
                "__pregel_timed_attempt_observer": self.tracker.on_timed_attempt,
            }
        }
        status = NodeStatus.OK
        try:
            return await self.prepare().ainvoke(given, listen(config, self.tracker, store=None))
        except BaseException:
            status = NodeStatus.CANCELLED
            raise
        finally:
            self.tracker.close(status)
            self.records = self.tracker.take()

    @property
    def nodes(self) -> list[NodeRun]:
        """The newest records of ended attempts, in the order in which they ended."""
        newest = {
            (r.task_id, r.attempt): r
            for r in self.records
            if isinstance(r, NodeRun) and r.status is not NodeStatus.RUNNING
        }
        return list(newest.values())

    @property
    def ends(self) -> list[tuple[str, int, str]]:
        """Path, attempt and status of each."""
        return [(n.path, n.attempt, str(n.status)) for n in self.nodes]

    @property
    def warnings(self) -> list[str]:
        """What the run's log warns of."""
        return [
            r.data["text"]  # type: ignore[index]
            for r in self.records
            if isinstance(r, RunEvent) and r.kind == "warning"
        ]


class Flaky:
    """Fails as often as it is told, sync or async."""

    def __init__(self, *errors: BaseException) -> None:
        self.left = list(errors)
        self.calls = 0

    def __call__(self, state: State) -> Any:
        self.calls += 1
        if self.left:
            raise self.left.pop(0)
        return {"log": [f"call {self.calls}"], "note": f"call {self.calls}"}

    async def later(self, state: State) -> Any:
        """The same, async."""
        return self(state)

    def as_command(self, state: State) -> Any:
        """The same, as a Command."""
        return Command(update=self(state), goto="after")


def one(node: Any, *, name: str = "n", **options: Any) -> StateGraph:
    """A graph of one node."""
    builder = StateGraph(State)
    builder.add_node(name, node, **options)
    builder.add_edge(START, name)
    return builder


def policy_of(name: str = "n", **policy: Any) -> dict[str, Any]:
    return {"node": {name: policy}}


# -- tries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async", "runnable"])
async def test_a_failing_node_is_tried_again_and_each_try_is_recorded(kind):
    flaky = Flaky(ConnectionError("1"), TimeoutError("2"))
    node = {"sync": flaky, "async": flaky.later, "runnable": RunnableLambda(flaky.later)}[kind]
    watched = Watched(one(node), policy_of(retry=AT_ONCE))

    result = await watched.run({"log": []})

    assert result["log"] == ["call 3"]
    assert watched.ends == [("n", 1, "error"), ("n", 2, "error"), ("n", 3, "ok")]
    assert [n.error_kind for n in watched.nodes] == ["network", "timeout", None]
    assert [n.is_final for n in watched.nodes] == [False, False, True]
    assert [n.retry_wait_ms for n in watched.nodes] == [None, 0.0, 0.0]
    assert {(n.variant, n.ended_at) for n in watched.nodes} == {("b", NOW)}


async def test_a_node_that_returns_a_command_a_subgraphs_node_and_an_entrypoint_are_tried_again():
    inner = Flaky(ConnectionError())
    outer = Flaky(ConnectionError())
    builder = one(outer.as_command)
    builder.add_node("after", one(inner, name="deep").compile())
    watched = Watched(
        builder, {"node": {"n": {"retry": AT_ONCE}, "after/deep": {"retry": AT_ONCE}}}
    )
    assert (await watched.run({"log": []}))["note"] == "call 2"
    assert watched.ends == [
        ("n", 1, "error"),
        ("n", 2, "ok"),
        ("after/deep", 1, "error"),
        ("after/deep", 2, "ok"),
        ("after", 1, "ok"),
    ]

    calls = []

    @task
    def double(value: int) -> int:
        return 2 * value

    @entrypoint()
    async def program(value: int) -> int:
        calls.append(await double(value))
        if len(calls) < 2:
            raise ConnectionError
        return calls[-1]

    watched = Watched(program, {"node": {"program": {"retry": AT_ONCE}}})
    assert await watched.run(3) == 6
    assert calls == [6, 6]


async def test_what_will_not_pass_by_itself_is_not_tried_again():
    flaky = Flaky(PermissionError("no"))
    watched = Watched(one(flaky), policy_of(retry={"initial_s": 0, "jitter_s": 0}))
    with pytest.raises(PermissionError) as raised:
        await watched.run({"log": []})

    assert watched.ends == [("n", 1, "error")]
    assert watched.nodes[0].error_kind == "authentication"
    assert len(raised.value.__notes__) == 1  # LangGraph's own, once
    assert watched.tracker.find_failed(raised.value) == watched.nodes[0]


async def test_a_class_that_a_policy_names_permanent_is_of_that_kind():
    flaky = Flaky(ConnectionError("gone for good"))
    retry = {"permanent": ["ConnectionError"], "initial_s": 0}
    watched = Watched(one(flaky), policy_of(retry=retry))
    with pytest.raises(ConnectionError):
        await watched.run({"log": []})
    assert [(n.error_kind, n.is_final) for n in watched.nodes] == [("business", True)]


async def test_what_an_attempt_wrote_before_it_failed_is_forgotten_and_it_knows_its_number():
    seen = []

    async def node(state: State, runtime: Runtime[Any]) -> Any:
        info = get_runtime().execution_info
        seen.append((runtime.execution_info.node_attempt, info.node_attempt))
        if len(seen) < 3:
            raise ConnectionError
        return {"log": ["done"]}

    watched = Watched(one(node), policy_of(retry=AT_ONCE))
    assert (await watched.run({"log": []}))["log"] == ["done"]
    assert seen == [(1, 1), (2, 2), (3, 3)]


async def test_an_interrupt_is_not_tried_again_and_an_approved_action_that_fails_asks_nobody_again():
    flaky = Flaky(ConnectionError("once"))

    def node(state: State) -> Any:
        answer = interrupt("may I?")
        return {**flaky(state), "note": answer}

    watched = Watched(one(node), policy_of(retry=AT_ONCE))
    held = await watched.run({"log": []})
    assert len(held["__interrupt__"]) == 1
    assert (watched.ends, flaky.calls) == ([("n", 1, "interrupted")], 0)

    done = await watched.run(Command(resume="yes"))
    assert (done["log"], done["note"]) == (["call 2"], "yes")
    assert "__interrupt__" not in done
    assert watched.ends == [("n", 1, "error"), ("n", 2, "ok")]


async def test_a_cancelled_node_is_not_tried_again():
    started, calls = asyncio.Event(), []

    async def node(state: State) -> Any:
        calls.append(1)
        started.set()
        await asyncio.Event().wait()

    watched = Watched(one(node), policy_of(retry=AT_ONCE))
    running = asyncio.create_task(watched.run({"log": []}))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (len(calls), watched.ends) == (1, [("n", 1, "cancelled")])


async def test_without_a_retry_of_its_policy_the_nodes_own_holds():
    own = RetryPolicy(max_attempts=2, initial_interval=0, jitter=False, retry_on=KeyError)
    watched = Watched(one(Flaky(KeyError("a")), retry_policy=own), policy_of(timeout={"run_s": 60}))
    assert (await watched.run({"log": []}))["log"] == ["call 2"]

    watched = Watched(one(Flaky(IndexError()), retry_policy=own), policy_of(timeout={"run_s": 60}))
    with pytest.raises(IndexError):
        await watched.run({"log": []})
    assert watched.ends == [("n", 1, "error")]


async def test_a_node_without_a_policy_is_the_very_same_and_the_users_graph_is_left_alone():
    builder = one(Flaky())
    builder.add_node("other", Flaky())
    watched = Watched(builder, policy_of(retry=AT_ONCE))
    before = {name: dict(vars(node)) for name, node in watched.user_graph.nodes.items()}

    prepared = watched.prepare()

    assert prepared.nodes["other"] is watched.user_graph.nodes["other"]
    assert prepared.nodes["n"] is not watched.user_graph.nodes["n"]
    assert prepared.nodes["n"].bound is watched.user_graph.nodes["n"].bound
    assert {n: dict(vars(node)) for n, node in watched.user_graph.nodes.items()} == before


def test_an_empty_policy_changes_nothing():
    graph = one(Flaky()).compile()
    nothing = Supervision(run=RUN, policy=WorkflowPolicy())
    assert supervise(graph, nothing) == {}
    elsewhere = WorkflowPolicy.model_validate(policy_of("n", side_effects=True))
    assert supervise(graph, replace(nothing, policy=elsewhere)) == {}
    limited = WorkflowPolicy(step_s=5)
    assert supervise(graph, replace(nothing, policy=limited)) == {"step_timeout": 5}


async def test_the_default_is_for_the_nodes_that_work_not_for_the_graphs_around_them():
    deep = Flaky(*[ConnectionError() for _ in range(9)])
    builder = one(one(deep, name="deep").compile(), name="team")
    watched = Watched(builder, {"default": {"retry": {**AT_ONCE, "attempts": 2}}})
    with pytest.raises(ConnectionError):
        await watched.run({"log": []})
    assert watched.ends == [
        ("team/deep", 1, "error"),
        ("team/deep", 2, "error"),
        ("team", 1, "error"),
    ]


async def test_a_graph_that_is_streamed_by_its_parts_is_supervised_too():
    watched = Watched(one(Flaky(ConnectionError()).later), policy_of(retry=AT_ONCE))
    graph = watched.prepare()
    config: Any = {"configurable": {"thread_id": "t"}}
    parts = [part async for part in graph.astream_events({"log": []}, config, version="v2")]
    assert parts[-1]["data"]["output"]["log"] == ["call 2"]
    with pytest.raises(TypeError, match="event loop"):
        graph.invoke({"log": []}, {"configurable": {"thread_id": "u"}})


# -- time limits -----------------------------------------------------------------------------


async def test_an_async_node_out_of_time_is_tried_again_with_a_longer_limit():
    limits = []

    async def node(state: State) -> Any:
        limits.append(1)
        if len(limits) < 2:
            await asyncio.Event().wait()
        return {"log": ["in time"]}

    policy = policy_of(timeout={"run_s": 0.2}, retry={**AT_ONCE, "longer": 100})
    watched = Watched(one(node), policy)
    assert (await watched.run({"log": []}))["log"] == ["in time"]
    assert watched.ends == [("n", 1, "error"), ("n", 2, "ok")]
    first = watched.nodes[0]
    assert (first.error_type, first.error_kind) == ("NodeTimeoutError", "timeout")
    assert (first.is_final, watched.warnings) == (False, [])


async def test_a_sync_nodes_thread_goes_on_after_its_time_and_that_is_said():
    leave, left = threading.Event(), threading.Event()

    def node(state: State) -> Any:
        leave.wait(30)
        left.set()
        return {"log": ["too late"]}

    watched = Watched(one(node), policy_of(timeout={"run_s": 0.02}))
    try:
        with pytest.raises(NodeTimeoutError):
            await watched.run({"log": []})
        assert not left.is_set()
    finally:
        leave.set()
    assert await asyncio.to_thread(left.wait, 30)
    assert watched.warnings == [
        "Out of time; its thread cannot be stopped and may still be working, unheard."
    ]
    state = await watched.prepare().aget_state({"configurable": {"thread_id": "t"}})
    assert state.values["log"] == []


async def test_a_sync_node_with_side_effects_is_not_started_beside_its_own_thread():
    leave, calls = threading.Event(), []

    def node(state: State) -> Any:
        calls.append(1)
        leave.wait(30)

    policy = policy_of(timeout={"run_s": 0.02}, retry=AT_ONCE, side_effects=True)
    try:
        with pytest.raises(NodeTimeoutError):
            await Watched(one(node), policy).run({"log": []})
    finally:
        leave.set()
    assert len(calls) == 1


async def test_a_step_has_a_budget():
    async def node(state: State) -> Any:
        await asyncio.Event().wait()

    watched = Watched(one(node), {"step_s": 0.02})
    with pytest.raises(TimeoutError):
        await watched.run({"log": []})
    assert watched.ends == [("n", 1, "cancelled")]


# -- guards ----------------------------------------------------------------------------------


class Gate:
    """A guard that lets through as many calls as it is told."""

    def __init__(self, passes: int = 0, *, tool: str = "") -> None:
        self.passes = passes
        self.tool = tool
        self.seen: list[Any] = []
        self.calls: list[Call] = []

    def covers(self, place: Place) -> bool:
        return place.policy.breaker is not None and place.tool == self.tool

    @asynccontextmanager
    async def around_async(self, call: Call) -> AsyncIterator[None]:
        self.calls.append(call)
        if not self.passes:
            raise BreakerOpen("payments is open.", name="payments", retry_at=NOW)
        self.passes -= 1
        try:
            yield
        except BaseException as exc:
            self.seen.append(type(exc).__name__)
            raise
        self.seen.append("ok")


async def test_what_a_guard_refuses_does_not_run_and_is_not_tried_again():
    flaky, gate = Flaky(ConnectionError()), Gate(passes=1)
    watched = Watched(one(flaky), policy_of(breaker={}, retry=AT_ONCE), Hooks(guards=(gate,)))
    with pytest.raises(BreakerOpen) as raised:
        await watched.run({"log": []})

    assert (flaky.calls, gate.seen) == (1, ["ConnectionError"])
    assert watched.ends == [("n", 1, "error"), ("n", 2, "short_circuited")]
    refused = watched.nodes[1]
    assert (refused.error_type, refused.error_kind) == ("BreakerOpen", "refused")
    assert refused.error_message == "payments is open."
    assert watched.tracker.find_failed(raised.value) == refused
    call = gate.calls[1]
    assert (call.attempt, call.place.path, call.place.node, call.run) == (2, "n", "n", RUN)
    assert call.task_id == refused.task_id


async def test_a_guard_sees_a_time_out_as_one_and_an_interrupt_as_what_it_is():
    async def slow(state: State) -> Any:
        await asyncio.Event().wait()

    gate = Gate(passes=1)
    watched = Watched(
        one(slow), policy_of(breaker={}, timeout={"run_s": 0.02}), Hooks(guards=(gate,))
    )
    with pytest.raises(NodeTimeoutError):
        await watched.run({"log": []})
    assert gate.seen == ["NodeTimeoutError"]

    gate = Gate(passes=1)
    asking = one(lambda _: {"log": [interrupt("?")]})
    await Watched(asking, policy_of(breaker={}), Hooks(guards=(gate,))).run({"log": []})
    assert gate.seen == ["GraphInterrupt"]


# -- fallbacks -------------------------------------------------------------------------------


async def test_a_fallback_serves_after_the_last_try_and_the_run_is_degraded():
    builder = one(Flaky(ConnectionError(), ConnectionError()))
    builder.add_node("spare", lambda _: {"log": ["spare"]})
    builder.add_node("after", lambda _: {"log": ["after"]})
    builder.add_edge("n", "after")
    policy = policy_of(retry={**AT_ONCE, "attempts": 2}, fallback=[{"node": "spare"}])
    watched = Watched(builder, policy)

    assert (await watched.run({"log": []}))["log"] == ["spare", "after"]
    assert watched.ends == [
        ("n", 1, "error"),
        ("n", 2, "error"),
        ("n", 3, "ok"),
        ("after", 1, "ok"),
    ]
    assert [n.origin for n in watched.nodes] == [None, None, "fallback:spare", None]
    assert [n.is_final for n in watched.nodes] == [False, False, True, True]
    assert watched.tracker.notes.is_degraded


async def test_a_refused_call_falls_back_to_a_value_when_the_other_node_fails():
    def broken(state: State) -> Any:
        raise KeyError("also broken")

    builder = one(Flaky())
    builder.add_node("spare", broken)
    chain = [{"node": "spare"}, {"value": {"log": ["a value"]}}]
    policy = policy_of(breaker={}, fallback=chain)
    watched = Watched(builder, policy, Hooks(guards=(Gate(),)))

    assert (await watched.run({"log": []}))["log"] == ["a value"]
    assert watched.ends == [("n", 1, "short_circuited"), ("n", 2, "error"), ("n", 3, "ok")]
    assert watched.nodes[2].origin == 'fallback:{"log": ["a value"]}'
    assert watched.policy.node["n"].fallback[1].value == {"log": ["a value"]}


async def test_when_all_fail_the_first_error_is_kept_with_the_rest_attached():
    def broken(state: State) -> Any:
        raise KeyError("also broken")

    builder = one(Flaky(ConnectionError("the first")))
    builder.add_node("spare", broken)
    watched = Watched(builder, policy_of(fallback=[{"node": "spare"}, {"node": "missing"}]))
    with pytest.raises(ConnectionError, match="the first") as raised:
        await watched.run({"log": []})

    assert "The fallback spare failed, too: KeyError: 'also broken'" in raised.value.__notes__
    failed = watched.tracker.find_failed(raised.value)
    assert (failed.attempt, failed.error_type) == (1, "ConnectionError")
    assert not watched.tracker.notes.is_degraded


async def test_a_fallback_may_jump_and_takes_its_input_in_its_own_shape():
    class Shaped(BaseModel):
        note: str = ""

    def shaped(given: Shaped) -> Any:
        return Command(update={"log": [type(given).__name__, given.note]}, goto="after")

    builder = one(Flaky(ConnectionError()))
    builder.add_node("spare", shaped, input_schema=Shaped)
    builder.add_node("after", lambda _: {"log": ["after"]})
    watched = Watched(builder, policy_of(fallback=[{"node": "spare"}]))
    assert (await watched.run({"log": [], "note": "x"}))["log"] == ["Shaped", "x", "after"]
    assert watched.tracker.notes.is_degraded


class Door(Gate):
    """A guard of one node alone."""

    def __init__(self, node: str, passes: int = 0) -> None:
        super().__init__(passes)
        self.node = node

    def covers(self, place: Place) -> bool:
        return super().covers(place) and place.node == self.node


async def test_a_fallback_runs_under_its_own_guards_and_the_next_serves_where_one_refuses():
    def broken(state: State) -> Any:
        raise KeyError("also broken")

    builder = one(Flaky(ConnectionError(), ConnectionError()))
    builder.add_node("spare", broken)
    chain = [{"node": "spare"}, {"value": {"log": ["a value"]}}]
    own = {"n": {"fallback": chain}, "spare": {"breaker": {}, "retry": AT_ONCE}}
    door = Door("spare", passes=1)
    watched = Watched(builder, {"node": own}, Hooks(guards=(door,)))

    assert (await watched.run({"log": []}))["log"] == ["a value"]
    assert door.seen == ["KeyError"]  # one try: its retry is for itself
    assert [(c.place.path, c.attempt) for c in door.calls] == [("spare", 2)]
    watched.saver = InMemorySaver()
    assert (await watched.run({"log": []}))["log"] == ["a value"]
    assert watched.ends == [("n", 1, "error"), ("n", 2, "short_circuited"), ("n", 3, "ok")]
    refused = watched.nodes[1]
    assert (refused.origin, refused.error_message) == ("fallback:spare", "payments is open.")


@pytest.mark.parametrize("limit", ["policy", "own"])
async def test_a_fallback_has_the_time_that_its_own_policy_or_its_graph_gives_it(limit):
    async def slow(state: State) -> Any:
        await asyncio.Event().wait()

    builder = one(Flaky(ConnectionError()))
    builder.add_node("spare", slow, timeout=0.02 if limit == "own" else None)
    chain = [{"node": "spare"}, {"value": {"log": ["a value"]}}]
    own = {} if limit == "own" else {"spare": {"timeout": {"run_s": 0.02}}}
    watched = Watched(builder, {"node": {"n": {"fallback": chain}, **own}})

    assert (await watched.run({"log": []}))["log"] == ["a value"]
    late = watched.nodes[1]
    assert (late.origin, late.error_kind) == ("fallback:spare", "timeout")
    assert "spare" in late.error_message


async def test_what_is_within_a_fallback_is_under_its_own_policies_too():
    tries = Flaky(ConnectionError(), ConnectionError())
    team = one(tries, name="writer").compile()
    inner = StateGraph(State)
    inner.add_node("n", Flaky(ConnectionError()))
    inner.add_node("team", team)
    inner.add_edge(START, "n")
    outer = one(inner.compile(), name="around")
    policy = {
        "around/n": {"fallback": [{"node": "team"}]},
        "around/team/writer": {"retry": AT_ONCE},
    }
    watched = Watched(outer, {"node": policy})

    assert (await watched.run({"log": []}))["log"] == ["call 3"]


@pytest.mark.parametrize("kind", ["function", "subgraph"])
async def test_a_fallback_that_asks_a_human_is_refused_and_the_next_one_serves(kind):
    async def ask(state: State) -> Any:
        return {"log": [interrupt("the spare's question")]}

    builder = one(Flaky(ConnectionError("down")))
    builder.add_node("spare", ask if kind == "function" else one(ask, name="deep").compile())
    chain = [{"node": "spare"}, {"value": {"log": ["a value"]}}]
    watched = Watched(builder, policy_of(fallback=chain))
    result = await watched.run({"log": []})
    assert (result["log"], result.get("__interrupt__")) == (["a value"], None)
    refused = next(n for n in watched.nodes if n.error_type == "FallbackAsked")
    assert (refused.path, str(refused.status), refused.error_kind) == ("n", "error", "business")

    watched = Watched(builder, policy_of(fallback=chain[:1]))
    with pytest.raises(ConnectionError, match="down") as raised:
        builder.nodes["n"].runnable.func.left.append(ConnectionError("down"))
        await watched.run({"log": []})
    assert "The node spare asked a human" in "".join(raised.value.__notes__)


async def test_an_answer_to_a_node_is_not_taken_for_one_to_its_fallback():
    def node(state: State) -> Any:
        raise ConnectionError(interrupt("pay 1000?"))

    builder = one(node)
    builder.add_node("spare", lambda _: {"log": [interrupt("delete the account?")]})
    chain = [{"node": "spare"}, {"value": {"log": ["nothing was deleted"]}}]
    for by_id in (True, False):
        watched = Watched(builder, policy_of(fallback=chain))
        held = await watched.run({"log": []})
        (asked,) = held["__interrupt__"]
        assert asked.value == "pay 1000?"
        result = await watched.run(Command(resume={asked.id: "yes"} if by_id else "yes"))
        assert (result["log"], "__interrupt__" in result) == (["nothing was deleted"], False)


# -- tools -----------------------------------------------------------------------------------


class Chat(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]


def calls(*names: str) -> dict[str, Any]:
    tool_calls = [{"name": name, "args": {"what": name}, "id": f"id-{name}"} for name in names]
    return {"messages": [AIMessage(content="", tool_calls=tool_calls)]}


def tools_graph(*tools: Any, **options: Any) -> StateGraph:
    builder = StateGraph(Chat)
    builder.add_node("tools", ToolNode([*tools], **options))
    builder.add_edge(START, "tools")
    return builder


@tool
async def look(what: str) -> str:
    """Look something up."""
    return f"found {what}"


@tool
def pay(what: str) -> str:
    """Pay for something."""
    return f"paid {what}"


async def test_a_tool_that_is_cut_off_is_told_to_the_agent_and_the_others_work():
    gate = Gate(tool="pay")
    policy = {"node": {"tools": {"tool": {"pay": {"breaker": {}}}}}}
    watched = Watched(tools_graph(look, pay), policy, Hooks(guards=(gate,)))
    result = await watched.run(calls("look", "pay"))

    looked, paid = result["messages"][1:]
    assert (looked.content, looked.status) == ("found look", "success")
    assert paid.status == "error"
    assert "The tool pay is unavailable until 09:30:00 UTC" in paid.content
    assert paid.tool_call_id == "id-pay"
    assert (gate.calls[0].place.tool, gate.calls[0].arguments) == ("pay", {"what": "pay"})
    assert watched.warnings == ["The tool pay was not called: payments is open."]
    assert watched.ends == [("tools", 1, "ok")]


async def test_a_tool_that_no_sandbox_can_hold_does_not_run_outside_of_one():
    @tool
    async def inner(what: str) -> str:
        """Within a function, where no other process finds it."""
        return f"ran {what}"

    policy = {"node": {"tools": {"tool": {"inner": {"sandbox": {}}}}}}
    watched = Watched(tools_graph(inner), policy, Hooks())
    result = await watched.run(calls("inner"))

    assert result["messages"][-1].status == "error"
    assert "cannot run in a sandbox" in result["messages"][-1].content


async def test_an_agent_is_told_what_stopped_its_tool(tmp_path, monkeypatch):
    path = tmp_path / "endless_tools.py"
    path.write_text("def endless(what: str) -> str:\n    while True:\n        pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    endless = StructuredTool.from_function(
        importlib.import_module("endless_tools").endless, description="It does not end."
    )
    policy = {"node": {"tools": {"tool": {"endless": {"sandbox": {"wall_s": 0.3}}}}}}
    watched = Watched(tools_graph(endless, look), policy, Hooks())
    result = await watched.run(calls("endless", "look"))

    stopped, looked = result["messages"][1:]
    assert (stopped.status, stopped.tool_call_id) == ("error", "id-endless")
    assert stopped.content == "The tool endless was stopped: It took longer than 0.3 s."
    assert looked.content == "found look"
    assert watched.warnings == [stopped.content]


async def test_a_guard_sees_a_tools_error_before_a_message_is_made_of_it():
    @tool
    async def breaks(what: str) -> str:
        """Break."""
        raise ConnectionError("down")

    gate = Gate(passes=2, tool="breaks")
    policy = {"node": {"tools": {"tool": {"breaks": {"breaker": {}}}}}}
    graph = tools_graph(breaks, handle_tool_errors=True)
    watched = Watched(graph, policy, Hooks(guards=(gate,)))
    result = await watched.run(calls("breaks"))
    assert "down" in result["messages"][-1].content
    assert gate.seen == ["ConnectionError"]


async def test_a_hook_answers_in_a_tools_place_and_the_answer_is_to_the_present_call():
    class Shelf:
        def __init__(self) -> None:
            self.kept: Any = None

        def covers(self, place: Place) -> bool:
            return place.tool == "look"

        async def call_async(self, call: Call, proceed: Any) -> Any:
            if self.kept is None:
                self.kept = (await proceed()).model_copy(update={"tool_call_id": "old"})
            return self.kept

    shelf = Shelf()
    watched = Watched(tools_graph(look), policy_of("tools"), Hooks(tools=(shelf,)))
    first = await watched.run(calls("look"))
    second = await watched.run(calls("look"))
    assert [m.content for m in second["messages"] if isinstance(m, ToolMessage)] == [
        "found look"
    ] * 2
    assert {m.tool_call_id for m in first["messages"][1:]} == {"id-look"}
    assert {m.tool_call_id for m in second["messages"] if isinstance(m, ToolMessage)} == {"id-look"}


async def test_a_tool_has_a_time_limit_and_its_own_time_outs_are_its_own():
    @tool
    async def slow(what: str) -> str:
        """Take for ever."""
        await asyncio.Event().wait()
        return ""

    policy = {"node": {"tools": {"tool": {"slow": {"timeout": {"run_s": 0.02}}}}}}
    with pytest.raises(TimeoutError, match=r"slow took longer than 0\.02 s"):
        await Watched(tools_graph(slow), policy).run(calls("slow"))

    @tool
    async def gives_up(what: str) -> str:
        """Give up."""
        raise TimeoutError("theirs")

    policy = {"node": {"tools": {"tool": {"gives_up": {"timeout": {"run_s": 60}}}}}}
    with pytest.raises(TimeoutError, match="theirs"):
        await Watched(tools_graph(gives_up), policy).run(calls("gives_up"))


async def test_an_unknown_tool_is_answered_by_the_tool_node_itself():
    policy = {"node": {"tools": {"tool": {"look": {"timeout": {"run_s": 60}}}}}}
    result = await Watched(tools_graph(look), policy).run(calls("nothing"))
    assert "not a valid tool" in result["messages"][-1].content


# -- what a policy may name -------------------------------------------------------------------


def test_paths_of_nested_nodes_are_listed():
    builder = one(one(Flaky(), name="deep").compile(), name="team")
    builder.add_node("alone", Flaky())
    assert list_paths(builder.compile()) == ("team", "team/deep", "alone")


def test_a_human_is_asked_where_the_node_a_graph_around_it_or_the_workflow_says_so():
    ask = {"on_failure": "ask"}
    policy = WorkflowPolicy.model_validate({"node": {"team": ask, "n": {}}})
    found = {p: asks_on_failure(policy, p) for p in ("team", "team/deep", "n", "other", None)}
    assert found == {"team": True, "team/deep": True, "n": False, "other": False, None: False}
    policy = WorkflowPolicy.model_validate({"node": {"n": {}}, "default": ask})
    assert [asks_on_failure(policy, p) for p in ("n", "other")] == [False, True]
    assert asks_on_failure(WorkflowPolicy.model_validate(ask), "n")


async def test_a_fallback_that_a_human_wants_serves_a_failed_task_inside_a_subgraph():
    calls: list[Any] = []

    async def pay(state: State) -> Any:
        calls.append(state["note"])
        raise ValueError("no funds")

    inner = StateGraph(State)
    inner.add_node("pay", pay)
    inner.add_edge(START, "pay")
    graph = StateGraph(State)
    graph.add_node("team", inner.compile())
    graph.add_edge(START, "team")
    own = {"on_failure": "ask", "fallback": [{"value": {"log": ["on credit"]}}]}
    watched = Watched(graph, {"node": {"team/pay": own}})
    config: Any = {"configurable": {"thread_id": "t"}}
    with pytest.raises(ValueError, match="no funds"):
        await watched.run({"log": [], "note": "a"})

    ready = watched.prepare()
    await order_fallback(ready, config, "team/pay")
    result = await ready.ainvoke(None, listen(config, watched.tracker, store=None))

    assert (calls, result["log"]) == (["a"], ["on credit"])
    assert watched.tracker.notes.is_degraded
    watched.policy = WorkflowPolicy()
    for path in ("team/pay", "team", "nowhere", "team/nobody"):
        with pytest.raises(InvalidInput, match="no fallback any more"):
            await order_fallback(watched.prepare(), config, path)


async def test_when_a_wanted_fallback_fails_its_own_error_is_told_with_the_others():
    async def bad(_: State) -> Any:
        raise ValueError("bad")

    graph = StateGraph(State)
    for name in ("node", "second", "third"):
        graph.add_node(name, bad)
    graph.add_edge(START, "node")
    own = {"on_failure": "ask", "fallback": [{"node": "second"}, {"node": "third"}]}
    watched = Watched(graph, {"node": {"node": own}})
    config: Any = {"configurable": {"thread_id": "t"}}
    with pytest.raises(ValueError, match="bad"):
        await watched.run({"log": [], "note": ""})
    ready = watched.prepare()
    await order_fallback(ready, config, "node")
    with pytest.raises(ValueError, match="bad") as told:
        await ready.ainvoke(None, listen(config, watched.tracker, store=None))
    assert "The fallback third failed, too: ValueError: bad" in told.value.__notes__
