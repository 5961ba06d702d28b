"""The list of runs and one run's page, drawn without a browser."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.nodes import NodeRun, NodeStatus, RunEvent
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.model.threads import Snapshot
from interlock.core.services import deciding, observing
from interlock.core.store import engine, events, nodes, runs, snapshots
from interlock.dashboard import keys

GRAPH = {
    "nodes": [
        {"id": "__start__", "label": "start", "kind": "start"},
        {"id": "review", "label": "review", "kind": "node"},
    ],
    "edges": [{"source": "__start__", "target": "review", "label": "", "conditional": False}],
}


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.error, *at.subheader]
    return " | ".join(box.value for box in boxes).replace("\\", "")


def open_tab(at, run, name):
    at.session_state[keys.run_tabs(run.run_id)] = name
    at.run()
    assert not at.exception
    return at


@pytest.fixture
def worked(app, seed):
    """A run that has done a step, said something, and kept its state."""
    seed.worker()
    seed.workflow(graph=GRAPH)
    run = seed.run(RunStatus.RUNNING, started_at=seed.at - timedelta(seconds=5))
    node = NodeRun(
        run_id=run.run_id,
        thread_id=run.thread_id,
        workflow=run.workflow,
        task_id="task-1",
        attempt=1,
        delivery=1,
        node="review",
        path="review",
        namespace="",
        step=1,
        status=NodeStatus.ERROR,
        started_at=seed.at - timedelta(seconds=4),
        duration_ms=1240.0,
        error_type="ValueError",
        error_message="![x](http://evil/a)",
    )
    log = [
        ("message", {"id": "m", "node": "draft", "text": "Hel", "done": False}),
        ("message", {"id": "m", "node": "draft", "text": "Hello", "done": True}),
        ("log", {"stream": "stdout", "text": "printed"}),
        ("custom", {"step": 3}),
        ("warning", {"text": "not durable"}),
    ]
    with engine.write(app.engine) as conn:
        nodes.upsert_many(conn, [node])
        events.insert_many(
            conn,
            [
                RunEvent(run_id=run.run_id, seq=i, kind=k, path="draft", at=seed.at, data=d)
                for i, (k, d) in enumerate(log, start=1)
            ],
        )
    return run


def end(app, run, status, **fields):
    with engine.write(app.engine) as conn:
        assert runs.move(conn, run.run_id, from_={run.status}, to=status, **fields)


def test_runs_are_listed_newest_first_and_filtered(seed, open_page):
    seed.run(RunStatus.DONE, workflow="essay", created_at=seed.at - timedelta(hours=1))
    seed.run(RunStatus.FAILED, error=Failure("ValueError", "no funds"))
    at = open_page("runs")
    assert not at.exception
    assert list(at.dataframe[0].value["Status"]) == ["failed", "done"]
    saves = {button.key for button in at.get("download_button")}
    assert saves == {keys.metrics_save("runs", ending) for ending in ("csv", "json")}
    at.segmented_control(key=keys.runs_status()).set_value("failed").run()
    assert list(at.dataframe[0].value["Problem"]) == ["ValueError: no funds"]
    at.segmented_control(key=keys.runs_status()).set_value("cancelled").run()
    assert "No run fits these filters" in said(at)


def test_no_run_at_all_offers_the_first_launch(seed, open_page):
    seed.workflow()
    assert "Nothing has run yet" in said(open_page("runs"))


def test_a_run_shows_its_steps_with_foreign_words_inert(worked, open_page):
    at = open_page("run", run_id=worked.run_id)
    assert not at.exception
    assert "refund_desk" in said(at)
    assert list(at.dataframe[0].value["Took"]) == ["1.24 s"]
    assert "![" not in said(at)


def test_streamed_texts_and_warnings_are_joined_and_prints_have_a_tab(worked, open_page):
    at = open_tab(open_page("run", run_id=worked.run_id), worked, "Stream")
    codes = [code.value for code in at.code]
    assert "Hello" in codes
    assert "not durable" in said(at)
    at = open_tab(at, worked, "Logs")
    assert [code.value.split()[-1] for code in at.code] == ["printed"]


def test_the_raw_log_and_the_input_are_there(worked, open_page):
    at = open_tab(open_page("run", run_id=worked.run_id), worked, "Events")
    assert next(iter(at.dataframe[0].value["Seq"])) == "5"
    at = open_tab(at, worked, "Input")
    assert any('"amount": 620' in code.value for code in at.code)


def test_the_state_is_shown_once_it_is_kept(app, seed, worked, open_page):
    at = open_tab(open_page("run", run_id=worked.run_id), worked, "State")
    assert "The state is kept when the run waits or ends" in said(at)
    at.button(key=f"run-read-state-{worked.run_id}").click().run()
    assert not at.exception
    snapshot = Snapshot(
        thread_id=worked.thread_id,
        checkpoint_id="checkpoint-9",
        values={"total": 7},
        next=(),
        interrupts=(),
        metadata={},
        created_at=seed.at,
    )
    with engine.write(app.engine) as conn:
        snapshots.put(conn, snapshot)
    end(app, worked, RunStatus.DONE, end_checkpoint_id="checkpoint-9", ended_at=seed.at)
    at.run()
    assert not at.exception
    assert dict(at.dataframe[0].value.values) == {"total": "7"}
    at.segmented_control(key=keys.run_state_form(worked.run_id)).set_value("JSON").run()
    assert '"total"' in at.json[0].value


def test_a_running_run_is_cancelled_with_its_reason(app, worked, open_page):
    at = open_page("run", run_id=worked.run_id)
    at.text_input(key=keys.run_reason(worked.run_id)).set_value("wrong customer")
    at.button(key=keys.run_cancel(worked.run_id)).click().run()
    assert not at.exception
    assert observing.get_run(app, worked.run_id).cancel_requested_at is not None
    assert "Cancelling" in said(at)


def test_a_failed_run_says_why_and_is_retried(app, seed, worked, open_page):
    error = Failure("ValueError", "no funds", stack="Traceback", node="review", snapshot={"a": 1})
    end(app, worked, RunStatus.FAILED, error=error, ended_at=seed.at)
    at = open_page("run", run_id=worked.run_id)
    assert not at.exception
    assert any("ValueError" in e.value for e in at.error)
    assert any(code.value == "no funds" for code in at.code)
    at.button(key=keys.run_retry(worked.run_id)).click().run()
    assert not at.exception
    newest = observing.list_runs(app)[0]
    assert newest.previous_run_id == worked.run_id
    assert at.query_params["run_id"] == newest.run_id


def test_a_run_is_rated_once_it_is_over(app, seed, worked, open_page):
    assert not open_page("run", run_id=worked.run_id).feedback
    end(app, worked, RunStatus.DONE, ended_at=seed.at)
    at = open_page("run", run_id=worked.run_id)
    at.feedback(key=keys.run_rating(worked.run_id, None)).set_value(3).run()
    assert not at.exception
    assert observing.get_run(app, worked.run_id).rating == 4
    assert "Rated 4 of 5." in said(at)
    assert at.feedback(key=keys.run_rating(worked.run_id, 4)).value == 3


def test_an_ended_run_offers_nothing_to_cancel(app, seed, worked, open_page):
    end(app, worked, RunStatus.DONE, ended_at=seed.at)
    at = open_page("run", run_id=worked.run_id)
    assert at.button(key=keys.run_cancel(worked.run_id)).disabled


def test_a_waiting_run_links_its_card_and_then_the_run_that_went_on(app, seed, open_page):
    seed.worker()
    run = seed.run(RunStatus.WAITING, started_at=seed.at, ended_at=seed.at)
    card = seed.card(run=run, title="Refund 620?")
    at = open_page("run", run_id=run.run_id)
    assert "Refund 620?" in said(at)
    deciding.decide(app, card.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="Ben")
    at = open_tab(open_page("run", run_id=run.run_id), run, "Decisions")
    assert "continued" in said(at)
    assert "Approved by Ben" in said(at)


def test_a_run_that_is_not_there_says_so(open_page):
    assert "There is no such run" in said(open_page("run", run_id="gone"))
    assert "No run is chosen" in said(open_page("run"))
