from __future__ import annotations

import pytest

from interlock.core.model.nodes import NodeStatus
from interlock.dashboard.palette import shade
from interlock.dashboard.views import graph

GRAPH = {
    "nodes": [
        {"id": "__start__", "label": "__start__", "kind": "start"},
        {"id": "plan", "label": "plan", "kind": "node"},
        {"id": "team", "label": "team", "kind": "subgraph"},
        {"id": "team/write", "label": "write", "kind": "node"},
        {"id": "__end__", "label": "__end__", "kind": "end"},
    ],
    "edges": [
        {"source": "__start__", "target": "plan", "label": "", "conditional": False},
        {"source": "plan", "target": "team/write", "label": 'if "x"', "conditional": True},
        {"source": "team/write", "target": "nowhere", "label": "", "conditional": False},
    ],
}


def test_a_graph_is_drawn_with_what_each_node_is_doing(make):
    nodes = [make.node("plan"), make.node("team/write", status=NodeStatus.RUNNING)]
    states = graph.read_states(nodes, [])
    view = graph.build(make.workflow(graph=GRAPH), states, "light")
    running = shade(states["team/write"].look.tone, "light")
    assert f'n3 [label="write\\nrunning", fillcolor="{running.ground}"' in view.dot
    assert 'subgraph cluster_1 { label="team"' in view.dot
    assert 'n1 -> n3 [label="if \\"x\\"", style="dashed"' in view.dot
    assert "nowhere" not in view.dot
    assert view.alt == "Graph of 3 nodes: plan ok, team not reached, team/write running."


def test_a_subgraphs_own_state_stands_on_its_frame(make):
    states = graph.read_states([make.node("team")], [])
    view = graph.build(make.workflow(graph=GRAPH), states, "dark")
    assert 'label="team\\nok"' in view.dot


def test_a_label_cannot_leave_its_quotes(make):
    evil = {"nodes": [{"id": 'a"];b', "label": '"]; x [image="http://e"', "kind": "node"}]}
    view = graph.build(make.workflow(graph=evil), {}, "light")
    assert 'label="\\"]; x [image=\\"http://e\\""' in view.dot


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([NodeStatus.OK, NodeStatus.ERROR, NodeStatus.RUNNING], "error"),
        ([NodeStatus.OK, NodeStatus.INTERRUPTED], "ok"),
        ([NodeStatus.INTERRUPTED], "asked"),
        ([NodeStatus.CACHED], "cached"),
    ],
)
def test_of_several_tasks_the_one_that_asks_for_a_look_counts(make, statuses, expected):
    nodes = [make.node(task_id=f"t{i}", status=s) for i, s in enumerate(statuses)]
    state = graph.read_states(nodes, [])["review"]
    assert state.look.word == expected
    assert state.tasks_count == len(statuses)


def test_waiting_cards_are_counted_on_their_node(make):
    nodes = [
        make.node("team/write", task_id=f"t{i}", status=NodeStatus.INTERRUPTED) for i in range(3)
    ]
    cards = [make.card(f"c{i}", node="write") for i in range(2)]
    states = graph.read_states(nodes, cards)
    assert states["team/write"].waiting_count == 2
    view = graph.build(make.workflow(graph=GRAPH), states, "light")
    assert "2 cards wait · 3 x" in view.dot


def test_a_breakpoint_marks_a_node_that_has_not_run(make):
    state = graph.read_states([], [make.card(node="plan")])["plan"]
    assert (state.look.word, state.tasks_count) == ("waiting", 0)


@pytest.mark.parametrize(
    "given",
    [{"nodes": [], "edges": []}, {"nodes": [{"id": str(i), "kind": "node"} for i in range(400)]}],
)
def test_what_cannot_be_laid_out_is_not_drawn(make, given):
    assert graph.build(make.workflow(graph=given), {}, "light") is None
    assert graph.build(None, {}, "light") is None


@pytest.mark.parametrize(
    ("edges", "count"),
    [
        ([], 1),
        ([(f"n{i}", f"n{i + 1}") for i in range(29)], 30),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("a", "c"), ("b", "b"), ("c", "d")], 4),
        ([("c", "d"), ("b", "c"), ("a", "d"), ("a", "b")], 4),
    ],
)
def test_a_picture_knows_how_many_nodes_stand_one_under_another(make, edges, count):
    """So that a long chain is drawn at a size that can be read."""
    names = {name for edge in edges for name in edge} or {"a"}
    drawn = {
        "nodes": [{"id": n, "label": n, "kind": "node"} for n in sorted(names)],
        "edges": [{"source": a, "target": b} for a, b in edges],
    }
    assert graph.build(make.workflow(graph=drawn), {}, "light").rank_count == count


def test_an_error_handler_stands_where_it_is_drawn_and_says_whose_it_is(make):
    """Its runs are recorded beneath the node that failed; LangGraph made its name up."""
    handler = "__error_handler__plan"
    paths = ["plan/__error_handler__plan"]
    drawn = {
        "nodes": [
            {"id": "plan", "label": "plan", "kind": "node"},
            {"id": handler, "label": "error handler", "kind": "node", "paths": paths},
        ],
        "edges": [{"source": "plan", "target": handler, "label": "", "conditional": True}],
    }
    states = graph.read_states([make.node("plan", status=NodeStatus.ERROR), make.node(*paths)], [])
    view = graph.build(make.workflow(graph=drawn), states, "light")
    assert 'n1 [label="error handler\\nok"' in view.dot
    assert 'tooltip="error handler of plan: ok"' in view.dot
    assert 'n0 -> n1 [style="dashed"' in view.dot
    assert view.alt == "Graph of 2 nodes: plan error, error handler of plan ok."
