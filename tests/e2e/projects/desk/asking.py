"""Workflows that ask: any question at all, and one by a form."""

from datetime import date
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Asked(TypedDict, total=False):
    question: Any
    answer: Any
    reply: str


def put(state: Asked) -> Asked:
    return {"answer": interrupt(state["question"])}


def reply(state: Asked) -> Asked:
    return {"reply": f"received {state['answer']!r}"}


builder = StateGraph(Asked)
builder.add_node(put)
builder.add_node(reply)
builder.add_edge(START, "put")
builder.add_edge("put", "reply")
builder.add_edge("reply", END)
ask = builder.compile()


class Item(BaseModel):
    """What is bought."""

    item: str = Field(default="paper", min_length=3, max_length=20, description="What to buy.")
    copies: int = Field(default=2, ge=1, le=5, description="How many.")
    code: str = Field(default="ABC", pattern="^[A-Z]{3}$", description="Three capitals.")


class Order(BaseModel):
    """How it is bought."""

    amount: float = Field(gt=0, le=100, description="EUR to spend.")
    copies: int = Field(default=2, ge=1, le=5)
    colour: Literal["red", "green", "blue"]
    day: date
    note: str = Field(default="", max_length=20)
    code: str = Field(default="ABC", pattern="^[A-Z]{3}$", description="Three capitals.")


class Bought(TypedDict, total=False):
    item: str
    copies: int
    code: str
    order: dict[str, Any]


def confirm(state: Item) -> Bought:
    order = interrupt({"question": f"Buy {state.item}?"}, response_schema=Order)
    return {"order": order.model_dump(mode="json")}


buying = StateGraph(Bought, input_schema=Item)
buying.add_node(confirm)
buying.add_edge(START, "confirm")
buying.add_edge("confirm", END)
order = buying.compile()
