"""Which tools are found in a graph, where, and what is said of their arguments."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, TodoListMiddleware
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import InjectedToolCallId, StructuredTool, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, InjectedStore, ToolNode, ToolRuntime
from langgraph.store.base import BaseStore
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as OldModel

from interlock.core.graphs import tools as graph_tools
from interlock.core.graphs.describing import describe
from interlock.core.graphs.tools import describe_tools
from interlock.core.model.schema_checks import check
from interlock.core.model.workflows import tools_around

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Place(BaseModel):
    street: str
    number: int = Field(ge=1)


@tool
def ship(
    to: Place,
    speed: Literal["slow", "fast"],
    state: Annotated[dict, InjectedState],
    store: Annotated[BaseStore, InjectedStore],
    call_id: Annotated[str, InjectedToolCallId],
    runtime: ToolRuntime,
    count: int = 1,
) -> str:
    """Ship something."""
    return ""


@tool
def pay(amount: float) -> str:
    """Pay."""
    return ""


def graph_of(*nodes: Any, **named: Any) -> Any:
    builder = StateGraph(MessagesState)
    for name, node in {**{f"n{i}": n for i, n in enumerate(nodes)}, **named}.items():
        builder.add_node(name, node).add_edge(START, name)
    return builder.compile()


def names(graph: Any) -> dict[str, set[str]] | None:
    """Those that are described."""
    found = describe_tools(graph)
    if found is None:
        return None
    return {path: {n for n, schema in each.items() if schema} for path, each in found.items()}


def agent(*held: Any, **options: Any) -> Any:
    return create_agent(GenericFakeChatModel(messages=iter([AIMessage("")])), list(held), **options)


def test_a_schema_says_the_types_and_leaves_out_what_is_injected():
    schema = describe_tools(agent(ship))[""]["ship"]
    assert set(schema["properties"]) == {"to", "speed", "count"}
    assert schema["required"] == ["to", "speed"]
    assert schema["properties"]["speed"]["enum"] == ["slow", "fast"]
    fits = {"to": {"street": "Ring", "number": 2}, "speed": "fast", "count": 3}
    assert check(fits, schema) == []
    assert [p.path for p in check({**fits, "count": "3"}, schema)] == ["count"]
    assert [p.path for p in check({**fits, "to": {"street": "", "number": 0}}, schema)] == [
        "to.number"
    ]


def test_a_workflow_is_published_with_its_tools():
    described = describe("x", "", agent(pay), NOW)
    assert set(described.tools[""]) == {"pay"}
    assert json.loads(json.dumps(described.tools)) == described.tools


def test_a_graph_without_tools_has_none():
    assert describe_tools(graph_of(lambda state: state)) is None
    assert describe_tools(agent()) is None


def test_tools_that_middleware_brings_are_found():
    review = HumanInTheLoopMiddleware({"pay": True})
    found = names(agent(pay, middleware=[review, TodoListMiddleware()]))
    assert found == {"": {"pay", "write_todos"}}


def by_table() -> Callable[[Any], Any]:
    table = {"pay": pay}
    return lambda state: table["pay"].invoke({"state": state})


def by_list() -> Callable[[Any], Any]:
    every = [ship, pay, "another"]
    return lambda state: every[1].invoke({"state": state})


def by_node() -> Callable[[Any], Any]:
    node = ToolNode([pay])
    return lambda state: node.invoke({"state": state})


class Desk:
    def act(self, state: Any) -> Any:
        return pay.invoke(state)

    async def act_later(self, state: Any) -> Any:
        return await pay.ainvoke(state)


def name_pay(state: Any, extra: int = 0) -> Any:
    return pay.invoke(state)


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (ToolNode([pay, ship]), {"pay", "ship"}),
        (RunnableLambda(lambda state: state) | ToolNode([pay]), {"pay"}),
        (ToolNode([pay]).with_config(tags=["x"]), {"pay"}),
        (pay, {"pay"}),
        (by_table(), {"pay"}),
        (by_list(), {"pay", "ship"}),
        (by_node(), {"pay"}),
        (name_pay, {"pay"}),
        (partial(name_pay, extra=1), {"pay"}),
        (RunnableLambda(name_pay), {"pay"}),
        (Desk().act, {"pay"}),
        (Desk().act_later, {"pay"}),
    ],
)
def test_tools_are_found_wherever_a_node_holds_them(node, found):
    assert names(graph_of(node)) == {"": found}


def test_tools_of_nested_graphs_stand_at_their_place():
    team = graph_of(writer=agent(ship))

    def call_team(state: Any) -> Any:
        return team.invoke(state)

    assert names(graph_of(team=team, boss=ToolNode([pay]))) == {
        "": {"pay"},
        "team/writer": {"ship"},
    }
    assert names(graph_of(called=call_team)) == {"called/writer": {"ship"}}


def test_an_agent_that_a_tool_calls_stands_at_the_node_of_the_tool():
    inner = agent(pay)

    @tool
    def delegate(task: str) -> str:
        """Let another do it."""
        return str(inner.invoke({"messages": task}))

    assert names(agent(delegate)) == {"": {"delegate"}, "tools": {"pay"}}


def test_an_agent_that_calls_itself_is_described_once():
    held: list[Any] = []

    @tool
    def again(task: str) -> str:
        """Do it again."""
        return str(me.invoke({"messages": task}))

    me = agent(again)
    held.append(me)
    assert names(me) == {"": {"again"}}


def test_a_name_that_is_not_bound_yet_is_no_error():
    @tool
    def early(task: str) -> str:
        """Call what comes later."""
        return str(later(task))

    graph = agent(early)
    assert names(graph) == {"": {"early"}}
    later = str


def test_of_two_tools_with_one_name_neither_is_described():
    other = StructuredTool.from_function(lambda n: "", name="pay", description="Another.")
    assert names(graph_of(ToolNode([pay]), ToolNode([other, ship]))) == {"": {"ship"}}
    assert names(graph_of(ToolNode([pay]), ToolNode([pay]))) == {"": {"pay"}}


class OldArgs(OldModel):
    n: int


class Recursive(BaseModel):
    n: int
    inner: Recursive | None = None


def made(schema: Any) -> Any:
    return StructuredTool.from_function(
        lambda **_: "", name="made", description="Made.", args_schema=schema
    )


def test_schemas_written_by_hand_old_ones_and_recursive_ones_are_taken():
    by_hand = {"type": "object", "properties": {"n": {"type": "integer"}}}
    for schema in (by_hand, OldArgs, Recursive):
        found = describe_tools(graph_of(made(schema)))[""]["made"]
        assert found["properties"]["n"]["type"] == "integer"


class Odd(BaseModel):
    call: Callable[[], None]


def test_a_tool_that_cannot_be_described_or_is_too_large_is_left_out(monkeypatch):
    large = {"type": "object", "properties": {"n": {"description": "x" * 200_000}}}
    odd, huge = made(Odd), made(large)
    assert names(graph_of(ToolNode([pay]), odd)) == {"": {"pay"}}
    assert names(graph_of(ToolNode([pay]), huge)) == {"": {"pay"}}
    monkeypatch.setattr(graph_tools, "MAX_TOOLS_BYTES", 200)
    assert names(graph_of(ToolNode([pay, ship]))) == {"": {"pay"}}


def test_a_tool_that_is_left_out_keeps_its_name_so_that_none_is_mistaken_for_it():
    other = StructuredTool.from_function(lambda n: "", name="pay", description="Another.")
    team = graph_of(ToolNode([pay]))
    found = describe_tools(graph_of(ToolNode([pay, ship]), ToolNode([other]), team=team))
    assert found[""]["pay"] is None
    assert tools_around(found, "n0").keys() == {"ship"}
    assert tools_around(found, "team/n0")["pay"]["title"] == "pay"
    assert describe_tools(graph_of(made(Odd))) is None


class Catalogue(Mapping[str, Any]):
    """A table that is opened when it is first used."""

    def __len__(self) -> int:
        raise ConnectionError("the catalogue cannot be reached")

    __getitem__ = __iter__ = __len__  # type: ignore[assignment]


class Lazy:
    """Stands for what it makes when anything is asked of it."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("not configured yet")


class Opened(list[Any]):
    def __len__(self) -> int:
        raise ConnectionError("the list cannot be read")


@pytest.mark.parametrize("kind", [Catalogue, Lazy, Opened])
def test_what_a_function_holds_is_looked_at_without_running_any_of_it(kind):
    held = kind()

    def use(state: Any) -> Any:
        return pay.invoke(held)

    assert names(graph_of(use)) == {"": {"pay"}}


class Steps(RunnableLambda[Any, Any]):
    @property
    def steps(self) -> Any:
        raise ConnectionError("the steps cannot be read")


def test_a_node_that_cannot_be_looked_at_does_not_keep_the_others(caplog):
    caplog.set_level(logging.INFO)
    odd = graph_of(ToolNode([ship]), ToolNode([pay]))
    odd.nodes["n0"].bound = Steps(lambda state: state)
    assert names(odd) == {"": {"pay"}}
    assert [record.node for record in caplog.records if hasattr(record, "node")] == ["n0"]


def test_a_long_list_is_data_and_not_looked_through():
    many = [pay] * 2_000

    def use(state: Any) -> Any:
        return many[0].invoke(state)

    assert names(graph_of(use)) is None
