"""The metrics page and its report, drawn without a browser from what is in the database."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.store import engine, nodes
from interlock.core.types import new_id
from interlock.dashboard import keys

EVIL = "![x](http://evil/a.png) <b>"
GRAPH = {"nodes": [{"id": "review", "label": "review", "kind": "node"}], "edges": []}


def add_failed_run(app, seed, minutes=5):
    at = seed.at - timedelta(minutes=minutes)
    failure = Failure("TimeoutError", EVIL)
    run = seed.run(
        RunStatus.FAILED, created_at=at, started_at=at, ended_at=at, error=failure, variant="b"
    )
    node = NodeRun(
        run_id=run.run_id,
        delivery=1,
        task_id=new_id(),
        attempt=1,
        thread_id=run.thread_id,
        workflow=run.workflow,
        node="review",
        path="review",
        namespace="",
        step=1,
        status=NodeStatus.ERROR,
        started_at=at,
        duration_ms=482.0,
        ended_at=at,
        error_type="TimeoutError",
        error_message=EVIL,
    )
    with engine.write(app.engine) as conn:
        nodes.upsert_many(conn, [node])
    return run


def test_a_window_says_what_ran_and_what_failed(app, seed, open_page):
    seed.workflow(graph=GRAPH)
    seed.card(status=ApprovalStatus.PENDING)
    add_failed_run(app, seed)
    at = open_page("figures", window="1h", figure="errors")
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["Failed"] == "1"
    said = [*(m.value for m in at.markdown), *(c.value for c in at.caption)]
    assert "**TimeoutError**" in said
    assert not any("![" in text for text in said)
    assert EVIL in [c.value for c in at.code]


def test_the_window_and_the_workflow_live_in_the_url(app, seed, open_page):
    seed.workflow()
    add_failed_run(app, seed, minutes=30)
    at = open_page("figures", window="5m", workflow="refund_desk")
    assert not at.exception
    assert any("Nothing of refund" in m.value for m in at.markdown)
    at.segmented_control(key=keys.metrics_window()).set_value("custom").run()
    assert not at.exception
    assert at.query_params["window"] == "custom"
    assert at.query_params["start"] == "2026-05-04T11:55Z"
    at.selectbox(key=keys.metrics_workflow()).set_value("All workflows").run()
    assert "workflow" not in at.query_params


def test_a_workflow_with_variants_is_narrowed_to_one(app, seed, open_page):
    seed.workflow()
    add_failed_run(app, seed)
    at = open_page("figures", workflow="refund_desk")
    at.selectbox(key=keys.metrics_variant()).set_value("b").run()
    assert not at.exception
    assert at.query_params["variant"] == "b"
    at = open_page("figures", workflow="refund_desk", variant="none-such")
    assert any("Nothing of refund" in m.value for m in at.markdown)
    at.selectbox(key=keys.metrics_variant()).set_value("All variants").run()
    assert "variant" not in at.query_params
    at = open_page("report", workflow="refund_desk", variant="b")
    assert any("variant b" in c.value for c in at.caption)


def test_a_report_has_whole_tables_and_draws_foreign_words_inert(app, seed, open_page):
    seed.workflow()
    add_failed_run(app, seed)
    at = open_page("report", window="1h")
    assert not at.exception
    cells = [str(cell) for table in at.table for cell in table.value.to_numpy().ravel()]
    assert any(r"\!\[x\]" in cell for cell in cells)
    assert not any("![x]" in cell for cell in cells)


def test_a_node_of_a_graph_leads_to_its_figures_and_back_to_all(app, seed, open_page):
    seed.workflow(graph=GRAPH)
    add_failed_run(app, seed)
    at = open_page("figures", workflow="refund_desk", node="elsewhere")
    assert not at.exception
    assert any("did not run in this window" in c.value for c in at.caption)
    assert (
        'URL="figures?workflow=refund_desk&node=review"' in at.get("graphviz_chart")[0].proto.spec
    )
    at.button(key=keys.metrics_node_off()).click().run()
    assert not at.exception
    assert "node" not in at.query_params
