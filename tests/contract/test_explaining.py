"""What stands beside a card, and what became of it, on both databases."""

from __future__ import annotations

import pytest

from interlock.core.errors import NotFound
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.runs import RunKind, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import explaining
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store import decisions, nodes, snapshots, threads
from interlock.core.store.engine import write


@pytest.fixture
def app(engine, frozen, tmp_path) -> App:
    """An App on each kind of database."""
    return App(Settings(data_dir=tmp_path), engine, LocalQueue(), frozen)


@pytest.fixture
def card(app, make):
    """A card that was decided, whose answer is being carried out by `r2`."""
    with write(app.engine) as conn:
        make.put_run(conn, "r1", status=RunStatus.CONTINUED)
        given = {"kind": RunKind.RESUME, "status": RunStatus.RUNNING, "previous_run_id": "r1"}
        make.put_run(conn, "r2", created_at=make.at(2), **given)
        make.put_run(conn, "other", thread_id="t2")
        card = make.put_approval(conn, "a1", status=ApprovalStatus.DECIDED)
        decisions.insert(conn, make.decision("a1"))
        rows = [make.node_run("1"), make.node_run("2", run_id="r2", path="charge")]
        nodes.upsert_many(conn, [*rows, make.node_run("3", run_id="other")])
    return card


def test_whoever_asks_is_told_the_run_of_the_decision(app, card):
    seen = explaining.aftermath(app, card.approval_id)
    assert (seen.newest.actor, seen.run.run_id) == ("ann", "r2")
    assert [n.path for n in seen.nodes] == ["charge"]
    run, told = explaining.follow_run(app, "r2")
    assert (run.status, [n.task_id for n in told]) == (RunStatus.RUNNING, ["2"])


def test_an_open_card_has_no_run_yet(app, make):
    with write(app.engine) as conn:
        make.put_run(conn, "r1")
        make.put_approval(conn, "a1")
    seen = explaining.aftermath(app, "a1")
    assert (seen.newest, seen.run, seen.nodes) == (None, None, ())


def test_beside_a_card_is_the_story_that_it_is_a_part_of(app, card):
    found = explaining.background(app, card)
    assert [n.task_id for n in found.nodes] == ["1", "2"]
    assert [a.approval_id for a in found.approvals] == ["a1"]
    assert found.workflow is None


def test_the_state_is_the_one_in_which_it_was_asked(app, make, card):
    with write(app.engine) as conn:
        threads.insert(conn, make.thread())
        snapshots.put(conn, make.snapshot(checkpoint_id="c1", values={"amount": 1}))
        snapshots.put(conn, make.snapshot(checkpoint_id="c2", values={"amount": 2}))
    assert explaining.state_when_asked(app, card).values == {"amount": 1}


def test_what_is_not_there_is_not_found(app):
    with pytest.raises(NotFound):
        explaining.aftermath(app, "none")
    with pytest.raises(NotFound):
        explaining.follow_run(app, "none")
