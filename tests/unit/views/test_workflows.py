from __future__ import annotations

import pytest

from interlock.dashboard.views import workflows
from interlock.dashboard.views.workflows import Rules

GRAPH = {
    "nodes": [
        {"id": "plan", "label": "plan", "kind": "node"},
        {"id": "team", "label": "team", "kind": "subgraph"},
        {"id": "team/write", "label": "write", "kind": "node"},
    ],
    "edges": [],
}
NODES = ("plan", "team", "team/write")
POLICY = {
    "priority": 5,
    "node": {
        "plan": {"retry": {"attempts": 2}, "timeout": {"run_s": 5}},
        "team/write": {"side_effects": True, "tool": {"send": {"timeout": {"run_s": 5}}}},
        "hidden": {"on_failure": "ask"},
    },
    "approval": {"team/write": {"risk": "high"}, "later": {}},
}


@pytest.fixture
def build(make):
    """Build the page with one workflow that has these fields."""

    def build_one(**fields):
        workflow = make.workflow("desk", graph=GRAPH, nodes=NODES, **fields)
        view = workflows.build([workflow], chosen=None, theme="light", now=make.now)
        return view.rows[0], view.chosen

    return build_one


def test_no_workflow_is_an_empty_page_that_says_what_fills_it(make):
    view = workflows.build([], chosen="desk", theme="light", now=make.now)
    assert (view.rows, view.chosen, view.ids) == ((), None, [])
    assert "the worker publishes them" in view.empty.text


def test_the_workflow_of_the_address_is_shown_or_else_the_first(make):
    both = [make.workflow("a"), make.workflow("b")]

    def chosen(name):
        return workflows.build(both, chosen=name, theme="dark", now=make.now).chosen.name

    assert [chosen("b"), chosen("gone"), chosen(None)] == ["b", "a", "a"]


def test_what_holds_is_said_of_the_workflow_its_nodes_their_tools_and_cards(build):
    row, view = build(policy=POLICY)
    assert (row.policy, row.nodes) == ("3 nodes", "3")
    assert view.rules == (
        Rules("The workflow", ("Priority 5 at launch",)),
        Rules("plan", ("At most 5 s a try", "2 tries for transient errors; waits 1 s")),
        Rules("team/write", ("Has effects outside",)),
        Rules("team/write, tool send", ("At most 5 s a try",)),
        Rules("Cards of team/write", ("High risk",)),
        Rules("hidden", ("Asks a human when it fails",)),
    )
    assert view.no_rules == "As LangGraph runs them: team."


def test_the_nodes_with_a_policy_are_marked_in_the_picture(build):
    _, view = build(policy=POLICY)
    assert "plan with timeout, retry" in view.graph.alt
    assert "team/write no policy" in view.graph.alt


def test_a_workflow_without_a_policy_says_so(build):
    row, view = build()
    assert row.policy == "\N{EN DASH}"
    assert view.rules == ()
    assert view.no_rules == "Nothing; every node runs as LangGraph runs it."


def test_defaults_hold_for_all_other_nodes(build):
    row, view = build(policy={"default": {"retry": {"attempts": 1}}})
    assert row.policy == "yes"
    assert view.rules == (Rules("All other nodes", ("Is not tried again",)),)
    assert view.no_rules == ""


def test_where_every_node_has_a_policy_none_is_left(build):
    _, view = build(policy={"node": {path: {"on_failure": "ask"} for path in NODES}})
    assert view.no_rules == ""


def test_of_many_nodes_without_a_policy_some_are_named(make):
    nodes = tuple(f"n{i:02}" for i in range(50))
    workflow = make.workflow(nodes=nodes, policy={"priority": 1})
    view = workflows.build([workflow], chosen=None, theme="light", now=make.now)
    assert view.chosen.no_rules.endswith("n39 and 10 more.")


def test_a_policy_that_is_not_understood_is_shown_as_it_is(build):
    _, view = build(policy={"teleport": True})
    assert view.raw_policy == {"teleport": True}
    assert (view.rules, view.no_rules) == ((), "")


def test_one_that_did_not_load_says_why_and_cannot_be_launched(build):
    row, view = build(error="workflow.desk.node.x: the graph has no such node")
    assert (row.look.word, row.nodes) == ("not loaded", "\N{EN DASH}")
    assert row.description.startswith("workflow.desk.node.x")
    assert view.error is not None
    assert [link.page for link in view.links] == ["runs", "figures"]


def test_tools_and_schemas_are_listed(build):
    _, view = build(
        tools={
            "": {"find": {"properties": {"city": {}, "limit": {}}}, "odd": None},
            "team": {"go": {}},
        },
        input_schema={"type": "object"},
        state_schema={"type": "object", "title": "State"},
    )
    assert [(tool.name, tool.place, tool.arguments) for tool in view.tools] == [
        ("find", "the graph itself", "city, limit"),
        ("odd", "the graph itself", "cannot be described"),
        ("go", "team", "none"),
    ]
    assert [name for name, _ in view.schemas] == ["Input", "State"]
    assert [link.page for link in view.links] == ["launch", "runs", "figures"]
