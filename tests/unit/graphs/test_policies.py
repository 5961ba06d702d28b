"""A policy against the graph that it is for: what does not fit refuses this workflow and no other."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import pytest

from interlock.core.errors import WorkflowNotLoaded
from interlock.core.graphs.loading import load_all
from interlock.core.graphs.tools import name_tools
from interlock.core.graphs.workshop import Workshop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = '{"graphs": {"one": "./one.py:graph", "two": "./two.py:graph"}}'
GRAPH = """
from typing import TypedDict
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolNode

class State(TypedDict):
    messages: list

@tool
def search(words: str) -> str:
    "Search."
    return words

inner = StateGraph(State)
inner.add_node("write", lambda state: state)
inner.add_node("tools", ToolNode([search]))
inner.add_edge(START, "write")
builder = StateGraph(State)
builder.add_node("plan", lambda state: state)
builder.add_node("team", inner.compile())
builder.add_edge(START, "plan")
builder.add_edge("plan", "team")
graph = builder.compile()
"""


@pytest.fixture
def describe(write_project, enter):
    """Load a project of two graphs with these policies; its workshop, and the cards by name."""

    def describe_with(policies: str):
        folder = write_project(
            {"langgraph.json": CONFIG, "one.py": GRAPH, "two.py": GRAPH, "interlock.toml": policies}
        )
        project = enter(folder)
        graphs = {graph.name: graph for graph in load_all(project)}
        workshop = Workshop(project, graphs, None, None)
        cards = asyncio.run(workshop.describe_all(NOW))
        return workshop, {card.name: card for card in cards}

    return describe_with


def test_a_policy_that_fits_is_published(describe):
    workshop, cards = describe(
        """
        [workflow.one.node.plan]
        fallback = [{ node = "team" }]
        [workflow.one.node."team/tools".tool.search]
        breaker.failures = 2
        [workflow.one.approval."team/write"]
        risk = "high"
        """
    )
    assert cards["one"].error is None
    assert cards["one"].policy["node"]["plan"] == {"fallback": [{"node": "team"}]}
    assert cards["two"].policy is None
    assert list(workshop.policies.workflow) == ["one"]


def test_a_node_that_is_not_there_refuses_the_workflow_and_lists_what_is(describe):
    workshop, cards = describe("[workflow.one.node.write]\nretry = {}")
    problem = cards["one"].error
    assert problem.endswith(
        "interlock.toml: workflow.one.node.write: the graph has no such node; it has"
        " plan, team, team/tools, team/write."
    )
    assert cards["two"].error is None
    assert workshop.policies.problems == {"one": problem}
    assert workshop.policies.workflow == {}

    async def open_it():
        async with workshop.open("one", {}):
            pass

    with pytest.raises(WorkflowNotLoaded, match="no such node"):
        asyncio.run(open_it())


def test_a_wrong_policy_refuses_its_workflow_before_its_code_is_imported(describe):
    _, cards = describe("[workflow.one.node.plan]\nretry.attempts = 0")
    assert "workflow.one.node.plan.retry.attempts" in cards["one"].error
    assert (cards["one"].nodes, cards["two"].error) == ((), None)
    assert "one" not in {module.rpartition(".")[2] for module in sys.modules}


def test_tools_are_named_by_the_graph_that_holds_them(describe):
    workshop, _ = describe("")
    graph = workshop.graphs["one"].exported
    assert name_tools(graph) == {"team": frozenset({"search"})}
