from __future__ import annotations

import pytest

from interlock.core.model import payloads, plain_answers
from interlock.core.model.approvals import Verb

FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "number", "default": 620.0},
    },
    "required": ["approved"],
}
CHOICE = {"question": "Which colour?", "options": ["blue", "red"]}


@pytest.mark.parametrize(
    ("value", "schema", "yes", "no"),
    [
        ("Publish?", None, True, False),
        ({"type": "approval", "action": "deploy"}, None, {"approved": True}, None),
        ({"question": "Refund?"}, FORM, {"approved": True}, {"approved": False}),
        (CHOICE, None, "blue", "red"),
    ],
)
def test_a_card_of_any_shape_takes_a_yes_and_a_no(value, schema, yes, no):
    question = payloads.read_interrupt(value, schema, node="review")
    said = plain_answers.answer(question, is_yes=True, reason="Fine.")
    refused = plain_answers.answer(question, is_yes=False, reason="No.")
    assert said is not None
    assert refused is not None
    assert yes == payloads.build_answer(question, said)
    sent = payloads.build_answer(question, refused)
    assert sent == (no if no is not None else {"approved": False, "reason": "No."})


def test_a_reason_goes_with_the_answer():
    question = payloads.read_interrupt("Publish?", None, node="review")
    said = plain_answers.answer(question, is_yes=False, reason="Too long.")
    assert said is not None
    assert (said.verb, said.reason) == (Verb.REJECT, "Too long.")


def test_a_card_that_takes_no_plain_answer_is_left():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    question = payloads.read_interrupt({"question": "How many?"}, schema, node="count")
    assert plain_answers.answer(question, is_yes=True, reason="") is None


def test_a_card_that_takes_only_words_gets_some():
    card = {
        "action_request": {"action": "ask", "args": {}},
        "config": {
            "allow_ignore": False,
            "allow_respond": True,
            "allow_edit": False,
            "allow_accept": False,
        },
    }
    question = payloads.read_interrupt(card, None, node="review")
    said = plain_answers.answer(question, is_yes=True, reason="")
    assert said is not None
    assert (said.verb, said.value) == (Verb.RESPOND, "Go on.")


def test_a_yes_that_needs_more_than_a_yes_is_no_plain_answer():
    schema = {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "amount": {"type": "number"}},
        "required": ["approved", "amount"],
    }
    question = payloads.read_interrupt({"question": "Refund?"}, schema, node="review")
    assert Verb.APPROVE in question.allowed
    assert plain_answers.answer(question, is_yes=True, reason="") is None
