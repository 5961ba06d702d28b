from __future__ import annotations

import operator
import socket
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired

import pytest
import typing_extensions
from langchain_core.messages import BaseMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.func import entrypoint
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import CachePolicy
from pydantic import BaseModel, Field

from interlock.core.graphs.describing import describe, describe_failure
from interlock.core.graphs.schemas import rebuild_typed_dicts
from interlock.core.model.schemas import check_input

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Line(typing.TypedDict):
    """One line of an order."""

    price: float
    note: NotRequired[str]


class OrderInput(typing.TypedDict):
    number: Annotated[int, Field(ge=1, description="As printed on the invoice")]
    kind: Literal["new", "repeat"]


class OrderState(typing.TypedDict):
    number: int
    lines: Annotated[list[Line], operator.add]
    by_name: dict[str, Line] | None
    anything: Any


class Partial(typing.TypedDict, total=False):
    a: int


class Inherited(Partial):
    b: typing_extensions.Required[str]


class Tree(typing.TypedDict):
    children: list[Tree]


class ModelState(BaseModel):
    amount: float = Field(gt=0, description="In euros")
    currency: str = "EUR"


@dataclass
class DataState:
    text: str
    count: int = 3
    tags: list[str] = field(default_factory=list)


class Undescribable(typing.TypedDict):
    connection: socket.socket


def build(state, **options):
    graph = StateGraph(state, **options).add_node("node", lambda _: {}).add_edge(START, "node")
    return graph.compile()


def schema_of(state, **options):
    return describe("x", "", build(state, **options), NOW).input_schema


def test_a_typed_dict_is_described_on_every_python():
    schema = schema_of(OrderState)
    assert schema["properties"]["number"]["type"] == "integer"
    line = schema["$defs"]["Line"]
    assert line["required"] == ["price"]
    assert set(line["properties"]) == {"price", "note"}
    assert schema["properties"]["by_name"]["anyOf"][0]["additionalProperties"]["$ref"].endswith(
        "Line"
    )


def test_a_state_asks_for_no_field_but_a_declared_input_does():
    assert "required" not in schema_of(OrderState)
    schema = schema_of(OrderState, input_schema=OrderInput)
    assert schema["required"] == ["number", "kind"]
    assert schema["properties"]["number"]["minimum"] == 1
    assert schema["properties"]["kind"]["enum"] == ["new", "repeat"]


def test_the_schema_of_the_state_is_described_beside_the_inputs():
    card = describe("x", "", build(OrderState, input_schema=OrderInput), NOW)
    assert set(card.state_schema["properties"]) == {"number", "lines", "by_name", "anything"}


def test_a_model_keeps_its_limits_and_defaults():
    schema = schema_of(ModelState)
    assert schema["properties"]["amount"]["exclusiveMinimum"] == 0
    assert schema["properties"]["currency"]["default"] == "EUR"
    assert schema["required"] == ["amount"]


def test_a_dataclass_keeps_its_defaults():
    schema = schema_of(DataState)
    assert schema["properties"]["count"]["default"] == 3
    assert schema["properties"]["tags"]["type"] == "array"


def test_messages_are_described():
    card = describe("x", "", build(MessagesState), NOW)
    assert card.input_schema["properties"]["messages"]["type"] == "array"
    assert card.channels == ("messages",)


class Conversation(typing.TypedDict, total=False):
    plain: Annotated[list, add_messages]
    base: Annotated[Sequence[BaseMessage], add_messages]
    formatted: Annotated[list[BaseMessage], add_messages(format="langchain-openai")]
    other: Annotated[list, operator.add]


@pytest.mark.parametrize("name", ["plain", "base", "formatted"])
@pytest.mark.parametrize(
    "value",
    [
        "hi",
        [["user", "hi"]],
        [{"role": "user", "content": "hi"}],
        [{"type": "human", "content": "hi"}],
    ],
    ids=["text", "pair", "role", "type"],
)
def test_what_adds_messages_takes_them_however_its_state_is_written(name, value):
    card = describe("x", "", build(Conversation), NOW)
    assert check_input({name: value}, card.input_schema) == []
    assert check_input({name: value}, card.state_schema) == []
    assert check_input({name: [{"type": "human"}]}, card.input_schema)
    assert card.input_schema["properties"]["other"]["items"] == {}


@pytest.mark.parametrize("annotation", [int, str, list[int], dict])
def test_an_entrypoint_is_described_by_its_annotation(annotation):
    async def work(value):
        return value

    work.__annotations__["value"] = annotation
    card = describe("x", "", entrypoint()(work), NOW)
    assert card.input_schema["type"] in {"integer", "string", "array", "object"}
    assert card.nodes == ("work",)
    assert card.channels == ()
    assert card.state_schema is None


def test_a_type_that_cannot_be_described_has_no_schema_and_the_rest_is_there():
    card = describe("x", "", build(Undescribable), NOW)
    assert card.input_schema is None
    assert card.state_schema is None
    assert card.nodes == ("node",)
    assert card.channels == ("connection",)


def test_the_context_is_described():
    assert describe("x", "", build(OrderState), NOW).context_schema is None
    card = describe("x", "", build(OrderState, context_schema=Line), NOW)
    assert set(card.context_schema["properties"]) == {"price", "note"}


def test_inherited_and_recursive_typed_dicts_are_rebuilt():
    rebuilt = rebuild_typed_dicts(Inherited)
    assert rebuilt.__required_keys__ == {"b"}
    assert rebuilt.__optional_keys__ == {"a"}
    assert schema_of(Tree)["properties"]["children"]["type"] == "array"


def nested():
    leaf = StateGraph(Partial)
    leaf.add_node("x", lambda _: {})
    leaf.add_node("y", lambda _: {})
    leaf.add_edge(START, "x")
    leaf.add_conditional_edges("x", lambda _: "y", {"again": "y", "done": END})
    leaf.add_edge("y", END)
    middle = StateGraph(Partial)
    middle.add_node("leaf", leaf.compile())
    middle.add_node("m", lambda _: {})
    middle.add_edge(START, "leaf")
    middle.add_edge("leaf", "m")
    top = StateGraph(Partial)
    top.add_node("the team", middle.compile())
    top.add_node("n", lambda _: {})
    top.add_edge(START, "n")
    top.add_edge("n", "the team")
    return top.compile()


def test_nested_graphs_are_drawn_by_path_within_their_frame():
    card = describe("x", "", nested(), NOW)
    kinds = {node["id"]: node["kind"] for node in card.graph["nodes"]}
    assert kinds == {
        "__start__": "start",
        "n": "node",
        "the team": "subgraph",
        "the team/leaf": "subgraph",
        "the team/leaf/x": "node",
        "the team/leaf/y": "node",
        "the team/m": "node",
        "__end__": "end",
    }
    assert set(card.nodes) == set(kinds) - {"__start__", "__end__"}
    labels = {node["id"]: node["label"] for node in card.graph["nodes"]}
    assert labels["the team/leaf/x"] == "x"


def with_cache_keys():
    policy = CachePolicy(key_func=lambda state: state["a"])
    leaf = StateGraph(Partial).add_node("x", lambda _: {}, cache_policy=policy)
    top = StateGraph(Partial)
    top.add_node("team", leaf.add_edge(START, "x").compile(), cache_policy=policy)
    top.add_node("n", lambda _: {}, cache_policy=policy)
    return top.add_edge(START, "n").add_edge("n", "team").compile(cache=InMemoryCache())


def test_a_key_function_of_a_cache_is_not_called_for_a_drawing():
    card = describe("x", "", with_cache_keys(), NOW)
    assert card.error is None
    assert set(card.nodes) == {"n", "team", "team/x"}
    assert {(e["source"], e["target"]) for e in card.graph["edges"]} >= {("n", "team/x")}


def test_a_graph_that_cannot_be_drawn_is_still_listed_with_its_nodes(caplog, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no drawing today")

    monkeypatch.setattr(CompiledStateGraph, "get_graph", fail)
    card = describe("x", "", with_cache_keys(), NOW)
    assert (card.error, card.graph["edges"]) == (None, [])
    assert set(card.nodes) == {"n", "team"}
    assert [record.msg for record in caplog.records] == ["graph_not_drawn"]


def test_edges_pass_through_the_borders_of_nested_graphs():
    edges = {
        (edge["source"], edge["target"]): (edge["conditional"], edge["label"])
        for edge in describe("x", "", nested(), NOW).graph["edges"]
    }
    assert edges == {
        ("__start__", "n"): (False, ""),
        ("n", "the team/leaf/x"): (False, ""),
        ("the team/leaf/x", "the team/leaf/y"): (True, "again"),
        ("the team/leaf/x", "the team/m"): (True, "done"),
        ("the team/leaf/y", "the team/m"): (False, ""),
        ("the team/m", "__end__"): (False, ""),
    }


def test_channels_are_the_states_fields():
    card = describe("x", "says so", nested(), NOW)
    assert card.channels == ("a",)
    assert card.description == "says so"
    assert card.published_at == NOW
    assert card.error is None


def test_a_graph_that_failed_is_described_by_its_error():
    card = describe_failure("x", "d", "no such file", NOW)
    assert card.error == "no such file"
    assert card.nodes == ()
    assert card.graph == {"nodes": [], "edges": []}


def test_nodes_that_may_not_run_and_graphs_that_remember_are_marked():
    inner = StateGraph(MessagesState).add_node("write", lambda _: {}).add_edge(START, "write")
    graph = (
        StateGraph(MessagesState)
        .add_node("quote", lambda _: {}, cache_policy=CachePolicy(ttl=60))
        .add_node("desk", inner.compile(checkpointer=True))
        .add_node("team", inner.compile())
        .add_edge(START, "quote")
        .add_edge("quote", "desk")
        .add_edge("desk", "team")
        .compile(cache=InMemoryCache())
    )
    drawn = {node["id"]: node for node in describe("x", "", graph, NOW).graph["nodes"]}
    assert [path for path, node in drawn.items() if node.get("has_cache")] == ["quote"]
    assert [path for path, node in drawn.items() if node.get("remembers")] == ["desk"]
    assert "desk/write" in drawn


def test_to_an_error_handler_leads_what_it_stands_for():
    def mend(state, error):
        return {}

    inner = StateGraph(MessagesState)
    inner.add_node("write", lambda _: {}, error_handler=mend).add_node("check", lambda _: {})
    inner.add_edge(START, "write").add_edge("write", "check")
    graph = StateGraph(MessagesState).add_node("team", inner.compile(), error_handler=mend)
    graph.add_node("end", lambda _: {}).add_edge(START, "team").add_edge("team", "end")
    drawn = describe("x", "", graph.compile(), NOW).graph
    handlers = {node["id"]: node for node in drawn["nodes"] if node.get("paths")}
    assert {name: node["paths"] for name, node in handlers.items()} == {
        "__error_handler__team": ["team/__error_handler__team"],
        "team/__error_handler__write": ["team/write/__error_handler__write"],
    }
    assert {node["label"] for node in handlers.values()} == {"error handler"}
    led = [(e["source"], e["target"]) for e in drawn["edges"] if e["target"] in handlers]
    assert sorted(led) == [
        ("team/check", "__error_handler__team"),  # no edge touches a frame
        ("team/write", "team/__error_handler__write"),
    ]
    assert all(e["conditional"] for e in drawn["edges"] if e["target"] in handlers)


def test_a_handler_of_every_node_is_led_to_by_each():
    graph = StateGraph(MessagesState).set_node_defaults(error_handler=lambda state, error: {})
    graph.add_node("a", lambda _: {}).add_node("b", lambda _: {}).add_edge(START, "a")
    drawn = describe("x", "", graph.add_edge("a", "b").compile(), NOW).graph
    handler = "__default_error_handler__"
    (node,) = [node for node in drawn["nodes"] if node.get("paths")]
    assert node["paths"] == [f"a/{handler}", f"b/{handler}"]
    led = [e["source"] for e in drawn["edges"] if e["target"] == handler]
    assert led == ["a", "b"]
