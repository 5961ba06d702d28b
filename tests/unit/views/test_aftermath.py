from __future__ import annotations

from types import SimpleNamespace

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, RunStatus
from interlock.dashboard.views import aftermath


def say(make, card, *, run=None, nodes=(), decisions=(), version=1):
    seen = SimpleNamespace(approval=card, decisions=decisions, run=run, nodes=nodes)
    return aftermath.build(seen, version, now=make.now)


def test_nothing_is_said_while_it_can_be_decided(make):
    view = say(make, make.card())
    assert (view.closed, view.text, view.run_id) == ("", "", None)


def test_whoever_looks_sees_what_runs_now(make):
    view = say(
        make,
        make.card(status=ApprovalStatus.DECIDED),
        decisions=[make.decision(actor="A*nn")],
        run=make.run("run-2"),
        nodes=[make.node("charge", status=NodeStatus.RUNNING)],
    )
    assert view.closed == r"Already approved by A\*nn 4 min ago\."
    assert (view.text, view.run_id) == ("Running `charge` …", "run-2")
    assert view.look is not None
    assert view.look.word == "running"


def test_whoever_looks_sees_how_it_ended(make):
    failed = make.run("run-2", RunStatus.FAILED, error=Failure("Oops", "no *money*"))
    view = say(
        make,
        make.card(status=ApprovalStatus.DECIDED),
        decisions=[make.decision()],
        run=failed,
    )
    assert view.text == r"It failed: Oops\: no \*money\*"


def test_a_card_that_nobody_decided_has_no_run(make):
    view = say(make, make.card(status=ApprovalStatus.WITHDRAWN))
    assert view.closed.startswith("Withdrawn")
    assert view.look is None
