"""Graphs that LangChain builds: what they hold in their state is stored and comes back."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, TodoListMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel

from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.savers import open_savers
from interlock.core.graphs.serde import serializer_for
from interlock.core.settings import Settings


class Scripted(GenericFakeChatModel):
    """Says what it is given to say, whatever tools it has."""

    def bind_tools(self, tools, **_: Any):
        return self


class Verdict(BaseModel):
    ok: bool


@tool(response_format="content_and_artifact")
def search(query: str):
    """Find documents."""
    return "found", [Document(query, metadata={"page": 1})]


@tool
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def call(name: str, number: int, **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args, "id": str(number), "type": "tool_call"}


@pytest.fixture
async def savers(tmp_path):
    async with open_savers(Settings(data_dir=tmp_path)) as opened:
        yield opened


async def test_an_agent_with_approval_artifacts_todos_and_a_structured_answer(savers):
    todos = [{"content": "pay", "status": "pending"}]
    says = [
        AIMessage(
            "", tool_calls=[call("search", 1, query="a"), call("write_todos", 2, todos=todos)]
        ),
        AIMessage("", tool_calls=[call("pay", 3, amount=5)]),
        AIMessage("", tool_calls=[call("Verdict", 4, ok=True)]),
    ]
    agent = create_agent(
        Scripted(messages=iter(says)),
        [search, pay],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"pay": True}), TodoListMiddleware()],
        response_format=ToolStrategy(Verdict),
    )
    serde = serializer_for(agent, None, extra=[(Verdict.__module__, "Verdict")])
    ready = prepare(agent, checkpointer=savers.for_run(serde), store=None, name="agent")
    config = {"configurable": {"thread_id": "1"}}
    await ready.ainvoke({"messages": [("user", "go")]}, config, durability="sync")
    state = await ready.aget_state(config)
    assert state.values["todos"] == todos
    answer = {state.interrupts[0].id: {"decisions": [{"type": "approve"}]}}
    await ready.ainvoke(Command(resume=answer), config, durability="sync")
    values = (await ready.aget_state(config)).values
    assert values["structured_response"] == Verdict(ok=True)
    assert [m.type for m in values["messages"]].count("tool") == 4
    assert any("paid 5" in str(m.content) for m in values["messages"])
