"""States of every kind, with values that are more than plain JSON."""

import datetime as dt
import enum
import operator
import threading
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.channels import UntrackedValue
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.managed import IsLastStep, RemainingSteps
from langgraph.types import interrupt
from pydantic import BaseModel, Field, field_validator
from typing_extensions import NotRequired, TypedDict


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = Field(ge=1, description="House number")


class Order(BaseModel):
    """An order as a shop has it."""

    customer: str = Field(min_length=2)
    address: Address
    amount: Decimal = Decimal("9.90")
    colour: Colour = Colour.RED
    due: dt.date | None = None
    tags: set[str] = set()
    kind: Literal["book", "toy"] = "book"
    log: Annotated[list[str], operator.add] = []

    @field_validator("customer")
    @classmethod
    def no_nobody(cls, value: str) -> str:
        if value == "nobody":
            raise ValueError("nobody orders nothing")
        return value


def ask(state: Any) -> dict:
    log = [type(state).__name__]
    if isinstance(state, Order):
        log += [type(state.address).__name__, type(state.amount).__name__, str(state.colour)]
    return {"log": [*log, str(interrupt("Ship it?"))]}


def after(state: Any) -> dict:
    return {"log": [type(state).__name__]}


def two_steps(schema: Any, **kwargs: Any) -> StateGraph:
    return StateGraph(schema, **kwargs).add_sequence([ask, after]).add_edge(START, "ask")


pydantic_graph = two_steps(Order).compile()


@dataclass
class Parcel:
    to: str
    weight: float = 1.0
    at: dt.datetime = field(default_factory=lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    id: uuid.UUID = uuid.UUID(int=7)
    colour: Colour = Colour.BLUE
    log: Annotated[list[str], operator.add] = field(default_factory=list)


dataclass_graph = two_steps(Parcel).compile()


class Inner(TypedDict):
    name: str
    parcel: NotRequired[Parcel]


class Outer(TypedDict, total=False):
    inner: Inner
    documents: list[Document]
    log: Annotated[list[str], operator.add]


def fill(state: Outer) -> Outer:
    parcel = Parcel(to=state["inner"]["name"])
    return {"inner": {"name": "filled", "parcel": parcel}, "documents": [Document("text")]}


typed_dict_graph = (
    StateGraph(Outer).add_sequence([fill, ask, after]).add_edge(START, "fill").compile()
)


class Chat(MessagesState):
    log: Annotated[list[str], operator.add]


def reply(state: Chat) -> dict:
    last = state["messages"][-1]
    return {"messages": [AIMessage(f"You said {last.text}")], "log": [type(last).__name__]}


def confirm(state: Chat) -> dict:
    answer = interrupt({"question": "Send this reply?", "messages": state["messages"]})
    return {"messages": [HumanMessage(str(answer), name="operator")]}


messages_graph = (
    StateGraph(Chat).add_sequence([reply, confirm]).add_edge(START, "reply").compile()
)


class Question(TypedDict):
    question: str


class Answer(TypedDict):
    answer: str


class Everything(Question, Answer):
    messages: Annotated[list[AnyMessage], add_messages]


with_schemas = (
    StateGraph(Everything, input_schema=Question, output_schema=Answer)
    .add_node("think", lambda state: {"answer": state["question"][::-1], "messages": [("ai", "hm")]})
    .add_edge(START, "think")
    .compile()
)

plain_dict_graph = (
    StateGraph(dict).add_node("think", lambda state: {**state, "seen": True}).add_edge(START, "think")
)


class Managed(TypedDict, total=False):
    remaining: RemainingSteps
    is_last: IsLastStep
    left: int


managed_graph = (
    StateGraph(Managed)
    .add_node("count", lambda state: {"left": state["remaining"]})
    .add_edge(START, "count")
    .compile()
)


class Talk(TypedDict, total=False):
    messages: Annotated[list, add_messages]
    log: Annotated[list[str], operator.add]


def read(state: Talk) -> Talk:
    return {"log": [f"{type(m).__name__} {m.content}" for m in state["messages"]]}


held_messages_graph = (
    StateGraph(Talk)
    .add_node("read", read)
    .add_edge(START, "read")
    .compile(interrupt_before=["read"])
)


class Untracked(TypedDict, total=False):
    lock: Annotated[Any, UntrackedValue]
    log: Annotated[list[str], operator.add]


untracked_graph = (
    StateGraph(Untracked)
    .add_node("make", lambda state: {"lock": threading.Lock()})
    .add_node("use", lambda state: {"log": [type(state["lock"]).__name__]})
    .add_edge(START, "make")
    .add_edge("make", "use")
    .compile()
)
