from __future__ import annotations

import pytest

from interlock.core.model.nodes import NodeStatus
from interlock.core.model.steps import Handed, Step
from interlock.dashboard.views import step_detail


def build(make, node=None, **step):
    given = {"task_id": "task-review", "handed": Handed.INPUT, "input": {"amount": 620}} | step
    return step_detail.build(Step(**given), node or make.node())


def test_a_step_has_its_input_its_output_and_where_it_leads(make):
    view = build(make, has_output=True, output={"total": 7}, leads_to=("charge", "tell"))
    assert (view.input_title, view.has_input, view.input_note) == ("Input", True, "")
    assert (view.has_output, view.output, view.output_note) == (True, {"total": 7}, "")
    assert view.leads_to == "charge, tell"
    assert view.title == "review, step 1, attempt 1, 1.00 s"
    assert not view.cut
    assert not build(make, has_output=True, output={}).has_output


@pytest.mark.parametrize(
    ("handed", "title", "note", "has_input"),
    [
        (Handed.STATE, "State it started from", "does not keep", True),
        (Handed.NOTHING, "Input", "does not keep", False),
    ],
)
def test_what_langgraph_does_not_keep_is_said(make, handed, title, note, has_input):
    view = build(make, handed=handed)
    assert (view.input_title, view.has_input) == (title, has_input)
    assert note in view.input_note


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (NodeStatus.RUNNING, "still at work"),
        (NodeStatus.INTERRUPTED, "stopped to ask"),
        (NodeStatus.CACHED, "from the cache"),
        (NodeStatus.OK, "gave nothing out"),
    ],
)
def test_no_output_has_its_reason(make, status, words):
    view = build(make, make.node(status=status, duration_ms=None))
    assert words in view.output_note
    assert view.title == "review, step 1, attempt 1"
    served = make.node(duration_ms=None, origin="fallback:spare")
    assert build(make, served).title == "review, step 1, fallback"


def test_an_error_is_that_of_the_attempt_else_the_stored_one(make):
    failed = make.node(status=NodeStatus.ERROR, error_type="ValueError", error_message="no funds")
    assert build(make, failed, error="repr").error == "ValueError: no funds"
    assert build(make, error="ValueError('x')").error == "ValueError('x')"
    bare = make.node(status=NodeStatus.ERROR, error_type="ValueError")
    assert build(make, bare).error == "ValueError: "


def test_the_answers_are_those_to_the_cards_of_the_task(make):
    node = make.node()
    own = make.card("own", namespace=f"team:1|review:{node.task_id}")
    other = make.card("other", namespace="review:another")
    taken = [
        make.decision("own", answer="later", decided_at=make.ago(minutes=1), actor="Ben"),
        make.decision("own", answer="first", decided_at=make.ago(minutes=9)),
        make.decision("own", answer="refused", refused="too large"),
        make.decision("other", answer="not ours"),
    ]
    step = Step(task_id=node.task_id, handed=Handed.INPUT, questions=("Pay?",))
    view = step_detail.build(step, node, approvals=[own, other], decisions=taken)
    assert [(a.who, a.answer) for a in view.answers] == [("Ann", "first"), ("Ben", "later")]
    assert view.questions == ("Pay?",)


def test_a_cut_is_said(make):
    cut = {"__cut__": "long text", "text": "x", "characters": 9}
    assert build(make, input={"a": cut}).cut.startswith("1 value too long")
    view = build(make, input={"a": [cut]}, sends=({"node": "n", "arg": cut},))
    assert view.cut.startswith("2 values too long")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (NodeStatus.INTERRUPTED, "It stopped to ask; the run later-0001 went on with it."),
        (NodeStatus.ERROR, "The run later-0001 ran it again, and what is stored is of that run."),
    ],
)
def test_a_step_that_a_later_run_ran_again_leads_there(make, status, words):
    node = make.node(status=status, error_type="ValueError", error_message="no")
    view = build(make, node, again_in="later-0001")
    assert (view.output_note, view.again_in, view.input_note) == (words, "later-0001", "")
    assert not view.has_output
    view = build(make, node, again_in="later-0001", handed=Handed.NOTHING, is_edited=True)
    assert view.input_note.startswith("The state was edited")
    assert not build(make, node).again_in
