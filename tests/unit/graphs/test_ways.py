"""The ways of a graph as its builder has them, not as LangGraph would draw them."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interlock.core.graphs.ways import describe_ways, find_limit
from interlock.core.model.ways import find_ends, read_ways


class State(TypedDict, total=False):
    count: int


def work(_: State) -> State:
    return {}


def jump(_: State) -> Command[Literal["work", "__end__"]]:
    return Command(goto="work")


def builder(*names: str) -> StateGraph[Any, Any, Any, Any]:
    made: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for name in names:
        made.add_node(name, work)
    return made.add_edge(START, names[0])


def test_edges_joins_choices_and_commands_are_told_apart():
    made = builder("a", "b", "c", "work").add_node("jump", jump)
    made.add_edge("a", "b").add_edge(["a", "b"], "c")
    made.add_conditional_edges("c", lambda _: "jump", ["jump", END])
    made.add_conditional_edges("work", lambda _: "a")

    ways = describe_ways(made.compile())

    assert ways == {
        "": {
            "__start__": {"to": ["a"], "may": [], "open": False},
            "a": {"to": ["b", "c"], "may": [], "open": False},
            "b": {"to": ["c"], "may": [], "open": False},
            "c": {"to": [], "may": ["__end__", "jump"], "open": False},
            "jump": {"to": [], "may": ["__end__", "work"], "open": False},
            "work": {"to": [], "may": [], "open": True},
        }
    }


def test_an_endless_graph_is_known_although_it_is_drawn_with_an_end():
    made = builder("a", "b").add_edge("a", "b").add_edge("b", "a")

    assert find_ends(read_ways(describe_ways(made.compile()))[""]).endless == ("a", "b")


def test_nested_graphs_are_told_by_their_paths_and_functions_have_none():
    inner = builder("x").compile()
    outer = builder("first").add_node("team", inner).add_edge("first", "team").compile()

    assert set(describe_ways(outer)) == {"", "team"}

    @entrypoint()
    def run(given: int) -> int:
        return given

    assert describe_ways(run) == {"": None}


def test_an_error_handler_is_a_way_that_may_be_taken():
    made = builder("a").add_node("b", work, error_handler=work)
    made.add_edge("a", "b")

    ways = describe_ways(made.compile())[""]

    assert ways["b"]["may"] == ["__error_handler__b"]
    assert find_ends(read_ways({"": ways})[""]).unreached == ()


def test_a_limit_that_the_graph_brings_is_found():
    graph = builder("a").compile()

    assert find_limit(graph) is None
    assert find_limit(graph.with_config(recursion_limit=7)) == 7
