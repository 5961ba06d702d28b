"""A failed run: put into the inbox from its page, and decided there."""

from __future__ import annotations

import pytest

from interlock.core.model.approvals import ApprovalStatus, Kind
from interlock.core.model.runs import Failure, RunKind, RunStatus
from interlock.core.model.threads import CheckpointEntry, Snapshot
from interlock.core.services import observing, running
from interlock.core.store import checkpoints, engine, runs, snapshots
from interlock.dashboard import keys

STATE = {"type": "object", "properties": {"amount": {"type": "integer", "maximum": 900}}}


@pytest.fixture
def failed(app, seed):
    """A run whose node failed, as the worker leaves it."""
    seed.worker()
    seed.workflow(state_schema=STATE)
    run = seed.run(RunStatus.RUNNING, started_at=seed.at)
    entry = CheckpointEntry(
        thread_id=run.thread_id,
        checkpoint_id="c1",
        parent_id=None,
        step=1,
        source="loop",
        next=("charge",),
        run_id=run.run_id,
        created_at=seed.at,
        size_bytes=10,
        branch=0,
    )
    snapshot = Snapshot(
        thread_id=run.thread_id,
        checkpoint_id="c1",
        values={"amount": 620},
        next=("charge",),
        interrupts=(),
        metadata={},
        created_at=seed.at,
    )
    with engine.write(app.engine) as conn:
        checkpoints.insert_many(conn, [entry])
        snapshots.put(conn, snapshot)
        runs.move(
            conn,
            run.run_id,
            from_={RunStatus.RUNNING},
            to=RunStatus.FAILED,
            error=Failure("ValueError", "no *funds*", node="charge"),
            ended_at=seed.at,
            end_checkpoint_id="c1",
        )
    return observing.get_run(app, run.run_id)


def card_of(app, run):
    (card,) = observing.list_inbox(app, thread_id=run.thread_id)
    return card


def press(at, card, name):
    at.button(key=keys.verb(name, card.approval_id, card.version)).click().run()
    assert not at.exception
    return at


def test_a_failed_run_is_put_into_the_inbox_from_its_page(app, failed, open_page):
    at = open_page("run", run_id=failed.run_id)

    at.button(key=keys.run_ask(failed.run_id)).click().run()

    assert not at.exception
    assert card_of(app, failed).kind is Kind.FAILURE
    assert observing.get_run(app, failed.run_id).status is RunStatus.PAUSED
    assert at.button(key=keys.run_ask(failed.run_id)).disabled
    assert not at.button(key=keys.run_retry(failed.run_id)).disabled


def test_two_who_ask_at_once_are_told(app, failed, open_page):
    at = open_page("run", run_id=failed.run_id)
    running.ask(app, failed.run_id, actor="Ben")

    at.button(key=keys.run_ask(failed.run_id)).click().run()

    assert not at.exception
    assert any("only failed runs" in box.value for box in [*at.warning, *at.error, *at.info])
    assert card_of(app, failed).version == 1


def test_its_card_says_what_failed_and_is_retried(app, failed, open_page):
    card = running.ask(app, failed.run_id, actor="Ben")
    at = open_page("inbox", card=card.approval_id)

    assert not at.exception
    assert any(text.value == "no *funds*" for text in [*at.text, *at.code])
    labels = [b.label for b in at.button]
    assert {"Retry", "Edit state and retry", "Skip", "Stop"} <= set(labels)
    press(at, card, "approve")

    assert observing.get_card(app, card.approval_id).approval.status is ApprovalStatus.DECIDED
    newest = observing.list_runs(app)[0]
    assert (newest.kind, newest.previous_run_id) == (RunKind.RETRY, failed.run_id)


def test_its_state_is_edited_from_what_it_is(app, failed, open_page):
    card = running.ask(app, failed.run_id, actor="Ben")
    at = open_page("inbox", card=card.approval_id)
    at.multiselect(key=keys.state_fields(card.approval_id, 1)).set_value(["amount"]).run()

    press(at, card, "approve")
    assert observing.get_card(app, card.approval_id).approval.status is ApprovalStatus.PENDING
    press(at, card, "edit")

    (decision,) = observing.get_card(app, card.approval_id).decisions
    assert decision.answer == {"verb": "edit", "values": {"amount": 620}}
    assert observing.list_runs(app)[0].kind is RunKind.PROCEED
