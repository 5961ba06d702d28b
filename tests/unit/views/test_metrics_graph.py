"""The graph coloured by a figure, with breaker, cache and waiting cards on the same nodes."""

from __future__ import annotations

import pytest

from interlock.dashboard.palette import Tone, shade
from interlock.dashboard.views import metrics_graph

from . import metric_figures as some

GRAPH = {
    "nodes": [
        {"id": "plan", "label": "plan", "kind": "node"},
        {"id": "team/write", "label": "write", "kind": "node"},
        {"id": "idle", "label": "idle", "kind": "node"},
    ],
    "edges": [],
}


def draw(make, nodes, waiting=(), figure="p95"):
    workflow = make.workflow(name="refund_desk", graph=GRAPH)
    return metrics_graph.build(workflow, nodes, waiting, figure=figure, theme="light")


def test_the_worst_node_has_the_full_colour(make):
    view = draw(make, [some.node("plan", p95_ms=50.0), some.node("team/write", p95_ms=800.0)])
    full = shade(Tone.RUNNING, "light").fill
    assert f'label="write\\np95 800 ms", fillcolor="{full}"' in view.dot
    assert (
        view.alt == "Graph of 3 nodes: plan p95 50.0 ms, team/write p95 800 ms, idle did not run."
    )


def test_breaker_cache_and_cards_stand_on_the_same_node(make):
    node = some.node("team/write", breaker_state="open", cached_ratio=0.64)
    card = make.card(workflow="refund_desk", node="write")
    view = draw(make, [node], [card, make.card("b", workflow="other", node="plan")])
    assert "write\\np95 200 ms\\ncache 64.0 %\\nbreaker open\\n1 card waits" in view.dot
    assert f'color="{shade(Tone.SHORT_CIRCUITED, "light").fill}"' in view.dot
    assert "dashed" in view.dot


def test_a_card_at_a_node_that_did_not_run_is_seen(make):
    view = draw(make, [], [make.card(workflow="refund_desk", node="idle")])
    assert "idle\\n1 card waits" in view.dot
    assert f'color="{shade(Tone.WAITING, "light").fill}"' in view.dot


def test_a_closed_breaker_is_a_quiet_edge(make):
    view = draw(make, [some.node("plan", breaker_state="closed")])
    assert f'color="{shade(Tone.DONE, "light").fill}"' in view.dot
    assert "breaker" not in view.dot


def test_a_p95_of_too_few_says_how_many(make):
    assert "p95 200 ms (n = 7)" in draw(make, [some.node("plan", runs=7)]).dot


@pytest.mark.parametrize("figure", list(metrics_graph.FIGURES))
def test_every_figure_can_colour_the_graph(make, figure):
    assert metrics_graph.FIGURES[figure].name in draw(make, [some.node("plan")], (), figure).alt


def test_without_a_workflow_there_is_no_graph():
    assert metrics_graph.build(None, [], [], figure="p95", theme="dark") is None
