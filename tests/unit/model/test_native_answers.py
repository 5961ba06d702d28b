"""What a program would resume a graph with, read as a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.model import native_answers, payloads
from interlock.core.model.approvals import Intent, Verb

INBOX = {
    "action_request": {"action": "pay", "args": {"amount": 7}},
    "config": dict.fromkeys(("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), True),
}
BATCH = {
    "action_requests": [{"name": "pay", "args": {"amount": 7}}, {"name": "mail", "args": {}}],
    "review_configs": [
        {"action_name": name, "allowed_decisions": ["approve", "edit", "reject", "respond"]}
        for name in ("pay", "mail")
    ],
}
CALL = {"type": "tool_approval", "tool_call_id": "1", "name": "pay", "args": {"amount": 7}}
REQUEST = {"action": "pay", "args": {"amount": 7}}


def sent(asked: Any, value: Any) -> Any:
    """What the graph gets in the end."""
    question = payloads.read_interrupt(asked, None, node="review")
    return payloads.build_answer(question, native_answers.read(question, value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"type": "accept", "args": None}], {"type": "accept", "args": REQUEST}),
        ([{"type": "accept", "args": REQUEST}], {"type": "accept", "args": REQUEST}),
        ([{"type": "accept"}], {"type": "accept", "args": REQUEST}),
        (
            [{"type": "edit", "args": {"action": "pay", "args": {"amount": 8}}}],
            {"type": "edit", "args": {"action": "pay", "args": {"amount": 8}}},
        ),
        ([{"type": "response", "args": "Why?"}], {"type": "response", "args": "Why?"}),
        ([{"type": "ignore", "args": None}], {"type": "ignore", "args": None}),
    ],
)
def test_what_agent_inbox_sends_reaches_the_graph(value: Any, expected: Any) -> None:
    assert sent(INBOX, value) == [expected]


def test_what_agent_inbox_sends_to_langchains_middleware_reaches_it() -> None:
    value = {"decisions": [{"type": "approve", "args": None}, {"type": "reject", "args": "No."}]}
    told = {"decisions": [{"type": "approve"}, {"type": "reject", "message": "No."}]}
    assert sent(BATCH, value) == told
    edit = {"type": "edit", "args": {"action": "pay", "args": {"amount": 8}}}
    edited = {"type": "edit", "edited_action": {"name": "pay", "args": {"amount": 8}}}
    assert sent(BATCH, {"decisions": [edit, {"type": "approve"}]})["decisions"][0] == edited
    assert sent(CALL, {"type": "reject", "message": "No."}) == {"type": "reject", "message": "No."}


def test_an_accept_that_changes_something_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not belong to approve"):
        sent(INBOX, [{"type": "accept", "args": {"action": "pay", "args": {"amount": 8}}}])


@pytest.mark.parametrize(
    "value", ["yes", 3, None, {"decisions": 3}, [], [3], [[]], [{"type": []}], [{"args": {}}] * 9]
)
def test_nonsense_to_an_action_is_refused_in_words(value: Any) -> None:
    for asked in (INBOX, BATCH, CALL):
        with pytest.raises(InvalidInput):
            sent(asked, value)


@pytest.mark.parametrize(
    ("asked", "value", "verb"),
    [
        ("Go on?", True, Verb.APPROVE),
        ("Go on?", False, Verb.REJECT),
        ("Go on?", 1, Verb.ANSWER),
        ("Go on?", "true", Verb.ANSWER),
        ({"type": "approval"}, {"approved": True}, Verb.APPROVE),
        ({"type": "approval"}, {"approved": 1}, Verb.ANSWER),
        ({"type": "approval"}, {"approved": False, "reason": "late"}, Verb.ANSWER),
        (["yes", "no"], "yes", Verb.APPROVE),
        ([1, 2], 2, Verb.ANSWER),
    ],
)
def test_an_answer_that_a_verb_would_send_is_that_verb(asked: Any, value: Any, verb: Verb) -> None:
    question = payloads.read_interrupt(asked, None, node="review")
    assert native_answers.read(question, value).verb is verb
    assert sent(asked, value) == value


def test_what_a_policy_makes_a_verb_send_is_that_verb() -> None:
    question = payloads.read_interrupt({"a": 1}, None, node="review")
    question = replace(question, answers={Verb.REJECT: {"ok": [False, 1]}})
    assert native_answers.read(question, {"ok": [False, 1]}) == Intent(verb=Verb.REJECT)
    assert native_answers.read(question, {"ok": [False, 1, 2]}).verb is Verb.ANSWER


@pytest.mark.parametrize("value", [{}, {"yes": True}, True, "a" * 32, {"a" * 32: 1, "b": 2}])
def test_what_names_no_interrupts_is_a_bare_answer(value: Any) -> None:
    assert native_answers.split(value) is None


def test_answers_by_interrupt_are_told_apart() -> None:
    assert native_answers.split({"0a" * 16: False}) == {"0a" * 16: False}
