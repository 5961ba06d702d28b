"""The metrics page: what it says about a window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.figures import Metrics, Totals
from interlock.core.model.workflows import WorkflowName
from interlock.dashboard.palette import Tone
from interlock.dashboard.views import metrics, metrics_figures, metrics_tables, metrics_window
from interlock.dashboard.views.formatting import NOTHING

from . import metric_figures as some

WORKFLOWS = [
    WorkflowName(name="refund_desk", error=None),
    WorkflowName(name="broken", error="no module"),
]


def choose(name="1h", **params):
    given = {"start": None, "end": None, "workflow": None} | params
    return metrics_window.choose(name, now=some.NOW, **given)


def build(found: Metrics, chosen=None):
    return metrics.build(
        found, chosen or choose(), workflows=WORKFLOWS, theme="light", now=some.NOW
    )


def cells(table, head):
    at = [c.head for c in table.columns].index(head)
    return [line[at] for line in metrics_tables.say_lines(table)]


def test_the_page_says_the_same_as_the_figures():
    view = build(some.metrics())
    assert view.empty is None
    assert view.notice is None
    assert view.span == "2026-03-02 11:00:00 UTC to 2026-03-02 12:00:00 UTC"
    assert view.file_at == "20260302-1200"
    assert cells(view.nodes, "p95") == ["200 ms", "200 ms"]
    assert view.latency.sheet.rows[0][1] == 90.0
    assert view.volume.sheet.rows[0][1:] == (4, 1)
    assert view.wait.sheet.rows[0][1] == 3.0
    assert view.heat.sheet.rows[0][1] == 90.0
    assert view.span_of_point == "each point is 1 m, in UTC · changes against the 1 h before"
    assert view.refused == ""


def test_calls_that_a_breaker_refused_are_told_beside_the_errors():
    nodes = [some.node(short_circuited=1), some.node(short_circuited=20)]
    refused = build(some.metrics(nodes=nodes)).refused
    assert refused == "21 calls were refused by an open breaker, which is no error."


def test_where_nothing_ended_the_charts_are_empty_instead_of_zero():
    points = [replace(p, runs=0, errors=0, wait_s=0.0) for p in some.metrics().series.points]
    view = build(some.metrics(series=replace(some.metrics().series, points=points)))
    assert view.volume.is_empty
    assert view.wait.is_empty


def test_only_graphs_of_what_ran_and_is_loaded_are_offered_the_busiest_first():
    nodes = [some.node(), some.node(workflow="gone"), some.node(workflow="broken")]
    known = [
        WorkflowName(name="refund_desk", error=None),
        WorkflowName(name="broken", error="no such module"),
    ]
    assert metrics.name_graphs(some.metrics(nodes=nodes), known) == ("refund_desk",)


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [(None, "Nothing ran in this window."), ("essay", "Nothing of essay ran in this window.")],
)
def test_an_empty_window_says_what_would_fill_it(workflow, expected):
    found = some.metrics(nodes=[], workflows=[], totals=Totals())
    view = build(found, choose(workflow=workflow))
    assert view.empty.text == expected
    assert view.empty.link.params == {"workflow": "refund_desk"}


def test_a_window_that_is_still_added_up_says_so():
    assert "still being added up" in build(some.metrics(is_whole=False)).notice.text


def test_a_window_that_could_not_be_read_says_what_stands_instead():
    assert build(some.metrics(), choose("soon")).notice.text.endswith("this is 1h.")


# Figures ------------------------------------------------------------------------------------------


def figures(now: Totals, before: Totals):
    return {f.label: f for f in metrics_figures.build_figures(now, before)}


def test_each_figure_says_how_it_changed_and_only_the_worse_has_a_colour():
    row = figures(
        Totals(started=12, completed=80, failed=20, success_ratio=0.8, p95_ms=1000, wait_s=60),
        Totals(started=10, completed=99, failed=1, success_ratio=0.99, p95_ms=1500, wait_s=60),
    )
    assert row["Started"].change.text == "+2"
    assert (row["Failed"].change.text, row["Failed"].change.is_bad) == ("+19", True)
    assert (row["Success"].change.text, row["Success"].change.is_bad) == ("-19.0 points", True)
    assert (row["p95 of a run"].change.text, row["p95 of a run"].change.is_bad) == (
        "-33.3 %",
        False,
    )
    assert row["Human time"].change.text == "as before"
    assert row["From cache"].change is None


def test_a_manifold_change_is_said_in_times():
    row = figures(Totals(wait_s=4000), Totals(started=1, wait_s=100))
    assert row["Human time"].change.text == "+40 times"


def test_without_anything_before_nothing_is_compared():
    row = figures(Totals(started=3, completed=3), Totals())
    assert row["Started"].change.text == "nothing before"
    assert row["Failed"].change is None


def test_too_few_for_a_percentile_say_how_many():
    assert figures(Totals(completed=7, p95_ms=80), Totals())["p95 of a run"].value == "n = 7"


def test_a_percentile_is_compared_where_both_are_one():
    now, few = Totals(completed=50, p95_ms=80), Totals(completed=19, p95_ms=8)
    assert figures(now, few)["p95 of a run"].change is None
    assert figures(few, now)["p95 of a run"].change is None


def test_tokens_and_cost_stand_where_there_are_some():
    row = figures(Totals(tokens=1200, cost=1.5), Totals())
    assert (row["Tokens"].value, row["Cost"].value) == ("1\u202f200", "1.50")
    assert "Cost" not in figures(Totals(), Totals())


# Tables -------------------------------------------------------------------------------------------


def test_percentiles_of_too_few_say_how_many():
    table = metrics_tables.nodes_table([some.node(runs=15)])
    assert cells(table, "p90") == ["180 ms"]
    assert cells(table, "p95") == cells(table, "p99") == ["n = 15"]


def test_a_node_shows_its_breaker_its_errors_and_its_human_time():
    nodes = [
        some.node(breaker_state="half_open", errors=2, error_ratio=0.01, tokens_in=3, tokens_out=4),
        some.node(interrupted=2, wait_s=90),
    ]
    table = metrics_tables.nodes_table(nodes)
    assert cells(table, "Breaker") == ["half open", ""]
    assert cells(table, "Human time") == [NOTHING, "1 m 30 s"]
    assert cells(table, "Tokens") == ["7", "0"]
    assert Tone.FAILED in table.tones.values()
    assert Tone.RUNNING in table.tones.values()


def test_what_is_saved_has_the_names_of_the_command_line():
    sheet = metrics_tables.nodes_table([some.node()]).sheet
    assert {"workflow", "path", "runs", "p95_ms", "share_ratio", "wait_s"} <= set(sheet.columns)


def test_variants_stand_side_by_side():
    beside = metrics_tables.side_by_side(
        [some.workflow(variant="", rating=4.5), some.workflow(variant="b", cost=2000)]
    )
    by_figure = {row["Figure"]: list(row.values())[1:] for row in beside}
    assert list(beside[0])[1:] == ["refund_desk: no variant", "refund_desk: b"]
    assert by_figure["Rating"] == ["4.5", NOTHING]
    assert by_figure["Cost"] == ["0.00", "2\u202f000"]
    assert metrics_tables.side_by_side([some.workflow(variant="b")]) == []


def test_a_rubber_stamp_is_named():
    bob = some.reviewer("bob", approve_ratio=1.0, median_s=1.86, is_hasty=True)
    said = metrics_tables.warn_of_haste([some.reviewer(), bob])
    assert said.startswith("This looks like a rubber stamp: bob approved 100 % of 40 cards")
    assert metrics_tables.warn_of_haste([some.reviewer()]) == ""
    assert cells(metrics_tables.reviewers_table([bob]), "Looks like a rubber stamp") == ["yes"]


def test_an_error_has_some_of_its_runs():
    (row,) = metrics_tables.error_rows([some.error()], some.NOW)
    assert (row.count, row.last) == ("7 times", "4 min ago")
    assert row.message == "the bank did not answer"
    assert [run_id for run_id, _ in row.runs] == ["run-1", "run-2", "run-3"]
