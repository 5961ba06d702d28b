"""A workflow's graph as it stands now."""

from __future__ import annotations

import pytest

from interlock.dashboard.palette import Tone, shade
from interlock.dashboard.views import system_graph

from . import metric_figures as some

GRAPH = {
    "nodes": [
        {"id": "plan", "label": "plan", "kind": "node"},
        {"id": "team/write", "label": "write", "kind": "node"},
        {"id": "idle", "label": "idle", "kind": "node"},
    ],
    "edges": [],
}


def draw(make, nodes=(), waiting=(), running=None):
    workflow = make.workflow(graph=GRAPH)
    return system_graph.build(workflow, nodes, waiting, running or {}, theme="light")


@pytest.mark.parametrize(
    ("fields", "cards", "running", "word"),
    [
        ({"errors": 20}, 1, 1, "waiting"),
        ({"errors": 20}, 0, 1, "failing"),
        ({"errors": 19}, 0, 0, "ok"),
        ({"errors": 19, "short_circuited": 1}, 0, 1, "short-circuited"),
        ({}, 0, 1, "running"),
        ({"cached": 201}, 0, 0, "cached"),
        ({"runs": 0}, 0, 0, "did not run"),
    ],
)
def test_the_colour_is_what_asks_for_a_look(fields, cards, running, word):
    assert system_graph.find_look(some.node(**fields), cards, running).word == word


def test_badge_ring_and_number_stand_on_their_nodes(make):
    nodes = [
        some.node("plan", breaker_state="open", short_circuited=3),
        some.node("team/write", runs=7, errors=1),
    ]
    cards = [make.card(), make.card("b", node="write"), make.card("c", node="write")]
    view = draw(make, nodes, cards, {"team/write": 2, "idle": 1})
    orange = shade(Tone.SHORT_CIRCUITED, "light").fill
    assert "plan\\nshort-circuited\\n3 refused\\np95 200 ms\\nbreaker open" in view.dot
    assert f'color="{orange}"' in view.dot
    assert 'peripheries="2"' in view.dot
    assert "write\\n2 cards wait\\n2 running\\n1 of 7 failed\\np95 200 ms (n = 7)" in view.dot
    assert 'URL="inbox?workflow=refund_desk&node=write", target="_self"' in view.dot
    assert 'URL="breakers"' in view.dot
    assert view.alt.endswith("idle running.")


def test_a_quiet_node_is_grey_and_a_closed_breaker_a_quiet_ring(make):
    view = draw(make, [some.node("plan", breaker_state="closed"), some.node("idle", runs=0)])
    assert f'color="{shade(Tone.DONE, "light").fill}"' in view.dot
    assert "dashed" not in view.dot
    assert (
        view.alt
        == "Graph of 3 nodes: plan ok, p95 200 ms, team/write did not run, idle did not run."
    )


def test_without_a_workflow_there_is_no_graph():
    assert system_graph.build(None, [], [], {}, theme="dark") is None
