from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.model.approvals import Kind
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import Failure, RunStatus
from interlock.dashboard.views import outcome

LAST = outcome.Outcome(approval_id="card-1", title="Refund *620*?", verb="approve", run_id="run-2")


def say(make, run, nodes=()):
    return outcome.build(LAST, run, nodes, now=make.now)


def test_the_line_names_what_runs_now(make):
    nodes = [make.node("cha`rge", status=NodeStatus.RUNNING), make.node("plan")]
    line = say(make, make.run(), nodes)
    assert line.text == r"Approved · Refund \*620\*\? · Running `cha'rge` …"
    assert not line.is_settled


def test_before_a_node_begins_it_only_runs(make):
    assert say(make, make.run()).text.endswith("Running …")
    assert say(make, make.run(status=RunStatus.QUEUED)).text.endswith("Waiting for a worker …")


def test_an_end_says_how_long_it_took(make):
    done = make.run(status=RunStatus.DONE, started_at=make.ago(seconds=2), ended_at=make.now)
    line = say(make, done)
    assert line.text.endswith("Done in 2.00 s.")
    assert line.is_settled


@pytest.mark.parametrize(
    "status", [RunStatus.WAITING, RunStatus.PAUSED, RunStatus.CONTINUED, RunStatus.CANCELLED]
)
def test_every_other_end_is_said(make, status):
    assert say(make, make.run(status=status)).text.endswith(".")


def test_a_failure_is_told_with_its_reason_escaped(make):
    failed = make.run(status=RunStatus.FAILED, error=Failure("E", "![x](http://a)"))
    assert r"E\: \!\[x\]" in say(make, failed).text
    asks = make.run(status=RunStatus.PAUSED, error=Failure("E", "no funds"))
    assert say(make, asks).text.endswith("no funds")
    unknown = make.run(status=RunStatus.FAILED)
    assert "no reason was kept" in say(make, unknown).text


def test_the_line_says_what_the_button_said(make):
    proceeded = replace(LAST, kind=Kind.FAILURE)
    assert outcome.build(proceeded, make.run(), (), now=make.now).text.startswith("Retried · ")
    several = replace(LAST, verb="answer", count=3)
    assert outcome.build(several, make.run(), (), now=make.now).text.startswith(
        "Sent 3 decisions ·"
    )
