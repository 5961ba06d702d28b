"""Watching real graphs: one record an attempt, an ordered log, and what did not run told apart."""

from __future__ import annotations

import asyncio
import operator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import CachePolicy, Command, RetryPolicy, interrupt
from typing_extensions import TypedDict

from interlock.core.graphs import tracking
from interlock.core.graphs.listening import listen
from interlock.core.graphs.namespaces import path_of
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


class Chat(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]


RUN = Run(
    run_id=RunId("r1"),
    thread_id=ThreadId("t"),
    workflow="w",
    kind=RunKind.START,
    status=RunStatus.RUNNING,
    input={},
    context=None,
    options=RunOptions(),
    priority=0,
    created_at=NOW,
    created_by="anna",
    deliveries=2,
)


class Watched:
    """A graph, and the tracker of its last run."""

    def __init__(self, built: Any, **options: Any) -> None:
        self.graph = built.compile(**options) if isinstance(built, StateGraph) else built
        self.graph.checkpointer = InMemorySaver()
        self.tracker = self.fresh()
        self.records: list[Any] = []

    def fresh(self, last_seq: int = 0) -> Tracker:
        self.tracker = Tracker(RUN, now=lambda: NOW, last_seq=last_seq)
        self.records = []
        return self.tracker

    async def run(self, value: Any, **options: Any) -> BaseException | None:
        config = {"configurable": {"thread_id": "t"}, **options}
        error = None
        try:
            await self.graph.ainvoke(value, listen(config, self.tracker, store=None))
        except Exception as exc:
            error = exc
        self.tracker.close(NodeStatus.OK if error is None else NodeStatus.CANCELLED)
        self.records += self.tracker.take()
        return error

    @property
    def nodes(self) -> list[NodeRun]:
        """The newest records of ended attempts."""
        newest = {
            (r.task_id, r.attempt): r
            for r in self.records
            if isinstance(r, NodeRun) and r.status is not NodeStatus.RUNNING
        }
        return list(newest.values())

    @property
    def ends(self) -> list[tuple[str, int, str]]:
        return [(n.path, n.attempt, str(n.status)) for n in self.nodes]

    def events(self, kind: str) -> list[RunEvent]:
        return [r for r in self.records if isinstance(r, RunEvent) and r.kind == kind]


def line(*names: str, **nodes: Any) -> StateGraph:
    builder = StateGraph(State)
    for name in names:
        node = nodes.get(name) or (lambda _, name=name: {"log": [name]})
        options = node if isinstance(node, dict) else {"node": node}
        builder.add_node(name, options.pop("node"), **options)
    for one, other in zip((START, *names), (*names, END), strict=True):
        builder.add_edge(one, other)
    return builder


def fails(state: State) -> dict[str, Any]:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("namespace", "path"),
    [
        ("ask:1", "ask"),
        ("team:1|writer:2", "team/writer"),
        ("team:1|2|writer:3", "team/writer"),
        ("a:b:1", "a:b"),
        ("", ""),
    ],
)
def test_a_path_is_the_names_of_a_namespace(namespace, path):
    assert path_of(namespace) == path


async def test_each_node_is_one_attempt_with_its_output(tmp_path):
    watched = Watched(line("a", "b"))
    await watched.run({"log": []})

    assert watched.ends == [("a", 1, "ok"), ("b", 1, "ok")]
    assert [(n.delivery, n.step) for n in watched.nodes] == [(2, 1), (2, 2)]
    assert [(e.path, e.data["output"]) for e in watched.events("node")] == [
        ("a", {"log": ["a"]}),
        ("b", {"log": ["b"]}),
    ]
    assert watched.events("update") == []
    assert watched.tracker.step_nodes == {1: ["a"], 2: ["b"]}
    assert watched.tracker.find_writer("log") == "b"
    assert watched.tracker.find_writer("other") is None


async def test_an_attempt_is_one_record_unless_somebody_looks_while_it_is_long_open(monkeypatch):
    builder = StateGraph(State)
    seen: list[tuple[str, str]] = []

    def look(_: State) -> State:
        seen.extend(
            (r.path, str(r.status)) for r in watched.tracker.take() if isinstance(r, NodeRun)
        )
        return {}

    builder.add_node("quick", lambda _: {}).add_edge(START, "quick")
    builder.add_node("looked_at", look).add_edge("quick", "looked_at")
    watched = Watched(builder)
    await watched.run({"log": []})
    assert seen == [("quick", "ok")]

    seen.clear()
    monkeypatch.setattr(tracking, "SHORT_S", 0.0)
    watched.fresh()
    await watched.run({"log": []})
    assert seen == [("quick", "ok"), ("looked_at", "running")]
    assert watched.ends == [("looked_at", 1, "ok")]


async def test_an_attempt_starts_when_its_node_does_and_not_with_its_step():
    builder = StateGraph(State)
    for name in "abc":
        builder.add_node(name, lambda _: {}).add_edge(START, name)
    watched = Watched(builder)
    await watched.run({"log": []}, max_concurrency=1)

    a, b, c = watched.nodes
    assert a.started_at <= b.started_at <= c.started_at
    assert [n.path for n in (a, b, c)] == ["a", "b", "c"]


async def test_every_try_of_a_node_is_an_attempt_and_a_failure_that_was_mended_is_none():
    left = [ZeroDivisionError("1"), ZeroDivisionError("2")]

    def flaky(state: State) -> dict[str, Any]:
        if left:
            raise left.pop()
        return {}

    retry = RetryPolicy(max_attempts=3, initial_interval=0.001, retry_on=ZeroDivisionError)
    error = ZeroDivisionError("2")
    watched = Watched(line("flaky", flaky={"node": flaky, "retry_policy": retry}))
    await watched.run({"log": []})

    assert watched.ends == [("flaky", 1, "error"), ("flaky", 2, "error"), ("flaky", 3, "ok")]
    assert watched.nodes[0].error_type == "ZeroDivisionError"
    assert [n.is_final for n in watched.nodes] == [False, False, True]
    assert [n.error_kind for n in watched.nodes] == ["bad_input", "bad_input", None]
    assert watched.tracker.find_failed(error) is None


async def test_an_error_that_comes_up_through_graphs_is_the_innermost_nodes():
    inner = line("fails", fails=fails).compile()
    watched = Watched(line("team", team=inner))
    error = await watched.run({"log": []})

    failed = watched.tracker.find_failed(error)
    assert failed is not None
    assert (failed.path, failed.error_message) == ("team/fails", "by zero")
    assert watched.ends == [("team/fails", 1, "error"), ("team", 1, "error")]
    assert watched.tracker.find_failed(ZeroDivisionError("another")) is None


async def test_a_function_called_as_a_task_is_recorded_though_it_calls_nobody_back():
    @task
    def double(value: int) -> int:
        return 2 * value

    @task
    def breaks() -> None:
        raise ZeroDivisionError("by zero")

    @entrypoint()
    def flow(value: int) -> int:
        doubled = double(value).result()
        breaks().result()
        return doubled

    watched = Watched(flow)
    error = await watched.run(21)

    assert ("flow/double", 1, "ok") in watched.ends
    assert ("flow/breaks", 1, "error") in watched.ends
    assert watched.tracker.find_failed(error).path == "flow/breaks"
    assert [e.data.get("output") for e in watched.events("node") if e.path == "flow/double"] == [
        {"__return__": 42}
    ]


async def test_who_asked_is_interrupted_and_named_and_so_is_a_function_that_may_have():
    @task
    def ask() -> Any:
        return interrupt("?")

    @entrypoint()
    def flow(_: str) -> Any:
        return ask().result()

    watched = Watched(flow)
    await watched.run("go")

    assert watched.ends == [("flow", 1, "interrupted")]
    assert {path_of(n) for n in watched.tracker.find_askers()} == {"flow", "flow/ask"}


async def test_siblings_of_a_failed_node_are_closed_as_cancelled():
    async def waits(state: State) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    builder = StateGraph(State).add_node("waits", waits).add_node("fails", fails)
    builder.add_edge(START, "waits").add_edge(START, "fails")
    watched = Watched(builder)
    await watched.run({"log": []})

    assert sorted(watched.ends) == [("fails", 1, "error"), ("waits", 1, "cancelled")]


async def test_a_hit_of_the_cache_is_told_from_a_result_that_is_used_again():
    def ask(state: State) -> dict[str, Any]:
        return {"log": [interrupt("?")]}

    builder = StateGraph(State)
    builder.add_node("kept", lambda _: {"log": ["kept"]}, cache_policy=CachePolicy())
    builder.add_node("side", lambda _: {"log": ["side"]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "kept").add_edge("kept", "side").add_edge("kept", "ask")
    watched = Watched(builder, cache=InMemoryCache())

    watched.tracker.expect_cached(lambda name: name == "kept", ())
    await watched.run({"log": []})
    first = watched.ends
    finished = [n.task_id for n in watched.nodes if n.path == "side"]
    watched.fresh().expect_cached(lambda name: name == "kept", finished)
    await watched.run(Command(resume="yes"))
    resumed = watched.ends
    watched.graph.checkpointer = InMemorySaver()
    watched.fresh().expect_cached(lambda name: name == "kept", ())
    await watched.run({"log": []})

    assert ("kept", 1, "ok") in first
    assert resumed == [("ask", 1, "ok")]
    assert ("kept", 1, "cached") in watched.ends
    assert watched.tracker.has_cached
    assert next(n.step for n in watched.nodes if n.path == "kept") == 1


async def test_events_are_numbered_on_from_the_last_one_without_a_gap():
    watched = Watched(line("a", "b"))
    watched.fresh(last_seq=7)
    watched.tracker.emit("status", {"status": "running"})
    await watched.run({"log": []})

    numbers = [r.seq for r in watched.records if isinstance(r, RunEvent)]
    assert numbers == list(range(8, 8 + len(numbers)))


async def test_what_a_node_streams_of_its_own_is_kept_with_its_path():
    def tells(state: State) -> dict[str, Any]:
        get_stream_writer()({"progress": 0.5})
        return {}

    watched = Watched(line("team", team=line("tells", tells=tells).compile()))
    await watched.run({"log": []})

    assert [(e.path, e.data) for e in watched.events("custom")] == [("team", {"progress": 0.5})]


async def test_streamed_text_becomes_few_events_and_the_whole_once():
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three", id="m1")]))

    async def speaks(state: Chat) -> dict[str, Any]:
        return {"messages": [await model.ainvoke("go")]}

    builder = StateGraph(Chat).add_node("speaks", speaks).add_edge(START, "speaks")
    watched = Watched(builder)
    await watched.run({"messages": []})

    texts = watched.events("message")
    assert texts[-1].data["done"]
    assert texts[-1].data["text"] == "one two three"
    assert texts[-1].data["role"] == "ai"
    assert len([e for e in texts if e.data["done"]]) == 1
    assert {e.path for e in texts} == {"speaks"}


@pytest.mark.parametrize("is_sync", [False, True], ids=["async", "in a thread"])
async def test_a_node_that_may_not_begin_waits_and_holds_up_nobody(is_sync):
    begun: list[str] = []

    def begins(state: State) -> State:
        begun.append("it")
        return {"log": ["it"]}

    async def begins_async(state: State) -> State:
        return begins(state)

    node = begins if is_sync else begins_async
    watched = Watched(StateGraph(State).add_node("it", node).add_edge(START, "it"))
    asked = asyncio.Event()
    is_sure = False

    def may_begin() -> bool:
        asked.set()
        return is_sure

    watched.tracker.may_begin = may_begin
    running = asyncio.create_task(watched.run({"log": []}))
    for _ in range(3):  # looks again, with the loop free meanwhile
        asked.clear()
        await asyncio.wait_for(asked.wait(), 10)
    assert begun == []
    assert not watched.tracker.take()
    is_sure = True
    await running

    assert begun == ["it"]


async def test_a_graph_that_is_called_in_a_thread_waits_there():
    inner = StateGraph(State).add_node("in", lambda _: {"log": ["in"]}).add_edge(START, "in")
    called = inner.compile()
    looks: list[str] = []

    def outer(state: State) -> State:
        looks.append("outer")
        return {"log": called.invoke({"log": []})["log"]}

    watched = Watched(StateGraph(State).add_node("out", outer).add_edge(START, "out"))

    def may_begin() -> bool:  # not while the inner one is asked for the first time
        if looks == ["outer"]:
            looks.append("refused")
            return False
        return True

    watched.tracker.may_begin = may_begin

    assert await watched.run({"log": []}) is None
    assert looks == ["outer", "refused"]


def test_an_error_that_prints_when_it_is_read_does_not_lock_its_run_up():
    tracker = Tracker(RUN, now=lambda: NOW, last_seq=0)

    class Talkative(Exception):
        def __str__(self) -> str:
            tracker.emit("log", {"stream": "stdout", "text": "asked"})
            return "said"

    run_id = uuid4()
    about = {"langgraph_node": "a", "langgraph_checkpoint_ns": "a:1", "langgraph_step": 1}
    tracker.on_attempt_start(run_id, "a", ["graph:step:1"], about)
    tracker.on_attempt_end(run_id, Talkative())

    records = tracker.take()
    assert [r.error_message for r in records if isinstance(r, NodeRun)] == ["said"]
    assert "log" in {r.kind for r in records if isinstance(r, RunEvent)}


def test_chains_that_are_no_node_are_no_attempts():
    tracker = Tracker(RUN, now=lambda: NOW, last_seq=0)
    node = {"langgraph_node": "a", "langgraph_checkpoint_ns": "a:1", "langgraph_step": 1}
    for name, tags in (("inner", ["graph:step:1"]), ("a", ["seq:step:1"])):
        tracker.on_attempt_start(uuid4(), name, tags, node)
    tracker.on_attempt_end(uuid4(), None)

    assert tracker.take() == []
