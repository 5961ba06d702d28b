"""Tool nodes with a sync wrapper of their calls: what stands around their tools holds there, too."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.errors import NodeTimeoutError
from langgraph.types import Command, interrupt

from interlock.core.graphs.guarding import Hooks
from tests.unit.graphs.test_supervising import Gate, Watched, calls, look, pay, tools_graph


def cut_off(name: str) -> dict[str, Any]:
    return {"node": {"tools": {"tool": {name: {"breaker": {}}}}}}


async def test_a_breaker_holds_for_what_a_sync_wrapper_calls():
    seen: list[str] = []

    def wrap(request: Any, execute: Any) -> Any:
        seen.append(request.tool_call["name"])
        return execute(request)

    gate = Gate(tool="pay")
    graph = tools_graph(look, pay, wrap_tool_call=wrap)
    result = await Watched(graph, cut_off("pay"), Hooks(guards=(gate,))).run(calls("look", "pay"))
    assert [m.content.split(" until")[0] for m in result["messages"][1:]] == [
        "found look",
        "The tool pay is unavailable",
    ]
    assert (sorted(seen), len(gate.calls)) == (["look", "pay"], 1)


async def test_a_time_limit_holds_and_the_wrapper_may_call_again():
    tries: list[int] = []

    @tool
    async def slow(what: str) -> str:
        """Take for ever the first time."""
        tries.append(1)
        if len(tries) == 1:
            await asyncio.Event().wait()
        return "at last"

    def again(request: Any, execute: Any) -> Any:
        try:
            return execute(request)
        except TimeoutError:
            return execute(request)

    policy = {"node": {"tools": {"tool": {"slow": {"timeout": {"run_s": 0.3}}}}}}
    result = await Watched(tools_graph(slow, wrap_tool_call=again), policy).run(calls("slow"))
    assert (result["messages"][-1].content, len(tries)) == ("at last", 2)


async def test_a_tool_in_a_wrapper_may_ask_and_many_at_once_do_not_wait_for_each_other():
    @tool
    def ask(what: str) -> str:
        """Ask."""
        return f"told {interrupt('may I?')}"

    def wrap(request: Any, execute: Any) -> Any:
        return execute(request)

    graph = tools_graph(ask, pay, wrap_tool_call=wrap)
    watched = Watched(graph, cut_off("ask"), Hooks(guards=(Gate(9, tool="ask"),)))
    assert len((await watched.run(calls("ask")))["__interrupt__"]) == 1
    done = await watched.run(Command(resume="yes"))
    assert done["messages"][-1].content == "told yes"

    watched = Watched(graph, cut_off("pay"), Hooks(guards=(Gate(99, tool="pay"),)))
    many = calls(*["pay"] * 40)
    for number, call in enumerate(many["messages"][0].tool_calls):
        call["id"] = f"id-{number}"
    assert len((await watched.run(many))["messages"]) == 41


async def test_a_wrapper_that_nobody_waits_for_any_more_calls_nothing():
    tried, is_done = [], threading.Event()

    @tool
    async def endless(what: str) -> str:
        """Take for ever."""
        tried.append(1)
        await asyncio.Event().wait()
        return ""

    def stubborn(request: Any, execute: Any) -> Any:
        try:
            return execute(request)
        except BaseException:
            try:
                return execute(request)
            finally:
                is_done.set()

    policy = {"node": {"tools": {"timeout": {"run_s": 0.3}, "tool": {"endless": {"breaker": {}}}}}}
    gate = Gate(9, tool="endless")
    graph = tools_graph(endless, wrap_tool_call=stubborn)
    with pytest.raises(NodeTimeoutError):
        await Watched(graph, policy, Hooks(guards=(gate,))).run(calls("endless"))
    assert await asyncio.to_thread(is_done.wait, 30)
    assert len(tried) == 1
