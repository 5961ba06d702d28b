"""Nodes with effects outside: a time-out of theirs never has the effect twice."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, tool
from langgraph.errors import NodeTimeoutError
from langgraph.types import RetryPolicy

from interlock.core.graphs.supervising_threads import ends_in_time, is_sync, leaves_threads
from interlock.core.model.nodes import THREAD_LEFT
from tests.unit.graphs.test_supervising import (
    AT_ONCE,
    State,
    Watched,
    calls,
    look,
    one,
    pay,
    policy_of,
    tools_graph,
)

IN_VAIN = {"run_s": 0.05}


class Card:
    """Something outside that is charged in a thread, which goes on until it is let go."""

    def __init__(self) -> None:
        self.charged: list[str] = []
        self.let_go = threading.Event()

    def charge(self, state: State) -> Any:
        self.charged.append("n")
        self.let_go.wait(30)
        return {"log": []}

    @property
    def tool(self) -> BaseTool:
        """The same as a tool."""

        @tool
        def charge(what: str) -> str:
            """Charge."""
            self.charge({})
            return ""

        return charge


@pytest.fixture
async def card():  # async: its threads are let go while their loop waits for them
    given = Card()
    yield given
    given.let_go.set()


async def test_a_tools_time_out_is_not_tried_again(card):
    tools = {"charge": {"timeout": IN_VAIN}}
    for effects in (
        {"side_effects": True, "tool": tools},
        {"tool": {"charge": {**tools["charge"], "side_effects": True}}},
    ):
        card.charged.clear()
        watched = Watched(tools_graph(card.tool), policy_of("tools", retry=AT_ONCE, **effects))
        with pytest.raises(TimeoutError, match="charge took longer"):
            await watched.run(calls("charge"))
        assert len(card.charged) == 1
        assert watched.warnings == [THREAD_LEFT]


async def test_a_tool_nodes_and_a_subgraphs_time_outs_are_not_tried_again(card):
    effects = {"timeout": IN_VAIN, "retry": AT_ONCE, "side_effects": True}
    team = one(one(card.charge, name="deep").compile(), name="n")
    for graph, given, policy in (
        (tools_graph(card.tool), calls("charge"), policy_of("tools", **effects)),
        (team, {"log": []}, policy_of("n", **effects)),
        (
            team,
            {"log": []},
            {
                "node": {
                    "n": {"timeout": IN_VAIN, "retry": AT_ONCE},
                    "n/deep": {"side_effects": True},
                }
            },
        ),
    ):
        card.charged.clear()
        watched = Watched(graph, policy)
        with pytest.raises(NodeTimeoutError):
            await watched.run(given)
        assert len(card.charged) == 1
        assert watched.warnings == [THREAD_LEFT]


async def test_a_retry_of_the_users_own_does_not_have_the_effect_twice(card):
    own = RetryPolicy(max_attempts=3, initial_interval=0, jitter=False, retry_on=TimeoutError)

    def node(state: State) -> Any:
        card.charged.append("n")
        raise TimeoutError("of its client")

    with pytest.raises(TimeoutError):
        await Watched(one(node, retry_policy=own), policy_of(side_effects=True)).run({"log": []})
    assert len(card.charged) == 1


async def test_a_coroutine_that_ran_out_of_time_has_ended_and_is_tried_again():
    started: list[int] = []

    async def node(state: State) -> Any:
        started.append(1)
        if len(started) < 2:
            await asyncio.Event().wait()
        return {"log": ["once"]}

    effects = {"timeout": {"run_s": 0.2}, "retry": {**AT_ONCE, "longer": 100}, "side_effects": True}
    watched = Watched(one(node), policy_of(**effects))
    assert (await watched.run({"log": []}))["log"] == ["once"]
    assert watched.warnings == []


def test_what_is_surely_over_and_what_may_go_on_is_told_apart():
    async def later(state: State) -> Any:
        return None

    def now(state: State) -> Any:
        return None

    class Bare(BaseTool):
        name: str = "bare"
        description: str = "Neither function nor coroutine."

        def _run(self, what: str) -> str:
            return what

    def bound(node: Any) -> Any:
        return one(node).compile().nodes["n"].bound

    found = {
        "coroutine": bound(later),
        "lambda": RunnableLambda(later),
        "function": bound(now),
        "sequence": RunnableLambda(later) | RunnableLambda(now),
        "sync subgraph": bound(one(now).compile()),
        "async subgraph": bound(one(later).compile().with_config(tags=["a"])),
        "sync tool": tools_graph(look, pay).compile().nodes["tools"].bound,
        "async tool": tools_graph(look).compile().nodes["tools"].bound,
    }
    assert [name for name, each in found.items() if ends_in_time(each)] == ["coroutine", "lambda"]
    left = [name for name, each in found.items() if leaves_threads(each)]
    assert left == ["function", "sequence", "sync subgraph", "sync tool"]
    assert [is_sync(each) for each in (look, pay, Bare())] == [False, True, True]
