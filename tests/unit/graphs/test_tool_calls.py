"""Calls of tools are counted as they end, by workflow and tool; one that asks a human has not ended."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from interlock.core.graphs import tool_calls
from interlock.core.graphs.listening import listen
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.types import RunId, ThreadId

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def ask(question: str) -> str:
    """Ask a human."""
    return str(interrupt(question))


@tool
def breaks() -> str:
    """Break."""
    raise ValueError("wrong")


GRAPH = (
    StateGraph(MessagesState)
    .add_node("tools", ToolNode([add, ask, breaks], handle_tool_errors=True))
    .add_edge(START, "tools")
    .compile(checkpointer=InMemorySaver())
)


@pytest.fixture
def workflow() -> str:
    """A workflow that no other test counts for."""
    return f"w-{uuid4()}"


def counted(workflow):
    return {
        (name, status): count
        for (of, name, status), count in tool_calls.counted().items()
        if of == workflow
    }


def config(workflow):
    run = Run(
        run_id=RunId("r1"),
        thread_id=ThreadId("t"),
        workflow=workflow,
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input={},
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=NOW,
        created_by="anna",
    )
    given = {"configurable": {"thread_id": workflow}, "metadata": {"workflow": workflow}}
    return listen(given, Tracker(run, now=lambda: NOW, last_seq=0), store=None)


def call(name, n, **arguments):
    return {"name": name, "args": arguments, "id": f"c{n}", "type": "tool_call"}


async def test_calls_are_counted_by_tool_and_by_how_they_ended(workflow):
    calls = [call("add", 1, a=1, b=2), call("add", 2, a=3, b=4), call("breaks", 3)]
    await GRAPH.ainvoke({"messages": [AIMessage("", tool_calls=calls)]}, config(workflow))
    assert counted(workflow) == {("add", "ok"): 2, ("breaks", "error"): 1}


async def test_a_call_that_asks_a_human_counts_once_it_ends(workflow):
    calls = [call("ask", 1, question="may I?")]
    await GRAPH.ainvoke({"messages": [AIMessage("", tool_calls=calls)]}, config(workflow))
    assert counted(workflow) == {}
    await GRAPH.ainvoke(Command(resume="yes"), config(workflow))
    assert counted(workflow) == {("ask", "ok"): 1}


def test_calls_that_never_end_are_forgotten_at_last(monkeypatch):
    monkeypatch.setattr(tool_calls, "_open", {})
    monkeypatch.setattr(tool_calls, "MAX_OPEN", 2)
    ids = [uuid4() for _ in range(3)]
    name = f"lost-{ids[0]}"
    for each in ids:
        tool_calls.begin(each, name, None)
    for each in ids:
        tool_calls.end(each, has_failed=False)
    assert tool_calls.counted()["", name, "ok"] == 2
