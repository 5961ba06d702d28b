"""A graph that raises what it likes: each run ends in a stated status, and the worker lives on."""

from __future__ import annotations

import pytest

from interlock.core.errors import Conflict
from interlock.core.model.runs import RunStatus
from interlock.core.services import observing, running


def events(desk, run, kind):
    return [(e.path, e.data) for e in observing.list_events(desk.app, run.run_id, kinds=[kind])]


@pytest.mark.parametrize("workflow", ["raising", "raising_in_thread"])
@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("error", "ValueError", "wrong"),
        ("exit", "SystemExit", "3"),
        ("keyboard", "KeyboardInterrupt", "KeyboardInterrupt()"),
        ("base", "Abort", "out"),
        ("unreadable", "Unreadable", "(its text cannot be read: ValueError)"),
        ("talkative", "Talkative", "talkative"),
        ("cancelled", "NodeCancelledError", "Node 'breaks' raised asyncio.CancelledError"),
    ],
)
def test_whatever_a_node_raises_is_kept_and_the_worker_lives_on(
    desk, ears, workflow, how, kind, message
):
    book = desk.open_book()
    worker = desk.start()

    with ears():
        failed = desk.finish(workflow, book, input={"how": how, "password": "hunter2"})

    error = failed.error
    assert (failed.status, error.type, error.message) == ("failed", kind, message)
    if how != "cancelled":  # LangGraph's own error about it
        assert (error.node, error.attempt) == ("breaks", 1)
        assert "_raise" in error.stack
    assert error.snapshot["seen"] == ["first"]
    assert error.snapshot["password"] == "***"
    assert {"python", "langgraph"} <= error.versions.keys()
    assert ("breaks", "running") not in desk.nodes(failed)
    assert worker.is_alive
    assert desk.finish("steps", desk.open_book()).status == "done"


def test_a_retried_failure_goes_on_where_it_stopped(desk):
    book = desk.open_book()
    book.fail("flaky", times=3)
    desk.start()

    failed = desk.finish("retrying", book)
    retried = desk.wait(running.retry(desk.app, failed.run_id, actor="cid", reason="again"))

    assert (failed.status, failed.error.node, failed.error.attempt) == ("failed", "flaky", 3)
    assert [s for p, s in desk.nodes(failed) if p == "flaky"] == ["error"] * 3
    assert (retried.status, retried.reason) == ("done", "again")
    assert [book.count(n) for n in ("first", "flaky", "last")] == [1, 4, 1]
    assert retried.previous_run_id == failed.run_id


def test_a_node_that_fails_and_succeeds_when_tried_again_is_no_failure(desk):
    book = desk.open_book()
    book.fail("flaky", times=2)
    desk.start()

    done = desk.finish("retrying", book)

    assert (done.status, done.error) == ("done", None)
    assert desk.nodes(done) == [
        ("first", "ok"),
        ("flaky", "error"),
        ("flaky", "error"),
        ("flaky", "ok"),
        ("last", "ok"),
    ]


def test_only_the_last_of_two_clicks_on_retry_is_refused(desk):
    book = desk.open_book()
    book.fail("flaky", times=9)
    desk.start()
    failed = desk.finish("retrying", book)
    running.retry(desk.app, failed.run_id, actor="cid")

    with pytest.raises(Conflict):
        running.retry(desk.app, failed.run_id, actor="cid")


def test_a_state_that_cannot_be_stored_fails_with_the_node_and_the_field(desk):
    book = desk.open_book()
    desk.start()

    failed = desk.finish("unstorable", book)

    assert (failed.status, failed.error.type) == ("failed", "UnstorableValue")
    assert failed.error.node == "keep"
    assert "'thing'" in failed.error.message
    assert "function" in failed.error.message
    again = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))
    assert (again.status, again.error.type) == ("failed", "UnstorableValue")
    assert [book.count(n) for n in ("first", "keep")] == [1, 2]


def test_a_run_that_never_ends_stops_at_its_limit_and_a_retry_goes_on_with_a_fresh_one(desk):
    book = desk.open_book()
    desk.start()

    failed = desk.finish("endless", book, recursion_limit=10)
    done = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))

    assert (failed.status, failed.error.type) == ("failed", "GraphRecursionError")
    assert "limit of 10" in failed.error.message
    assert failed.error.node is None
    assert "Retry goes on with a fresh limit" in failed.error.message
    assert done.status == "done"
    assert book.count("again") == 16


def test_a_node_that_fails_after_its_approval_is_retried_with_the_same_answer(desk):
    book = desk.open_book()
    book.fail("answered", times=2)
    desk.start()
    held = desk.finish("one", book)
    card = desk.card(held)

    failed = desk.wait(desk.decide(card, "yes").run_id)
    again = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))
    done = desk.wait(running.retry(desk.app, again.run_id, actor="cid"))

    assert [r.status for r in (failed, again, done)] == ["failed", "failed", "done"]
    assert desk.cards(held) == []
    assert [(c.status, c.version) for c in desk.cards(held, "decided")] == [("decided", 1)]
    with pytest.raises(Conflict):
        desk.decide(card, "no")
    assert desk.values(done)["answers"] == ["before", "yes", "after"]
    assert [book.count(n) for n in ("before", "answered", "after")] == [1, 3, 1]


def test_a_function_that_fails_after_its_approval_is_retried_with_the_same_answer(desk):
    book = desk.open_book()
    book.fail("small")
    desk.start()
    held = desk.finish("functions", book)

    failed = desk.wait(desk.decide(desk.card(held), "yes").run_id)

    assert (failed.status, failed.error.node) == ("failed", "functions/ask_both")
    assert desk.cards(held) == []
    assert desk.wait(running.retry(desk.app, failed.run_id, actor="cid")).status == "waiting"
    assert desk.card(held).payload["question"] == "Pay 1000000?"
    assert book.count("large") == 0
    assert book.count("measured") == 1


def test_a_nested_node_that_fails_after_its_approval_is_retried_with_the_same_answer(desk):
    book = desk.open_book()
    book.fail("answered")
    desk.start()
    held = desk.finish("nested", book)

    failed = desk.wait(desk.decide(desk.card(held), "yes").run_id)
    done = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))

    assert (failed.status, failed.error.node) == ("failed", "team/ask")
    assert done.status == "done"
    assert [book.count(n) for n in ("before", "quick", "answered", "after")] == [1, 1, 2, 1]
    assert [c.version for c in desk.cards(held, "pending", "decided")] == [1]


def test_cards_of_siblings_stay_when_one_of_them_fails(desk, by_question):
    book = desk.open_book()
    book.fail("released a")
    desk.start()
    held = desk.finish("fan", book, input={"items": ["a", "b", "c"]})
    cards = by_question(desk.cards(held))

    failed = desk.wait(desk.decide(cards["Release a?"], 1).run_id)
    left = by_question(desk.cards(held))
    second = desk.wait(desk.decide(left["Release b?"], 2).run_id)
    done = desk.wait(desk.decide(left["Release c?"], 3).run_id)

    assert failed.status == "failed"
    assert left.keys() == {"Release b?", "Release c?"}
    assert second.status == "waiting"
    assert sorted(desk.values(done)["answers"]) == [["a", 1], ["b", 2], ["c", 3]]
    assert [book.count(f"released {item}") for item in "abc"] == [2, 1, 1]


def test_an_edge_that_fails_is_taken_by_the_retry(desk):
    book = desk.open_book()
    book.fail("route")
    desk.start()

    failed = desk.finish("routed", book)
    done = desk.wait(running.retry(desk.app, failed.run_id, actor="cid"))

    assert (failed.status, failed.error.type) == ("failed", "RuntimeError")
    assert done.status == "done"
    assert book.count("last") == 1


def test_what_user_code_prints_and_logs_is_kept_with_its_run(desk, ears):
    desk.start()

    with ears():
        runs = [desk.launch("talking", desk.open_book()) for _ in range(3)]
        for run in runs:
            desk.wait(run)

    for run in runs:
        told = [(d["stream"], d["text"]) for _, d in events(desk, run, "log")]
        assert sorted(told) == [
            ("desk.failing", "WARNING: logged here"),
            ("interlock.core.gallery.desk", "WARNING: from the gallery"),
            ("stderr", "to stderr"),
            ("stdout", "no newline"),
            ("stdout", "printed"),
        ]


def test_a_workflow_that_is_gone_fails_its_run_and_tells_which_there_are(desk):
    run = desk.launch("steps", desk.open_book())

    with desk.app.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE runs SET workflow = 'gone'")
    desk.start()

    failed = desk.wait(run)

    assert (failed.status, failed.error.type) == (RunStatus.FAILED, "WorkflowNotLoaded")
    assert "steps" in failed.error.message
