from __future__ import annotations

from types import SimpleNamespace

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.holds import Hold
from interlock.core.model.runs import Failure, RunKind, RunOptions, RunStatus
from interlock.dashboard.views import run as runs


def build(make, run, *, approvals=(), thread_runs=None, last_run_id="run-1", overview=None):
    thread = SimpleNamespace(last_run_id=last_run_id) if last_run_id else None
    detail = SimpleNamespace(
        run=run,
        thread=thread,
        approvals=tuple(approvals),
        thread_runs=tuple(thread_runs if thread_runs is not None else [run]),
    )
    return runs.build(detail, overview or make.overview(), now=make.now)


def test_the_summary_says_who_when_and_how_long(make):
    run = make.run(
        started_at=make.ago(seconds=3),
        deliveries=2,
        reason="again",
        kind=RunKind.RETRY,
        options=RunOptions(break_before=("a",), break_after=("*",), recursion_limit=9),
        priority=5,
    )
    view = build(make, run)
    assert view.summary == (
        "retried 4 min ago by Ann · at work for 3.00 s · thread thread-1"
        " · handed to a worker 2 times · reason: again"
    )
    assert view.options == "at most 9 supersteps · stops before a · stops after * · priority 5"
    usual = build(make, make.run(options=RunOptions()))
    assert usual.options == "the usual limit of supersteps"
    assert "ended \u2013" in view.exact
    assert '"amount": 620' in view.input_text


def test_a_run_in_which_a_fallback_served_says_so(make):
    run = make.run(status=RunStatus.DONE, is_degraded=True)
    assert "degraded: a fallback served" in build(make, run).summary


def test_a_run_that_went_on_in_memory_says_so(make):
    view = build(make, make.run(status=RunStatus.DONE, steps_in_memory=1))
    assert view.durability.word == "not durable"
    assert view.durability_text.startswith("1 step was kept in the memory of its worker")
    stored = build(make, make.run(status=RunStatus.DONE))
    assert (stored.durability, stored.durability_text) == (None, "")


def test_what_is_over_is_rated(make):
    over = make.run(status=RunStatus.DONE, ended_at=make.now, rating=4)
    assert (build(make, over).is_rateable, build(make, over).rating) == (True, 4)
    for status in (RunStatus.RUNNING, RunStatus.WAITING, RunStatus.CONTINUED):
        assert not build(make, make.run(status=status, ended_at=make.now)).is_rateable
    assert not build(make, make.run(status=RunStatus.DONE)).is_rateable


def test_a_finished_run_says_what_it_took(make):
    done = make.run(
        status=RunStatus.DONE, started_at=make.ago(seconds=3), ended_at=make.now, input=None
    )
    view = build(make, done)
    assert "took 3.00 s" in view.summary
    assert view.input_text == ""
    assert not view.cancel.is_possible
    assert view.retry.why_not == "Only failed or cancelled runs are retried."


def test_its_pending_cards_are_linked_oldest_first(make):
    waiting = make.run(status=RunStatus.WAITING)
    cards = [
        make.card("late", asked_at=make.now),
        make.card("old"),
        make.card("closed", status=ApprovalStatus.DECIDED),
    ]
    view = build(make, waiting, approvals=cards)
    assert [c.approval_id for c in view.cards] == ["old", "late"]
    assert view.notice is None


def test_a_waiting_run_without_a_card_says_so(make):
    assert "no longer here" in build(make, make.run(status=RunStatus.WAITING)).notice.text


def test_a_queued_run_says_that_no_worker_is_there(make):
    view = build(
        make,
        make.run(status=RunStatus.QUEUED),
        overview=make.overview(workers_alive=0, newest_heartbeat_at=None),
    )
    assert "No worker has started yet" in view.notice.text


def test_a_queued_run_says_that_the_queue_stands_and_a_running_one_does_not(make):
    seen = make.overview(queued=1, oldest_due_at=make.ago(minutes=2))
    queued = build(make, make.run(status=RunStatus.QUEUED), overview=seen)
    assert "The queue is not moving" in queued.notice.text
    assert build(make, make.run(status=RunStatus.RUNNING), overview=seen).notice is None


def test_a_run_that_is_being_cancelled_says_so_and_is_not_cancelled_twice(make):
    view = build(make, make.run(cancel_requested_at=make.ago(seconds=20)))
    assert "Cancelling, asked for 20 s ago" in view.notice.text
    assert view.cancel.why_not == "It is being cancelled."


def test_a_failure_is_explained_with_its_place(make):
    error = Failure(
        "ValueError",
        "no funds",
        stack="Traceback",
        node="charge",
        attempt=2,
        snapshot={"token": "***"},
        versions={"langgraph": "1.2", "b": "2"},
    )
    view = build(make, make.run(status=RunStatus.FAILED, error=error))
    assert view.problem.place == "in charge, attempt 2"
    assert view.problem.versions == "b 2, langgraph 1.2"
    assert view.retry.is_possible


@pytest.mark.parametrize(
    ("error", "place"),
    [(Failure("E", "m"), ""), (Failure("E", "m", attempt=3), "attempt 3")],
)
def test_a_failure_without_a_node_has_no_place(make, error, place):
    view = build(make, make.run(status=RunStatus.FAILED, error=error), last_run_id=None)
    assert view.problem.place == place


def test_a_thread_that_went_on_is_not_retried(make):
    view = build(make, make.run(status=RunStatus.FAILED), last_run_id="run-9")
    assert view.retry.why_not == "Its thread has gone on with a later run."


def test_neighbours_are_named_with_their_status(make):
    first = make.run("a", RunStatus.CONTINUED)
    second = make.run("b", previous_run_id="a")
    third = make.run("c", RunStatus.DONE, previous_run_id="b")
    view = build(make, second, thread_runs=[first, second, third])
    assert view.earlier.label == "Earlier run a, continued"
    assert view.later.label == "Went on as run c, done"
    assert build(make, first, thread_runs=[first]).earlier is None


@pytest.mark.parametrize(
    ("status", "last_run_id", "why_not"),
    [
        (RunStatus.FAILED, "run-1", ""),
        (RunStatus.FAILED, "run-2", "Its thread has gone on with a later run."),
        (RunStatus.CANCELLED, "run-1", "Only failed runs are decided there."),
    ],
)
def test_a_failed_run_can_be_decided_in_the_inbox(make, status, last_run_id, why_not):
    view = build(make, make.run(status=status), last_run_id=last_run_id)
    assert (view.ask.label, view.ask.why_not) == ("Decide in the inbox", why_not)


def test_a_run_that_asks_about_its_failure_can_be_retried_and_says_why_it_failed(make):
    view = build(make, make.run(status=RunStatus.PAUSED, error=Failure("E", "no funds")))
    assert view.retry.is_possible
    assert view.problem is not None
    assert not view.ask.is_possible


def test_a_queued_run_of_what_is_held_says_by_whom(make):
    hold = Hold(scope="", held_by="Ann", reason="audit", held_at=make.ago(minutes=4))
    view = build(make, make.run(status=RunStatus.QUEUED), overview=make.overview(holds=(hold,)))

    assert view.notice.text == (
        "Everything is held by Ann, 4 min ago: audit. It goes on at the release."
    )


def test_a_run_leads_to_where_it_left_its_thread(make):
    at_work = runs.link_history(make.run())
    assert at_work.page == "history"
    assert "at" not in at_work.params
    ended = make.run(status=RunStatus.DONE, end_checkpoint_id="c9")
    assert runs.link_history(ended).params == {"thread": ended.thread_id, "at": "c9"}
