"""Agents with LangChain's middleware in both of its modes: the tools called are those it is told."""

import json
from datetime import date
from typing import Any, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from pydantic import BaseModel

from putting import typed


class Obedient(BaseChatModel):
    """Calls the tools that the user names as JSON, then says that it is done."""

    @property
    def _llm_type(self) -> str:
        return "obedient"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        last = messages[-1]
        told = AIMessage("done")
        if isinstance(last, HumanMessage):
            calls = json.loads(str(last.content))
            told = AIMessage("", tool_calls=[{**c, "id": f"call-{n}"} for n, c in enumerate(calls)])
        return ChatResult(generations=[ChatGeneration(message=told)])

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


class Line(BaseModel):
    sku: str
    count: int


@tool
def order(to: str, lines: list[Line], day: date, express: bool = False, price: float = 1.5) -> str:
    """Order something."""
    return json.dumps(typed({"to": to, "lines": lines, "day": day, "express": express, "price": price}))


@tool
def scale(n: int, unit: Literal["mm", "cm"] = "mm", note: str | None = None) -> str:
    """Scale something."""
    return json.dumps(typed({"n": n, "unit": unit, "note": note}))


@tool
def erase(path: str) -> str:
    """Erase a file."""
    return json.dumps(typed({"path": path}))


def _agent(mode: Literal["batched", "per_call"]) -> Any:
    return create_agent(
        Obedient(),
        tools=[order, scale, erase],
        middleware=[
            HumanInTheLoopMiddleware(
                {
                    "order": True,
                    "scale": True,
                    "erase": {"allowed_decisions": ["approve", "reject"]},
                },
                interrupt_mode=mode,
            )
        ],
    )


batched = _agent("batched")
per_call = _agent("per_call")
