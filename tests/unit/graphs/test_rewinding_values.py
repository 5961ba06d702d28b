"""What an edit writes into a state, and which values are refused before anything is written."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Overwrite
from pydantic import BaseModel, Field, field_validator, model_validator

from interlock.core.errors import InvalidInput
from interlock.core.graphs.rewinding import make_values
from interlock.core.model.history import EditMode, FieldEdit


class Opaque:
    """Nothing that pydantic could describe."""


class State(TypedDict, total=False):
    count: int
    log: Annotated[list[str], operator.add]
    trail: Annotated[list[str], DeltaChannel(lambda held, given: [*held, *given[-1]])]
    messages: Annotated[list[AnyMessage], add_messages]
    thing: Opaque
    anything: Any


class Model(BaseModel):
    amount: int = Field(default=1, le=5)
    even: int = 2
    log: Annotated[list[str], operator.add] = []

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


class Strict(BaseModel):
    low: int = 1
    high: int = 2

    @model_validator(mode="after")
    def _in_order(self) -> Strict:
        if self.low > self.high:
            raise RuntimeError("low is above high")
        return self


def build(state: Any) -> Any:
    return StateGraph(state).add_node("n", lambda _: {}).add_edge(START, "n").compile()


GRAPH, MODEL, STRICT = build(State), build(Model), build(Strict)
ADD = EditMode.APPEND


def make(graph: Any, field: str, value: Any, mode: EditMode = EditMode.REPLACE) -> Any:
    return make_values(graph, [FieldEdit(field=field, value=value, mode=mode)])[field]


def test_a_value_takes_the_place_of_what_is_there_or_goes_through_the_reducer():
    assert make(GRAPH, "count", 3) == 3
    assert make(GRAPH, "log", ["a"]) == Overwrite(["a"])
    assert make(GRAPH, "log", ["a"], ADD) == ["a"]
    assert make(GRAPH, "trail", ["a"]) == Overwrite(["a"])
    assert make(GRAPH, "trail", ["a"], ADD) == ["a"]
    assert make(GRAPH, "anything", {"a": [1]}) == {"a": [1]}
    assert make(GRAPH, "thing", "whatever") == "whatever"


@pytest.mark.parametrize("mode", list(EditMode))
def test_messages_may_be_written_in_short(mode):
    for value in ([["user", "hello"]], [{"type": "human", "content": "hello"}]):
        made = make(GRAPH, "messages", value, mode)
        messages: Sequence[Any] = made.value if mode is EditMode.REPLACE else made
        assert [(type(m), m.content) for m in messages] == [(HumanMessage, "hello")]


REFUSED = [
    (GRAPH, "nowhere", 1, EditMode.REPLACE, "is not a field"),
    (GRAPH, "__start__", 1, EditMode.REPLACE, "is not a field"),
    (GRAPH, "count", "many", EditMode.REPLACE, "valid integer"),
    (GRAPH, "log", "no list", ADD, "valid list"),
    (GRAPH, "messages", [3], EditMode.REPLACE, "not a list of messages"),
    (MODEL, "amount", 99, EditMode.REPLACE, "less than or equal to 5"),
    (MODEL, "even", 3, EditMode.REPLACE, "must be even"),
    (MODEL, "log", [1], EditMode.REPLACE, "valid string"),
    (MODEL, "log", "x", ADD, "valid list"),
]


@pytest.mark.parametrize(("graph", "field", "value", "mode", "text"), REFUSED)
def test_a_value_that_does_not_fit_its_field_is_refused(graph, field, value, mode, text):
    with pytest.raises(InvalidInput, match=text) as caught:
        make(graph, field, value, mode)
    assert caught.value.problems[0].path.split(".")[0] == field


def test_all_that_is_wrong_is_named_and_a_rule_of_the_whole_state_is_left_to_the_graph():
    edits = [FieldEdit(field="count", value="x"), FieldEdit(field="log", value=1)]
    with pytest.raises(InvalidInput) as caught:
        make_values(GRAPH, edits)
    assert [problem.path for problem in caught.value.problems] == ["count", "log"]
    assert make(STRICT, "low", 9) == 9
