"""Graphs that put whatever question they are given, and keep what they got with its types."""

import dataclasses
import operator
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


def typed(value: Any) -> Any:
    """A value as JSON that says of which type each part of it is."""
    if isinstance(value, BaseModel):
        return [type(value).__name__, {k: typed(v) for k, v in value}]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [type(value).__name__, {f.name: typed(getattr(value, f.name)) for f in fields}]
    if isinstance(value, dict):
        return [type(value).__name__, {k: typed(v) for k, v in value.items()}]
    if isinstance(value, list | tuple | set):
        return [type(value).__name__, [typed(v) for v in value]]
    if isinstance(value, str | int | float | None) and not isinstance(value, Enum):
        return [type(value).__name__, value]
    return [type(value).__name__, str(value)]


class Asked(TypedDict, total=False):
    question: Any
    schema: Any
    got: Any


def ask(state: Asked) -> Asked:
    return {"got": typed(interrupt(state["question"], response_schema=state.get("schema")))}


put = StateGraph(Asked).add_node(ask).add_edge(START, "ask").add_edge("ask", END).compile()


# Answers with a class of their own ----------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    street: str
    zip: str = Field(pattern="^[0-9]{5}$")


class Line(BaseModel):
    sku: str
    count: int = Field(ge=1, le=10)
    gift: bool = False


class Card(BaseModel):
    kind: Literal["card"] = "card"
    number: str


class Cash(BaseModel):
    kind: Literal["cash"] = "cash"
    amount: float


class Order(BaseModel):
    """Everything a form can hold, and some that it cannot."""

    name: str = Field(min_length=2, max_length=20)
    copies: int = Field(ge=1, lt=6)
    price: float = Field(gt=0, le=100)
    express: bool
    colour: Colour
    size: Literal[1, 2, "XL"]
    day: date
    moment: datetime
    at: time
    address: Address
    lines: list[Line]
    tags: list[str]
    wishes: list[Literal["a", "b", "c"]]
    pay: Card | Cash = Field(discriminator="kind")
    either: int | str
    note: str | None = None
    total: Decimal | None = None
    limits: dict[str, int] = {}


class Review(BaseModel):
    approved: bool
    amount: float = Field(gt=0)
    reason: str = ""


class Verdict(TypedDict):
    decision: Literal["approve", "reject"]
    score: int


@dataclasses.dataclass
class Mark:
    value: int
    by: str = "me"


KINDS: dict[str, Any] = {
    **{kind.__name__: kind for kind in (Order, Review, Verdict, Mark, Colour)},
    **{"bool": bool, "int": int, "float": float, "str": str, "date": date},
    "size": Literal["small", "large"],
    "perhaps": int | None,
    "names": list[str],
    "lines": list[Line],
    "payment": Card | Cash,
}


class AskedForKind(TypedDict, total=False):
    question: Any
    kind: str
    got: Any


def ask_kind(state: AskedForKind) -> AskedForKind:
    answer = interrupt(state["question"], response_schema=KINDS[state["kind"]])
    return {"got": typed(answer)}


put_typed = (
    StateGraph(AskedForKind)
    .add_node("ask", ask_kind)
    .add_edge(START, "ask")
    .add_edge("ask", END)
    .compile()
)

# Inside another graph, several at once, one after the other ---------------------------------------

put_inside = (
    StateGraph(Asked)
    .add_node("team", StateGraph(Asked).add_node("desk", put).add_edge(START, "desk").compile())
    .add_edge(START, "team")
    .add_edge("team", END)
    .compile()
)


class AskedAll(TypedDict, total=False):
    questions: list[Any]
    answers: Annotated[list[Any], operator.add]


def spread(state: AskedAll) -> list[Send]:
    return [Send("ask", {"question": question}) for question in state["questions"]]


def ask_one(state: Asked) -> AskedAll:
    question = state["question"]
    return {"answers": [[question, typed(interrupt(question))]]}


put_all = (
    StateGraph(AskedAll)
    .add_node("ask", ask_one)
    .add_conditional_edges(START, spread, ["ask"])
    .add_edge("ask", END)
    .compile()
)


def ask_twice(state: AskedAll) -> AskedAll:
    return {"answers": [[question, typed(interrupt(question))] for question in state["questions"]]}


put_twice = (
    StateGraph(AskedAll).add_node("ask", ask_twice).add_edge(START, "ask").add_edge("ask", END)
).compile()
