"""
Billing: an agent whose tools depend on what the customer pays for.

    open_case ─▶ agent: model ⇄ tools of the tier ─▶ close_case

The model is shown the tools of the tier alone, and a call of any other is refused: what a customer
may do is not left to a prompt. The tier comes from the context, which no message can change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse, wrap_model_call, wrap_tool_call
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from pydantic import Field

from interlock.core.gallery import bank
from interlock.core.gallery.help_forms import Customer, Tier
from interlock.core.gallery.models import chat_model

PROMPT = "Settle what the customer asks about an invoice, in two sentences. Your tools: {tools}."
LATE_FEE_EUR = 12.5

Invoice = Annotated[str, Field(pattern=r"^INV-\d{4}$", description="The invoice's number.")]


@tool
def find_invoice(number: Invoice) -> str:
    """Look up an invoice."""
    amount = 40 + int(number[-4:]) % 160
    return f"{number}: {amount}.00 EUR and a late fee of {LATE_FEE_EUR:.2f} EUR, not paid."


@tool
def credit_late_fee(number: Invoice, runtime: ToolRuntime[Customer]) -> str:
    """Pay the late fee of an invoice back."""
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    receipt = bank.pay(key=f"{thread}:{number}:late fee", amount=LATE_FEE_EUR)
    return f"Credited {LATE_FEE_EUR:.2f} EUR for {number}, receipt {receipt}."


@tool
def extend_due_date(
    number: Invoice, days: Annotated[int, Field(ge=1, le=30, description="How many more.")] = 14
) -> str:
    """Give the customer more time to pay."""
    return f"{number} is now due {days} days later."


TOOLS: Mapping[Tier, tuple[BaseTool, ...]] = {
    "basic": (find_invoice,),
    "premium": (find_invoice, credit_late_fee),
    "business": (find_invoice, credit_late_fee, extend_due_date),
}


def names_for(customer: Customer | None) -> tuple[str, ...]:
    """The tools that a customer's tier includes; without a context it is the smallest one."""
    return tuple(each.name for each in TOOLS[(customer or Customer()).tier])


@wrap_model_call
async def show_tools(
    request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse]]
) -> ModelResponse:
    """Show the model the tools of the tier, and no other."""
    names = names_for(request.runtime.context)
    shown = [t for t in request.tools if isinstance(t, BaseTool) and t.name in names]
    prompt = SystemMessage(PROMPT.format(tools=", ".join(names)))
    return await handler(request.override(tools=[*shown], system_message=prompt))


@wrap_tool_call
async def refuse_others(
    request: ToolCallRequest,
    handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
) -> ToolMessage | Command[Any]:
    """Refuse a tool that the tier does not include, whatever the model was talked into."""
    call = request.tool_call
    if call["name"] in names_for(request.runtime.context):
        return await handler(request)
    words = f"{call['name']} is not part of what this customer pays for."
    return ToolMessage(words, tool_call_id=call["id"], name=call["name"], status="error")


class Asked(TypedDict):
    """What the customer wants."""

    message: str


class Settled(TypedDict):
    """What is said; the agent's own messages stay here."""

    reply: str


class Case(Asked, Settled):
    """The agent's conversation with its tools."""

    messages: Annotated[list[AnyMessage], add_messages]


def open_case(state: Asked) -> dict[str, list[AnyMessage]]:
    """Give the agent the message alone."""
    return {"messages": [HumanMessage(state["message"])]}


def close_case(state: Case) -> Settled:
    """Take its last words out, without what it said to its tools."""
    return {"reply": str(state["messages"][-1].text)}


agent = create_agent(
    chat_model(),
    tools=TOOLS["business"],
    middleware=[show_tools, refuse_others],
    context_schema=Customer,
    name="agent",
)
builder = StateGraph(Case, input_schema=Asked, output_schema=Settled, context_schema=Customer)
builder.add_node(open_case)
builder.add_node("agent", agent)
builder.add_node(close_case)
builder.add_edge(START, "open_case")
builder.add_edge("open_case", "agent")
builder.add_edge("agent", "close_case")
graph = builder.compile(name="billing")
