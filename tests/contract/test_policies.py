"""What a published policy does to launches, to cards and to their answers, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.delivery import Head, LiveInterrupt
from interlock.core.model.runs import Failure, RunStatus
from interlock.core.queue.local import LocalQueue
from interlock.core.services import carding, deciding, launching, presence
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.settings import Settings
from interlock.core.store import approvals, decisions, workflows
from interlock.core.store.engine import read, write
from tests.published import published

POLICY = {
    "priority": 5,
    "variants": {"old": 0.5, "new": 1e-6},
    "approval": {
        "charge": {"risk": "high", "deadline_s": 900, "answers": {"approve": {"z": [1], "a": 2}}},
        "refund": {"risk": "low", "deadline_s": 60},
    },
}


@pytest.fixture
def app(engine, tmp_path, frozen) -> App:
    """The services, and a workflow with a policy."""
    app = App(Settings(data_dir=tmp_path / "data"), engine, LocalQueue(), frozen)
    workflow = published("refunds", nodes=("charge", "refund"), at=frozen.now(), policy=POLICY)
    presence.publish(app, [workflow])
    return app


def level(app, make, *, status=RunStatus.WAITING, failure=None, due=("charge",), payload="Go?"):
    asking = LiveInterrupt(
        interrupt_id="i1",
        value=payload,
        schema=None,
        node="charge",
        namespace="charge:1",
        is_answered=False,
    )
    interrupts = (asking,) if status is RunStatus.WAITING else ()
    head = Head(checkpoint_id="c1", run_id="r1", due=due, next=due, interrupts=interrupts)
    with write(app.engine) as conn:
        run = make.put_run(conn, "r1", status=RunStatus.RUNNING)
        told = carding.level_cards(
            conn,
            run,
            head=head,
            status=status,
            refused={},
            now=app.clock.now(),
            failure=failure,
        )
    return told.asked[0]


def test_a_policy_is_kept_with_its_workflow(app):
    with read(app.engine) as conn:
        assert workflows.fetch(conn, "refunds").policy == POLICY
        assert workflows.fetch_policy(conn, "refunds") == POLICY
        assert workflows.fetch_policy(conn, "gone") is None


def test_a_card_has_the_risk_and_the_deadline_of_its_policy(app, make, engine):
    card = level(app, make)
    with read(engine) as conn:
        kept = approvals.fetch(conn, card.approval_id)
    assert kept == card
    assert (kept.risk, kept.deadline_at) == ("high", app.clock.now() + timedelta(seconds=900))


def test_a_breakpoint_before_two_nodes_has_the_stricter_of_their_rules(app, make):
    card = level(app, make, status=RunStatus.PAUSED, due=("charge", "refund"))
    assert (card.risk, card.deadline_at) == ("high", app.clock.now() + timedelta(seconds=60))


def test_a_failed_nodes_card_has_its_risk(app, make):
    failure = Failure("ValueError", "no", node="refund")
    card = level(app, make, status=RunStatus.FAILED, failure=failure)
    assert card.risk == "low"


def test_approve_sends_what_the_policy_says(app, make, engine):
    card = level(app, make)
    deciding.decide(app, card.approval_id, Intent(verb=Verb.APPROVE), version=1, actor="ann")
    with read(engine) as conn:
        (decision,) = decisions.fetch_for_approval(conn, card.approval_id)
    assert decision.answer == {"z": [1], "a": 2}


def test_a_launch_that_names_no_priority_and_no_variant_has_the_policys(app):
    run = launching.launch(app, Launch(workflow="refunds", input={}), actor="ann")
    named = launching.launch(
        app, Launch(workflow="refunds", input={}, priority=2, variant="mine"), actor="ann"
    )
    assert run.priority == 5
    assert run.variant in {"old", "new"}
    assert (named.priority, named.variant) == (2, "mine")
