"""The time machine, drawn without a browser: a thread is found, its points are read and compared."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.approvals import ApprovalStatus, Intent, Verb
from interlock.core.model.history import Inner
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import OPEN, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.services import attaching, deciding, history, reading, rewinding
from interlock.core.services.forking import ForkRequest
from interlock.core.store import checkpoints, engine, pruning, runs, snapshots, threads
from interlock.core.types import CheckpointId
from interlock.dashboard import keys

EVIL = "![x](http://evil/a)"
STEPS = (("a", None, "input"), ("b", "a", "loop"), ("c", "b", "loop"), ("d", "b", "fork"))


def said(at):
    boxes = [*at.markdown, *at.caption, *at.warning, *at.error, *at.subheader, *at.title]
    return " | ".join(box.value for box in boxes).replace("\\", "")


@pytest.fixture
def thread(app, seed):
    """A thread with a left branch; the states of its points are kept, but that of `a`."""
    seed.workflow(
        nodes=("review", "charge"),
        state_schema={
            "type": "object",
            "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
        },
        channels=("amount", "note"),
    )
    run = seed.run(RunStatus.DONE)
    seed.card(run=run, checkpoint_id=CheckpointId("c"), title=EVIL, status=ApprovalStatus.PENDING)
    with engine.write(app.engine) as conn:
        checkpoints.insert_many(
            conn,
            [
                CheckpointEntry(
                    thread_id=run.thread_id,
                    checkpoint_id=CheckpointId(point),
                    parent_id=CheckpointId(parent) if parent else None,
                    step=step,
                    source=source,
                    next=("review",),
                    run_id=run.run_id,
                    created_at=seed.at + timedelta(seconds=step),
                    size_bytes=10,
                    branch=int(point == "d"),
                )
                for step, (point, parent, source) in enumerate(STEPS)
            ],
        )
        threads.touch(conn, run.thread_id, head_checkpoint_id=CheckpointId("d"), now=seed.at)
        for amount, point in enumerate("bcd"):
            snapshots.put(
                conn,
                Snapshot(
                    thread_id=run.thread_id,
                    checkpoint_id=CheckpointId(point),
                    values={"amount": amount, "note": EVIL},
                    next=("review",),
                    interrupts=(),
                    metadata={},
                    created_at=seed.at,
                ),
            )
    return run.thread_id


def test_the_list_leads_to_a_thread(thread, open_page):
    at = open_page("history")
    assert not at.exception
    (listed,) = (table.value for table in at.dataframe)
    assert list(listed["Workflow"]) == ["refund_desk"]
    assert "There is no such thread" in said(open_page("history", thread="nobody"))
    lost = open_page("history", thread=thread, at="nowhere")
    assert not lost.exception
    assert "There is no such point" in said(lost)


def test_the_head_is_shown_first_and_only_its_state_and_the_one_before_are_read(
    thread, open_page, monkeypatch
):
    read = []
    state = reading.state
    monkeypatch.setattr(
        reading,
        "state",
        lambda app, thread_id, point=None, **given: (
            read.append(point) or state(app, thread_id, point, **given)
        ),
    )
    at = open_page("history", thread=thread)
    assert not at.exception
    assert set(read) == {"b", "d"}
    assert "Step 3 on branch 1, a copy, the head" in said(at)
    assert "4 points on 2 branches" in said(at)
    assert "1 difference in amount" in said(at)
    assert EVIL not in said(at)


def test_the_address_names_both_points_and_the_filters(thread, open_page):
    params = {"at": "c", "with": "b", "decisions": "1"}
    at = open_page("history", thread=thread, **params)
    assert not at.exception
    assert "1 point fits" in said(at)
    assert "From: Step 1 on branch 0, a step. To: Step 2 on branch 0, a step." in said(at)
    table = at.dataframe[0].value
    assert list(table["Step"]) == ["2"]
    at.button(key=keys.history_filter("off")).click().run()
    assert not at.exception
    assert "decisions" not in at.query_params
    at.button(key=keys.history_go("before")).click().run()
    assert at.query_params["at"] == "b"


def test_a_state_that_nobody_can_read_says_why(thread, open_page):
    at = open_page("history", thread=thread, at="a")
    assert not at.exception
    assert "A worker is needed to read this state" in said(at)


def apply(at, reason):
    change = at.session_state["history-staged"]
    at.text_input(key=keys.staged_part("reason", change.staged_id)).input(reason)
    at.button(key=keys.staged_part("apply", change.staged_id)).click().run()
    assert not at.exception
    return change


def test_a_change_is_staged_edited_and_applied_once_with_its_reason(app, thread, open_page):
    at = open_page("history", thread=thread, at="c")
    at.button(key=keys.history_verb("edit", "c")).click().run()
    assert not at.exception
    assert "Nothing has happened yet." in said(at)
    change = at.session_state["history-staged"]
    at.multiselect(key=keys.staged_part("fields", change.staged_id)).select("amount").run()
    field = keys.staged_field(change.staged_id, "replace:amount")
    assert at.number_input(key=field).value == 1
    at.number_input(key=field).set_value(500)
    apply(at, "")
    assert "a reason is needed" in said(at)
    apply(at, "a typing error")
    assert "history-staged" not in at.session_state
    (fork,) = history.open_history(app, thread).forks
    assert (fork.verb, fork.target_id, fork.reason) == (RewindVerb.EDIT, "c", "a typing error")


def test_who_comes_second_is_told_who_was_first_and_looks_again(app, thread, open_page):
    at = open_page("history", thread=thread, at="c")
    at.button(key=keys.history_verb("rerun", "c")).click().run()
    request = ForkRequest(verb=RewindVerb.RERUN, checkpoint_id=CheckpointId("b"))
    rewinding.apply(app, thread, request, actor="bo", reason="first")
    change = apply(at, "second")
    assert "The last to move it was bo" in said(at)
    assert at.session_state["history-staged"] == change
    at.button(key=keys.staged_part("discard", change.staged_id)).click().run()
    assert "Nothing has happened yet." not in said(at)
    assert len(history.open_history(app, thread).forks) == 1


@pytest.mark.parametrize("last_read", ["find_thread", "read_point"])
def test_a_thread_that_is_pruned_while_it_is_drawn_says_so(
    app, thread, open_page, monkeypatch, last_read
):
    at = open_page("history", thread=thread, at="c")
    at.button(key=keys.history_verb("rerun", "c")).click().run()
    place = attaching if last_read == "find_thread" else history
    read = getattr(place, last_read)

    def prune(*args):
        found = read(*args)
        with engine.write(app.engine) as conn:
            pruning.delete_thread(conn, thread)
        return found

    monkeypatch.setattr(place, last_read, prune)
    at.run()
    assert not at.exception
    assert f"There is no thread {thread!r}" in said(at)


def test_what_subgraphs_hold_is_read_when_somebody_asks(thread, open_page, monkeypatch):
    inner = Inner(
        path="team/writer",
        namespace="team:1",
        checkpoint_id=CheckpointId("i"),
        step=2,
        next=(),
        values={"draft": EVIL},
    )
    asked = []
    monkeypatch.setattr(reading, "beneath", lambda *given: asked.append(given) or (inner,))
    at = open_page("history", thread=thread)
    assert asked == []
    at.session_state[keys.history_part("beneath", thread, "d")] = True
    at.run()
    assert not at.exception
    assert len(asked) == 1
    assert "**team/writer**" in said(at)
    assert EVIL not in said(at)


def test_a_decision_is_changed_by_answering_its_question_anew(app, seed, thread, open_page):
    (card,) = history.open_history(app, thread).cards
    deciding.decide(
        app, card.approval_id, Intent(verb=Verb.REJECT), version=card.version, actor="ann"
    )
    with engine.write(app.engine) as conn:
        (resume,) = [r for r in history.open_history(app, thread).runs if r.is_open]
        runs.move(conn, resume.run_id, from_=OPEN, to=RunStatus.DONE)
    at = open_page("history", thread=thread, at="c")
    assert "Rejected by ann" in said(at)
    at.button(key=keys.history_verb("redecide", "c")).click().run()
    assert not at.exception
    change = at.session_state["history-staged"]
    apply(at, "the proof has come")
    assert "choose what is decided" in said(at)
    (decide,) = (r for r in at.radio if r.label == "Decide")
    decide.set_value("approve")
    apply(at, "the proof has come")
    (fork,) = history.open_history(app, thread).forks
    assert (fork.verb, fork.target_id) == (RewindVerb.REDECIDE, change.checkpoint_id)
