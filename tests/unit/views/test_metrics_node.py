"""The metrics narrowed to one node."""

from __future__ import annotations

from dataclasses import replace

from interlock.core.model.figures import Heat
from interlock.dashboard.views import metrics_node

from . import metric_figures as some


def narrow(node, **fields):
    found = some.metrics(**fields)
    one = replace(found, window=replace(found.window, workflow="refund_desk"))
    return metrics_node.narrow(one, node)


def test_a_node_and_what_is_within_it_is_left():
    narrowed = narrow(
        "team",
        nodes=[some.node("team"), some.node("team/write"), some.node("teams")],
        errors=[some.error(path="team/write"), some.error(path="plan")],
        heat=Heat(hours=[some.NOW], cells={"team": [1.0], "plan": [2.0]}),
    )
    left = narrowed.metrics
    assert [n.path for n in left.nodes] == ["team", "team/write"]
    assert [e.path for e in left.errors] == ["team/write"]
    assert list(left.heat.cells) == ["team"]
    assert left.totals == some.metrics().totals
    assert narrowed.label == "Only team"
    assert "did not run" not in narrowed.note


def test_a_node_that_did_not_run_says_so_and_is_shown_inert():
    narrowed = narrow("x\u202ey")
    assert narrowed.metrics.nodes == []
    assert narrowed.note.endswith("It did not run in this window.")
    assert "\u202e" not in narrowed.label


def test_without_a_node_or_a_workflow_all_is_shown():
    assert narrow(None) is None
    assert metrics_node.narrow(some.metrics(), "review") is None
